# Fifty instances that only pretend to work: for watching the scheduler.
job "mock-batch" {
  type     = "batch"
  priority = 30

  group "pretend" {
    count = 50

    task "sleep" {
      driver = "mock_driver"
      config {
        run_for = "10s"
      }
      resources {
        cpu    = 20
        memory = 10
      }
    }
  }
}
