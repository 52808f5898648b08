# One block per element of a list, and values worked out from others.

variable "ports" {
  type = map(number)

  default = {
    http    = 8080
    metrics = 9090
  }

  validation {
    condition     = length(var.ports) > 0
    error_message = "A service needs a port."
  }
}

locals {
  # In any order: a local may use others.
  tags  = [for name in local.names : "port-${name}"]
  names = keys(var.ports)
}

job "dynamic-blocks" {
  group "web" {
    network {
      dynamic "port" {
        for_each = var.ports
        labels   = [port.key]

        content {
          to = port.value
        }
      }
    }

    dynamic "service" {
      for_each = local.names

      content {
        name     = "web-${service.value}"
        provider = "nomad"
        port     = service.value
        tags     = local.tags
      }
    }

    task "server" {
      driver = "raw_exec"

      config {
        command = "/bin/sleep"
        args    = ["infinity"]
      }

      env = {
        for name, port in var.ports : "PORT_${upper(name)}" => port
      }
    }
  }
}
