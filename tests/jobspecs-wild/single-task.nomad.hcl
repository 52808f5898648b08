# A task without a group, comments of every sort, attributes on one line.
job "docs" { 
  datacenters = ["dc1"] // trailing
  /* a block
     comment */
  meta = { team = "docs", "cost-center" = 42 }
  task "server" {
    driver = "raw_exec"
    config { 
      command = "python3"
      args = ["-m", "http.server", "${NOMAD_PORT_http}"]
    }
    resources {
      network {
        mbits = 10
        port "http" {}
      }
    }
    constraint {
      attribute = "${attr.driver.raw_exec}"
      operator = "is_set"
    }
    restart { 
      attempts = 0
      mode = "fail" 
    }
  }
}
