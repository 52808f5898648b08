job "tproxy" {
  group "api" {
    network { 
      mode = "bridge"
      port "check" { to = -1 } 
    }
    service {
      name = "count-api"
      port = "9001"
      check {
        type     = "http"
        path     = "/health"
        expose   = true
        interval = "3s"
        timeout  = "1s"
      }
      weights {
        passing = 10
        warning = 1
      }
      connect {
        sidecar_service {
          tags = ["proxy"]
          disable_default_tcp_check = true
          proxy {
            local_service_address = "127.0.0.1"
            expose {
              path {
                path            = "/metrics"
                protocol        = "http"
                local_path_port = 9001
                listener_port   = "check"
              }
            }
            transparent_proxy {
              outbound_port = 15001
              exclude_inbound_ports = ["check"]
              exclude_uids = ["1000"]
            }
            config {
              envoy_prometheus_bind_addr = "0.0.0.0:9102"
            }
            upstreams {
              destination_name = "db"
              local_bind_port  = 5432
              datacenter       = "dc2"
              mesh_gateway { mode = "local" }
              config { connect_timeout_ms = 9999 }
            }
          }
        }
        sidecar_task {
          name = "envoy"
          driver = "docker"
          config {
            image = "envoyproxy/envoy:v${NOMAD_envoy_version}"
          }
          env { FOO = "abc" }
          shutdown_delay = "5s"
        }
      }
    }
    task "web" {
      driver = "podman"
      config {
        image = "docker://hashicorpdev/counter-api:v3"
        init  = true
      }
      secret "db" {
        provider = "vault"
        path     = "kv/data/db"
        config { engine = "kv_v2" }
      }
      env { PW = "${secret.db.password}" }
      volume_mount {
        volume      = "scratch"
        destination = "${NOMAD_TASK_DIR}/scratch"
        propagation_mode = "host-to-task"
      }
    }
    volume "scratch" {
      type   = "host"
      source = "scratch-${NOMAD_ALLOC_INDEX}"
    }
  }
}
