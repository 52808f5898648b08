//! Why instances are where they are, or nowhere: what people read when a job does not start.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use super::demand::PlacementPlan;
use super::{GroupRequest, shortage};
use crate::model::fit::Dimension;
use crate::model::plan::{NodeScore, PlacementMetrics};
use crate::model::{Ask, Node, Operand, Text};
use crate::scheduler::feasibility::count_filtered;
use crate::scheduler::placement::{Fleet, NodeOrd, Obstacle, Packer, TERMS};

/// So many of the best nodes are shown.
pub const SHOWN_SCORES: usize = 5;

/// The part that does not change while a group is placed.
pub struct Counts {
    filtered: PlacementMetrics,
    distinct_names: Vec<Text>,
    /// Nodes left out by a condition that classes cannot answer.
    left_out: Vec<(NodeOrd, Text)>,
    ask: Ask,
}

impl Counts {
    pub fn new(fleet: &Fleet, request: &GroupRequest<'_>, plan: &PlacementPlan) -> Self {
        let mut filtered = request.profile.counts().clone();
        for (ord, reason) in &plan.filtered {
            count_filtered(&mut filtered, fleet.node(*ord), reason, 1);
        }
        Self { filtered, distinct_names: plan.distinct_names.clone(), left_out: plan.filtered.clone(), ask: plan.demand.ask }
    }

    /// For the instances that found a place.
    pub fn success(&self, packer: &Packer<'_>) -> PlacementMetrics {
        let scored = |(ord, terms, total): (NodeOrd, Vec<(&'static str, f64)>, f64)| NodeScore {
            node: packer.fleet().node(ord).id,
            terms: terms.into_iter().map(|(name, value)| (text(name), value)).collect(),
            total,
        };
        PlacementMetrics { scores: packer.best(SHOWN_SCORES).into_iter().map(scored).collect(), ..self.filtered.clone() }
    }

    /// For the `queued` instances that found none, with what stands in the way now.
    pub fn failure(&self, packer: &Packer<'_>, request: &GroupRequest<'_>, queued: u32) -> PlacementMetrics {
        let mut metrics = self.filtered.clone();
        let mut largest: BTreeMap<Dimension, u64> = BTreeMap::new();
        for (ord, obstacle) in packer.obstacles() {
            let node = packer.fleet().node(ord);
            match obstacle {
                Obstacle::DistinctHosts => count_filtered(&mut metrics, node, &Operand::DistinctHosts.name().into(), 1),
                Obstacle::DistinctProperty(axis) => count_filtered(&mut metrics, node, &self.distinct_names[axis], 1),
                Obstacle::NoDynamicPort => exhaust(&mut metrics, node, "network: no free dynamic port".into()),
                Obstacle::Exhausted(dimension) => {
                    exhaust(&mut metrics, node, dimension.to_string().into());
                    if let Some(free) = free_in(packer.fleet(), ord, dimension) {
                        let most = largest.entry(dimension).or_default();
                        *most = free.max(*most);
                    }
                }
            }
        }
        for (dimension, free) in largest {
            let (unit, asked) = match dimension {
                Dimension::Cpu => (" MHz", self.ask.cpu.0),
                Dimension::Memory => (" MiB", self.ask.memory.0),
                Dimension::Disk => (" MiB", self.ask.disk.0),
                Dimension::Cores | Dimension::Numa | Dimension::Port(_) | Dimension::Devices => ("", u64::from(self.ask.cores)),
            };
            let text = format!("largest free {free}{unit}, asked {asked}{unit}");
            metrics.largest_free.insert(dimension.to_string().into(), text.into());
        }
        (metrics.missing, metrics.changes) = shortage::analyse(packer, request, &self.left_out, &self.distinct_names, queued);
        metrics.coalesced_failures = queued.saturating_sub(1);
        metrics
    }
}

/// The names of terms are in every row: one text for each.
fn text(name: &'static str) -> Text {
    static KNOWN: LazyLock<BTreeMap<&str, Text>> = LazyLock::new(|| TERMS.iter().map(|name| (*name, Text::from(*name))).collect());
    KNOWN.get(name).map_or_else(|| name.into(), Text::clone)
}

fn exhaust(metrics: &mut PlacementMetrics, node: &Node, dimension: Text) {
    metrics.nodes_exhausted += 1;
    *metrics.dimension_exhausted.entry(dimension).or_default() += 1;
    if !node.class.is_empty() {
        *metrics.class_exhausted.entry(node.class.clone()).or_default() += 1;
    }
}

/// What is free of a dimension that has an amount.
fn free_in(fleet: &Fleet, ord: NodeOrd, dimension: Dimension) -> Option<u64> {
    let (available, used) = (fleet.available(ord), fleet.usage(ord).ask);
    Some(match dimension {
        Dimension::Cpu => (available.cpu - used.cpu).0,
        Dimension::Memory => (available.memory - used.memory).0,
        Dimension::Disk => (available.disk - used.disk).0,
        Dimension::Cores => u64::from(available.cores.saturating_sub(used.cores)),
        Dimension::Numa | Dimension::Port(_) | Dimension::Devices => return None,
    })
}
