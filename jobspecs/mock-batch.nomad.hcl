# Fifty instances that only pretend to work: for watching the scheduler.
job "mock-batch" {
  type     = "batch"
  priority = 30

  group "pretend" {
    count = 50

    # Room for the logs; fifty times the default of 300 MB would be much.
    ephemeral_disk {
      size = 110
    }

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
