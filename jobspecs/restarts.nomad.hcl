# What happens when a task fails: restarted on its node first, then placed elsewhere.
job "restarts" {
  group "flaky" {
    # On the node: three tries within a minute, two seconds apart, then the allocation has failed.
    restart {
      attempts = 3
      interval = "1m"
      delay    = "2s"
      mode     = "fail"
    }

    # In the cluster: a new allocation, five times within an hour, each after a longer wait.
    reschedule {
      unlimited      = false
      attempts       = 5
      interval       = "1h"
      delay          = "10s"
      delay_function = "exponential"
      max_delay      = "5m"
    }

    task "coin" {
      driver = "raw_exec"
      config {
        command = "/bin/sh"
        args    = ["-c", "sleep 5; exit 1"]
      }
      resources {
        cpu    = 50
        memory = 16
      }
    }
  }
}
