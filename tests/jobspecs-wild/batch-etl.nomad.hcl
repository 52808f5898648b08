variables {
  image   = "etl"
  workers = 4
}

variable "tables" {
  type = list(object({
    name     = string
    schedule = optional(string, "daily")
    columns  = optional(list(string), ["*"])
  }))
  default = [
    { name = "orders", columns = ["id", "total"] },
    { name = "users", schedule = "hourly" },
  ]
}

job "etl" {
  type        = "batch"
  datacenters = ["dc1"]
  priority    = 30

  parameterized {
    payload       = "optional"
    meta_required = ["table"]
    meta_optional = ["since"]
  }

  dynamic "group" {
    for_each = { for t in var.tables : t.name => t }
    iterator = table
    labels   = ["extract-${table.key}"]
    content {
      count = table.value.schedule == "hourly" ? 2 : 1
      task "run" {
        driver = "docker"
        config {
          image   = var.image
          command = "/bin/extract"
          args    = concat(["--table", table.key], flatten([for c in table.value.columns : ["--column", c]]), ["--since=${NOMAD_META_since}"])
        }
        dispatch_payload {
          file = "input.json"
        }
        env {
          WORKERS = var.workers
        }
        resources {
          cores  = 1
          memory = 1000
        }
      }
    }
  }
}
