# Work that waits for its input: dispatched with `job dispatch -meta NAME=you parameterized -`, once per payload.

job "parameterized" {
  type = "batch"

  parameterized {
    payload       = "required"
    meta_required = ["NAME"]
    meta_optional = ["GREETING"]
  }

  meta {
    GREETING = "Hello"
  }

  group "work" {
    task "greet" {
      driver = "raw_exec"

      config {
        command = "/bin/sh"
        args    = ["-c", "echo ${NOMAD_META_GREETING} ${NOMAD_META_NAME}; cat local/input.txt"]
      }

      # The payload, as a file of the task.
      dispatch_payload {
        file = "input.txt"
      }
    }
  }
}
