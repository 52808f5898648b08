//! A group's requirements together with their verdict on every node class, remembered across evaluations.

use std::sync::Arc;

use super::devices::DeviceRequirement;
use super::requirements::{Requirements, Verdict};
use crate::model::{Job, TaskGroup};
use crate::scheduler::placement::{ClassOffers, Classes, DeviceDemand, Fleet, NodeOrd};

/// Valid until the set of classes changes.
#[derive(Debug)]
pub struct GroupProfile {
    pub requirements: Requirements,
    /// By class ordinal.
    verdicts: Vec<Verdict>,
    /// Summed weight of met affinities, by class ordinal.
    affinities: Vec<i64>,
    /// By class ordinal; empty without device asks.
    offers: Arc<Vec<ClassOffers>>,
    epoch: u64,
}

impl GroupProfile {
    pub fn new(job: &Job, group: &TaskGroup, classes: &Classes) -> Self {
        let requirements = Requirements::of(job, group);
        let verdicts = classes.representatives().map(|node| requirements.class_verdict(node)).collect();
        let affinities = classes.representatives().map(|node| requirements.class_affinity(node)).collect();
        let offers = match requirements.devices() {
            [] => Vec::new(),
            asked => classes.representatives().map(|node| asked.iter().map(|device| device.offers(node)).collect()).collect(),
        };
        Self { requirements, verdicts, affinities, offers: Arc::new(offers), epoch: classes.epoch() }
    }

    /// The group's device asks in the numbers of the packing core.
    pub fn device_demand(&self) -> DeviceDemand {
        let asked = self.requirements.devices();
        DeviceDemand {
            needs: asked.iter().map(DeviceRequirement::need).collect(),
            offers: Arc::clone(&self.offers),
            affinity_weight: asked.iter().map(DeviceRequirement::affinity_weight).sum(),
        }
    }

    pub fn is_current(&self, classes: &Classes) -> bool {
        self.epoch == classes.epoch()
    }

    pub fn class_verdict(&self, class: u32) -> &Verdict {
        &self.verdicts[class as usize]
    }

    pub fn class_affinity(&self, class: u32) -> i64 {
        self.affinities[class as usize]
    }

    /// Whether the group may run on this node, capacity aside.
    pub fn allows(&self, fleet: &Fleet, ord: NodeOrd) -> bool {
        *self.class_verdict(fleet.class(ord)) == Verdict::Feasible
            && (!self.requirements.asks_each_node() || self.requirements.node_verdict(fleet.node(ord)) == Verdict::Feasible)
    }
}
