variable "datacenters" {
  type    = list(string)
  default = ["dc1"]
}
variable "image" {
  type = object({
    repository = string
    tag        = string
    pull       = bool
  })
  default = {
    repository = "traefik/whoami"
    tag        = "v1.10"
    pull       = "true"
  }
}
variable "constraints" {
  type = list(object({
    attribute = string
    operator  = string
    value     = string
  }))
  default = [
    {
      attribute = "$${attr.kernel.name}",
      value     = "linux",
      operator  = "",
    },
  ]
}
variable "ports" {
  type    = list(tuple([string, number]))
  default = [["http", 80], ["metrics", 9100]]
}
job "whoami" {
  datacenters = var.datacenters
  dynamic "constraint" {
    for_each = var.constraints
    content {
      attribute = constraint.value["attribute"]
      operator  = constraint.value.operator != "" ? constraint.value.operator : null
      value     = constraint.value["value"]
    }
  }
  group "whoami" {
    network {
      mode = "bridge"
      dynamic "port" {
        for_each = var.ports
        iterator = p
        labels   = [p.value[0]]
        content {
          to = p.value[1]
        }
      }
    }
    task "whoami" {
      driver = "docker"
      config {
        image      = format("%s:%s", var.image.repository, var.image.tag)
        force_pull = var.image.pull
        ports      = var.ports[*][0]
      }
      env {
        PORTS = jsonencode({ for p in var.ports : p[0] => p[1] if p[1] > 79 })
        HEX   = format("%04x", 255)
        DATE  = formatdate("YYYY-MM-DD", timeadd("2024-01-01T00:00:00Z", "24h"))
        LIST  = "%{ for i, p in var.ports }${i}=${p[0]}%{ if i < length(var.ports) - 1 },%{ endif }%{ endfor }"
      }
    }
  }
}
