job "ingress-demo" {
  datacenters = ["dc1"]
  group "ingress-group" {
    network {
      mode = "bridge"
      port "inbound" {
        static = 8080
        to     = 8080
      }
    }
    service {
      name = "my-ingress-service"
      port = "8080"
      connect {
        gateway {
          proxy {
            connect_timeout = "500ms"
            envoy_gateway_bind_addresses "uuid-api" {
              address = "0.0.0.0"
              port    = 8080
            }
          }
          ingress {
            tls {
              enabled = true
              cipher_suites = ["TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"]
            }
            listener {
              port     = 8080
              protocol = "tcp"
              service {
                name = "uuid-api"
              }
            }
            listener {
              port     = 8081
              protocol = "http"
              service {
                name  = "web"
                hosts = ["example.com", "www.example.com"]
                max_connections = 20
                request_headers {
                  add = { "x-ingress" = "yes" }
                }
              }
            }
          }
        }
        sidecar_task {
          resources {
            cpu    = 50
            memory = 64
          }
          logs {
            max_files     = 2
            max_file_size = 2
          }
        }
      }
    }
  }
  group "generator" {
    network {
      mode = "host"
      port "api" {}
    }
    service {
      name = "uuid-api"
      port = "${NOMAD_PORT_api}"
      connect {
        native = true
      }
    }
    task "generate" {
      driver = "docker"
      config {
        image        = "hashicorpdev/uuid-api:v5"
        network_mode = "host"
      }
      env {
        BIND = "0.0.0.0"
        PORT = "${NOMAD_PORT_api}"
      }
    }
  }
}
