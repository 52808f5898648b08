job "countdash-terminating" {
  group "gateway" {
    network { mode = "bridge" }
    service {
      name = "api-gateway"
      connect {
        gateway {
          proxy {
            connect_timeout = "500ms"
            envoy_gateway_bind_addresses "all" {
              address = "0.0.0.0"
              port    = 19001
            }
          }
          terminating {
            service {
              name = "count-api"
              sni  = "api.example.com"
            }
          }
        }
      }
    }
  }
}
