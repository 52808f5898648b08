//! What the model holds, but nothing acts on yet. Whoever registers such a job is told, instead of waiting for it in vain.

use super::Rules;
use crate::jobspec::drivers;
use crate::model::service::Service;
use crate::model::task::Template;
use crate::model::{NetworkMode, Task, TaskGroup};

const DEFAULT_LEFT_DELIMITER: &str = "{{";

pub fn warn(rules: &mut Rules<'_>) {
    let job = rules.job;
    for spec in &job.groups {
        group(&mut rules.inside(&format!("group[{}]", spec.name)), spec);
    }
}

fn group(rules: &mut Rules<'_>, group: &TaskGroup) {
    rules.ignored_if(group.max_run_duration.is_some(), "max_run_duration", "end groups after a time");
    for (index, network) in group.networks.iter().enumerate() {
        let own = !matches!(network.mode, NetworkMode::Host | NetworkMode::None);
        rules.ignored_if(own, &format!("network[{index}].mode"), "give groups a network of their own");
    }
    for name in group.volumes.keys() {
        rules.ignored_if(true, &format!("volume[{name}]"), "mount volumes");
    }
    services(rules, &group.services);
    for spec in &group.tasks {
        task(&mut rules.inside(&format!("task[{}]", spec.name)), spec);
    }
}

fn task(rules: &mut Rules<'_>, task: &Task) {
    let is_other = !task.driver.is_empty() && !drivers::is_known(&task.driver) && drivers::meant(&task.driver).is_none();
    rules.warn_if(is_other, "driver", || format!("{:?} is no driver of pannier's own: the task waits for a node that has it", task.driver));
    for index in 0..task.artifacts.len() {
        rules.ignored_if(true, &format!("artifact[{index}]"), "fetch artifacts");
    }
    for (index, template) in task.templates.iter().enumerate() {
        let needed = needs_engine(template);
        rules.ignored_if(needed, &format!("template[{index}].data"), "run template functions");
    }
    services(rules, &task.services);
}

fn needs_engine(template: &Template) -> bool {
    let delimiter = if template.left_delimiter.is_empty() { DEFAULT_LEFT_DELIMITER } else { &*template.left_delimiter };
    template.data.contains(delimiter)
}

fn services(rules: &mut Rules<'_>, services: &[Service]) {
    for (index, service) in services.iter().enumerate() {
        rules.ignored_if(true, &format!("service[{index}]"), "register services");
        rules.ignored_if(!service.checks.is_empty(), &format!("service[{index}].check"), "run checks");
    }
}

impl Rules<'_> {
    fn ignored_if(&mut self, used: bool, name: &str, what: &str) {
        self.warn_if(used, name, || format!("is stored, but pannier does not {what} yet"));
    }
}

#[cfg(test)]
mod tests {
    use crate::jobspec::{VariableSources, parse_hcl, validate};

    #[test]
    fn each_use_is_named_once() {
        let text = r#"
job "j" {
  type = "batch"
  periodic {
    cron = "@daily"
  }
  group "g" {
    max_run_duration = "1h"
    network {
      mode = "bridge"
    }
    volume "v" {
      type   = "host"
      source = "s"
    }
    service {
      name     = "s"
      provider = "nomad"
      check {
        type     = "tcp"
        interval = "10s"
        timeout  = "2s"
      }
    }
    task "t" {
      driver = "raw_exec"
      artifact {
        source = "https://example.org/a"
      }
      template {
        data        = "plain"
        destination = "local/plain"
      }
      template {
        data        = "{{ key \"a\" }}"
        destination = "local/a"
      }
    }
  }
}"#;
        let warned = paths(text);
        let expected = [
            "job.group[g].max_run_duration",
            "job.group[g].network[0].mode",
            "job.group[g].volume[v]",
            "job.group[g].service[0]",
            "job.group[g].service[0].check",
            "job.group[g].task[t].artifact[0]",
            "job.group[g].task[t].template[1].data",
        ];
        assert_eq!(warned, expected);
    }

    fn paths(text: &str) -> Vec<String> {
        let job = parse_hcl(text, "j.nomad.hcl", &VariableSources::default()).unwrap().job;
        let warnings = validate(&job).into_iter().filter(|problem| !problem.is_error());
        warnings.filter(|problem| problem.message.contains("does not")).map(|problem| problem.path).collect()
    }
}
