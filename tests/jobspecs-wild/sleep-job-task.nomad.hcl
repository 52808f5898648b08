job "sleep" {
  type = "batch"
  task "sleep" {
    driver = "exec"
    config {
      command = "sleep"
      args = ["10"]
    }
    restart {
      attempts = 0
    }
    kill_timeout = 30000000000
  }
}
