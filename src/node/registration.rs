//! Keeps the node known to the servers: registers it, sends heartbeats, registers again when its facts change or the
//! servers forgot it.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::time::Instant;

use super::fingerprint;
use super::shared::Shared;
use crate::rpc::{LinkError, NodeLink};
use crate::util::backoff::Backoff;

const RETRY_BASE: Duration = Duration::from_millis(500);
const RETRY_MAX: Duration = Duration::from_secs(15);
/// How often the drivers are looked at again: one may have become unhealthy.
const FINGERPRINT_INTERVAL: Duration = Duration::from_secs(30);
/// Heartbeats come no faster than this, whatever the servers say.
const MIN_HEARTBEAT: Duration = Duration::from_millis(100);

pub struct Registration {
    pub shared: Arc<Shared>,
    pub link: Arc<dyn NodeLink>,
    /// The number of the registration that holds, counted from 1; `None` while there is none.
    pub registered: watch::Sender<Option<u64>>,
    /// Others tell here that the servers do not know the node.
    pub forgotten: Arc<Notify>,
}

impl Registration {
    /// Until the end of time.
    pub async fn run(self) {
        for number in 1.. {
            let ttl = self.register().await;
            self.registered.send_replace(Some(number));
            self.heartbeat(ttl).await;
            self.registered.send_replace(None);
        }
    }

    async fn register(&self) -> Duration {
        let mut backoff = Backoff::new(RETRY_BASE, RETRY_MAX);
        loop {
            let node = self.shared.node.load_full();
            match self.link.register((*node).clone()).await {
                Ok(reply) => {
                    self.shared.hear();
                    tracing::info!(node = %node.id, ttl = ?reply.ttl, "registered");
                    return reply.ttl;
                }
                Err(error) => {
                    let delay = backoff.next_delay();
                    tracing::warn!(%error, ?delay, "cannot register, will try again");
                    tokio::time::sleep(delay).await;
                }
            }
        }
    }

    /// Returns when a registration is due.
    async fn heartbeat(&self, mut ttl: Duration) {
        let id = self.shared.node.load().id;
        let mut backoff = Backoff::new(RETRY_BASE, RETRY_MAX);
        let mut delay = ttl / 2;
        let mut facts_at = Instant::now();
        loop {
            tokio::select! {
                () = tokio::time::sleep(delay.max(MIN_HEARTBEAT)) => {}
                () = self.forgotten.notified() => return,
            }
            if facts_at.elapsed() >= FINGERPRINT_INTERVAL {
                facts_at = Instant::now();
                if self.facts_changed().await {
                    return;
                }
            }
            match self.link.heartbeat(id).await {
                Ok(reply) => {
                    self.shared.hear();
                    ttl = reply.ttl;
                    delay = ttl / 2;
                    backoff.reset();
                }
                Err(LinkError::UnknownNode) => return,
                Err(error) => {
                    delay = backoff.next_delay().min(ttl / 2);
                    tracing::warn!(%error, ?delay, "heartbeat failed, will try again");
                }
            }
        }
    }

    async fn facts_changed(&self) -> bool {
        let shared = Arc::clone(&self.shared);
        let looked = tokio::task::spawn_blocking(move || {
            let before = shared.node.load_full();
            let now = fingerprint::refresh(&before, &shared.runtime.drivers());
            let changed = !now.same_registration(&before);
            if changed {
                shared.node.store(Arc::new(now));
            }
            changed
        });
        looked.await.unwrap_or(false)
    }
}
