variable "brokers" {
  type    = number
  default = 3
}
locals {
  ids = range(1, var.brokers + 1)
  quorum = join(",", [for i in local.ids : format("%d@kafka-%d.service.consul:%d", i, i, 9093)])
}
job "kafka" {
  datacenters = ["dc1"]
  dynamic "group" {
    for_each = local.ids
    labels   = ["broker-${group.value}"]
    content {
      constraint {
        attribute = "${meta.kafka_id}"
        value     = group.value
      }
      volume "data" {
        type      = "host"
        source    = "kafka-${group.value}"
        read_only = false
      }
      network {
        port "client" { static = 9092 }
        port "peer" { static = 9093 }
      }
      service {
        name = "kafka-${group.value}"
        port = "peer"
        tagged_addresses {
          lan = "${attr.unique.network.ip-address}"
        }
        weights {
          passing = 3
          warning = 1
        }
        enable_tag_override = true
      }
      task "kafka" {
        driver = "docker"
        config {
          image        = "apache/kafka:3.7.0"
          network_mode = "host"
          ulimit { nofile = "100000" }
        }
        volume_mount {
          volume           = "data"
          destination      = "/var/lib/kafka"
          propagation_mode = "host-to-task"
        }
        env {
          KAFKA_NODE_ID                  = group.value
          KAFKA_CONTROLLER_QUORUM_VOTERS = local.quorum
          KAFKA_LISTENERS                = "PLAINTEXT://:9092,CONTROLLER://:9093"
          KAFKA_HEAP_OPTS                = "-Xmx${floor(4096 * 0.5)}m"
        }
        resources {
          cpu    = 2000
          memory = 4096
        }
      }
    }
  }
}
