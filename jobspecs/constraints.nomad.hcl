# Where instances may run, and where they should.
job "constraints" {
  # Globs over the nodes' datacenters.
  datacenters = ["dc*"]

  # A condition for the whole job: only such nodes are looked at.
  constraint {
    attribute = "${attr.kernel.name}"
    value     = "linux"
  }

  # The short form: the operator is the key. `version` would take no kernel with a suffix (6.1.0-28-amd64).
  constraint {
    attribute = "${attr.kernel.version}"
    semver    = ">= 5.10.0"
  }

  group "api" {
    count = 4

    # No two instances on one node.
    constraint {
      distinct_hosts = true
    }

    # A wish rather than a condition: faster machines first.
    affinity {
      attribute = "${node.class}"
      value     = "fast"
      weight    = 70
    }

    # Three of four in dc1.
    spread {
      attribute = "${node.datacenter}"
      weight    = 100

      target "dc1" {
        percent = 75
      }
      target "dc2" {
        percent = 25
      }
    }

    task "server" {
      driver = "raw_exec"
      config {
        command = "/bin/sleep"
        args    = ["infinity"]
      }
      resources {
        cpu    = 50
        memory = 16
      }
    }
  }
}
