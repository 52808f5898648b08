//! A staged snapshot becomes the state.

use sha2::Digest as _;

use crate::model::security::Digest;
use crate::state::{Rejection, Reply, State, Table, snapshot};

impl State {
    /// What stays of the state before is what belongs to the running cluster rather than to its contents: who is trusted, and which
    /// requests were carried out. Indexes go on from the larger of the two, so that nobody who waits for a newer one is left waiting.
    pub(super) fn restore(&mut self, index: u64, request: u128, restore: u128, digest: &Digest) -> Result<Reply, Rejection> {
        let log_index = index - self.index_offset;
        self.index = index;
        let bytes = self.staged_restore.take(restore)?;
        if sha2::Sha256::digest(&bytes).as_slice() != digest {
            return Err(Rejection::BadSnapshot("its pieces are not those that were sent".into()));
        }
        let mut restored = snapshot::decode(&bytes).map_err(|error| Rejection::BadSnapshot(error.to_string().into()))?;

        let index = index.max(restored.index + 1);
        restored.index = index;
        restored.index_offset = index - log_index;
        restored.table_indexes = [index; Table::COUNT];
        restored.security = self.security.clone();
        restored.requests = self.requests.clone();
        restored.requests_by_index = self.requests_by_index.clone();
        restored.staged_restore = Default::default();
        if restored.signing_keys.is_empty() {
            restored.signing_keys = self.signing_keys.clone();
        }
        // Every node takes its whole slice anew, and stops what is not in it.
        for node in restored.nodes.keys().chain(self.nodes.keys()).chain(self.collections.keys()) {
            restored.collections.insert(*node, index);
        }
        *self = restored;
        if request != 0 {
            self.remember(request, index);
        }
        Ok(Reply { index, dropped_placements: 0 })
    }
}
