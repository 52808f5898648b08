//! Whether this server leads, as something to wait on.

use std::time::Duration;

use openraft::Instant as _;
use openraft::async_runtime::WatchReceiver;
use openraft::errors::Fatal;
use tokio::sync::watch;

use super::types::TypeConfig;
use super::{Core, Raft};

/// A leader that a quorum was silent to for this long answers no more. A new one is elected before.
const SILENCE: Duration = Duration::from_secs(3);

/// The same for a follower: an election begins before.
const FOLLOWERS_PATIENCE: Duration = Duration::from_secs(2);

const LOOK: Duration = Duration::from_millis(250);

impl Raft {
    /// Resolves when this server leads without a quorum that hears it, or does not lead any more.
    pub async fn quorum_is_lost(&self) {
        loop {
            tokio::time::sleep(LOOK).await;
            let (alone, heard) = {
                let metrics = self.inner.core.metrics();
                let metrics = metrics.borrow_watched();
                let alone = metrics.membership_config.voter_ids().eq([metrics.id]);
                (alone, metrics.last_quorum_acked.map(|acked| acked.into_inner().elapsed()))
            };
            if !self.is_leader() || !alone && heard.is_none_or(|silence| silence > SILENCE) {
                return;
            }
        }
    }

    /// How long ago the leader was heard; `None` on the leader itself, and before there was one.
    pub fn last_contact(&self) -> Option<Duration> {
        let heard = *self.inner.leader_heard.borrow();
        heard.filter(|_| !self.is_leader()).map(|heard| heard.elapsed())
    }

    /// Resolves when another server than `id`, or none, is known to lead, or `id` has been silent for so long that there is no point in
    /// waiting for it: one that was stopped keeps its connections open.
    pub async fn leader_is_gone(&self, id: u64) {
        loop {
            tokio::time::sleep(LOOK).await;
            let known = self.inner.core.metrics().borrow_watched().current_leader;
            if known != Some(id) || self.last_contact().is_some_and(|age| age > FOLLOWERS_PATIENCE) {
                return;
            }
        }
    }
}

/// Keeps `leads` true to the core until that stops, and says then why in `stopped`. The core's metrics change thirty times a second while
/// nothing happens: nobody else should wait for them.
pub(super) async fn follow(core: Core, leads: watch::Sender<bool>, stopped: watch::Sender<Option<String>>) {
    const ENDED: &str = "the consensus core ended";
    let mut metrics = core.metrics();
    let reason = loop {
        let (now, stopped) = {
            let metrics = metrics.borrow_and_update();
            let stopped = match &metrics.running_state {
                Ok(()) => None,
                Err(Fatal::Stopped) => Some(ENDED.to_owned()),
                Err(fatal) => Some(fatal.to_string()),
            };
            (leads_with_current_state(&metrics), stopped)
        };
        leads.send_if_modified(|before| std::mem::replace(before, now) != now);
        if let Some(reason) = stopped {
            break reason;
        }
        if metrics.changed().await.is_err() {
            break ENDED.to_owned();
        }
    };
    leads.send_if_modified(|before| std::mem::replace(before, false));
    stopped.send_replace(Some(reason));
}

/// A leader counts from when it has applied an entry of its own term: by then its state holds all that earlier leaders acknowledged, and
/// decisions may be based on it.
fn leads_with_current_state(metrics: &openraft::RaftMetrics<TypeConfig>) -> bool {
    let applied_own =
        metrics.last_applied.is_some_and(|last| last.leader_id.term == metrics.current_term && last.leader_id.node_id == metrics.id);
    // Making the first membership entry looks like leading term 0, which nobody was elected for.
    let elected = metrics.current_term > 0 && metrics.state.is_leader();
    metrics.running_state.is_ok() && elected && applied_own
}
