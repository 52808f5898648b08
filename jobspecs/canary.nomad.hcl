# A new version runs beside the old one until `deployment promote` says that it may take over.

job "canary" {
  group "web" {
    count = 4

    update {
      canary           = 1
      max_parallel     = 2
      min_healthy_time = "10s"
      auto_revert      = true
    }

    task "server" {
      driver = "raw_exec"

      config {
        command = "/bin/sleep"
        args    = ["infinity"]
      }

      env {
        VERSION = "1"
      }
    }
  }
}
