variable "services" {
  description = "what to run"
  type = map(object({
    image = string
    port  = number
    env   = optional(map(string), {})
    resources = optional(object({
      cpu    = optional(number, 100)
      memory = optional(number, 128)
    }), {})
    checks = optional(list(object({ path = string, interval = optional(string, "10s") })), [])
  }))
  default = {
    web = {
      image  = "nginx:alpine"
      port   = 80
      checks = [{ path = "/" }, { path = "/deep", interval = "1m" }]
    }
    api = {
      image     = "api:1"
      port      = 8080
      env       = { MODE = "prod" }
      resources = { cpu = 500 }
    }
  }
}
variable "environment" {
  type    = string
  default = "staging"
}
locals {
  prefix = "${lower(var.environment)}-"
  common = {
    ENVIRONMENT = var.environment
    BUILD       = try(var.services.api.env.BUILD, "unknown")
  }
  is_prod = var.environment == "production"
}
job "platform" {
  name      = "${local.prefix}platform"
  namespace = "default"
  priority  = local.is_prod ? 80 : 40
  dynamic "group" {
    for_each = var.services
    labels   = [group.key]
    content {
      count = local.is_prod ? 3 : 1
      network {
        mode = "bridge"
        port "http" { to = group.value.port }
      }
      service {
        name     = "${local.prefix}${group.key}"
        provider = "nomad"
        port     = "http"
        dynamic "check" {
          for_each = group.value.checks
          content {
            type     = "http"
            path     = check.value.path
            interval = check.value.interval
            timeout  = "2s"
          }
        }
      }
      task "main" {
        driver = "docker"
        config {
          image = group.value.image
          ports = ["http"]
        }
        env = merge(local.common, group.value.env, { PORT = group.value.port })
        resources {
          cpu    = group.value.resources.cpu
          memory = group.value.resources.memory
        }
      }
    }
  }
}
