job "certbot" {
  datacenters = ["dc1"]
  type        = "batch"
  periodic {
    crons            = ["0 3 * * 1-5", "30 12 1 * *"]
    prohibit_overlap = true
    time_zone        = "Europe/Berlin"
  }
  group "renew" {
    reschedule {
      attempts       = 3
      interval       = "24h"
      delay          = "30s"
      delay_function = "fibonacci"
      max_delay      = "1h"
      unlimited      = false
    }
    volume "certs" {
      type   = "host"
      source = "letsencrypt"
    }
    task "certbot" {
      driver = "podman"
      config {
        image   = "docker://certbot/certbot:latest"
        command = "renew"
        args    = ["--non-interactive", "--agree-tos", "-m", "ops@example.com"]
        volumes = ["/etc/letsencrypt:/etc/letsencrypt:noexec"]
      }
      volume_mount {
        volume      = "certs"
        destination = "/etc/letsencrypt"
      }
    }
    task "notify" {
      driver = "exec"
      lifecycle {
        hook = "poststop"
      }
      config {
        command = "/usr/bin/curl"
        args    = ["-fsS", "-X", "POST", "https://hooks.example.com/$${HOOK}"]
      }
    }
  }
}
