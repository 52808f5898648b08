# As many canaries as instances: the new version is there whole before the old one goes.
#
#   pannier job run blue-green.nomad.hcl
#   pannier job run -var version=green blue-green.nomad.hcl
#   pannier job promote blue-green

variable "count" {
  type    = number
  default = 3
}

variable "version" {
  description = "Change it, and run the job again, to roll out."
  type        = string
  default     = "blue"
}

job "blue-green" {
  group "web" {
    count = var.count

    update {
      canary       = var.count
      max_parallel = var.count

      # A moment for you to look at; a real service takes longer to prove itself.
      min_healthy_time = "2s"
    }

    task "server" {
      driver = "raw_exec"

      config {
        command = "/bin/sleep"
        args    = ["infinity"]
      }

      resources {
        cpu    = 50
        memory = 16
      }

      env {
        COLOUR = var.version
      }
    }
  }
}
