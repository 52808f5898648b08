# A new version replaces the old one step by step, and goes back by itself when it is not healthy.
#
#   pannier job run rolling-update.nomad.hcl
#   pannier job run -var version=2 rolling-update.nomad.hcl
#   pannier job run -var version=3 -var "command=exit 3" rolling-update.nomad.hcl    # fails, and version 2 comes back

variable "version" {
  type    = string
  default = "1"
}

variable "command" {
  type    = string
  default = "exec sleep infinity"
}

job "rolling-update" {
  update {
    # A canary first, beside the old instances; when it is well, two at a time.
    canary            = 1
    max_parallel      = 2
    auto_promote      = true
    auto_revert       = true
    health_check      = "task_states"
    min_healthy_time  = "1s"
    healthy_deadline  = "1m"
    progress_deadline = "5m"
  }

  group "web" {
    count = 4

    # A version whose tasks end is not tried again: the deployment fails at once.
    restart {
      attempts = 0
      mode     = "fail"
    }
    reschedule {
      attempts  = 0
      unlimited = false
    }

    task "server" {
      driver = "raw_exec"
      config {
        command = "/bin/sh"
        args    = ["-c", "echo version $VERSION; ${var.command}"]
      }
      env {
        VERSION = var.version
      }
      resources {
        cpu    = 50
        memory = 16
      }
    }
  }
}
