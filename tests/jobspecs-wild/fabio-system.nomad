job "fabio" {
  datacenters = ["dc1"]
  type = "system"
  update {
    stagger = "5s"
    max_parallel = 1
  }
  group "fabio" {
    task "fabio" {
      driver = "raw_exec"
      config { command = "fabio-1.5.15-go1.15.5-linux_amd64" }
      artifact {
        source = "https://github.com/fabiolb/fabio/releases/download/v1.5.15/fabio-1.5.15-go1.15.5-linux_amd64"
      }
      resources {
        cpu = 100
        memory = 64
        network {
          mbits = 20
          port "lb" { static = 9999 }
          port "ui" { static = 9998 }
        }
      }
    }
  }
}
