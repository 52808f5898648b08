//! Follows what the servers assign and keeps one runner per allocation.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;

use super::admission::Occupants;
use super::alloc_runner::{AllocMessage, AllocRunner, AllocRunnerHandle, AllocView};
use super::reconcile::{Action, reconcile};
use super::shared::Shared;
use crate::model::{AllocClientStatus, AllocId, Allocation, AllocationUpdate};
use crate::rpc::{AssignmentBatch, LinkError, NodeLink};
use crate::util::backoff::Backoff;

const RETRY_BASE: Duration = Duration::from_millis(250);
const RETRY_MAX: Duration = Duration::from_secs(10);

/// The runners of this node and the background work around them.
#[derive(Default)]
pub struct Runners {
    handles: Mutex<BTreeMap<AllocId, AllocRunnerHandle>>,
    tasks: Mutex<JoinSet<()>>,
}

impl Runners {
    /// Starts the loop of `runner`; it is taken from the map when that ends, however it does.
    pub fn spawn(self: &Arc<Self>, runner: AllocRunner, handle: AllocRunnerHandle) {
        let id = runner.id();
        self.handles().insert(id, handle);
        let entry = Entry { runners: Arc::clone(self), id };
        self.spawn_work(async move {
            runner.run().await;
            drop(entry);
        });
    }

    fn spawn_work(&self, work: impl Future<Output = ()> + Send + 'static) {
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        while tasks.try_join_next().is_some() {}
        tasks.spawn(work);
    }

    pub fn get(&self, id: AllocId) -> Option<AllocRunnerHandle> {
        self.handles().get(&id).cloned()
    }

    pub fn all(&self) -> Vec<(AllocId, AllocRunnerHandle)> {
        self.handles().iter().map(|(id, handle)| (*id, handle.clone())).collect()
    }

    /// Ends all background work wherever it waits.
    pub async fn abort(&self) {
        let mut tasks = std::mem::take(&mut *self.tasks.lock().unwrap_or_else(PoisonError::into_inner));
        tasks.shutdown().await;
    }

    fn handles(&self) -> MutexGuard<'_, BTreeMap<AllocId, AllocRunnerHandle>> {
        // Every critical section leaves the map whole.
        self.handles.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A runner's place in the map. A handle without a loop behind it would swallow every later assignment of its allocation.
struct Entry {
    runners: Arc<Runners>,
    id: AllocId,
}

impl Drop for Entry {
    fn drop(&mut self) {
        if std::thread::panicking() {
            tracing::error!(alloc = %self.id, "the allocation's runner panicked; its tasks are left as they are");
        }
        self.runners.handles().remove(&self.id);
    }
}

pub struct Supervisor {
    pub shared: Arc<Shared>,
    pub link: Arc<dyn NodeLink>,
    pub runners: Arc<Runners>,
    /// See [`super::registration::Registration::registered`].
    pub registered: watch::Receiver<Option<u64>>,
    pub forgotten: Arc<Notify>,
}

impl Supervisor {
    /// Until the end of time, or until the registration has ended.
    pub async fn run(mut self) {
        let node = self.shared.node.load().id;
        let mut backoff = Backoff::new(RETRY_BASE, RETRY_MAX);
        let mut index = 0;
        let mut followed = None;
        loop {
            let Ok(registration) = self.registered.wait_for(Option::is_some).await.map(|registration| *registration) else {
                return;
            };
            // The servers may have given the node up in between and replaced what it runs, without a change that comes after
            // `index`: under each registration the whole slice is taken anew.
            if registration != followed {
                followed = registration;
                index = 0;
            }
            let asked = tokio::select! {
                batch = self.link.assignments(node, index) => batch,
                changed = self.registered.changed() => match changed {
                    Ok(()) => continue,
                    Err(_) => return,
                },
            };
            match asked {
                Ok(batch) => {
                    backoff.reset();
                    self.apply(&batch);
                    index = batch.index;
                }
                Err(error) => {
                    let delay = backoff.next_delay();
                    tracing::warn!(%error, ?delay, "cannot ask for assignments, will try again");
                    if error == LinkError::UnknownNode {
                        index = 0;
                        self.forgotten.notify_one();
                    }
                    tokio::time::sleep(delay).await;
                }
            }
        }
    }

    fn apply(&self, batch: &AssignmentBatch) {
        let runners = self.runners.all();
        let known = runners.iter().map(|(id, _)| *id).collect();
        let views: Vec<(AllocId, AllocView)> = runners.iter().map(|(id, handle)| (*id, handle.view())).collect();
        let mut occupants = Occupants::new(views.iter().map(|(id, view)| (*id, view)), batch);
        for action in reconcile(&known, batch) {
            match action {
                Action::Start(assignment) => {
                    let allocation = Arc::clone(&assignment.allocation);
                    let (runner, handle) = AllocRunner::new(Arc::clone(&self.shared), assignment);
                    self.runners.spawn(runner, handle.clone());
                    occupants.add(&allocation);
                    self.admit(&occupants, &allocation, handle);
                }
                Action::Update(assignment) => self.tell(assignment.allocation.id, AllocMessage::Assign(assignment)),
                Action::Forget(id) => self.tell(id, AllocMessage::Forget),
                Action::ReportEnd(allocation) => self.report_end(&allocation),
            }
        }
        // After the updates: what the servers want stopped must not start first.
        if batch.complete {
            for ((_, handle), (_, view)) in runners.into_iter().zip(views) {
                self.admit(&occupants, &view.assignment.allocation, handle);
            }
        }
    }

    /// Lets an allocation start, at once or when those that leave have made room for it.
    fn admit(&self, occupants: &Occupants, allocation: &Arc<Allocation>, handle: AllocRunnerHandle) {
        let node = self.shared.node.load_full();
        let in_the_way = occupants.in_the_way_of(&node, allocation);
        if in_the_way.is_empty() || handle.view().has_started() {
            handle.send(AllocMessage::MayStart);
            return;
        }
        tracing::info!(alloc = %allocation.id, waits_for = in_the_way.len(), "waits for room until others have ended");
        let (mut occupants, allocation) = (occupants.clone(), Arc::clone(allocation));
        let mut leaving: FuturesUnordered<_> = in_the_way
            .into_iter()
            .filter_map(|id| {
                let mut runner = self.runners.get(id)?;
                Some(async move {
                    runner.over().await;
                    id
                })
            })
            .collect();
        self.runners.spawn_work(async move {
            while !occupants.in_the_way_of(&node, &allocation).is_empty()
                && let Some(id) = leaving.next().await
            {
                occupants.ended(id);
            }
            handle.send(AllocMessage::MayStart);
        });
    }

    fn tell(&self, id: AllocId, message: AllocMessage) {
        if let Some(handle) = self.runners.get(id) {
            handle.send(message);
        }
    }

    fn report_end(&self, allocation: &Allocation) {
        self.shared.reports.push(AllocationUpdate {
            id: allocation.id,
            client_status: AllocClientStatus::Complete,
            client_description: "Stopped before it ran on this node".into(),
            task_states: allocation.task_states.clone(),
            health: None,
            at: self.shared.now(),
        });
    }
}
