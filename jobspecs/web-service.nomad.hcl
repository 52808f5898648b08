# A web service: a port that the scheduler picks, registered with a check that decides whether an instance is healthy.

job "web-service" {
  group "web" {
    count = 2

    network {
      port "http" {}
    }

    service {
      name     = "web"
      provider = "nomad"
      port     = "http"
      tags     = ["v1"]

      check {
        type     = "http"
        path     = "/"
        interval = "10s"
        timeout  = "2s"

        # Restart an instance whose check fails three times in a row.
        check_restart {
          limit = 3
          grace = "30s"
        }
      }
    }

    task "server" {
      driver = "raw_exec"

      config {
        command = "python3"
        args    = ["-m", "http.server", "${NOMAD_PORT_http}"]
      }

      resources {
        cpu    = 100
        memory = 64
      }
    }
  }
}
