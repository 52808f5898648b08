//! Rules of a task.

use std::collections::BTreeSet;

use super::{Rules, affinities, constraints, kept, plain_values, policy};
use crate::jobspec::drivers::{self, meant};
use crate::model::task::Template;
use crate::model::{ConfigValue, LifecycleHook, MebiBytes, MegaHertz, Task, TaskGroup};

const LEAST_MEMORY: MebiBytes = MebiBytes(10);

pub fn check(rules: &mut Rules<'_>, task: &Task, group: &TaskGroup) {
    rules.refuse_if(task.name.is_empty(), "name", || "must not be empty".to_owned());
    rules.refuse_if(task.name.contains(['/', '\\', '\0']), "name", || format!("{:?} must not hold slashes or NUL", task.name));
    // `<alloc directory>/alloc` is shared by all tasks, and `<alloc directory>/<task>` is each one's own.
    rules.refuse_if(matches!(&*task.name, "alloc" | "." | ".."), "name", || format!("{:?} is not a name for a task", task.name));
    rules.refuse_if(task.driver.is_empty(), "driver", || "is required".to_owned());
    rules.warn_if(meant(&task.driver).is_some(), "driver", || {
        format!("{:?} is no driver of pannier's own; did you mean {:?}?", task.driver, meant(&task.driver).unwrap_or_default())
    });
    let is_map = matches!(task.config, ConfigValue::Map(_) | ConfigValue::Null);
    rules.refuse_if(!is_map, "config", || format!("must be a map, not a {}", task.config.kind()));
    if is_map {
        rules.take(drivers::check(&task.driver, &task.config));
    }
    plain_values(rules, [(&"config", &task.config)]);
    plain_values(rules, &task.other);
    constraints(rules, &task.constraints, false);
    affinities(rules, &task.affinities);
    if let Some(restart) = &task.restart {
        policy::restart(&mut rules.inside("restart"), restart);
    }
    if let Some(update) = &group.update {
        let late = !update.progress_deadline.is_zero() && task.kill_timeout > update.progress_deadline;
        rules.refuse_if(late, "kill_timeout", || "is longer than the group's progress_deadline".to_owned());
    }
    resources(rules, task);
    kept::task(rules, task);
    lifecycle(rules, task);
    logs(rules, task, group);
    let mut destinations = BTreeSet::new();
    for (index, spec) in task.templates.iter().enumerate() {
        let mut at = rules.inside(&format!("template[{index}]"));
        at.refuse_if(!destinations.insert(&spec.destination), "destination", || format!("two templates write {:?}", spec.destination));
        template(&mut at, spec, task.other.contains_key(format!("Templates[{index}].ChangeScript").as_str()));
    }
    for (index, artifact) in task.artifacts.iter().enumerate() {
        let mut at = rules.inside(&format!("artifact[{index}]"));
        at.refuse_if(artifact.source.is_empty(), "source", || "is required".to_owned());
        at.refuse_if(escapes(&artifact.destination), "destination", || format!("{:?} leaves the task's directory", artifact.destination));
        at.refuse_if(!["any", "file", "dir"].contains(&&*artifact.mode), "mode", || {
            format!("{:?} is not one of any, file, dir", artifact.mode)
        });
        if let Some(checksum) = artifact.options.get("checksum").filter(|checksum| !checksum.contains("${")) {
            at.refuse_if(!is_checksum(checksum), "options.checksum", || {
                format!("{checksum:?} is not md5, sha1, sha256 or sha512, a colon, and 32, 40, 64 or 128 hexadecimal digits")
            });
        }
    }
    for (index, mount) in task.volume_mounts.iter().enumerate() {
        let mut at = rules.inside(&format!("volume_mount[{index}]"));
        at.refuse_if(!group.volumes.contains_key(&mount.volume), "volume", || format!("the group has no volume {:?}", mount.volume));
        at.refuse_if(mount.destination.is_empty(), "destination", || "is required".to_owned());
        let known = ["private", "host-to-task", "bidirectional"];
        at.refuse_if(!known.contains(&&*mount.propagation_mode), "propagation_mode", || {
            format!("{:?} is not one of {}", mount.propagation_mode, known.join(", "))
        });
    }
    if let Some(file) = &task.dispatch_payload_file {
        rules.refuse_if(rules.job.parameterized.is_none(), "dispatch_payload", || "is for parameterized jobs".to_owned());
        rules.refuse_if(escapes(file), "dispatch_payload.file", || format!("{file:?} leaves the task's directory"));
    }
}

fn resources(rules: &mut Rules<'_>, task: &Task) {
    let resources = &task.resources;
    rules.refuse_if(resources.cores > 0 && resources.cpu > MegaHertz::ZERO, "resources.cores", || "excludes `cpu`".to_owned());
    rules.refuse_if(resources.cores == 0 && resources.cpu == MegaHertz::ZERO, "resources.cpu", || "must be at least 1".to_owned());
    rules.refuse_if(resources.memory < LEAST_MEMORY, "resources.memory", || format!("{} is less than {LEAST_MEMORY}", resources.memory));
    let below = resources.memory_max > MebiBytes::ZERO && resources.memory_max < resources.memory;
    rules.refuse_if(below, "resources.memory_max", || format!("{} is less than memory {}", resources.memory_max, resources.memory));
    for device in &resources.devices {
        let mut at = rules.inside(&format!("resources.device[{}]", device.name));
        at.refuse_if(device.name.is_empty() || device.count == 0, "count", || "a device needs a name and a count of 1 or more".to_owned());
        let parts: Vec<&str> = device.name.split('/').collect();
        at.refuse_if(parts.len() > 3 || parts.contains(&""), "name", || {
            format!("{:?} is not a device: write \"type\", \"vendor/type\" or \"vendor/type/model\"", device.name)
        });
        constraints(&mut at, &device.constraints, false);
        let by_id = device.constraints.iter().any(|constraint| &*constraint.left == "${device.ids}");
        at.refuse_if(by_id, "constraint", || {
            "pannier chooses devices itself; constrain `${device.model}` or `${device.attr.*}`".to_owned()
        });
    }
}

fn lifecycle(rules: &mut Rules<'_>, task: &Task) {
    let Some(lifecycle) = &task.lifecycle else { return };
    rules.refuse_if(lifecycle.hook == LifecycleHook::Poststop && lifecycle.sidecar, "lifecycle.sidecar", || {
        "a poststop task has nothing left to run beside".to_owned()
    });
    rules.refuse_if(task.leader, "leader", || "a task with a lifecycle cannot be the leader".to_owned());
}

fn logs(rules: &mut Rules<'_>, task: &Task, group: &TaskGroup) {
    let logs = &task.logs;
    if logs.disabled {
        return;
    }
    rules.refuse_if(logs.max_files == 0, "logs.max_files", || "must be at least 1".to_owned());
    rules.refuse_if(logs.max_file_size == 0, "logs.max_file_size", || "must be at least 1".to_owned());
    let total = MebiBytes(u64::from(logs.max_files) * u64::from(logs.max_file_size));
    rules.refuse_if(total > group.ephemeral_disk.size, "logs", || {
        format!("{total} of logs do not fit into the group's disk of {}", group.ephemeral_disk.size)
    });
}

fn template(at: &mut Rules<'_>, template: &Template, has_script: bool) {
    at.refuse_if(template.source.is_empty() == template.data.is_empty(), "source", || "give exactly one of `source` and `data`".to_owned());
    at.refuse_if(template.destination.is_empty(), "destination", || "is required".to_owned());
    at.refuse_if(escapes(&template.destination), "destination", || format!("{:?} leaves the task's directory", template.destination));
    match &*template.change_mode {
        "signal" => at.refuse_if(template.change_signal.is_empty(), "change_signal", || "is required by change_mode \"signal\"".to_owned()),
        "script" => at.refuse_if(!has_script, "change_script", || "is required by change_mode \"script\"".to_owned()),
        "restart" | "noop" => {}
        other => at.refuse("change_mode", format!("{other:?} is not one of restart, signal, noop, script")),
    }
    let octal = u32::from_str_radix(&template.perms, 8).is_ok_and(|mode| mode <= 0o7777);
    at.refuse_if(!octal, "perms", || format!("{:?} is not a mode such as \"0644\"", template.perms));
}

/// Whether a relative path climbs out of where it starts. What the node resolves (`${...}`) is judged there.
fn escapes(path: &str) -> bool {
    let mut depth = 0i32;
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => depth -= 1,
            _ => depth += 1,
        }
        if depth < 0 {
            return true;
        }
    }
    false
}

fn is_checksum(text: &str) -> bool {
    let Some((kind, hex)) = text.split_once(':') else { return false };
    let length = match kind {
        "md5" => 32,
        "sha1" => 40,
        "sha256" => 64,
        "sha512" => 128,
        // A checksum file has an address instead of a digest.
        "file" => return !hex.is_empty(),
        _ => return false,
    };
    hex.len() == length && hex.bytes().all(|byte| byte.is_ascii_hexdigit())
}
