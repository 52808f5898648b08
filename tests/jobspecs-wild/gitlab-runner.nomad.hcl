variable "token" {
  type        = string
  description = "runner registration token"
  default     = ""
  validation {
    condition     = var.token == "" || length(var.token) > 3
    error_message = "The token is too short."
  }
}
variable "tags" {
  type    = set(string)
  default = ["docker", "linux"]
}
variable "limits" {
  type = map(number)
  default = {
    concurrent = 4
    memory     = 512
  }
}
job "gitlab-runner" {
  datacenters = ["dc1"]
  group "runner" {
    dynamic "constraint" {
      for_each = var.tags
      content {
        attribute = "$${meta.${constraint.value}}"
        operator  = "is_set"
      }
    }
    task "runner" {
      driver = "docker"
      config {
        image      = "gitlab/gitlab-runner:alpine"
        privileged = true
        mounts = [
          {
            type     = "bind"
            target   = "/var/run/docker.sock"
            source   = "/var/run/docker.sock"
            readonly = false
            bind_options = {
              propagation = "rprivate"
            }
          },
          {
            type   = "tmpfs"
            target = "/builds"
            tmpfs_options = {
              size = 100000
            }
          },
          {
            type   = "volume"
            target = "/cache"
            source = "runner-cache"
            volume_options = {
              no_copy = true
              labels = {
                app = "runner"
              }
              driver_config = {
                name    = "local"
                options = {
                  o = "uid=1000"
                }
              }
            }
          }
        ]
        extra_hosts = ["gitlab:10.0.0.5"]
        cap_add     = ["net_admin"]
        sysctl = {
          "net.core.somaxconn" = "1024"
        }
        labels {
          team = "ci"
        }
      }
      template {
        data = <<EOT
concurrent = ${var.limits.concurrent}
check_interval = 0
[[runners]]
  name = "${NOMAD_ALLOC_NAME}"
  url = "https://gitlab.example.com"
  token = "${var.token}"
  executor = "docker"
  [runners.docker]
    tls_verify = false
    %{ if contains(var.tags, "docker") ~}
    image = "docker:24"
    %{ endif ~}
    volumes = ["/cache"%{ for t in var.tags }, "/mnt/${t}"%{ endfor }]
EOT
        destination = "local/config.toml"
        left_delimiter  = "[[["
        right_delimiter = "]]]"
      }
      resources {
        cpu    = 1000
        memory = var.limits["memory"]
      }
    }
  }
}
