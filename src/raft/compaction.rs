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

/// A snapshot of so many bytes is written in an instant.
const CHEAP: u64 = 64 << 20;

/// Of a snapshot, in the time that a small entry takes to be applied again.
const BYTES_READ_PER_ENTRY: u64 = 1024;

/// What was applied since the newest snapshot was begun.
pub(super) struct SnapshotPressure {
    entries: AtomicU64,
    bytes: AtomicU64,
    /// Size of the newest snapshot.
    written: AtomicU64,
    thresholds: SnapshotThresholds,
    due: Notify,
}

impl SnapshotPressure {
    pub(super) fn new(thresholds: SnapshotThresholds) -> Self {
        Self { entries: AtomicU64::new(0), bytes: AtomicU64::new(0), written: AtomicU64::new(0), thresholds, due: Notify::new() }
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

    /// The newest snapshot has so many bytes.
    pub(super) fn wrote(&self, bytes: u64) {
        self.written.store(bytes, Ordering::Relaxed);
    }

    /// A large state is written out in proportion to what changed of it: as many bytes of requests as its snapshot has, or as many entries
    /// as take about as long to apply again as that takes to read.
    fn is_due(&self) -> bool {
        let written = self.written.load(Ordering::Relaxed).saturating_sub(CHEAP);
        self.entries.load(Ordering::Relaxed) >= self.thresholds.entries.max(written / BYTES_READ_PER_ENTRY)
            || self.bytes.load(Ordering::Relaxed) >= self.thresholds.bytes.max(written)
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
