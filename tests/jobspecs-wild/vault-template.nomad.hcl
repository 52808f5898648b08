job "payments" {
  datacenters = ["dc1"]
  vault {
    policies    = ["payments-read"]
    change_mode = "restart"
  }
  group "api" {
    count = 2
    network {
      mode = "bridge"
      port "http" {
        to = 8080
      }
    }
    service {
      name = "payments-api"
      port = "http"
      tags = ["traefik.enable=true", "traefik.http.routers.payments.rule=Host(`pay.example.com`) && PathPrefix(`/v1`)"]
      check {
        type     = "http"
        path     = "/healthz"
        interval = "10s"
        timeout  = "2s"
        header {
          Authorization = ["Basic ZWxhc3RpYzpjaGFuZ2VtZQ=="]
        }
        check_restart {
          limit = 3
          grace = "90s"
        }
      }
    }
    task "api" {
      driver = "docker"
      vault {}
      config {
        image      = "registry.example.com/payments:${NOMAD_META_version}"
        ports      = ["http"]
        force_pull = true
        auth {
          username = "ci"
          password = "hunter2"
        }
      }
      meta {
        version = "2024.05.1"
      }
      template {
        data = <<-EOH
          {{ with secret "database/creds/payments" }}
          DATABASE_URL=postgres://{{ .Data.username }}:{{ .Data.password | urlquery }}@{{ range service "postgres" }}{{ .Address }}{{ end }}/payments
          {{ end }}
          LOG_LEVEL={{ key "payments/log_level" | toUpper }}
          FEATURE={{ keyOrDefault "payments/feature" "off" }}
          EOH
        destination = "${NOMAD_SECRETS_DIR}/app.env"
        env         = true
        perms       = "0400"
      }
      resources {
        cpu        = 200
        memory     = 256
        memory_max = -1
      }
    }
  }
}
