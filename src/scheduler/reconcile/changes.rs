//! What reconciliation decides for one group.

use std::sync::Arc;

use crate::model::allocation::RescheduleEvent;
use crate::model::{AllocClientStatus, AllocId, Allocation, DeploymentGroup, JobRef, NodeId};
use crate::util::clock::Timestamp;

#[derive(Debug, Default)]
pub struct GroupChanges {
    /// Ends that depend on nothing else.
    pub stops: Vec<StopOrder>,
    /// Go on under the newest specification.
    pub in_place: Vec<Arc<Allocation>>,
    /// Wait for a later evaluation.
    pub marks: Vec<Mark>,
    /// Need a place.
    pub places: Vec<Instance>,
    /// Stay where they are and count for spreads and distinctness; in-place updates and instances that `places` may still stop
    /// are among them.
    pub keep: Vec<Arc<Allocation>>,
    /// Destructive updates put off until the newest instances run.
    pub put_off: u32,
    /// How many of `places` may replace a running instance, less the others that find a place.
    pub room: usize,
    pub tally: Tally,
    /// When the next set of updates may go (`update.stagger`), where nothing else holds them up.
    pub next_set: Option<Timestamp>,
    /// The group calls for a deployment of its newest specification.
    pub starts_deployment: bool,
    /// The group's part in a deployment that starts now; `None` for groups that are in none.
    pub initial_state: Option<DeploymentGroup>,
    /// Its deployment has something left to do here, or to wait for.
    pub unfinished: bool,
}

/// How many instances each kind of change concerns, for people (`job plan`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    pub place: u32,
    pub stop: u32,
    pub in_place: u32,
    pub destructive: u32,
    pub migrate: u32,
    pub ignore: u32,
    pub canary: u32,
    /// Out of touch with their node since this evaluation.
    pub disconnect: u32,
    /// Back in touch, and resolved against their replacement.
    pub reconnect: u32,
    pub reschedule_now: u32,
    pub reschedule_later: u32,
    /// Allocations of other jobs that leave for these.
    pub preemptions: u32,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StopOrder {
    pub alloc: AllocId,
    pub description: &'static str,
    /// Set when the node cannot tell any more.
    pub client_status: Option<AllocClientStatus>,
}

/// An allocation that waits for a follow-up evaluation.
#[derive(Debug)]
pub struct Mark {
    pub alloc: Arc<Allocation>,
    /// `None`: for no time, but for its node.
    pub at: Option<Timestamp>,
    /// Its node lost the servers: it becomes `unknown` (and `lost` at `at`). Otherwise it failed and is placed again at `at`.
    pub disconnected: bool,
}

/// An instance that needs a place, or many that nothing but their index tells apart.
#[derive(Clone, Debug)]
pub struct Instance {
    pub index: u32,
    /// So many with this index and the following; more than one only of plain ones.
    pub count: u32,
    pub previous: Option<Arc<Allocation>>,
    pub fate: PreviousFate,
    /// Earlier tries, oldest first.
    pub reschedules: Vec<RescheduleEvent>,
    /// Nodes where it failed.
    pub penalised: Vec<NodeId>,
    /// The only node that will do (system jobs).
    pub only_on: Option<NodeId>,
    /// Runs beside the others until it is promoted.
    pub canary: bool,
    /// An older specification to run, where the newest must wait.
    pub spec: Option<JobRef>,
}

impl Instance {
    pub fn new(index: u32) -> Self {
        Self {
            index,
            count: 1,
            previous: None,
            fate: PreviousFate::Settled,
            reschedules: Vec::new(),
            penalised: Vec::new(),
            only_on: None,
            canary: false,
            spec: None,
        }
    }

    /// How many these are.
    pub fn number(instances: &[Self]) -> u32 {
        instances.iter().fold(0u32, |number, instance| number.saturating_add(instance.count))
    }

    /// Whether any node will do as well as for its siblings.
    pub fn is_plain(&self) -> bool {
        self.previous.is_none() && self.only_on.is_none()
    }
}

/// What becomes of the instance that is replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PreviousFate {
    /// It is over, or its stop is ordered already.
    Settled,
    /// Stopped once the replacement has a place.
    StopWhenPlaced,
    /// Stopped once the replacement has a place, or could have the place that it leaves behind.
    StopToMakeRoom,
}

/// Why allocations stop, as `DesiredDescription` shows it.
pub mod reason {
    pub const NOT_NEEDED: &str = "alloc not needed by the job";
    pub const NODE_LOST: &str = "alloc is lost since its node is down";
    pub const DISCONNECTED_TOO_LONG: &str = "alloc is lost since its node stayed disconnected";
    pub const MIGRATING: &str = "alloc is being migrated";
    pub const UPDATED: &str = "alloc is being updated due to job update";
    pub const RESCHEDULED: &str = "alloc was rescheduled because it failed";
    pub const DUPLICATE: &str = "alloc stopped since another instance of its name runs";
    pub const CANARY: &str = "alloc not needed as its deployment is over";
    pub const NODE_UNFIT: &str = "alloc stopped since its node no longer fits the job";
}
