//! What a scheduler would do about a difference, written into it for people: `forces create`, `2 in-place update`.

use std::collections::BTreeMap;

use super::{DiffType, JobDiff, ObjectDiff, TaskDiff, TaskGroupDiff};

/// Instances of one group, by what would happen to them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Updates {
    pub create: u64,
    pub destroy: u64,
    pub migrate: u64,
    pub in_place: u64,
    pub destructive: u64,
    pub canary: u64,
    pub ignore: u64,
}

impl JobDiff {
    /// Adds what is known of each group, by its name.
    pub fn annotate(&mut self, updates: &BTreeMap<String, Updates>) {
        for group in &mut self.task_groups {
            if let Some(updates) = updates.get(&group.name) {
                group.updates = counts(*updates);
            }
            note_count(group);
            let group_type = group.r#type;
            for task in &mut group.tasks {
                note_task(task, group_type);
            }
        }
    }
}

/// The kinds that concern any instance, in the API's words.
fn counts(updates: Updates) -> BTreeMap<String, u64> {
    let kinds = [
        ("create", updates.create),
        ("destroy", updates.destroy),
        ("migrate", updates.migrate),
        ("in-place update", updates.in_place),
        ("create/destroy update", updates.destructive),
        ("canary", updates.canary),
        ("ignore", updates.ignore),
    ];
    kinds.into_iter().filter(|(_, count)| *count > 0).map(|(kind, count)| (kind.to_owned(), count)).collect()
}

fn note_count(group: &mut TaskGroupDiff) {
    let Some(count) = group.fields.iter_mut().find(|field| field.name == "Count") else { return };
    let number = |text: &str| text.parse::<u64>().unwrap_or(0);
    let grows = number(&count.new) > number(&count.old);
    count.annotations.push(if grows { "forces create" } else { "forces destroy" }.to_owned());
}

fn note_task(task: &mut TaskDiff, group: DiffType) {
    let note = match (group, task.r#type) {
        (DiffType::Added, _) => "forces create",
        (DiffType::Deleted, _) => "forces destroy",
        (_, DiffType::None) => return,
        (_, DiffType::Edited) if is_gentle(task) => "forces in-place update",
        _ => "forces create/destroy update",
    };
    task.annotations.push(note.to_owned());
}

/// Whether the running processes may stay: nothing of what they were started with changes.
fn is_gentle(task: &TaskDiff) -> bool {
    const FIELDS: [&str; 3] = ["KillTimeout", "KillSignal", "ShutdownDelay"];
    const OBJECTS: [&str; 5] = ["Service", "Constraint", "Affinitie", "RestartPolicy", "LogConfig"];
    let is_object = |object: &ObjectDiff| OBJECTS.iter().any(|name| object.name.trim_end_matches('s') == *name);
    task.fields.iter().all(|field| FIELDS.contains(&field.name.as_str())) && task.objects.iter().all(is_object)
}
