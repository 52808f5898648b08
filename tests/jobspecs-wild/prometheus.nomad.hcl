job "prometheus" {
  datacenters = ["dc1"]
  type        = "service"
  group "monitoring" {
    count = 1
    network {
      port "prometheus_ui" { static = 9090 }
    }
    ephemeral_disk {
      size    = 600
      migrate = true
      sticky  = true
    }
    task "prometheus" {
      template {
        change_mode   = "signal"
        change_signal = "SIGHUP"
        destination   = "local/prometheus.yml"
        data = <<EOH
---
global:
  scrape_interval:     5s
scrape_configs:
  - job_name: 'nomad_metrics'
    consul_sd_configs:
    - server: '{{ env "NOMAD_IP_prometheus_ui" }}:8500'
      services: ['nomad-client', 'nomad']
    relabel_configs:
    - source_labels: ['__meta_consul_tags']
      regex: '(.*)http(.*)'
      replacement: '$1'
      action: keep
EOH
      }
      driver = "docker"
      config {
        image = "prom/prometheus:latest"
        volumes = ["local/prometheus.yml:/etc/prometheus/prometheus.yml"]
        ports = ["prometheus_ui"]
      }
      service {
        name = "prometheus"
        tags = ["urlprefix-/"]
        port = "prometheus_ui"
        check {
          name     = "prometheus_ui port alive"
          type     = "http"
          path     = "/-/healthy"
          interval = "10s"
          timeout  = "2s"
          success_before_passing   = 2
          failures_before_critical = 3
        }
      }
    }
  }
}
