variables {
  wp_image = "wordpress:6"
  db_name  = "wp"
  replicas = 2
}
locals {
  host = format("%s.%s", "blog", "example.com")
  env = merge(
    { WORDPRESS_DB_NAME = var.db_name },
    { for i in range(2) : "EXTRA_${i}" => "v-${i}" },
  )
}
job "wordpress" {
  type = "service"
  ui {
    description = "The **blog**"
    link {
      label = "Site"
      url   = "https://${local.host}"
    }
  }
  group "wp" {
    count = var.replicas
    network {
      mode = "bridge"
      port "http" { to = 80 }
    }
    service {
      provider = "nomad"
      name = "wp-${replace(local.host, ".", "-")}"
      port = "http"
      tags = [
        "traefik.enable=true",
        "traefik.http.routers.wp.rule=Host(`${local.host}`) && PathPrefix(`/`)",
        "traefik.http.middlewares.auth.basicauth.users=admin:$apr1$H6uskkkW$IgXLP6ewTrSuBkTrqE8wj/",
      ]
      canary_tags = ["canary"]
      check {
        type     = "http"
        path     = "/healthz"
        interval = "15s"
        timeout  = "3s"
      }
    }
    task "wp" {
      driver = "docker"
      config {
        image = var.wp_image
        ports = ["http"]
        mounts = [
          {
            type   = "bind"
            source = "local/php.ini"
            target = "/usr/local/etc/php/conf.d/x.ini"
          },
        ]
        auth {
          username = "${meta.registry_user}"
          password = "hunter2"
        }
      }
      env = local.env
      template {
        destination = "local/php.ini"
        data = join("\n", [for k, v in { memory_limit = "256M", upload_max = "64M" } : "${k} = ${v}"])
      }
      template {
        destination = "local/vars.env"
        env = true
        data = <<-EOT
          {{ with nomadVar "nomad/jobs/wordpress" }}
          DB_PASS={{ .password }}
          {{ end }}
          %{ if var.replicas > 1 ~}
          SCALED=${var.replicas}
          %{ else ~}
          SCALED=no
          %{ endif ~}
        EOT
      }
    }
  }
}
