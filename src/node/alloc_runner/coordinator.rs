//! Lifecycle hooks, leader and siblings: which task may start now, which must end.
//!
//! The answer is computed anew from what the tasks are, never from what happened: after an agent restart the same
//! question about the recovered tasks gives the same answer.

use crate::model::{LifecycleHook, Task, TaskGroup, Text};
use crate::node::task_runner::KillReason;

/// When a task runs within the allocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Prestart,
    /// Starts before the main tasks and runs beside them.
    PrestartSidecar,
    Main,
    Poststart,
    PoststartSidecar,
    Poststop,
}

impl Role {
    fn of(task: &Task) -> Self {
        match task.lifecycle.as_ref().map(|lifecycle| (lifecycle.hook, lifecycle.sidecar)) {
            None => Self::Main,
            Some((LifecycleHook::Prestart, false)) => Self::Prestart,
            Some((LifecycleHook::Prestart, true)) => Self::PrestartSidecar,
            Some((LifecycleHook::Poststart, false)) => Self::Poststart,
            Some((LifecycleHook::Poststart, true)) => Self::PoststartSidecar,
            Some((LifecycleHook::Poststop, _)) => Self::Poststop,
        }
    }

    fn is_sidecar(self) -> bool {
        matches!(self, Self::PrestartSidecar | Self::PoststartSidecar)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Not its turn yet.
    Waiting,
    /// Launching, between two tries, or stopping.
    Busy,
    Running,
    Dead,
}

/// What the coordinator needs to know of a task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskView {
    pub stage: Stage,
    /// It ran at least once.
    pub started: bool,
    pub failed: bool,
    pub being_killed: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    Start(Text),
    Kill(Text, KillReason),
}

#[derive(Clone, Debug)]
struct Member {
    name: Text,
    role: Role,
    leader: bool,
}

/// The tasks of one group, in the specification's order.
#[derive(Clone, Debug, Default)]
pub struct Coordinator {
    members: Vec<Member>,
}

impl Coordinator {
    pub fn new(group: &TaskGroup) -> Self {
        let members =
            group.tasks.iter().map(|task| Member { name: task.name.clone(), role: Role::of(task), leader: task.leader }).collect();
        Self { members }
    }

    /// What is to be done now. `stop`: the servers want the allocation gone, and why. `may_start`: whether tasks that wait may
    /// start (not before the servers were heard after an agent restart).
    pub fn decide<'a>(&self, view: impl Fn(&str) -> Option<&'a TaskView>, stop: Option<&str>, may_start: bool) -> Vec<Decision> {
        let tasks: Vec<(&Member, &TaskView)> =
            self.members.iter().filter_map(|member| view(&member.name).map(|task| (member, task))).collect();
        let mut decisions = kills(&tasks, stop);
        if may_start {
            let ending = stop.is_some() || tasks.iter().any(|(_, task)| task.failed);
            decisions.extend(starts(&tasks, ending).into_iter().map(|member| Decision::Start(member.name.clone())));
        }
        decisions
    }

    /// Whether every task has ended. A poststop task cleans up after others: where none of them ever ran, it is not waited for.
    pub fn is_over<'a>(&self, view: impl Fn(&str) -> Option<&'a TaskView>) -> bool {
        let anything_ran = self.members.iter().any(|member| view(&member.name).is_some_and(|task| task.started));
        let mut awaited = self.members.iter().filter(|member| anything_ran || member.role != Role::Poststop);
        awaited.all(|member| view(&member.name).is_none_or(|task| task.stage == Stage::Dead))
    }
}

fn kills(tasks: &[(&Member, &TaskView)], stop: Option<&str>) -> Vec<Decision> {
    let failed = tasks.iter().find(|(member, task)| task.failed && member.role != Role::Poststop);
    let leader_dead = tasks.iter().any(|(member, task)| member.leader && task.stage == Stage::Dead);
    let only_sidecars_left =
        tasks.iter().all(|(member, task)| member.role.is_sidecar() || member.role == Role::Poststop || task.stage == Stage::Dead);
    let reason = if let Some(why) = stop {
        KillReason::AllocationStopped(why.to_owned())
    } else if let Some((member, _)) = failed {
        KillReason::SiblingFailed(member.name.to_string())
    } else if leader_dead {
        KillReason::LeaderDead
    } else if only_sidecars_left {
        KillReason::MainTasksDead
    } else {
        return Vec::new();
    };

    let concerned = |(member, task): &&(&Member, &TaskView)| task.stage != Stage::Dead && member.role != Role::Poststop;
    // The leader goes first and alone: its siblings serve it until it has ended.
    let leader_alive = tasks.iter().filter(concerned).any(|(member, _)| member.leader);
    tasks
        .iter()
        .filter(concerned)
        .filter(|(member, task)| !task.being_killed && (!leader_alive || member.leader))
        .map(|(member, _)| Decision::Kill(member.name.clone(), reason.clone()))
        .collect()
}

fn starts<'a>(tasks: &[(&'a Member, &TaskView)], ending: bool) -> Vec<&'a Member> {
    let prestart_over = tasks.iter().all(|(member, task)| match member.role {
        Role::Prestart => task.stage == Stage::Dead && !task.failed,
        Role::PrestartSidecar => task.started,
        _ => true,
    });
    let mains_started = tasks.iter().all(|(member, task)| member.role != Role::Main || task.started);
    let others_dead = tasks.iter().all(|(member, task)| member.role == Role::Poststop || task.stage == Stage::Dead);
    let anything_ran = tasks.iter().any(|(_, task)| task.started);
    tasks
        .iter()
        .filter(|(member, task)| {
            task.stage == Stage::Waiting
                && match member.role {
                    Role::Prestart | Role::PrestartSidecar => !ending,
                    Role::Main => !ending && prestart_over,
                    Role::Poststart | Role::PoststartSidecar => !ending && prestart_over && mains_started,
                    Role::Poststop => others_dead && anything_ran,
                }
        })
        .map(|(member, _)| *member)
        .collect()
}

#[cfg(test)]
#[path = "coordinator_tests.rs"]
mod tests;
