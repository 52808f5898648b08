job "wiki" {
  ui {
    description = "The **team** wiki"
    link {
      label = "Dashboard"
      url   = "https://grafana.example.com/d/wiki"
    }
  }
  group "wiki" {
    consul { namespace = "team" }
    task "wiki" {
      driver = "docker"
      config {
        image = "wiki:2"
        healthchecks {
          disable = true
        }
        devices = [
          {
            host_path          = "/dev/sda1"
            container_path     = "/dev/xvdc"
            cgroup_permissions = "r"
          }
        ]
        pids_limit   = 100
        tty          = true
        interactive  = true
        work_dir     = "/srv"
        userns_mode  = "host"
        security_opt = ["seccomp=unconfined"]
      }
      secret "db" {
        provider = "nomad"
        path     = "nomad/jobs/wiki"
        config {
          namespace = "default"
        }
      }
      schedule {
        cron {
          start    = "0 8 * * MON-FRI"
          end      = "0 18"
          timezone = "Europe/Vienna"
        }
      }
      env {
        DB_PASSWORD = "${secret.db.password}"
      }
    }
  }
}
