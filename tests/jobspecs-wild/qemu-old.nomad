job "vm" {
  datacenters = ["dc1"]
  group "vm" {
    task "virtual" {
      driver = "qemu"
      config {
        image_path        = "local/linux.img"
        accelerator       = "kvm"
        graceful_shutdown = true
        args              = ["-nodefaults", "-nodefconfig"]
        port_map {
          ssh = 22
        }
      }
      artifact {
        source = "https://internal.file.server/linux.img"
        options {
          checksum = "md5:123445555555555555555555555555ab"
        }
      }
      resources {
        memory = 1024
        network {
          mbits = 1
          port "ssh" {}
        }
      }
    }
  }
}
