# A batch job that runs every night, never twice at once.
job "periodic" {
  type = "batch"

  periodic {
    crons            = ["30 2 * * *"]
    time_zone        = "Europe/Berlin"
    prohibit_overlap = true
  }

  # A task without a group is a group of one.
  task "report" {
    driver = "raw_exec"
    config {
      command = "/bin/sh"
      args    = ["-c", "date"]
    }
    resources {
      cpu    = 50
      memory = 16
    }
  }
}
