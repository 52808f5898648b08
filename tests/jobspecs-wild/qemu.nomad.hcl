job "vm" {
  datacenters = ["dc1"]
  group "vm" {
    network {
      port "ssh" {}
      port "http" {}
    }
    task "virtual" {
      driver = "qemu"
      config {
        image_path        = "local/linux.img"
        accelerator       = "kvm"
        drive_interface   = "virtio"
        graceful_shutdown = true
        guest_agent       = true
        args              = ["-nodefaults", "-nodefconfig"]
        port_map {
          ssh  = 22
          http = 80
        }
      }
      artifact {
        source = "https://internal.file.server/linux.img"
        options { checksum = "md5:123445555555555512344555555555ab" }
      }
      kill_timeout = 20000000000
      resources {
        cpu    = 1000
        memory = 1024
        numa { affinity = "prefer" }
      }
    }
  }
}
