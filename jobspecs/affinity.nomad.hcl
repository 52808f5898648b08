# A wish, not a condition: big nodes if possible, and rather not those that are about to be retired.

job "affinity" {
  affinity {
    attribute = "${node.class}"
    value     = "big"
    weight    = 75
  }

  affinity {
    attribute = "${meta.retired}"
    value     = "true"
    weight    = -100
  }

  group "work" {
    task "sleep" {
      driver = "raw_exec"

      config {
        command = "/bin/sleep"
        args    = ["infinity"]
      }
    }
  }
}
