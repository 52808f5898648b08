# A graphics card with enough memory, the newer the better; and many small workers that share cards.
#
# Nodes find NVIDIA cards by themselves once their kernel driver is loaded. Everything else, and attributes such as the memory, the
# operator lists in the agent's configuration:
#
#   client {
#     device "nvidia/gpu/A100" {
#       ids = ["GPU-4fd1...", "GPU-93b0..."]
#       attributes {
#         memory = "40 GiB"
#       }
#     }
#   }
#
# Tasks are told what they have in PANNIER_DEVICE_IDS and PANNIER_DEVICE_SHARES, and NVIDIA's in NVIDIA_VISIBLE_DEVICES.

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

  group "infer" {
    count = 4

    task "infer" {
      driver = "raw_exec"

      config {
        command = "/usr/bin/env"
      }

      resources {
        cpu    = 100
        memory = 128

        # A quarter of one card each, in steps of a thousandth. Cards are filled one after the other.
        device "nvidia/gpu" {
          share = 0.25
        }
      }
    }
  }
}
