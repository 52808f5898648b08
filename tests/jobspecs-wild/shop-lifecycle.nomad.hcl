job "shop" {
  datacenters = ["dc1"]
  group "shop" {
    network {
      mode = "bridge"
      dns {
        servers  = ["1.1.1.1", "172.17.0.1"]
        searches = ["internal.corp"]
        options  = ["ndots:2"]
      }
      port "http" {
        to           = 3000
        host_network = "public"
      }
    }
    task "wait-for-db" {
      lifecycle {
        hook    = "prestart"
        sidecar = false
      }
      driver = "exec"
      config {
        command = "sh"
        args    = ["-c", "while ! nc -z db.service.consul 5432; do sleep 1; done"]
      }
    }
    task "migrate" {
      lifecycle { hook = "prestart" }
      driver = "docker"
      config {
        image   = "shop:1.0"
        command = "rake"
        args    = ["db:migrate"]
      }
    }
    task "log-shipper" {
      lifecycle {
        hook    = "poststart"
        sidecar = true
      }
      driver = "docker"
      config {
        image = "fluent/fluent-bit:3.0"
        args  = ["-i", "tail", "-p", "path=/alloc/logs/*.stdout.0", "-o", "stdout"]
      }
      resources { memory = 64 }
    }
    task "app" {
      driver         = "docker"
      leader         = true
      kill_timeout   = "20s"
      kill_signal    = "SIGTERM"
      shutdown_delay = "5s"
      config {
        image = "shop:1.0"
        ports = ["http"]
      }
    }
  }
}
