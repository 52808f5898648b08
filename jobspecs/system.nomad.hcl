# One instance on every Linux node of the pool, and on each that joins later.

variable "version" {
  description = "Change it, and run the job again, to roll out."
  type        = string
  default     = "1"
}

job "system" {
  type     = "system"
  priority = 80

  constraint {
    attribute = "${attr.kernel.name}"
    value     = "linux"
  }

  # One node after the other, each healthy before the next.
  update {
    max_parallel     = 1
    min_healthy_time = "2s"
  }

  group "agent" {
    restart {
      attempts = 3
      interval = "10m"
      delay    = "15s"
      mode     = "delay"
    }

    task "heartbeat" {
      driver = "raw_exec"

      config {
        command = "/bin/sh"
        args    = ["-c", "while true; do echo ${node.unique.name} runs version ${var.version}; sleep 60; done"]
      }

      resources {
        cpu    = 20
        memory = 16
      }
    }
  }
}
