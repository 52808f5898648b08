job "train" {
  type = "batch"
  group "gpu" {
    max_run_duration = "12h"
    task "train" {
      driver = "docker"
      config {
        image   = "pytorch/pytorch:2.2.0-cuda12.1-cudnn8-runtime"
        runtime = "nvidia"
        command = "python"
        args    = ["-u", "${NOMAD_TASK_DIR}/train.py", "--epochs", "10"]
        shm_size = 8589934592
        ulimit {
          memlock = "-1"
          nofile  = "65536:65536"
        }
      }
      artifact {
        source      = "git::https://github.com/example/models.git//train?ref=v1.2"
        destination = "local/"
        mode        = "dir"
        options {
          depth = 1
        }
      }
      artifact {
        source = "s3::https://s3.amazonaws.com/bucket/data.tar.gz"
        options {
          aws_access_key_id = "x"
          checksum          = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        }
        headers {
          X-Trace = "${NOMAD_ALLOC_ID}"
        }
      }
      resources {
        cpu    = 4000
        memory = 16384
        device "nvidia/gpu" {
          count = 2
          constraint {
            attribute = "${device.attr.memory}"
            operator  = ">="
            value     = "10 GiB"
          }
          affinity {
            attribute = "${device.model}"
            operator  = "regexp"
            value     = "A100|H100"
            weight    = 75
          }
        }
        numa {
          affinity = "none"
        }
      }
    }
  }
}
