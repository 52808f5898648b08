//! Node pools come and go.

use std::sync::Arc;

use super::{Change, Transaction};
use crate::model::node_pool::{BUILT_IN, NodePool};
use crate::model::{JobStatus, Text};
use crate::state::Rejection;

impl Transaction<'_> {
    pub(super) fn upsert_node_pool(&mut self, pool: &NodePool) -> Result<(), Rejection> {
        if BUILT_IN.contains(&&*pool.name) {
            return Err(Rejection::NodePoolBuiltIn(pool.name.clone()));
        }
        let before = self.state.node_pools.get(&pool.name).cloned();
        let create_index = before.as_ref().map_or(self.index, |before| before.create_index);
        let row = Arc::new(NodePool { create_index, modify_index: self.index, ..pool.clone() });
        self.state.node_pools.insert(row.name.clone(), Arc::clone(&row));
        self.changes.push(Change::NodePool { before, after: Some(row) });
        Ok(())
    }

    /// Not as long as there is a node in it, or a job that is not over.
    pub(super) fn delete_node_pool(&mut self, name: &Text) -> Result<(), Rejection> {
        let in_use = |what: &str| Rejection::NodePoolInUse { name: name.clone(), what: what.into() };
        if BUILT_IN.contains(&&**name) {
            return Err(Rejection::NodePoolBuiltIn(name.clone()));
        }
        if !self.state.node_pools.contains_key(name) {
            return Err(Rejection::NodePoolNotFound);
        }
        if self.state.nodes().any(|node| node.pool == *name) {
            return Err(in_use("nodes"));
        }
        if self.state.jobs().any(|job| job.node_pool == *name && job.status != JobStatus::Dead) {
            return Err(in_use("jobs"));
        }
        let before = self.state.node_pools.remove(name);
        self.changes.push(Change::NodePool { before, after: None });
        Ok(())
    }
}
