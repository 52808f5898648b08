job "haproxy" {
  region      = "global"
  datacenters = ["fra1"]
  type        = "system"
  update {
    max_parallel = 1
    stagger      = "1m"
  }
  group "lb" {
    network {
      port "http"  { static = 80 }
      port "stats" { static = 1936 }
    }
    task "haproxy" {
      driver = "docker"
      config {
        image        = "haproxy:2.8"
        network_mode = "host"
        volumes      = ["local/haproxy.cfg:/usr/local/etc/haproxy/haproxy.cfg:ro"]
        dns_servers  = ["127.0.0.1"]
      }
      template {
        change_mode   = "script"
        change_script {
          command       = "/bin/sh"
          args          = ["-c", "kill -USR2 1"]
          timeout       = "10s"
          fail_on_error = true
        }
        wait {
          min = "2s"
          max = "30s"
        }
        uid         = 99
        gid         = 99
        perms       = "640"
        error_on_missing_key = true
        data        = <<EOF
defaults
   mode http
   log-format "%ci:%cp [%t] %ft %b/%s %[res.hdr(x)] %%{+Q}r"
frontend stats
   bind *:1936
   stats uri /
frontend http_front
   bind *:80
   default_backend http_back
backend http_back
    balance roundrobin
    server-template mywebapp 10 _demo-webapp._tcp.service.consul resolvers consul resolve-opts allow-dup-ip resolve-prefer ipv4 check
{{ range $i, $s := service "api|any" }}{{ if gt $i 0 }} # {{ $s.Name }}{{ end }}
{{ end }}
EOF
        destination = "local/haproxy.cfg"
      }
      service {
        name = "haproxy"
        check {
          name     = "alive"
          type     = "tcp"
          port     = "http"
          interval = "10s"
          timeout  = "2s"
        }
      }
    }
  }
}
