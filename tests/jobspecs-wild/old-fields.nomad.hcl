job "legacy" {
  datacenters = ["dc1"]
  group "legacy" {
    max_client_disconnect        = "12h"
    prevent_reschedule_on_lost   = true
    shutdown_delay               = "10s"
    task "legacy" {
      driver = "docker"
      config {
        image     = "legacy:1"
        dns_search_domains = ["internal"]
        hostname  = "legacy-${NOMAD_ALLOC_INDEX}"
        cpu_hard_limit = true
        cpu_cfs_period = 20000
        memory_hard_limit = 2000
        readonly_rootfs = true
        storage_opt = {
          size = "40G"
        }
        advertise_ipv6_address = true
      }
      resources {
        cpu    = 20
        memory = 10
        disk   = 1000
        iops   = 0
      }
      service {
        name         = "legacy"
        address_mode = "driver"
        port         = 8080
        check {
          type         = "script"
          name         = "check_table"
          command      = "/usr/local/bin/check_mysql_table_status"
          args         = ["--verbose"]
          interval     = "60s"
          timeout      = "5s"
          task         = "legacy"
          on_update    = "ignore_warnings"
        }
        check {
          type         = "grpc"
          port         = 9090
          interval     = "10s"
          timeout      = "5s"
          grpc_service = "example.Service"
          grpc_use_tls = true
        }
      }
    }
  }
}
