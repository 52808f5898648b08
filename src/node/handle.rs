//! What the rest of the agent can ask of a running node.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::join_all;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::alloc_dir::AllocDir;
use super::alloc_runner::{AllocMessage, AllocRunnerHandle, AllocView};
use super::error::NodeError;
use super::files::AllocFiles;
use super::log_reader::{LogReader, LogRequest};
use super::shared::Shared;
use super::stats::{self, HostStats};
use super::supervisor::Runners;
use crate::model::{AllocId, NodeId, TaskRunState, TaskState, Text};
use crate::runtime::driver::TaskStats;

/// At shutdown tasks get twice the longest kill timeout (leader, then others) and this much for everything around it.
const KILL_MARGIN: Duration = Duration::from_secs(10);
/// At shutdown the servers get this long to confirm the last reports.
const LAST_REPORTS: Duration = Duration::from_secs(2);

/// A running node. Dropping the handle does not end it: [`NodeHandle::shutdown`] does.
pub struct NodeHandle {
    shared: Arc<Shared>,
    runners: Arc<Runners>,
    /// Follows the assignments; ended first.
    following: Mutex<Option<JoinHandle<()>>>,
    loops: Mutex<Vec<JoinHandle<()>>>,
}

impl NodeHandle {
    pub(super) fn new(shared: Arc<Shared>, runners: Arc<Runners>, following: JoinHandle<()>, loops: Vec<JoinHandle<()>>) -> Self {
        Self { shared, runners, following: Mutex::new(Some(following)), loops: Mutex::new(loops) }
    }

    pub fn node_id(&self) -> NodeId {
        self.shared.node.load().id
    }

    /// The facts as last fingerprinted.
    pub fn node(&self) -> Arc<crate::model::Node> {
        self.shared.node.load_full()
    }

    /// Allocations that this node has, also those that are over and not collected yet.
    pub fn allocations(&self) -> Vec<AllocView> {
        self.runners.all().into_iter().map(|(_, handle)| handle.view()).collect()
    }

    pub fn allocation(&self, alloc: AllocId) -> Option<AllocView> {
        self.runners.get(alloc).map(|handle| handle.view())
    }

    pub fn task_states(&self, alloc: AllocId) -> Option<BTreeMap<Text, TaskState>> {
        self.allocation(alloc).map(|view| view.task_states)
    }

    /// Restarts one running task, or all of them. Returns when that has begun.
    pub async fn restart_task(&self, alloc: AllocId, task: Option<String>) -> Result<(), NodeError> {
        let (reply, answer) = oneshot::channel();
        self.runner(alloc)?.send(AllocMessage::Restart { task, reply });
        answer.await.unwrap_or(Err(NodeError::UnknownAllocation(alloc)))
    }

    /// Sends a signal (`SIGHUP`) to one running task, or to all of them.
    pub async fn signal_task(&self, alloc: AllocId, task: Option<String>, signal: &str) -> Result<(), NodeError> {
        let parsed: nix::sys::signal::Signal = signal.parse().map_err(|_| NodeError::BadSignal(signal.to_owned()))?;
        let (reply, answer) = oneshot::channel();
        self.runner(alloc)?.send(AllocMessage::Signal { task, signal: parsed.as_str().to_owned(), reply });
        answer.await.unwrap_or(Err(NodeError::UnknownAllocation(alloc)))
    }

    /// The directory of an allocation that this node has.
    pub fn alloc_dir(&self, alloc: AllocId) -> Option<PathBuf> {
        self.runners.get(alloc).map(|_| AllocDir::new(&self.shared.config.alloc_root(), alloc).root().to_owned())
    }

    /// Access to its files for people.
    pub fn files(&self, alloc: AllocId) -> Result<AllocFiles, NodeError> {
        self.runner(alloc)?;
        Ok(AllocFiles::new(AllocDir::new(&self.shared.config.alloc_root(), alloc).root().to_owned()))
    }

    /// Reads the logs of a task. A reader that follows ends when the task is dead and all was read.
    pub fn logs(&self, alloc: AllocId, request: LogRequest) -> Result<LogReader, NodeError> {
        let runner = self.runner(alloc)?;
        let task: Text = request.task.as_str().into();
        if !runner.view().task_states.contains_key(&task) {
            return Err(NodeError::UnknownTask { alloc, task: request.task });
        }
        let still_writes = move || runner.view().task_states.get(&task).is_some_and(|state| state.state != TaskRunState::Dead);
        Ok(LogReader::new(self.files(alloc)?, request, Box::new(still_writes)))
    }

    /// Usage of each running task.
    pub async fn alloc_stats(&self, alloc: AllocId) -> Result<BTreeMap<Text, TaskStats>, NodeError> {
        let (reply, answer) = oneshot::channel();
        self.runner(alloc)?.send(AllocMessage::Stats { reply });
        answer.await.map_err(|_| NodeError::UnknownAllocation(alloc))
    }

    /// Usage of the machine.
    pub fn host_stats(&self) -> Result<HostStats, NodeError> {
        let path = self.shared.config.alloc_root();
        stats::read(&path, self.shared.now()).map_err(|source| NodeError::Directory { path, source })
    }

    /// Ends the node: with `kill_tasks` only after every task has ended and the servers were told (or could not be reached for a
    /// while), otherwise at once, leaving the tasks to be adopted by the next start. The journal is closed when this returns.
    pub async fn shutdown(&self, kill_tasks: bool) {
        self.stop_following().await;
        let runners: Vec<AllocRunnerHandle> = self.runners.all().into_iter().map(|(_, handle)| handle).collect();
        if kill_tasks {
            for runner in &runners {
                runner.send(AllocMessage::Stop("the node is shutting down".to_owned()));
            }
            let all_over = join_all(runners.iter().cloned().map(|mut runner| async move { runner.over().await }));
            if tokio::time::timeout(self.shared.config.max_kill_timeout * 2 + KILL_MARGIN, all_over).await.is_err() {
                tracing::warn!("some tasks did not end in time and are left behind");
            }
            if tokio::time::timeout(LAST_REPORTS, self.shared.reports.flushed()).await.is_err() {
                tracing::warn!("the servers did not confirm the last reports in time");
            }
        }
        for runner in &runners {
            runner.send(AllocMessage::Detach);
        }
        join_all(runners.iter().map(AllocRunnerHandle::ended)).await;
        self.end().await;
    }

    /// From here on nothing new is assigned.
    async fn stop_following(&self) {
        let following = self.following.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(following) = following {
            following.abort();
            let _ = following.await;
        }
    }

    async fn end(&self) {
        let loops = std::mem::take(&mut *self.loops.lock().unwrap_or_else(PoisonError::into_inner));
        for running in &loops {
            running.abort();
        }
        join_all(loops).await;
        self.runners.abort().await;
        self.shared.journal.close().await;
    }

    /// Ends as a crash would: wherever everything is just now.
    #[cfg(test)]
    pub(super) async fn crash(&self) {
        self.stop_following().await;
        self.end().await;
    }

    fn runner(&self, alloc: AllocId) -> Result<AllocRunnerHandle, NodeError> {
        self.runners.get(alloc).ok_or(NodeError::UnknownAllocation(alloc))
    }
}
