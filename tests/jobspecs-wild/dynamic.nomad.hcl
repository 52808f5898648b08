variable "datacenters" {
  description = "A list of datacenters"
  type        = list(string)
  default     = ["dc1"]
}
variable "ports" {
  type = list(object({ label = string, to = number, static = optional(number) }))
  default = [
    { label = "http", to = 8080 },
    { label = "admin", to = 9090, static = 19090 },
  ]
}
variable "env" {
  type    = map(string)
  default = { LOG_LEVEL = "info" }
}
variable "register" {
  type    = bool
  default = true
  validation {
    condition     = var.register == true || var.register == false
    error_message = "The register value must be a bool."
  }
}
locals {
  name   = "my-app"
  labels = [for p in var.ports : p.label]
  tags   = concat(["urlprefix-/${local.name}"], formatlist("port-%s", local.labels))
  upper  = { for k, v in var.env : upper(k) => v if v != "" }
}
job "dynamic" {
  datacenters = var.datacenters
  group "app" {
    count = length(var.ports) > 1 ? 2 : 1
    network {
      dynamic "port" {
        for_each = var.ports
        iterator = p
        labels   = [p.value.label]
        content {
          to     = p.value.to
          static = p.value.static
        }
      }
    }
    dynamic "service" {
      for_each = var.register ? convert(local.labels, set(string)) : []
      content {
        name = "${local.name}-${service.value}"
        port = service.key
        tags = local.tags
      }
    }
    task "app" {
      driver = "docker"
      config {
        image = "acme/app:latest"
        ports = local.labels
        dynamic "mount" {
          for_each = ["a", "b"]
          content {
            type     = "bind"
            source   = "local/${mount.value}"
            target   = "/etc/${mount.value}"
            readonly = true
            bind_options { propagation = "rslave" }
          }
        }
      }
      env {
        for_each = "not special here"
      }
      dynamic "template" {
        for_each = local.upper
        content {
          data        = "%{ for p in var.ports ~}${p.label}=${p.to} %{ endfor ~}${template.value}"
          destination = "local/${template.key}.txt"
        }
      }
    }
  }
}
