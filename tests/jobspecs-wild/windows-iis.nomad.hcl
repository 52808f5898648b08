job "iis" {
  datacenters = ["win"]
  constraint {
    attribute = "${attr.kernel.name}"
    value     = "windows"
  }
  group "iis" {
    network {
      port "httplabel" {}
    }
    task "iis" {
      driver = "raw_exec"
      config {
        command = "C:\\Windows\\System32\\WindowsPowerShell\\v1.0\\powershell.exe"
        args    = ["-File", "local\\start.ps1", "-Port", "${NOMAD_PORT_httplabel}"]
      }
      template {
        data        = <<EOH
param([int]$Port)
Write-Host "Listening on $Port"
$env:PATH += ";C:\\tools"
while ($true) { Start-Sleep -s 1 }
EOH
        destination = "local/start.ps1"
      }
      env {
        TEMP = "C:\\Temp"
        HOME = "${env["USERPROFILE"]}"
      }
    }
  }
}
