# A network of the allocation's own: its tasks reach each other on localhost, the outside reaches what is mapped.

job "bridge-sidecar" {
  group "web" {
    network {
      mode = "bridge"

      port "http" {
        to = 8080
      }
    }

    task "server" {
      driver = "docker"

      config {
        image = "nginx:1.27"
        ports = ["http"]
      }
    }

    # Starts before the server and stays beside it.
    task "proxy" {
      driver = "docker"

      lifecycle {
        hook    = "prestart"
        sidecar = true
      }

      config {
        image = "envoyproxy/envoy:v1.31-latest"
      }

      resources {
        cpu    = 50
        memory = 64
      }
    }
  }
}
