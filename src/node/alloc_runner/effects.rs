//! Carrying out what the machines of an allocation's tasks want.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::future::{BoxFuture, FutureExt, join_all};
use tokio::sync::oneshot;

use super::handle::{AllocMessage, TaskReport};
use super::runner::AllocRunner;
use crate::model::Text;
use crate::node::task_runner::launch::{LaunchOutcome, LaunchRequest, launch};
use crate::node::task_runner::{TaskEffect, TaskInput};
use crate::runtime::driver::{TaskHandle, TaskStats};

impl AllocRunner {
    /// Does at once what needs no journal, and notes the rest for [`AllocRunner::settle`].
    pub(super) fn carry_out(&mut self, name: &Text, effects: Vec<TaskEffect>) {
        for effect in effects {
            let Some(slot) = self.tasks.slots.get_mut(name) else {
                return;
            };
            match effect {
                TaskEffect::Launch => slot.want_launch(&self.shared.config.run_root()),
                TaskEffect::CancelLaunch => {
                    if slot.withdraw_launch() {
                        self.feed(name, TaskInput::LaunchCancelled);
                    } else {
                        slot.cancel = None;
                    }
                }
                TaskEffect::Stop { signal, grace } => {
                    let stopping =
                        |handle: Arc<dyn TaskHandle>| async move { handle.stop(&signal, grace).await.map_err(TaskReport::StopFailed) };
                    self.with_handle(name, stopping);
                }
                TaskEffect::Signal(signal) => {
                    let task = name.clone();
                    let signalling = |handle: Arc<dyn TaskHandle>| async move {
                        if let Err(problem) = handle.signal(&signal).await {
                            tracing::warn!(%task, signal, problem, "cannot signal a task");
                        }
                        Ok(())
                    };
                    self.with_handle(name, signalling);
                }
                TaskEffect::Release => self.releases.extend(slot.end_start()),
            }
        }
    }

    /// Runs something with a task's handle; an `Err` is reported as having happened to this start of the task.
    fn with_handle<F>(&mut self, name: &Text, action: impl FnOnce(Arc<dyn TaskHandle>) -> F)
    where
        F: Future<Output = Result<(), TaskReport>> + Send + 'static,
    {
        let Some((handle, start)) = self.tasks.slots.get(name).and_then(|slot| Some((slot.handle.clone()?, slot.start))) else {
            return;
        };
        let (task, sender, action) = (name.clone(), self.sender.clone(), action(handle));
        self.work.spawn(async move {
            if let Err(report) = action.await {
                let _ = sender.send(AllocMessage::Task { task, start, report });
            }
        });
    }

    /// Waits for the end of a task whose handle is in its slot.
    pub(super) fn watch(&mut self, name: &Text) {
        self.with_handle(name, |handle| async move { Err(TaskReport::Exited(handle.wait().await)) });
    }

    pub(super) fn launch_wanted(&mut self) {
        for (name, slot) in &mut self.tasks.slots {
            let Some(run_dir) = slot.take_launch() else {
                continue;
            };
            let (cancel, cancelled) = oneshot::channel();
            slot.cancel = Some(cancel);
            let request = LaunchRequest {
                shared: Arc::clone(&self.shared),
                assignment: self.assignment.clone(),
                task: name.to_string(),
                run_dir,
                dirs: self.dirs.clone(),
            };
            let (task, start, sender) = (name.clone(), slot.start, self.sender.clone());
            let launching: BoxFuture<'static, LaunchOutcome> = launch(request, cancelled).boxed();
            self.launches.spawn(async move {
                let report = TaskReport::Launched(launching.await);
                let _ = sender.send(AllocMessage::Task { task, start, report });
            });
        }
    }

    pub(super) fn collect_stats(&mut self, reply: oneshot::Sender<BTreeMap<Text, TaskStats>>) {
        let slots = self.tasks.slots.iter();
        let handles: Vec<_> = slots.filter_map(|(name, slot)| Some((name.clone(), slot.handle.clone()?))).collect();
        self.work.spawn(async move {
            let lookups = handles.into_iter().map(|(name, handle)| async move { Some((name, handle.stats().await?)) });
            let _ = reply.send(join_all(lookups).await.into_iter().flatten().collect());
        });
    }
}
