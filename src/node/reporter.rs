//! Tells the servers what became of allocations: batched, repeated until it is durable there, newest state wins.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use crate::model::{AllocId, AllocationUpdate, NodeId};
use crate::rpc::{LinkError, NodeLink};
use crate::util::backoff::Backoff;

/// Changes within this time go in one call: tasks of many allocations start and end together.
const BATCH_WINDOW: Duration = Duration::from_millis(50);
const RETRY_BASE: Duration = Duration::from_millis(250);
const RETRY_MAX: Duration = Duration::from_secs(10);

/// The newest state of each allocation that the servers have not confirmed.
#[derive(Default)]
pub struct Reports {
    pending: Mutex<BTreeMap<AllocId, AllocationUpdate>>,
    changed: Notify,
    /// Woken after each confirmed batch.
    confirmed: Notify,
    in_flight: Mutex<usize>,
}

impl Reports {
    pub fn push(&self, update: AllocationUpdate) {
        self.pending().insert(update.id, update);
        self.changed.notify_one();
    }

    /// Resolves when the servers have confirmed all that was pushed.
    pub async fn flushed(&self) {
        loop {
            let confirmed = self.confirmed.notified();
            if self.pending().is_empty() && *self.in_flight() == 0 {
                return;
            }
            confirmed.await;
        }
    }

    /// Sends until the end of time. `on_unknown` is told when the servers do not know the node.
    pub async fn run(&self, node: NodeId, link: Arc<dyn NodeLink>, on_unknown: &Notify) {
        let mut backoff = Backoff::new(RETRY_BASE, RETRY_MAX);
        loop {
            while self.pending().is_empty() {
                self.changed.notified().await;
            }
            tokio::time::sleep(BATCH_WINDOW).await;
            let batch = self.take();
            match link.update_allocations(node, batch.values().cloned().collect()).await {
                Ok(()) => {
                    backoff.reset();
                    *self.in_flight() = 0;
                    self.confirmed.notify_waiters();
                }
                Err(error) => {
                    let delay = backoff.next_delay();
                    tracing::warn!(%error, ?delay, allocations = batch.len(), "cannot report allocations, will try again");
                    self.put_back(batch);
                    if error == LinkError::UnknownNode {
                        on_unknown.notify_one();
                    }
                    tokio::time::sleep(delay).await;
                }
            }
        }
    }

    fn take(&self) -> BTreeMap<AllocId, AllocationUpdate> {
        let mut pending = self.pending();
        *self.in_flight() = pending.len();
        std::mem::take(&mut *pending)
    }

    /// What was pushed meanwhile is newer.
    fn put_back(&self, batch: BTreeMap<AllocId, AllocationUpdate>) {
        let mut pending = self.pending();
        *self.in_flight() = 0;
        for (id, update) in batch {
            pending.entry(id).or_insert(update);
        }
    }

    fn pending(&self) -> MutexGuard<'_, BTreeMap<AllocId, AllocationUpdate>> {
        // Every critical section leaves the map whole.
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn in_flight(&self) -> MutexGuard<'_, usize> {
        self.in_flight.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
