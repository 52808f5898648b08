# As many canaries as instances: the new version is there whole before the old one goes.

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
    }

    task "server" {
      driver = "raw_exec"

      config {
        command = "/bin/sleep"
        args    = ["infinity"]
      }

      env {
        COLOUR = var.version
      }
    }
  }
}
