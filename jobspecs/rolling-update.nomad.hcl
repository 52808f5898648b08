# A new version replaces the old one step by step, and goes back by itself when it is not healthy.
job "rolling-update" {
  update {
    # A canary first, beside the old instances; when it is well, two at a time.
    canary            = 1
    max_parallel      = 2
    auto_promote      = true
    auto_revert       = true
    health_check      = "task_states"
    min_healthy_time  = "5s"
    healthy_deadline  = "1m"
    progress_deadline = "5m"
  }

  group "web" {
    count = 6

    task "server" {
      driver = "raw_exec"
      config {
        command = "/bin/sh"
        args    = ["-c", "echo version $VERSION; exec sleep infinity"]
      }
      env {
        # Change it and run the job again.
        VERSION = "1"
      }
      resources {
        cpu    = 50
        memory = 16
      }
    }
  }
}
