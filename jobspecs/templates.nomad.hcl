# Files and variables made from what the node knows, again whenever it changes.

job "templates" {
  group "web" {
    network {
      port "http" {}
    }

    task "server" {
      driver = "raw_exec"

      config {
        command = "/bin/sh"
        args    = ["-c", "cat local/server.conf; echo level $LEVEL; sleep infinity"]
      }

      # Braces of the template are none of HCL's: only `${...}` is.
      template {
        destination = "local/server.conf"
        change_mode = "signal"

        change_signal = "SIGHUP"

        data = <<-EOF
          listen = {{ env "NOMAD_ADDR_http" }}
          {{- range nomadService "database" }}
          database = {{ .Address }}:{{ .Port }}
          {{- end }}
        EOF
      }

      # Lines of NAME=value become the task's environment.
      template {
        destination = "secrets/settings.env"
        env         = true
        data        = "LEVEL={{ env \"meta.level\" | default \"info\" }}"
      }
    }
  }
}
