# Instances over racks, so that the loss of one is the loss of a third.

job "spread" {
  # Two in three in the first data centre where there is a choice.
  spread {
    attribute = "${node.datacenter}"
    weight    = 50

    target "dc1" {
      percent = 66
    }
  }

  group "web" {
    count = 6

    # Evenly over whatever racks there are.
    spread {
      attribute = "${meta.rack}"
      weight    = 100
    }

    task "server" {
      driver = "raw_exec"

      config {
        command = "/bin/sleep"
        args    = ["infinity"]
      }
    }
  }
}
