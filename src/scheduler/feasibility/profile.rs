//! A group's requirements together with their verdict on every node class, remembered across evaluations.

use std::sync::Arc;

use super::devices::DeviceRequirement;
use super::requirements::{Requirements, Verdict};
use crate::model::plan::PlacementMetrics;
use crate::model::{Job, Node, TaskGroup, Text};
use crate::scheduler::placement::{ClassOffers, Classes, DeviceDemand, Fleet, NodeOrd};

/// Valid until the set of classes changes, or how many nodes each has.
#[derive(Debug)]
pub struct GroupProfile {
    pub requirements: Arc<Requirements>,
    verdicts: Arc<Verdicts>,
    counts: PlacementMetrics,
    revision: u64,
}

/// Valid until the set of classes changes.
#[derive(Debug)]
struct Verdicts {
    /// By class ordinal.
    of_class: Vec<Verdict>,
    /// Summed weight of met affinities, by class ordinal.
    affinities: Vec<i64>,
    /// By class ordinal; empty without device asks.
    offers: Arc<Vec<ClassOffers>>,
    epoch: u64,
}

impl GroupProfile {
    pub fn new(job: &Job, group: &TaskGroup, classes: &Classes) -> Self {
        let requirements = Requirements::of(job, group);
        let verdicts = Verdicts::new(&requirements, classes);
        Self::of(Arc::new(requirements), Arc::new(verdicts), classes)
    }

    /// As it is with the classes of now.
    pub fn renewed(&self, classes: &Classes) -> Self {
        let is_current = self.verdicts.epoch == classes.epoch();
        let verdicts = if is_current { Arc::clone(&self.verdicts) } else { Arc::new(Verdicts::new(&self.requirements, classes)) };
        Self::of(Arc::clone(&self.requirements), verdicts, classes)
    }

    fn of(requirements: Arc<Requirements>, verdicts: Arc<Verdicts>, classes: &Classes) -> Self {
        let counts = counts(&requirements, &verdicts.of_class, classes);
        Self { requirements, verdicts, counts, revision: classes.revision() }
    }

    pub fn is_current(&self, classes: &Classes) -> bool {
        self.revision == classes.revision()
    }

    /// The group's device asks in the numbers of the packing core.
    pub fn device_demand(&self) -> DeviceDemand {
        let asked = self.requirements.devices();
        DeviceDemand {
            needs: asked.iter().map(DeviceRequirement::need).collect(),
            offers: Arc::clone(&self.verdicts.offers),
            affinity_weight: asked.iter().map(DeviceRequirement::affinity_weight).sum(),
        }
    }

    /// How many nodes come into question, and how many are left out by what.
    pub fn counts(&self) -> &PlacementMetrics {
        &self.counts
    }

    pub fn class_verdict(&self, class: u32) -> &Verdict {
        &self.verdicts.of_class[class as usize]
    }

    pub fn class_affinity(&self, class: u32) -> i64 {
        self.verdicts.affinities[class as usize]
    }

    /// Whether the group may run on this node, capacity aside.
    pub fn allows(&self, fleet: &Fleet, ord: NodeOrd) -> bool {
        *self.class_verdict(fleet.class(ord)) == Verdict::Feasible
            && (!self.requirements.asks_each_node() || self.requirements.node_verdict(fleet.node(ord)) == Verdict::Feasible)
    }
}

impl Verdicts {
    fn new(requirements: &Requirements, classes: &Classes) -> Self {
        let offers = match requirements.devices() {
            [] => Vec::new(),
            asked => classes.representatives().map(|node| asked.iter().map(|device| device.offers(node)).collect()).collect(),
        };
        Self {
            of_class: classes.representatives().map(|node| requirements.class_verdict(node)).collect(),
            affinities: classes.representatives().map(|node| requirements.class_affinity(node)).collect(),
            offers: Arc::new(offers),
            epoch: classes.epoch(),
        }
    }
}

fn counts(requirements: &Requirements, verdicts: &[Verdict], classes: &Classes) -> PlacementMetrics {
    let mut counts = PlacementMetrics::default();
    for pattern in requirements.datacenters().iter().filter(|pattern| !pattern.contains('*')) {
        counts.nodes_available.insert(pattern.clone(), 0);
    }
    for (class, node, nodes) in classes.placeable() {
        let verdict = &verdicts[class as usize];
        if *verdict == Verdict::OtherPool {
            continue;
        }
        counts.nodes_in_pool += nodes;
        if *verdict == Verdict::OtherDatacenter {
            continue;
        }
        counts.nodes_evaluated += nodes;
        *counts.nodes_available.entry(node.datacenter.clone()).or_default() += nodes;
        if let Verdict::Filtered(reason) = verdict {
            count_filtered(&mut counts, node, reason, nodes);
        }
    }
    counts
}

/// Counts nodes like this one as left out.
pub fn count_filtered(metrics: &mut PlacementMetrics, node: &Node, reason: &Text, nodes: u32) {
    metrics.nodes_filtered += nodes;
    *metrics.constraint_filtered.entry(reason.clone()).or_default() += nodes;
    if !node.class.is_empty() {
        *metrics.class_filtered.entry(node.class.clone()).or_default() += nodes;
    }
}
