# A program that is fetched before the task starts, and refused when it is not the one that was meant.

job "artifacts" {
  type = "batch"

  group "work" {
    task "run" {
      driver = "raw_exec"

      artifact {
        source      = "https://example.com/releases/tool-${attr.cpu.arch}.tar.gz"
        destination = "local/tool"

        options {
          checksum = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        }
      }

      config {
        command = "local/tool/bin/tool"
      }
    }
  }
}
