//! From a group's specification to the numbers that the packing core works on.

use std::collections::{BTreeMap, HashMap};

use super::{GroupRequest, Interner, Live, cores};
use crate::model::attributes::resolve;
use crate::model::{Constraint, Node, Operand, Spread, TaskGroup, Text};
use crate::scheduler::feasibility::{NearbyCheck, Verdict, is_unique};
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

/// A condition on another job nearby, with that job's instances counted.
struct Nearby<'a> {
    check: &'a NearbyCheck,
    /// By value of the fact that says what is near.
    counts: HashMap<String, u32>,
    /// The count of each class of nodes, where the fact does not differ within one.
    by_class: HashMap<u32, u32>,
    /// By count.
    verdicts: HashMap<u32, bool>,
}

impl Nearby<'_> {
    fn holds_on(&mut self, fleet: &Fleet, ord: NodeOrd) -> bool {
        let (counts, around) = (&self.counts, &self.check.around);
        // A node without the fact has nobody near it.
        let count_of = || resolve(fleet.node(ord), around).and_then(|value| counts.get(&*value).copied()).unwrap_or_default();
        let count = if counts.is_empty() {
            0
        } else if is_unique(around) {
            count_of()
        } else {
            *self.by_class.entry(fleet.class(ord)).or_insert_with(count_of)
        };
        *self.verdicts.entry(count).or_insert_with(|| self.check.holds_with(count))
    }
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
        let own = self.request.profile.requirements.nearby().iter().filter(|check| check.job == job.key);
        for (check, limit) in own.filter_map(|check| Some((check, check.limit_of_own()?))) {
            distinct.push(DistinctAxis { limit, ..self.distinct_axis(&check.around, true, &candidates) });
            distinct_names.push(check.text().clone());
        }
        for (constraint, of_job) in self.distinct_properties() {
            // No number: each value once.
            let limit = constraint.right.trim().parse().unwrap_or(1);
            distinct.push(DistinctAxis { limit, ..self.distinct_axis(&constraint.left, of_job, &candidates) });
            distinct_names.push(constraint.to_string().into());
        }
        let spreads: Vec<&Spread> = job.spreads.iter().chain(&group.spreads).collect();
        let weights: f64 = spreads.iter().map(|spread| f64::from(spread.weight)).sum();
        let demand = Demand {
            ask: group.ask(),
            ports: ports(group),
            devices: self.request.profile.device_demand(),
            cores: cores::demand(group, self.request.profile.requirements.devices()),
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
        let own = &self.request.job.key;
        let mut conditions: Vec<Nearby<'_>> =
            requirements.nearby().iter().filter(|check| check.job != *own).map(|check| self.nearby(check)).collect();
        let mut preferences: Vec<(Nearby<'_>, i64)> =
            requirements.nearby_affinities().iter().map(|(check, weight)| (self.nearby(check), *weight)).collect();
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
            if let Some(unmet) = conditions.iter_mut().position(|nearby| !nearby.holds_on(self.fleet, ord)) {
                filtered.push((ord, conditions[unmet].check.text().clone()));
                continue;
            }
            for (nearby, liking) in &mut preferences {
                weight += if nearby.holds_on(self.fleet, ord) { *liking } else { 0 };
            }
            if occupied.get(ord.at()).is_some_and(|occupied| *occupied) {
                filtered.push((ord, Operand::DistinctHosts.name().into()));
                continue;
            }
            candidates.push(Candidate { ord, collisions: collisions.get(ord.at()).copied().unwrap_or(0), affinity: weight as f64 / scale });
        }
        candidates
    }

    /// Counts a job's instances by the values of the fact that says what is near.
    fn nearby(&self, check: &'a NearbyCheck) -> Nearby<'a> {
        let mut nearby = Nearby { check, counts: HashMap::new(), by_class: HashMap::new(), verdicts: HashMap::new() };
        for (node, count) in self.request.neighbours.of(&check.job) {
            if let Some(value) = self.fleet.ord(node).and_then(|ord| resolve(self.fleet.node(ord), &check.around)) {
                *nearby.counts.entry(value.into_owned()).or_default() += count;
            }
        }
        nearby
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

    /// With a limit of one.
    fn distinct_axis(&self, target: &str, of_job: bool, candidates: &[Candidate]) -> DistinctAxis {
        let mut interner = Interner::default();
        let (values, on_live) = self.values(target, candidates, &mut interner);
        let counted = |live: &Live| of_job || live.group == self.request.position;
        let used = self.used(&on_live, interner.0.len(), counted);
        DistinctAxis { values, used, limit: 1 }
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
