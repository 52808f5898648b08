locals {
  versions = {
    grafana = "10.4.2"
    loki    = "2.9.8"
  }
  retention_hours = 24 * 31
  labels          = [for name, version in local.versions : "${name}-${replace(version, ".", "-")}"]
}

job "observability" {
  datacenters = ["*"]
  node_pool   = "default"
  meta {
    labels = join(",", sort(local.labels))
  }

  group "grafana" {
    network {
      mode = "bridge"
      port "http" { to = 3000 }
    }
    ephemeral_disk {
      size    = 500
      sticky  = true
      migrate = true
    }
    service {
      name     = "grafana"
      port     = "http"
      provider = "nomad"
      tags     = ["metrics"]
      check {
        type     = "http"
        path     = "/api/health"
        interval = "15s"
        timeout  = "3s"
      }
    }
    task "grafana" {
      driver = "docker"
      user   = "472"
      config {
        image = "grafana/grafana:${local.versions.grafana}"
        ports = ["http"]
        mount {
          type     = "bind"
          source   = "local/provisioning"
          target   = "/etc/grafana/provisioning"
          readonly = true
        }
      }
      template {
        destination = "local/provisioning/datasources/loki.yml"
        data        = yamlencode({
          apiVersion  = 1
          datasources = [{ name = "Loki", type = "loki", url = "http://loki.service.consul:3100", isDefault = true }]
        })
      }
      env {
        GF_PATHS_DATA           = "${NOMAD_ALLOC_DIR}/data"
        GF_SERVER_ROOT_URL      = "http://${NOMAD_ADDR_http}/"
        GF_LOG_MODE             = "console"
        GF_AUTH_ANONYMOUS_ENABLED = true
      }
    }
  }

  group "loki" {
    network {
      port "http" { static = 3100 }
    }
    task "loki" {
      driver = "docker"
      config {
        image        = "grafana/loki:${local.versions.loki}"
        network_mode = "host"
        args         = ["-config.file=${NOMAD_TASK_DIR}/loki.yml"]
      }
      template {
        data        = <<EOH
auth_enabled: false
server:
  http_listen_port: {{ env "NOMAD_PORT_http" }}
limits_config:
  retention_period: ${local.retention_hours}h
EOH
        destination = "local/loki.yml"
      }
      resources {
        cpu    = 256
        memory = 512
      }
    }
  }
}
