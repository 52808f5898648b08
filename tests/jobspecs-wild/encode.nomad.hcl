job "video-encode" {
  datacenters = ["*"]
  type        = "batch"

  parameterized {
    payload       = "required"
    meta_required = ["INPUT", "PROFILE"]
    meta_optional = ["CALLBACK"]
  }

  meta {
    CALLBACK = ""
  }

  constraint {
    attribute = "${attr.kernel.name}"
    value     = "linux"
  }

  group "encode" {
    task "ffmpeg" {
      driver = "exec"

      config {
        command = "local/ffmpeg.sh"
        args    = ["${NOMAD_META_INPUT}", "${NOMAD_META_PROFILE}", "${NOMAD_TASK_DIR}/config.json"]
      }

      dispatch_payload {
        file = "config.json"
      }

      template {
        data = <<EOS
#!/bin/bash
set -e
file=$(basename "$1")
for f in $${files[@]}; do echo "$f %%{$${x}"; done
ffmpeg -i "$file" -preset "${NOMAD_META_PROFILE}" out.mp4
EOS
        destination = "local/ffmpeg.sh"
        perms       = "755"
        change_mode = "noop"
      }

      resources {
        cores  = 2
        memory = 2000
      }
    }
  }
}
