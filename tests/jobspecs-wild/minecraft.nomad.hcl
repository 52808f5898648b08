job "minecraft" {
  datacenters = ["home"]
  type        = "service"
  group "minecraft" {
    count = 1
    network {
      mode = "host"
      port "game" { static = 25565 }
      port "rcon" { static = 25575 }
    }
    volume "world" {
      type   = "host"
      source = "minecraft"
    }
    task "eula" {
      lifecycle {
        hook = "prestart"
      }
      driver = "exec"
      config {
        command = "/bin/bash"
        args    = ["-c", "echo eula=true > /var/volume/eula.txt"]
      }
      volume_mount {
        volume      = "world"
        destination = "/var/volume"
      }
    }
    task "server" {
      driver = "exec"
      user   = "nobody"
      config {
        command = "/usr/bin/java"
        args    = ["-Xms1024M", "-Xmx2048M", "-jar", "/local/server.jar", "--nogui"]
        cap_drop = ["all"]
        cap_add  = ["chown", "setuid"]
      }
      artifact {
        source   = "https://launcher.mojang.com/v1/objects/35139deedbd5182953cf1caa23835da59ca3d7cd/server.jar"
        options {
          checksum = "sha1:35139deedbd5182953cf1caa23835da59ca3d7cd"
        }
      }
      volume_mount {
        volume      = "world"
        destination = "/var/volume"
      }
      resources {
        cpu    = 2000
        memory = 3000
      }
      logs {
        disabled = false
      }
      action "say" {
        command = "/usr/bin/rcon"
        args    = ["-p", "25575", "say", "hello"]
      }
    }
  }
}
