//! Nodes' reports on their way into the log: whatever comes while one entry is written goes into the next one, so that thousands of nodes
//! cost as many entries as the disk takes, and a lone report waits for nobody.

use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};

use super::{Server, ServerError};
use crate::model::AllocationUpdate;

/// So many updates go into one entry: what applying it takes time for, and well below what an entry may hold.
const MOST_UPDATES: usize = 4_096;

/// Batches of updates that wait at most.
const QUEUE: usize = 20_000;

/// One node's report, and who wants to know when it is durable.
#[derive(Debug)]
pub(super) struct Report {
    updates: Vec<AllocationUpdate>,
    done: oneshot::Sender<Result<(), ServerError>>,
}

pub(super) type Queue = mpsc::Sender<Report>;

pub(super) fn queue() -> (Queue, mpsc::Receiver<Report>) {
    mpsc::channel(QUEUE)
}

impl Server {
    /// Returns when the report is durable.
    pub(super) async fn report(&self, updates: Vec<AllocationUpdate>) -> Result<(), ServerError> {
        let (done, answer) = oneshot::channel();
        let stopped = || ServerError::Internal("the server is shutting down".to_owned());
        self.reports.send(Report { updates, done }).await.map_err(|_| stopped())?;
        answer.await.map_err(|_| stopped())?
    }
}

/// Writes reports until the server ends.
pub(super) async fn write(server: Arc<Server>, mut queue: mpsc::Receiver<Report>) {
    while let Some(first) = queue.recv().await {
        let mut updates = first.updates;
        let mut waiting = vec![first.done];
        while updates.len() < MOST_UPDATES
            && let Ok(next) = queue.try_recv()
        {
            updates.extend(next.updates);
            waiting.push(next.done);
        }
        let outcome = server.update_allocations(updates).await;
        for done in waiting {
            // Whoever asked may be gone; what it said is written all the same.
            let _ = done.send(outcome.clone());
        }
    }
}
