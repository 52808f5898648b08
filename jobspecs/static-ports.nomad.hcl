# Fixed and dynamic ports, announced as services.
job "static-ports" {
  group "web" {
    network {
      # The same number on every node; at most one instance per node can have it.
      port "http" {
        static = 18080
      }
      # A free one of the node; NOMAD_PORT_admin tells which.
      port "admin" {}
    }

    service {
      name     = "static-ports-web"
      provider = "nomad"
      port     = "http"
      tags     = ["http"]

      check {
        type     = "tcp"
        interval = "10s"
        timeout  = "2s"
      }
    }

    task "server" {
      driver = "raw_exec"
      config {
        command = "/bin/sh"
        args    = ["-c", "echo admin on ${NOMAD_ADDR_admin}; exec sleep infinity"]
      }
      resources {
        cpu    = 50
        memory = 32
      }
    }
  }
}
