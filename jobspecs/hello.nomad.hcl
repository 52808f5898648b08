# A service that never ends: three instances, each printing a line every second.
#
#   pannier job run jobspecs/hello.nomad.hcl

job "hello" {
  datacenters = ["*"]
  type        = "service"

  group "web" {
    count = 3

    network {
      # A port from the node's dynamic range; the task sees it as NOMAD_PORT_http.
      port "http" {}
    }

    task "loop" {
      driver = "raw_exec"

      config {
        command = "/bin/sh"
        args    = ["-c", "while :; do echo \"hello from instance $NOMAD_ALLOC_INDEX\"; sleep 1; done"]
      }

      resources {
        cpu    = 50
        memory = 32
      }
    }
  }
}
