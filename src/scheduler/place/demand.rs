//! From a group's specification to the numbers that the packing core works on.

use std::collections::BTreeMap;

use super::{GroupRequest, Interner, Live};
use crate::model::attributes::resolve;
use crate::model::{Constraint, Node, Operand, Spread, TaskGroup, Text};
use crate::scheduler::feasibility::{Verdict, is_unique};
use crate::scheduler::placement::{Candidate, Demand, DistinctAxis, Fleet, NO_VALUE, NodeOrd, PortDemand, SpreadAxis, SpreadGoal};

/// A demand with what only people want to know of it.
#[derive(Debug)]
pub struct PlacementPlan {
    pub demand: Demand,
    /// The `distinct_property` constraint of each distinct axis, as text.
    pub distinct_names: Vec<Text>,
    /// Nodes left out by a condition that classes cannot answer, and by which.
    pub filtered: Vec<(NodeOrd, Text)>,
}

pub struct DemandBuilder<'a> {
    fleet: &'a Fleet,
    request: &'a GroupRequest<'a>,
    live: &'a [Live],
    /// Only these nodes are looked at; `None`: every node.
    nodes: Option<&'a [NodeOrd]>,
}

impl<'a> DemandBuilder<'a> {
    pub fn new(fleet: &'a Fleet, request: &'a GroupRequest<'a>, live: &'a [Live], nodes: Option<&'a [NodeOrd]>) -> Self {
        Self { fleet, request, live, nodes }
    }

    pub fn build(self) -> PlacementPlan {
        let GroupRequest { job, group, .. } = self.request;
        let mut filtered = Vec::new();
        let distinct_hosts = self.has_distinct_hosts();
        let candidates = self.candidates(distinct_hosts, &mut filtered);
        let mut distinct = Vec::new();
        let mut distinct_names = Vec::new();
        for (constraint, of_job) in self.distinct_properties() {
            distinct.push(self.distinct_axis(constraint, of_job, &candidates));
            distinct_names.push(constraint.to_string().into());
        }
        let spreads: Vec<&Spread> = job.spreads.iter().chain(&group.spreads).collect();
        let weights: f64 = spreads.iter().map(|spread| f64::from(spread.weight)).sum();
        let demand = Demand {
            ask: group.ask(),
            ports: ports(group),
            devices: self.request.profile.device_demand(),
            algorithm: self.request.algorithm,
            // Instances of a service stand in for each other; those of a batch are work, and where it is packed it leaves more room.
            anti_affinity: !job.job_type.is_batch(),
            group_count: group.count,
            spreads: spreads.iter().map(|spread| self.spread_axis(spread, weights, &candidates)).collect(),
            candidates,
            distinct,
            distinct_hosts: distinct_hosts.is_some(),
            salt: self.request.salt,
        };
        PlacementPlan { demand, distinct_names, filtered }
    }

    /// Whether instances avoid each other's nodes: `Some(true)` those of the whole job, `Some(false)` those of the group.
    fn has_distinct_hosts(&self) -> Option<bool> {
        let asks = |constraint: &Constraint| constraint.operand == Operand::DistinctHosts && &*constraint.right != "false";
        if self.request.job.constraints.iter().any(asks) {
            return Some(true);
        }
        let group = self.request.group;
        let mut own = group.constraints.iter().chain(group.tasks.iter().flat_map(|task| &task.constraints));
        own.any(asks).then_some(false)
    }

    /// `distinct_property` constraints, and whether they count the whole job.
    fn distinct_properties(&self) -> impl Iterator<Item = (&'a Constraint, bool)> {
        let GroupRequest { job, group, .. } = self.request;
        let own = group.constraints.iter().chain(group.tasks.iter().flat_map(|task| &task.constraints));
        let all = job.constraints.iter().map(|constraint| (constraint, true)).chain(own.map(|constraint| (constraint, false)));
        all.filter(|(constraint, _)| constraint.operand == Operand::DistinctProperty)
    }

    fn candidates(&self, distinct_hosts: Option<bool>, filtered: &mut Vec<(NodeOrd, Text)>) -> Vec<Candidate> {
        let profile = self.request.profile;
        let requirements = &profile.requirements;
        // Nodes are shortlisted only where nothing that lives on them matters.
        let (size, live) = if self.nodes.is_some() { (0, &[][..]) } else { (self.fleet.len(), self.live) };
        let mut collisions = vec![0u32; size];
        let mut occupied = vec![false; size];
        for live in live {
            let same_group = live.group == self.request.position;
            collisions[live.ord.at()] += if same_group && !live.leaving { live.count } else { 0 };
            occupied[live.ord.at()] |= distinct_hosts.is_some_and(|of_job| of_job || same_group);
        }
        let scale = requirements.affinity_weight().max(1) as f64;
        let mut candidates = Vec::new();
        let everywhere = || self.fleet.placeable();
        let listed = self.nodes.into_iter().flatten().copied();
        for ord in listed.chain(self.nodes.is_none().then(everywhere).into_iter().flatten()) {
            let class = self.fleet.class(ord);
            if *profile.class_verdict(class) != Verdict::Feasible {
                continue;
            }
            let mut weight = profile.class_affinity(class);
            if requirements.asks_each_node() {
                let node = self.fleet.node(ord);
                if let Verdict::Filtered(reason) = requirements.node_verdict(node) {
                    filtered.push((ord, reason));
                    continue;
                }
                weight += requirements.node_affinity(node);
            }
            if occupied.get(ord.at()).is_some_and(|occupied| *occupied) {
                filtered.push((ord, Operand::DistinctHosts.name().into()));
                continue;
            }
            candidates.push(Candidate { ord, collisions: collisions.get(ord.at()).copied().unwrap_or(0), affinity: weight as f64 / scale });
        }
        candidates
    }

    /// The value's ordinal on each candidate and on each live instance's node.
    fn values(&self, target: &str, candidates: &[Candidate], interner: &mut Interner) -> (Vec<u32>, Vec<u32>) {
        let unique = is_unique(target);
        let mut by_class: BTreeMap<u32, u32> = BTreeMap::new();
        let mut value_of = |ord: NodeOrd| {
            let read = |interner: &mut Interner, node: &Node| resolve(node, target).map_or(NO_VALUE, |value| interner.intern(&value));
            if unique {
                return read(interner, self.fleet.node(ord));
            }
            *by_class.entry(self.fleet.class(ord)).or_insert_with(|| read(interner, self.fleet.node(ord)))
        };
        let on_candidates = candidates.iter().map(|candidate| value_of(candidate.ord)).collect();
        let on_live = self.live.iter().map(|live| value_of(live.ord)).collect();
        (on_candidates, on_live)
    }

    fn distinct_axis(&self, constraint: &Constraint, of_job: bool, candidates: &[Candidate]) -> DistinctAxis {
        let mut interner = Interner::default();
        let (values, on_live) = self.values(&constraint.left, candidates, &mut interner);
        let counted = |live: &Live| of_job || live.group == self.request.position;
        let used = self.used(&on_live, interner.0.len(), counted);
        // No number: each value once.
        DistinctAxis { values, used, limit: constraint.right.trim().parse().unwrap_or(1) }
    }

    fn spread_axis(&self, spread: &Spread, weights: f64, candidates: &[Candidate]) -> SpreadAxis {
        let mut interner = Interner::default();
        let (values, on_live) = self.values(&spread.attribute, candidates, &mut interner);
        let counted = |live: &Live| live.group == self.request.position && !live.leaving;
        let used = self.used(&on_live, interner.0.len(), counted);
        if spread.targets.is_empty() {
            return SpreadAxis { values, used, goal: SpreadGoal::Even };
        }
        let share = |percent: u32| f64::from(percent) / 100.0 * f64::from(self.request.group.count);
        let listed: u32 = spread.targets.iter().map(|target| u32::from(target.percent)).sum();
        // Values that are not listed share what is left.
        let others = (listed < 100).then(|| share(100 - listed));
        let mut wanted = vec![others; used.len()];
        for target in &spread.targets {
            if let Some(ordinal) = interner.0.get(&*target.value) {
                wanted[*ordinal as usize] = Some(share(u32::from(target.percent)));
            }
        }
        SpreadAxis { values, used, goal: SpreadGoal::Targets { wanted, weight_share: f64::from(spread.weight) / weights.max(1.0) } }
    }

    fn used(&self, on_live: &[u32], size: usize, counted: impl Fn(&Live) -> bool) -> Vec<u32> {
        let mut used = vec![0; size];
        for (live, value) in self.live.iter().zip(on_live) {
            if *value != NO_VALUE && counted(live) {
                used[*value as usize] += live.count;
            }
        }
        used
    }
}

fn ports(group: &TaskGroup) -> PortDemand {
    let fixed = group.ports().filter_map(|port| Some((port.static_port?, port.ignore_collision))).collect();
    let dynamic = group.ports().filter(|port| port.static_port.is_none()).count();
    PortDemand { fixed, dynamic: u16::try_from(dynamic).unwrap_or(u16::MAX) }
}
