variable "postgres_version" {
  type    = string
  default = "15"
}

variable "resources" {
  type = object({
    cpu    = number
    memory = number
    memory_max = optional(number, 2048)
  })
  default = {
    cpu    = 500
    memory = 1024
  }
}

job "postgres" {
  datacenters = ["dc1"]
  type        = "service"

  group "db" {
    count = 1

    volume "pgdata" {
      type            = "host"
      read_only       = false
      source          = "pgdata"
      access_mode     = "single-node-single-writer"
      attachment_mode = "file-system"
    }

    volume "csi" {
      type            = "csi"
      source          = "postgres"
      access_mode     = "single-node-writer"
      attachment_mode = "file-system"
      per_alloc       = true
      mount_options {
        fs_type     = "ext4"
        mount_flags = ["noatime"]
      }
    }

    network {
      port "db" { static = 5432 }
    }

    restart {
      attempts = 10
      interval = "5m"
      delay    = "25s"
      mode     = "delay"
    }

    task "postgres" {
      driver = "docker"
      user   = "999:999"

      volume_mount {
        volume      = "pgdata"
        destination = "/var/lib/postgresql/data"
        read_only   = false
      }

      config {
        image    = "postgres:${var.postgres_version}-alpine"
        ports    = ["db"]
        shm_size = 268435456
        args     = ["-c", "shared_buffers=256MB", "-c", "max_connections=200"]
        labels {
          app   = "postgres"
          owner = "${NOMAD_META_owner}"
        }
        mount {
          type   = "tmpfs"
          target = "/run/postgresql"
          tmpfs_options { size = 1000000 }
        }
        ulimit {
          nofile = "262144:262144"
        }
        logging {
          type = "journald"
          config { tag = "POSTGRES" }
        }
      }

      vault {
        policies    = ["postgres"]
        change_mode = "noop"
      }

      template {
        data        = <<-EOH
          POSTGRES_USER=root
          POSTGRES_PASSWORD={{ with secret "kv/data/postgres" }}{{ .Data.data.password }}{{ end }}
        EOH
        destination = "secrets/db.env"
        env         = true
      }

      resources {
        cpu        = var.resources.cpu
        memory     = var.resources.memory
        memory_max = var.resources.memory_max
      }

      service {
        name = "postgres"
        tags = ["db", "v${var.postgres_version}"]
        port = "db"

        check {
          name     = "ready"
          type     = "script"
          command  = "/usr/local/bin/pg_isready"
          args     = ["-U", "root"]
          interval = "10s"
          timeout  = "2s"
          check_restart {
            limit = 3
            grace = "90s"
            ignore_warnings = false
          }
        }
      }
      meta { owner = "dba" }
    }
  }
}
