# A directory of the node that outlives the allocation, mounted into the task.

job "volumes" {
  group "db" {
    volume "data" {
      type      = "host"
      source    = "postgres"
      read_only = false
    }

    # What is small and may be lost stays in the allocation's own directory, and moves along with it.
    ephemeral_disk {
      size    = 500
      sticky  = true
      migrate = true
    }

    task "postgres" {
      driver = "docker"

      config {
        image = "postgres:16"
      }

      volume_mount {
        volume      = "data"
        destination = "/var/lib/postgresql/data"
      }

      env {
        POSTGRES_PASSWORD = "example"
      }
    }
  }
}
