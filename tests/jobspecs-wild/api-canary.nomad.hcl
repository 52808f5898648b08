job "api" {
  datacenters = ["us-east-1", "us-west-1"]
  spread {
    attribute = "${node.datacenter}"
    weight    = 100
    target "us-east-1" {
      percent = 60
    }
    target "us-west-1" { percent = 40 }
  }
  affinity {
    attribute = "${meta.ssd}"
    value     = "true"
    weight    = -20
  }
  update {
    max_parallel      = 3
    health_check      = "checks"
    min_healthy_time  = "10s"
    healthy_deadline  = "10m"
    progress_deadline = "15m"
    auto_revert       = true
    auto_promote      = true
    canary            = 1
    stagger           = "30s"
  }
  migrate {
    max_parallel     = 2
    min_healthy_time = "5s"
  }
  group "api" {
    count = 6
    scaling {
      enabled = true
      min     = 2
      max     = 12
      policy {
        cooldown            = "2m"
        evaluation_interval = "30s"
        check "cpu" {
          source = "prometheus"
          query  = "avg(nomad_client_allocs_cpu_total_percent{task='api'})"
          strategy "target-value" {
            target = 70
          }
        }
      }
    }
    network {
      port "http" { to = -1 }
    }
    disconnect {
      lost_after = "6h"
      replace    = false
      reconcile  = "longest_running"
    }
    service {
      name        = "api-${NOMAD_ALLOC_INDEX}"
      port        = "http"
      canary_tags = ["canary"]
      meta {
        version = "1.2.3"
      }
      canary_meta { canary = "yes" }
      check {
        name                     = "ready"
        type                     = "http"
        path                     = "/ready?full=1"
        interval                 = "5s"
        timeout                  = "1s"
        success_before_passing   = 2
        failures_before_critical = 5
        tls_skip_verify          = true
        protocol                 = "https"
      }
    }
    task "api" {
      driver = "java"
      config {
        jar_path    = "local/api.jar"
        jvm_options = ["-Xmx512m", "-XX:+UseG1GC"]
        args        = ["--server.port=${NOMAD_PORT_http}"]
      }
      artifact {
        source = "https://repo.example.com/api-1.2.3.jar"
        destination = "local/api.jar"
        mode = "file"
      }
    }
  }
}
