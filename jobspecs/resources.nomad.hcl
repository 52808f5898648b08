# Shares, whole cores, and memory with room above its reservation.
job "resources" {
  group "mixed" {
    ephemeral_disk {
      size   = 500
      sticky = true
    }

    # A share of compute, in MHz; what others leave idle may be used too.
    task "shared" {
      driver = "raw_exec"
      config {
        command = "/bin/sleep"
        args    = ["infinity"]
      }
      resources {
        cpu        = 200
        memory     = 64
        memory_max = 128
      }
    }

    # A core for itself.
    task "exclusive" {
      driver = "raw_exec"
      config {
        command = "/bin/sleep"
        args    = ["infinity"]
      }
      resources {
        cores  = 1
        memory = 64
      }
      logs {
        max_files     = 3
        max_file_size = 5
      }
    }
  }
}
