//! When the state is written out and how much of the log may go.
//!
//! openraft can count entries; what costs disk and restart time is bytes as well. So its own policy is off, and this task takes a
//! snapshot when either is large, and purges the log up to the older of the two snapshots that are kept.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use openraft::errors::Fatal;
use tokio::sync::Notify;

use super::Core;
use super::config::SnapshotThresholds;
use super::snapshots::SnapshotDirectory;
use super::types::TypeConfig;

/// What was applied since the newest snapshot was begun.
pub(super) struct SnapshotPressure {
    entries: AtomicU64,
    bytes: AtomicU64,
    thresholds: SnapshotThresholds,
    due: Notify,
}

impl SnapshotPressure {
    pub(super) fn new(thresholds: SnapshotThresholds) -> Self {
        Self { entries: AtomicU64::new(0), bytes: AtomicU64::new(0), thresholds, due: Notify::new() }
    }

    /// Counts one applied entry with a request of `bytes`.
    pub(super) fn record(&self, bytes: usize) {
        self.entries.fetch_add(1, Ordering::Relaxed);
        self.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// Wakes the task if there is something for it.
    pub(super) fn announce(&self) {
        if self.is_due() {
            self.due.notify_one();
        }
    }

    pub(super) fn reset(&self) {
        self.entries.store(0, Ordering::Relaxed);
        self.bytes.store(0, Ordering::Relaxed);
    }

    fn is_due(&self) -> bool {
        self.entries.load(Ordering::Relaxed) >= self.thresholds.entries || self.bytes.load(Ordering::Relaxed) >= self.thresholds.bytes
    }
}

/// Runs until consensus stops.
pub(super) async fn run(core: Core, pressure: Arc<SnapshotPressure>, snapshots: Arc<SnapshotDirectory>) {
    if let Err(error) = compact(&core, &pressure, &snapshots).await {
        tracing::debug!(%error, "compaction ends with consensus");
    }
}

async fn compact(core: &Core, pressure: &SnapshotPressure, snapshots: &SnapshotDirectory) -> Result<(), Fatal<TypeConfig>> {
    let mut progress = core.watch_snapshot_progress();
    let mut purged = None;
    let mut writing = false;
    loop {
        let limit = snapshots.purge_limit();
        if let Some(index) = limit.filter(|_| limit > purged) {
            core.trigger().purge_log(index).await?;
            purged = limit;
        }
        if pressure.is_due() && !writing {
            // Ignored if an operator's is being written just now; the end of that one comes by here again.
            core.trigger().snapshot().await?;
            writing = true;
        }
        tokio::select! {
            changed = progress.changed() => {
                if changed.is_err() {
                    return Ok(());
                }
                writing = false;
            }
            () = pressure.due.notified() => {}
        }
    }
}
