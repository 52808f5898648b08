# Tasks around a main task: one before it, one beside it, one after it.
job "lifecycle" {
  type = "batch"

  group "work" {
    # Runs to its end before the main task starts.
    task "prepare" {
      lifecycle {
        hook = "prestart"
      }
      driver = "raw_exec"
      config {
        command = "/bin/sh"
        args    = ["-c", "echo prepared > $NOMAD_ALLOC_DIR/data/input"]
      }
      resources {
        cpu    = 50
        memory = 16
      }
    }

    # Runs as long as the main task does.
    task "watch" {
      lifecycle {
        hook    = "prestart"
        sidecar = true
      }
      driver = "raw_exec"
      config {
        command = "/bin/sh"
        args    = ["-c", "while :; do date; sleep 1; done"]
      }
      resources {
        cpu    = 50
        memory = 16
      }
    }

    task "main" {
      driver = "raw_exec"
      config {
        command = "/bin/sh"
        args    = ["-c", "cat $NOMAD_ALLOC_DIR/data/input; sleep 3"]
      }
      resources {
        cpu    = 50
        memory = 16
      }
    }

    # Runs when everything else has ended, however it ended.
    task "clean" {
      lifecycle {
        hook = "poststop"
      }
      driver = "raw_exec"
      config {
        command = "/bin/sh"
        args    = ["-c", "rm -f $NOMAD_ALLOC_DIR/data/input"]
      }
      resources {
        cpu    = 50
        memory = 16
      }
    }
  }
}
