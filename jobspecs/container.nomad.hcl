# A container with a port, a file from the task's directory, and limits.

job "container" {
  group "cache" {
    network {
      port "db" {
        to = 6379
      }
    }

    task "redis" {
      driver = "docker"

      config {
        image = "redis:7"
        ports = ["db"]
        args  = ["redis-server", "/local/redis.conf"]

        ulimit {
          nofile = "65536:65536"
        }
      }

      template {
        destination = "local/redis.conf"
        data        = "maxmemory 200mb\n"
      }

      resources {
        cpu        = 500
        memory     = 256
        memory_max = 512
      }
    }
  }
}
