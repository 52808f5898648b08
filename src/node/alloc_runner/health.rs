//! Deployment health of an allocation: healthy after its tasks ran undisturbed for a while.

use std::time::Duration;

use crate::model::allocation::HealthReport;
use crate::model::policy::{HealthCheck, UpdateStrategy};
use crate::model::{Allocation, DeploymentId, Task, TaskGroup, TaskRunState, TaskState};
use crate::util::clock::Timestamp;

/// Watches one allocation for one deployment and gives one verdict.
#[derive(Clone, Debug)]
pub struct HealthWatcher {
    deployment: DeploymentId,
    min_healthy_time: Duration,
    deadline: Timestamp,
    verdict: Option<bool>,
}

impl HealthWatcher {
    /// `None`: no deployment, its health is set by hand, or the servers have a verdict already.
    pub fn new(allocation: &Allocation, group: &TaskGroup, now: Timestamp) -> Option<Self> {
        let deployment = allocation.deployment?;
        let update = group.update.clone().unwrap_or_default();
        let UpdateStrategy { health_check, min_healthy_time, healthy_deadline, .. } = update;
        if allocation.health().is_some() || health_check == HealthCheck::Manual {
            return None;
        }
        Some(Self { deployment, min_healthy_time, deadline: now + healthy_deadline, verdict: None })
    }

    pub fn deployment(&self) -> DeploymentId {
        self.deployment
    }

    pub fn report(&self) -> Option<HealthReport> {
        Some(HealthReport { deployment: self.deployment, healthy: self.verdict? })
    }

    /// Looks at the tasks that have to run: main tasks and sidecars. Returns when to look again.
    pub fn step<'a>(&mut self, tasks: impl Iterator<Item = (&'a Task, &'a TaskState)>, now: Timestamp) -> Option<Timestamp> {
        if self.verdict.is_some() {
            return None;
        }
        let mut running_since = Some(Timestamp::default());
        for (task, state) in tasks {
            if state.failed {
                self.verdict = Some(false);
                return None;
            }
            if !task.is_main() && !task.is_sidecar() {
                continue;
            }
            if state.state == TaskRunState::Dead {
                self.verdict = Some(false);
                return None;
            }
            let since = state.started_at.filter(|_| state.state == TaskRunState::Running);
            running_since = running_since.zip(since).map(|(latest, since)| latest.max(since));
        }
        let healthy_at = running_since.map(|since| since + self.min_healthy_time);
        if healthy_at.is_some_and(|at| now >= at && at <= self.deadline) {
            self.verdict = Some(true);
            return None;
        }
        if now >= self.deadline {
            self.verdict = Some(false);
            return None;
        }
        Some(healthy_at.map_or(self.deadline, |at| at.min(self.deadline)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::node::testing;

    fn at(seconds: u64) -> Timestamp {
        Timestamp::default() + Duration::from_secs(seconds)
    }

    fn state(run: TaskRunState, started: Option<u64>) -> TaskState {
        TaskState { state: run, started_at: started.map(at), ..TaskState::default() }
    }

    fn watcher() -> (HealthWatcher, Task) {
        let job = testing::service_job("web");
        let mut allocation = testing::allocation(&job, "group");
        allocation.deployment = Some(DeploymentId(7));
        let group = &job.groups[0];
        (HealthWatcher::new(&allocation, group, at(0)).unwrap(), group.tasks[0].clone())
    }

    #[test]
    fn healthy_after_running_undisturbed_for_the_minimum() {
        let (mut watcher, task) = watcher();
        assert_eq!(watcher.step([(&task, &state(TaskRunState::Pending, None))].into_iter(), at(1)), Some(at(300)));
        let up = state(TaskRunState::Running, Some(20));
        assert_eq!(watcher.step([(&task, &up)].into_iter(), at(29)), Some(at(30)));
        assert_eq!(watcher.verdict, None);
        let restarted = state(TaskRunState::Running, Some(25));
        assert_eq!(watcher.step([(&task, &restarted)].into_iter(), at(30)), Some(at(35)), "a restart starts the wait anew");
        watcher.step([(&task, &restarted)].into_iter(), at(35));
        assert_eq!(watcher.verdict, Some(true));
    }

    #[test]
    fn unhealthy_when_a_task_fails_or_the_deadline_passes() {
        let (mut failing, task) = watcher();
        failing.step([(&task, &TaskState { failed: true, ..state(TaskRunState::Dead, Some(1)) })].into_iter(), at(2));
        assert_eq!(failing.verdict, Some(false));

        let (mut late, task) = watcher();
        late.step([(&task, &state(TaskRunState::Running, Some(295)))].into_iter(), at(300));
        assert_eq!(late.verdict, Some(false));
    }
}
