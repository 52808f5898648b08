//! The allocation's client status, derived from its tasks.

use std::collections::BTreeMap;

use crate::model::{AllocClientStatus, TaskRunState, TaskState, Text};

/// Status and description as the servers keep them.
///
/// Terminal only once every task is dead, also when one failed long before its siblings have ended: a terminal status gives the
/// resources back, and what still dies still uses them.
pub fn derive(tasks: &BTreeMap<Text, TaskState>, over: bool) -> (AllocClientStatus, &'static str) {
    if over {
        return if tasks.values().any(|task| task.failed) {
            (AllocClientStatus::Failed, "Failed tasks")
        } else {
            (AllocClientStatus::Complete, "All tasks have completed")
        };
    }
    if tasks.values().any(|task| task.state == TaskRunState::Running || task.started_at.is_some()) {
        return (AllocClientStatus::Running, "Tasks are running");
    }
    (AllocClientStatus::Pending, "No tasks have started")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::util::clock::Timestamp;

    fn task(state: TaskRunState, started: bool, failed: bool) -> TaskState {
        TaskState { state, failed, started_at: started.then_some(Timestamp(1)), ..TaskState::default() }
    }

    #[test]
    fn follows_the_tasks() {
        use TaskRunState::{Dead, Pending, Running};
        let status = |tasks: &[TaskState], over| {
            let named = tasks.iter().enumerate().map(|(n, task)| (n.to_string().into(), task.clone()));
            derive(&named.collect(), over).0
        };
        let (fresh, up, ended, broken) =
            (task(Pending, false, false), task(Running, true, false), task(Dead, true, false), task(Dead, true, true));
        assert_eq!(status(&[fresh.clone(), fresh.clone()], false), AllocClientStatus::Pending);
        assert_eq!(status(&[up.clone(), fresh.clone()], false), AllocClientStatus::Running);
        assert_eq!(status(&[ended.clone(), fresh], false), AllocClientStatus::Running, "between prestart and main");
        assert_eq!(status(&[broken.clone(), up], false), AllocClientStatus::Running, "a dying sibling still holds resources");
        assert_eq!(status(&[ended.clone(), broken], true), AllocClientStatus::Failed);
        assert_eq!(status(&[ended], true), AllocClientStatus::Complete);
    }
}
