job "web" {
  datacenters = ["eu-west-1a", "eu-west-1b"]
  constraint {
    attribute = "${attr.kernel.name}"
    value     = "linux"
  }
  group "frontend" {
    count = 5
    constraint {
      operator = "distinct_hosts"
      value    = "true"
    }
    task "nginx" {
      driver = "docker"
      config {
        image = "nginx:1.17"
        port_map = {
          http  = 80
          https = 443
        }
        volumes = [
          "local/conf.d:/etc/nginx/conf.d",
          "/etc/ssl/certs:/etc/ssl/certs:ro",
        ]
        logging {
          type = "syslog"
          config {
            tag = "nginx"
          }
        }
      }
      template {
        data = <<EOF
upstream api {
{{- range service "api" }}
  server {{ .Address }}:{{ .Port }};
{{- else }}server 127.0.0.1:65535; # force a 502
{{- end }}
}
server {
  listen 80;
  location / { proxy_pass http://api; proxy_set_header Host $host; }
}
EOF
        destination   = "local/conf.d/default.conf"
        change_mode   = "signal"
        change_signal = "SIGHUP"
        vault_grace   = "15s"
      }
      env {
        CONSUL_ADDR = "${attr.unique.network.ip-address}:8500"
      }
      logs {
        max_files     = 2
        max_file_size = 15
      }
      resources {
        network {
          port "http" { static = 8080 }
          port "https" {}
        }
      }
    }
  }
}
