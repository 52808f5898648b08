//! Between the state's change feed and the followers: the newest indexes are kept, so that a follower can start a little in the past.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use tokio::sync::{broadcast, watch};

use super::event::{self, Event};
use crate::state::changes::Changes;
use crate::state::store::Publication;
use crate::state::{State, Store};

/// How many indexes with events are kept.
const KEPT: usize = 100;
/// How many changes they may hold together: each keeps the rows it is about.
const KEPT_CHANGES: usize = 20_000;
/// How many batches a follower may lag behind.
const FOLLOWER_QUEUE: usize = 1024;

/// The events of one index. They are made when somebody looks: without followers, changes cost nothing here.
pub struct Batch {
    pub index: u64,
    publication: Publication,
    /// Which of the publication's entries this is.
    position: usize,
    events: OnceLock<Vec<Event>>,
}

impl Batch {
    fn changes(&self) -> &Changes {
        &self.publication.changes[self.position]
    }

    fn state(&self) -> &State {
        &self.publication.state
    }

    /// How many changes it keeps alive.
    fn size(&self) -> usize {
        self.changes().changes.len()
    }

    pub fn events(&self) -> &[Event] {
        self.events.get_or_init(|| event::of_changes(self.state(), self.changes()))
    }
}

/// What a follower is sent.
#[derive(Clone)]
pub enum Delivery {
    Batch(Arc<Batch>),
    /// Changes were lost or replaced as a whole: what the follower knows no longer leads on to the present.
    Broken(&'static str),
}

/// A follower's share: what was kept from before, then what comes.
pub struct Subscription {
    pub history: VecDeque<Arc<Batch>>,
    pub receiver: broadcast::Receiver<Delivery>,
}

struct Inner {
    kept: VecDeque<Arc<Batch>>,
    sender: broadcast::Sender<Delivery>,
}

/// Fed by [`run`].
pub struct EventBroker {
    inner: Mutex<Inner>,
}

impl Default for EventBroker {
    fn default() -> Self {
        let (sender, _) = broadcast::channel(FOLLOWER_QUEUE);
        Self { inner: Mutex::new(Inner { kept: VecDeque::with_capacity(KEPT), sender }) }
    }
}

impl EventBroker {
    /// Follows from the index `from` on, or from the oldest that is kept.
    pub fn subscribe(&self, from: u64) -> Subscription {
        let inner = self.lock();
        let history = inner.kept.iter().filter(|batch| batch.index >= from).cloned().collect();
        Subscription { history, receiver: inner.sender.subscribe() }
    }

    fn publish(&self, publication: &Publication) {
        let mut inner = self.lock();
        if publication.replaced {
            inner.break_off("the state was replaced by a snapshot");
            return;
        }
        for (position, changes) in publication.changes.iter().enumerate().filter(|(_, changes)| !changes.changes.is_empty()) {
            let batch = Arc::new(Batch { index: changes.index, publication: publication.clone(), position, events: OnceLock::new() });
            inner.kept.push_back(Arc::clone(&batch));
            while inner.kept.len() > KEPT
                || (inner.kept.len() > 1 && inner.kept.iter().map(|batch| batch.size()).sum::<usize>() > KEPT_CHANGES)
            {
                inner.kept.pop_front();
            }
            // No follower is no error.
            let _ = inner.sender.send(Delivery::Batch(batch));
        }
    }

    fn break_off(&self, reason: &'static str) {
        self.lock().break_off(reason);
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn break_off(&mut self, reason: &'static str) {
        self.kept.clear();
        let _ = self.sender.send(Delivery::Broken(reason));
    }
}

/// Feeds the broker from the store until the agent stops. Starts to listen when called, not when first polled.
pub fn run(broker: Arc<EventBroker>, store: &Store, mut stopping: watch::Receiver<bool>) -> impl Future<Output = ()> + Send + 'static {
    let mut feed = store.subscribe();
    async move {
        loop {
            tokio::select! {
                received = feed.recv() => match received {
                    Ok(publication) => broker.publish(&publication),
                    Err(broadcast::error::RecvError::Lagged(_)) => broker.break_off("events were lost"),
                    Err(broadcast::error::RecvError::Closed) => return,
                },
                _ = stopping.wait_for(|stopping| *stopping) => return,
            }
        }
    }
}
