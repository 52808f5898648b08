# A graphics card with enough memory, the newer the better.

job "device" {
  type = "batch"

  group "train" {
    task "train" {
      driver = "raw_exec"

      config {
        command = "/usr/bin/nvidia-smi"
      }

      resources {
        cpu    = 500
        memory = 512

        device "nvidia/gpu" {
          count = 1

          constraint {
            attribute = "${device.attr.memory}"
            operator  = ">="
            value     = "8 GiB"
          }

          affinity {
            attribute = "${device.model}"
            operator  = "regexp"
            value     = "A100|H100"
            weight    = 100
          }
        }
      }
    }
  }
}
