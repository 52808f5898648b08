job "webapp" {
  group "app" {
    network {
      mode = "bridge"
      hostname = "app-${NOMAD_ALLOC_INDEX}"
      port "http" { to = 8080 }
      cni { args = { "key" = "value" } }
    }
    shutdown_delay = "10s"
    task "wait-for-db" {
      lifecycle {
        hook    = "prestart"
        sidecar = false
      }
      driver = "exec"
      config {
        command = "sh"
        args    = ["-c", "while ! nc -z db.service.local.consul 8080; do sleep 1; done"]
      }
      resources { 
        cpu = 20 
        memory = 32 
      }
    }
    task "logship" {
      lifecycle {
        hook    = "poststart"
        sidecar = true
      }
      driver = "docker"
      config {
        image = "fluent/fluent-bit:1.9"
        args = [ "-c", "/local/fb.conf" ]
      }
      template {
        data          = "[INPUT]\n  Path {{ env \"NOMAD_ALLOC_DIR\" }}/logs/*.log\n"
        destination   = "local/fb.conf"
        change_mode   = "script"
        change_script {
          command       = "/bin/reload"
          args          = ["-a", "b"]
          timeout       = "5s"
          fail_on_error = true
        }
        wait {
          min = "2s"
          max = "60s"
        }
      }
    }
    task "main" {
      driver = "java"
      config {
        jar_path    = "local/app.jar"
        jvm_options = ["-Xmx512m", "-Dport=${NOMAD_PORT_http}"]
        args        = ["serve"]
      }
      artifact {
        source      = "git::https://github.com/acme/conf.git?ref=main"
        destination = "local/conf"
        mode        = "dir"
      }
      artifact { source = "https://example.com/app.jar" }
      logs {
        max_files     = 5
        max_file_size = 15
      }
      action "flush-cache" {
        command = "/bin/sh"
        args    = ["-c", "echo flush"]
      }
      scaling "cpu" {
        enabled = true
        min     = 100
        max     = 1000
        policy {
          cooldown = "5m"
          check "95pct" {
            strategy "app-sizing-percentile" { percentile = "95" }
          }
        }
      }
    }
    task "cleanup" {
      lifecycle { hook = "poststop" }
      driver = "raw_exec"
      config { command = "/usr/bin/cleanup" }
    }
  }
}
