//! A node: a machine that runs allocations.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{NodeId, NodeResources, Text};
use crate::util::clock::Timestamp;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Node {
    pub id: NodeId,
    pub name: Text,
    pub datacenter: Text,
    pub class: Text,
    pub pool: Text,
    /// `ip:port` of the node's HTTP API.
    pub http_address: Text,
    pub version: Text,
    /// Fingerprinted facts, `cpu.arch`, `driver.raw_exec`, ...; names with a `unique.` part differ on every node.
    pub attributes: BTreeMap<Text, Text>,
    pub meta: BTreeMap<Text, Text>,
    pub resources: NodeResources,
    pub drivers: BTreeMap<Text, DriverInfo>,

    pub status: NodeStatus,
    pub status_description: Text,
    pub eligibility: Eligibility,
    pub drain: Option<DrainStrategy>,
    pub status_updated_at: Timestamp,
    pub create_index: u64,
    pub modify_index: u64,
}

impl Node {
    /// Whether new allocations may be placed here.
    pub fn is_placeable(&self) -> bool {
        self.status == NodeStatus::Ready && self.eligibility == Eligibility::Eligible && self.drain.is_none()
    }

    /// Whether anything that a registration brings differs, so that an unchanged agent's
    /// re-registration writes nothing.
    pub fn same_registration(&self, other: &Self) -> bool {
        self.name == other.name
            && self.datacenter == other.datacenter
            && self.class == other.class
            && self.pool == other.pool
            && self.http_address == other.http_address
            && self.version == other.version
            && self.attributes == other.attributes
            && self.meta == other.meta
            && self.resources == other.resources
            && self.drivers == other.drivers
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DriverInfo {
    pub detected: bool,
    pub healthy: bool,
    /// Why it is not healthy, or "Healthy".
    pub description: Text,
    pub attributes: BTreeMap<Text, Text>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum NodeStatus {
    Initializing,
    Ready,
    Down,
    Disconnected,
}

impl NodeStatus {
    pub fn name(self) -> &'static str {
        match self {
            Self::Initializing => "initializing",
            Self::Ready => "ready",
            Self::Down => "down",
            Self::Disconnected => "disconnected",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Eligibility {
    Eligible,
    Ineligible,
}

impl Eligibility {
    pub fn name(self) -> &'static str {
        match self {
            Self::Eligible => "eligible",
            Self::Ineligible => "ineligible",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DrainStrategy {
    pub started_at: Timestamp,
    /// `None`: no deadline.
    pub force_at: Option<Timestamp>,
    pub ignore_system_jobs: bool,
}
