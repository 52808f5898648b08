//! Whether a newer specification of a group needs new instances, or only tells the running ones.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Context;
use crate::model::{ConfigValue, Job, JobRef, Task, TaskGroup, Text};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Difference {
    /// The allocation runs the newest specification.
    Same,
    /// Nothing that a running instance would have to be replaced for.
    InPlace,
    Destructive,
}

/// Compares the newest job with older specifications, each once per group.
pub struct Comparison<'a> {
    context: &'a Context<'a>,
    known: BTreeMap<(JobRef, Text), Known>,
}

#[derive(Clone, Copy)]
struct Known {
    difference: Difference,
    /// The job was stopped in between, and registered again.
    restarted: bool,
}

impl<'a> Comparison<'a> {
    pub fn new(context: &'a Context<'a>) -> Self {
        Self { context, known: BTreeMap::new() }
    }

    /// What distinguishes the specification `old` of `group` from the newest.
    pub fn difference(&mut self, old: &JobRef, group: &TaskGroup) -> Difference {
        self.known(old, group).difference
    }

    /// Whether an instance that finished under `old` must run again: its work changed, or the job was stopped and started.
    pub fn must_run_again(&mut self, old: &JobRef, group: &TaskGroup) -> bool {
        let known = self.known(old, group);
        known.difference == Difference::Destructive || known.restarted
    }

    /// Whether the job was stopped, and started again, since `old`.
    pub fn was_restarted(&mut self, old: &JobRef, group: &TaskGroup) -> bool {
        self.known(old, group).restarted
    }

    fn known(&mut self, old: &JobRef, group: &TaskGroup) -> Known {
        if *old == self.context.reference {
            return Known { difference: Difference::Same, restarted: false };
        }
        let key = (old.clone(), group.name.clone());
        let context = self.context;
        *self.known.entry(key).or_insert_with(|| compare(context, old, group))
    }
}

fn compare(context: &Context<'_>, old: &JobRef, group: &TaskGroup) -> Known {
    let destructive = Known { difference: Difference::Destructive, restarted: false };
    // An earlier life of a purged job, or a specification nobody remembers.
    if old.modify_index < context.job.create_index {
        return destructive;
    }
    let Some(old_job) = context.view.job_spec(old) else {
        return destructive;
    };
    let Some(old_group) = old_job.group(&group.name) else {
        return destructive;
    };
    if !runs_alike(&old_job, old_group, context.job, group) {
        return destructive;
    }
    let between = |job: &Arc<Job>| (old.version + 1..context.reference.version).contains(&job.version);
    let restarted = context.view.job_versions(&context.job.key).iter().any(|job| job.stop && between(job));
    Known { difference: Difference::InPlace, restarted }
}

/// Whether an instance of one specification could as well be of the other.
fn runs_alike(old_job: &Job, old: &TaskGroup, new_job: &Job, new: &TaskGroup) -> bool {
    old_job.meta == new_job.meta
        && old_job.payload == new_job.payload
        && old.meta == new.meta
        && old.ephemeral_disk == new.ephemeral_disk
        && old.volumes == new.volumes
        && old.max_run_duration == new.max_run_duration
        && old.other == new.other
        && old.restart.render_templates == new.restart.render_templates
        && old.networks == new.networks
        && old.tasks.len() == new.tasks.len()
        && old.tasks.iter().all(|task| new.task(&task.name).is_some_and(|new_task| tasks_alike(task, new_task)))
}

fn tasks_alike(old: &Task, new: &Task) -> bool {
    let render = |task: &Task| task.restart.as_ref().is_some_and(|restart| restart.render_templates);
    old.driver == new.driver
        && configs_alike(&old.config, &new.config)
        && old.user == new.user
        && old.env == new.env
        && old.meta == new.meta
        && old.resources == new.resources
        && old.lifecycle == new.lifecycle
        && old.leader == new.leader
        && old.logs.disabled == new.logs.disabled
        && old.templates == new.templates
        && old.artifacts == new.artifacts
        && old.volume_mounts == new.volume_mounts
        && old.dispatch_payload_file == new.dispatch_payload_file
        && old.other == new.other
        && render(old) == render(new)
}

/// An absent `config` is an empty one.
fn configs_alike(old: &ConfigValue, new: &ConfigValue) -> bool {
    let is_empty = |config: &ConfigValue| match config {
        ConfigValue::Null => true,
        ConfigValue::Map(map) => map.is_empty(),
        _ => false,
    };
    old == new || (is_empty(old) && is_empty(new))
}
