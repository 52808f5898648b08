job "webapp-scaled" {
  datacenters = ["dc1"]
  group "demo" {
    count = 3
    network {
      port "webapp_http" {}
    }
    scaling {
      enabled = true
      min     = 1
      max     = 20
      policy {
        cooldown            = "20s"
        evaluation_interval = "5s"
        check "avg_sessions" {
          source = "prometheus"
          query  = "sum(traefik_entrypoint_open_connections{entrypoint=\"webapp\"} OR on() vector(0))/scalar(nomad_nomad_job_summary_running{task_group=\"demo\"})"
          strategy "target-value" {
            target = 5
          }
        }
      }
    }
    consul {
      namespace = "team-a"
      cluster   = "default"
    }
    task "webapp" {
      driver = "docker"
      config {
        image = "hashicorp/demo-webapp-lb-guide"
        ports = ["webapp_http"]
      }
      consul {}
      env {
        PORT    = "${NOMAD_PORT_webapp_http}"
        NODE_IP = "${NOMAD_IP_webapp_http}"
      }
      identity {
        name = "vault_default"
        aud  = ["vault.io"]
        ttl  = "1h"
        change_mode = "signal"
        change_signal = "SIGHUP"
      }
      template {
        data = <<EOH
{{- range nomadService "redis" }}
REDIS={{ .Address }}:{{ .Port }}
{{- end }}
{{ key "app/config" }}
EOH
        destination     = "${NOMAD_SECRETS_DIR}/file.env"
        env             = true
        left_delimiter  = "{{"
        splay           = "10s"
        error_on_missing_key = true
        uid = 1000
        gid = 1000
      }
      resources {
        cpu    = 100
        memory = 16
      }
    }
  }
}
