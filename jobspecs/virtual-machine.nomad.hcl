# A virtual machine from a disk image, with its ssh port mapped to one of the node.

job "virtual-machine" {
  group "vm" {
    network {
      port "ssh" {}
    }

    task "linux" {
      driver = "qemu"

      artifact {
        source      = "https://example.com/images/linux.qcow2"
        destination = "local"
      }

      config {
        image_path        = "local/linux.qcow2"
        accelerator       = "kvm"
        graceful_shutdown = true
        args              = ["-nographic"]

        port_map {
          ssh = 22
        }
      }

      # Time for the guest to shut down.
      kill_timeout = "30s"

      resources {
        cpu    = 1000
        memory = 1024
      }
    }
  }
}
