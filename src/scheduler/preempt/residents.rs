//! Which allocations may have to go, node by node. Read from the state when preemption first looks at a node, and again once something on
//! that node has changed: a fleet with room pays nothing.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use crate::model::{AllocId, Allocation, JobRef, NodeId, Text};
use crate::scheduler::StateView;
use crate::scheduler::in_flight::InFlight;
use crate::scheduler::placement::NodeOrd;

/// An allocation that the servers want to run.
#[derive(Clone, Debug)]
pub struct Resident {
    pub alloc: Arc<Allocation>,
    /// Of its job.
    pub priority: u8,
    /// Of its group's `migrate` block: no more of the group should leave at once.
    pub max_parallel: u32,
}

/// The residents of each node, by ascending priority.
#[derive(Debug, Default)]
pub struct Residents {
    rows: Vec<Vec<Resident>>,
    /// Nodes whose row is not what the state says any more.
    stale: BTreeMap<NodeOrd, NodeId>,
    /// How many nodes have each priority as their lowest. Those evicted by the plan in the making count on.
    lowest: BTreeMap<u8, u32>,
    policies: HashMap<(JobRef, Text), (u8, u32)>,
    /// Evicted by the plan in the making, in order.
    evicted: Vec<Eviction>,
    gone: BTreeSet<AllocId>,
    /// Of each group, by the plan in the making.
    leaving: HashMap<(JobRef, Text), u32>,
}

#[derive(Debug)]
struct Eviction {
    id: AllocId,
    group: (JobRef, Text),
}

/// A place among the evictions to roll back to.
#[derive(Clone, Copy, Debug)]
pub struct Evictions(usize);

/// So many policies are remembered; beyond, all are dropped and read again as needed.
const MOST_POLICIES: usize = 65_536;

impl Residents {
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// Something on this node has changed.
    pub fn forget(&mut self, ord: NodeOrd, node: NodeId) {
        self.stale.insert(ord, node);
    }

    /// Reads the residents of all nodes that changed since the last time.
    pub fn refresh(&mut self, view: &dyn StateView, in_flight: &InFlight) {
        for (ord, node) in std::mem::take(&mut self.stale) {
            self.load(view, in_flight, ord, node);
        }
    }

    /// The lowest priority of anybody, or less.
    pub fn lowest(&self) -> u8 {
        self.lowest.keys().next().copied().unwrap_or_default()
    }

    fn load(&mut self, view: &dyn StateView, in_flight: &InFlight, ord: NodeOrd, node: NodeId) {
        if ord.at() >= self.rows.len() {
            self.rows.resize(ord.at() + 1, Vec::new());
        }
        if let Some(before) = self.rows[ord.at()].first()
            && let Some(nodes) = self.lowest.get_mut(&before.priority)
        {
            *nodes -= 1;
            if *nodes == 0 {
                self.lowest.remove(&before.priority);
            }
        }
        let stays = |alloc: &Arc<Allocation>| !alloc.is_terminal() && !in_flight.evicts(alloc.id);
        let wanted = view.allocations_on_node(node).into_iter().filter(stays);
        let mut residents: Vec<Resident> = wanted
            .map(|alloc| {
                let (priority, max_parallel) = self.policy(view, &alloc);
                Resident { alloc, priority, max_parallel }
            })
            .collect();
        residents.sort_by_key(|resident| (resident.priority, resident.alloc.id));
        if let Some(first) = residents.first() {
            *self.lowest.entry(first.priority).or_default() += 1;
        }
        self.rows[ord.at()] = residents;
    }

    /// Those on a node that the plan in the making leaves in place.
    pub fn on(&self, ord: NodeOrd) -> impl Iterator<Item = &Resident> {
        self.rows.get(ord.at()).into_iter().flatten().filter(|resident| self.gone.is_empty() || !self.gone.contains(&resident.alloc.id))
    }

    /// How many of a resident's group the plan in the making evicts.
    pub fn leaving(&self, resident: &Resident) -> u32 {
        if self.leaving.is_empty() {
            return 0;
        }
        self.leaving.get(&group_of(&resident.alloc)).copied().unwrap_or_default()
    }

    pub fn evict(&mut self, resident: &Resident) {
        let group = group_of(&resident.alloc);
        *self.leaving.entry(group.clone()).or_default() += 1;
        self.gone.insert(resident.alloc.id);
        self.evicted.push(Eviction { id: resident.alloc.id, group });
    }

    pub fn checkpoint(&self) -> Evictions {
        Evictions(self.evicted.len())
    }

    /// Forgets the evictions since `checkpoint`.
    pub fn roll_back(&mut self, checkpoint: Evictions) {
        for eviction in self.evicted.drain(checkpoint.0..) {
            self.gone.remove(&eviction.id);
            if let Some(leaving) = self.leaving.get_mut(&eviction.group) {
                *leaving -= 1;
            }
        }
        self.leaving.retain(|_, leaving| *leaving > 0);
    }

    /// Priority and `migrate.max_parallel` of an allocation. One without a specification is of a job that nobody knows any more: it
    /// counts as the least.
    fn policy(&mut self, view: &dyn StateView, alloc: &Allocation) -> (u8, u32) {
        let key = group_of(alloc);
        if let Some(policy) = self.policies.get(&key) {
            return *policy;
        }
        if self.policies.len() >= MOST_POLICIES {
            self.policies.clear();
        }
        let spec = view.job_spec(&alloc.job);
        let priority = spec.as_ref().map_or(0, |job| job.priority);
        let migrate = spec.as_ref().and_then(|job| job.group(&alloc.group)?.migrate.as_ref().map(|migrate| migrate.max_parallel));
        let policy = (priority, migrate.unwrap_or(u32::MAX));
        self.policies.insert(key, policy);
        policy
    }
}

fn group_of(alloc: &Allocation) -> (JobRef, Text) {
    (alloc.job.clone(), alloc.group.clone())
}
