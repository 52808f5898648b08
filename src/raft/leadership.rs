//! Whether this server leads, as something to wait on.

use openraft::async_runtime::WatchReceiver;
use tokio::sync::watch;

use super::Core;
use super::types::TypeConfig;

/// Keeps `leads` true to the core until that stops; then it says false.
pub(super) async fn follow(core: Core, leads: watch::Sender<bool>) {
    let mut metrics = core.metrics();
    loop {
        let now = leads_with_current_state(&metrics.borrow_and_update());
        leads.send_if_modified(|before| std::mem::replace(before, now) != now);
        if metrics.changed().await.is_err() {
            leads.send_if_modified(|before| std::mem::replace(before, false));
            return;
        }
    }
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
