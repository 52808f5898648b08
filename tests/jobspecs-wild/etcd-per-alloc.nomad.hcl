job "etcd" {
  datacenters = ["dc1"]
  group "etcd" {
    count = 3
    constraint { distinct_hosts = true }
    constraint {
      distinct_property = "${meta.rack}"
      value             = "2"
    }
    volume "data" {
      type            = "csi"
      source          = "etcd"
      per_alloc       = true
      access_mode     = "single-node-writer"
      attachment_mode = "block-device"
    }
    network {
      port "client" { static = "2379" }
      port "peer" { static = "2380" }
    }
    task "etcd" {
      driver = "docker"
      config {
        image = "quay.io/coreos/etcd:v3.5.13"
        ports = ["client", "peer"]
        entrypoint = ["/usr/local/bin/etcd"]
        args = [
          "--name=etcd-${NOMAD_ALLOC_INDEX}",
          "--initial-advertise-peer-urls=http://${NOMAD_ADDR_peer}",
          "--data-dir=/data",
        ]
      }
      volume_mount {
        volume      = "data"
        destination = "/data"
      }
    }
  }
}
