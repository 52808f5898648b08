job "api" {
  datacenters = ["us-west1", "us-east-[ab]"]
  node_pool   = "prod"
  namespace   = "default"
  spread {
    attribute = "${node.datacenter}"
    weight    = 100
    target "us-west1" { percent = 70 }
    target "us-east-a" { percent = 30 }
  }
  affinity {
    attribute = "${node.class}"
    value     = "large"
    weight    = 75
  }
  affinity {
    attribute = "${meta.rack}"
    operator  = "regexp"
    value     = "^r[0-9]+$"
    weight    = -50
  }
  constraint {
    operator = "distinct_hosts"
    value    = "true"
  }
  constraint {
    attribute = "${meta.rack}"
    distinct_property = "${meta.rack}"
  }
  constraint {
    attribute = "${attr.vault.version}"
    operator  = "semver"
    value     = ">= 0.6.1"
  }
  constraint {
    attribute    = "${meta.cached_binaries}"
    set_contains = "redis,cypress,nginx"
  }
  group "api" {
    count = 6
    spread {
      attribute = "${meta.rack}"
    }
    update {
      max_parallel      = 2
      canary            = 2
      min_healthy_time  = "30s"
      healthy_deadline  = "5m"
      progress_deadline = "10m"
      auto_revert       = true
      auto_promote      = true
    }
    disconnect {
      lost_after = "6h"
      replace    = false
      reconcile  = "longest_running"
    }
    network {
      port "http" { to = -1 }
      dns {
        servers  = ["10.0.0.2", "${attr.unique.network.ip-address}"]
        searches = ["service.consul"]
        options  = ["ndots:2"]
      }
    }
    task "server" {
      driver = "docker"
      leader = true
      shutdown_delay = "5s"
      kill_signal = "SIGTERM"
      config {
        image = "ghcr.io/acme/api:${NOMAD_META_version}"
        ports = ["http"]
        extra_hosts = ["db:10.0.0.9"]
        sysctl = { "net.core.somaxconn" = "16384" }
        dns_servers = ["${attr.unique.network.ip-address}"]
        healthchecks { disable = true }
      }
      resources {
        cpu    = 500
        memory = 256
        device "nvidia/gpu" {
          count = 1
          constraint {
            attribute = "${device.attr.memory}"
            operator  = ">="
            value     = "2 GiB"
          }
          affinity {
            attribute = "${device.attr.memory}"
            operator  = ">="
            value     = "4 GiB"
            weight    = 75
          }
        }
      }
      meta { version = "1.2.3" }
    }
  }
}
