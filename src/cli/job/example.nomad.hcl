# A job is what the cluster is asked to keep running.
#
#   pannier job plan example.nomad.hcl    shows what would happen
#   pannier job run example.nomad.hcl     makes it happen
job "example" {
  # "service" runs for good, "batch" until it ends, "system" once on every node.
  type = "service"

  # Datacenters whose nodes may run the job; "*" is all of them.
  datacenters = ["*"]

  # Tasks of one group always run together, on the same node.
  group "hello" {
    # How many copies of the group to run.
    count = 1

    # What to do when a task ends: try again on the node, at most so often within the interval.
    restart {
      attempts = 2
      interval = "30m"
      delay    = "15s"
      mode     = "fail"
    }

    task "greeter" {
      # "raw_exec" runs a program of the node without isolating it. It has to be enabled
      # on the node; an agent started with -dev does so.
      driver = "raw_exec"

      config {
        command = "/bin/sh"
        args    = ["-c", "while true; do echo \"hello from $NOMAD_ALLOC_ID\"; sleep 5; done"]
      }

      # Environment variables of the task.
      env {
        GREETING = "hello"
      }

      # What the task needs: megahertz of compute and megabytes of memory.
      resources {
        cpu    = 100
        memory = 64
      }
    }
  }
}
