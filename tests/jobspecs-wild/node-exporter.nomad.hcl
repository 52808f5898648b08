job "node-exporter" {
  datacenters = ["dc1"]
  type        = "system"
  priority    = 80

  update {
    max_parallel = 1
    stagger      = "30s"
  }

  group "app" {
    network {
      port "http" {
        static       = 9100
        host_network = "private"
      }
    }
    restart {
      attempts = 3
      delay    = "20s"
      interval = "2m"
      mode     = "delay"
    }
    task "node-exporter" {
      driver = "docker"
      config {
        image        = "prom/node-exporter:v1.5.0"
        force_pull   = true
        network_mode = "host"
        pid_mode     = "host"
        cap_add      = ["sys_time"]
        privileged   = true
        volumes      = ["/proc:/host/proc", "/sys:/host/sys", "/:/rootfs"]
        args = [
          "--path.procfs=/host/proc",
          "--path.sysfs=/host/sys",
          "--collector.filesystem.ignored-mount-points",
          "^/(sys|proc|dev|host|etc|rootfs/var/lib/docker)($|/)",
        ]
        logging {
          type = "json-file"
          config {
            max-size = "10m"
            max-file = "3"
          }
        }
      }
      service {
        name         = "node-exporter"
        address_mode = "driver"
        tags         = ["metrics"]
        port         = "http"
        check {
          type     = "http"
          path     = "/metrics/"
          interval = "10s"
          timeout  = "2s"
          header {
            Accept = ["text/plain"]
          }
        }
      }
      resources {
        cpu    = 50
        memory = 100
      }
    }
  }
}
