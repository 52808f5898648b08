# Instances that want to be near another job, or far from it. `${job.<id>}` is the number of instances of that job (in this job's
# namespace) that are on the node; with a fact of the node at its end, the number on all nodes that have the same value of it.
# Ids with dots or slashes are written ${job["team/cache"]}.
#
# Conditions are asked when an instance is placed. One that must hold whoever comes second belongs into both jobs.
job "nearby" {
  group "api" {
    count = 3

    # Only where the cache runs, too: on the same node.
    constraint {
      attribute = "${job.cache}"
      operator  = "is_set"
    }

    # Not on a rack where the batch job runs.
    constraint {
      attribute = "${job.nightly.meta.rack}"
      operator  = "is_not_set"
    }

    # At most two instances of this job on each rack.
    constraint {
      attribute = "${job.nearby.meta.rack}"
      operator  = "<"
      value     = "2"
    }

    # Rather in a datacenter with instances of the database.
    affinity {
      attribute = "${job.database.node.datacenter}"
      operator  = "is_set"
      weight    = 60
    }

    task "api" {
      driver = "raw_exec"

      config {
        command = "/bin/sleep"
        args    = ["600"]
      }
    }
  }
}
