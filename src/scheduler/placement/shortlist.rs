//! The few best nodes for a small ask, found without looking at every node.
//!
//! Of `count` equal instances that are placed one after the other, each taken place changing the score of its own node only, all go to
//! the `count` best nodes of the beginning. So a group of few instances needs no more candidates than that.

use super::devices::DeviceDemand;
use super::index::{Best, Standing};
use super::{Fleet, NodeOrd};
use crate::model::Ask;

impl Fleet {
    /// The `count` best nodes for an instance by the packing score alone, ascending by ordinal. Only classes that `allowed` says so
    /// of are considered. Ports are not looked at, and `ask` must not contain whole cores, whose compute depends on the node.
    pub fn shortlist(&mut self, ask: Ask, devices: &DeviceDemand, count: usize, allowed: &dyn Fn(u32) -> bool) -> Vec<NodeOrd> {
        let mut nodes: Vec<NodeOrd> = self.best_for(ask, devices, count, allowed).into_iter().map(|(_, ord)| ord).collect();
        nodes.sort_unstable();
        nodes
    }

    /// As [`Self::shortlist`], best first, with the scores.
    pub fn best_for(&mut self, ask: Ask, devices: &DeviceDemand, count: usize, allowed: &dyn Fn(u32) -> bool) -> Vec<(i64, NodeOrd)> {
        debug_assert!(ask.cores == 0, "compute of cores depends on the node");
        self.refresh_typical();
        let mut found = if devices.is_empty() {
            let mut index = self.take_index();
            index.refresh(|ord| self.standing(ord));
            let found = index.best(ask, count, allowed);
            self.put_index(index);
            found
        } else {
            Best::new(count)
        };
        if !self.with_devices().is_empty() {
            let mut columns = self.take_columns();
            columns.best(self, ask, devices, allowed, &mut found);
            self.put_columns(columns);
        }
        found.into_ranked()
    }

    /// How the index sees a node; nodes with devices are not in it.
    fn standing(&self, ord: NodeOrd) -> Option<Standing> {
        if !self.is_placeable(ord) || self.has_devices(ord) {
            return None;
        }
        let (inverse_cpu, inverse_memory) = self.inverse_capacity(ord);
        let free = self.free(ord);
        let class = self.class(ord);
        Some(Standing { class, free_cpu: free.0, free_memory: free.1, free_disk: free.2, inverse_cpu, inverse_memory })
    }
}
