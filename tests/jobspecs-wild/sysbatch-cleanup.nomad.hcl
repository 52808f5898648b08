job "node-cleanup" {
  type        = "sysbatch"
  datacenters = ["*"]
  periodic {
    cron             = "@daily"
    prohibit_overlap = true
    enabled          = true
  }
  constraint {
    attribute = "${node.class}"
    operator  = "set_contains_any"
    value     = "worker,builder"
  }
  group "cleanup" {
    restart {
      attempts = 0
      mode     = "fail"
    }
    task "prune" {
      driver = "raw_exec"
      config {
        command = "/bin/sh"
        args    = ["-c", <<SCRIPT
set -eu
docker system prune -af --filter "until=240h" || true
find /var/tmp -mtime +7 -delete
echo "done on $(hostname) at $(date +%FT%T)"
SCRIPT
        ]
      }
      resources {
        cpu    = 50
        memory = 64
      }
    }
  }
}
