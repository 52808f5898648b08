# One file for every environment: variables, local values and generated blocks.
#
#   pannier job run -var environment=live -var 'ports={"http":8080}' jobspecs/variables.nomad.hcl

variable "environment" {
  description = "Where this runs."
  type        = string
  default     = "test"

  validation {
    condition     = contains(["test", "live"], var.environment)
    error_message = "The environment is test or live."
  }
}

variable "ports" {
  description = "Fixed ports by name."
  type        = map(number)
  default     = { http = 8080, metrics = 9100 }
}

locals {
  is_live  = var.environment == "live"
  replicas = local.is_live ? 3 : 1
  labels   = [for name, port in var.ports : format("%s:%d", name, port)]
}

job "variables" {
  meta {
    environment = var.environment
    ports       = join(", ", local.labels)
  }

  group "web" {
    count = local.replicas

    network {
      # One `port` block per entry of the map.
      dynamic "port" {
        for_each = var.ports
        labels   = [port.key]
        content {
          static = port.value
        }
      }
    }

    task "server" {
      driver = "raw_exec"

      config {
        command = "/bin/sh"
        args    = ["-c", "echo \"$GREETING\"; exec sleep infinity"]
      }

      env {
        # `${NOMAD_...}` is only known on the node, and is left to it.
        GREETING = "${upper(var.environment)} on port ${NOMAD_PORT_http}"
        LOGGING  = local.is_live ? "info" : "debug"
      }

      resources {
        cpu    = 50
        memory = local.is_live ? 64 : 32
      }
    }
  }
}
