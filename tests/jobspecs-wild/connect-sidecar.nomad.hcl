job "connect-demo" {
  datacenters = ["dc1"]
  group "dashboard" {
    network {
      mode = "bridge"
      port "http" {
        static = 9002
        to     = 9002
      }
      port "envoy_metrics" { to = 9102 }
    }
    service {
      name = "count-dashboard"
      port = "9002"
      meta {
        envoy_metrics_port = "${NOMAD_HOST_PORT_envoy_metrics}"
      }
      connect {
        sidecar_service {
          tags = ["mesh"]
          proxy {
            upstreams {
              destination_name = "count-api"
              local_bind_port  = 8080
              mesh_gateway {
                mode = "local"
              }
            }
            upstreams {
              destination_name = "redis"
              local_bind_port  = 6379
              config {
                connect_timeout_ms = 9999
              }
            }
            expose {
              path {
                path            = "/health"
                protocol        = "http"
                local_path_port = 9001
                listener_port   = "envoy_metrics"
              }
            }
            config {
              envoy_prometheus_bind_addr = "0.0.0.0:9102"
            }
          }
        }
        sidecar_task {
          resources {
            cpu    = 500
            memory = 128
          }
          env {
            DEBUG = "1"
          }
          logs {
            max_files     = 2
            max_file_size = 10
          }
        }
      }
    }
    task "dashboard" {
      driver = "docker"
      env {
        COUNTING_SERVICE_URL = "http://${NOMAD_UPSTREAM_ADDR_count_api}"
      }
      config {
        image          = "hashicorpdev/counter-dashboard:v3"
        auth_soft_fail = true
      }
    }
  }
}
