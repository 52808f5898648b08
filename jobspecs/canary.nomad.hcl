# A new version runs beside the old one until it is promoted; the rest follows two at a time.
#
#   pannier job run canary.nomad.hcl
#   pannier job run -var version=2 canary.nomad.hcl
#   pannier job promote canary

variable "version" {
  type    = string
  default = "1"
}

job "canary" {
  group "web" {
    count = 4

    update {
      canary           = 1
      max_parallel     = 2
      min_healthy_time = "2s"
      auto_revert      = true
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
        VERSION = var.version
      }
    }
  }
}
