variable "image_tag" {}
variable "dcs" { type = list(string) }
variable "mem" { type = number }

job "cli-style" {
  datacenters = var.dcs
  all_at_once = true
  priority    = "70"
  constraint {
    attribute = attr.kernel.name
    value     = "linux"
  }
  constraint {
    attribute = "${attr.os.version}"
    version   = ">= 18.04, < 30"
  }
  constraint { distinct_hosts = true }
  group "g" {
    count = "2"
    reschedule {
      delay          = "30s"
      delay_function = "exponential"
      max_delay      = "1h"
      unlimited      = true
    }
    stop_after_client_disconnect = "1h"
    task "t" {
      driver = "docker"
      config {
        image   = "app:${var.image_tag}"
        command = "sh"
        args    = ["-c", "echo $HOME $${NOT_HCL} ${NOMAD_TASK_NAME} $PATH %H %%{NOT"]
      }
      env {
        dashed-key = "v"
        NUM          = 5
        FLAG         = true
        NODE         = "${node.unique.name}"
        EXTRA        = "${env["HOME"]}/x"
        ESC          = "a\tb\n\u00e9\\"
      }
      resources { 
        memory = var.mem
        cpu    = 100 + 50 * 2
      }
    }
  }
}
