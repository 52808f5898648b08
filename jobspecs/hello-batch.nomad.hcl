# Work that ends: prints a line and is complete.
job "hello-batch" {
  datacenters = ["*"]
  type        = "batch"

  group "once" {
    task "print" {
      driver = "raw_exec"

      config {
        command = "/bin/sh"
        args    = ["-c", "echo \"hello from $NOMAD_JOB_ID, instance $NOMAD_ALLOC_INDEX\""]
      }

      resources {
        cpu    = 50
        memory = 32
      }
    }
  }
}
