//! Everything that a group (with its job and tasks) demands of a node, compiled.

use std::collections::BTreeSet;

use super::check::Check;
use super::devices::DeviceRequirement;
use super::glob;
use super::nearby::NearbyCheck;
use crate::model::{Affinity, Constraint, Job, JobKey, Node, TaskGroup, Text, neighbours};

/// What a group's requirements say about a class of nodes, or one node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Another pool: not even counted.
    OtherPool,
    /// The pool, but none of the job's datacenters.
    OtherDatacenter,
    /// Unmet, and by what.
    Filtered(Text),
    Feasible,
}

#[derive(Debug)]
pub struct Requirements {
    datacenters: Vec<Text>,
    pool: Text,
    drivers: BTreeSet<Text>,
    devices: Vec<DeviceRequirement>,
    /// Equal on all nodes of a class; those of the job first, then of the group, then of its tasks.
    class_checks: Vec<Check>,
    /// May differ on every node.
    node_checks: Vec<Check>,
    class_affinities: Vec<(Check, i64)>,
    node_affinities: Vec<(Check, i64)>,
    /// Conditions on other jobs nearby, and how much they are liked.
    nearby: Vec<NearbyCheck>,
    nearby_affinities: Vec<(NearbyCheck, i64)>,
    /// Sum of the absolute weights.
    affinity_weight: i64,
}

/// The pool that every node is in.
const ALL_POOLS: &str = "all";

impl Requirements {
    pub fn of(job: &Job, group: &TaskGroup) -> Self {
        let of_nodes = constraints(job, group).filter(|constraint| neighbours::parse(&constraint.left).is_none());
        let (node_checks, class_checks) = of_nodes.map(Check::from).partition(Check::is_node_unique);
        let liked = affinities(job, group).filter(|affinity| neighbours::parse(&affinity.left).is_none());
        let weighted = liked.map(|affinity| (Check::from(affinity), i64::from(affinity.weight)));
        let nearby_affinities: Vec<_> = affinities(job, group)
            .filter_map(|affinity| Some((NearbyCheck::of_affinity(job, affinity)?, i64::from(affinity.weight))))
            .collect();
        let (node_affinities, class_affinities): (Vec<_>, Vec<_>) = weighted.partition(|(check, _)| check.is_node_unique());
        let of_facts = node_affinities.iter().chain(&class_affinities).map(|(_, weight)| weight.abs());
        let affinity_weight = of_facts.chain(nearby_affinities.iter().map(|(_, weight)| weight.abs())).sum();
        Self {
            datacenters: job.datacenters.clone(),
            pool: job.node_pool.clone(),
            drivers: group.tasks.iter().map(|task| task.driver.clone()).collect(),
            devices: DeviceRequirement::of(group),
            class_checks,
            node_checks,
            class_affinities,
            node_affinities,
            nearby: constraints(job, group).filter_map(|constraint| NearbyCheck::of(job, constraint)).collect(),
            nearby_affinities,
            affinity_weight,
        }
    }

    /// The job's datacenter patterns.
    pub fn datacenters(&self) -> &[Text] {
        &self.datacenters
    }

    /// Whether each node must be asked by itself, beside its class.
    pub fn asks_each_node(&self) -> bool {
        !self.node_checks.is_empty() || !self.node_affinities.is_empty()
    }

    /// The verdict on every node of `node`'s class, as far as classes go.
    pub fn class_verdict(&self, node: &Node) -> Verdict {
        if *self.pool != *ALL_POOLS && self.pool != node.pool {
            return Verdict::OtherPool;
        }
        if !self.datacenters.iter().any(|pattern| glob::matches(pattern, &node.datacenter)) {
            return Verdict::OtherDatacenter;
        }
        let healthy = |driver: &Text| node.drivers.get(driver).is_some_and(|info| info.detected && info.healthy);
        if !self.drivers.iter().all(healthy) {
            return Verdict::Filtered("missing drivers".into());
        }
        let verdict = first_unmet(&self.class_checks, node);
        if verdict == Verdict::Feasible && self.devices.iter().any(|device| device.offers(node).is_empty()) {
            return Verdict::Filtered("missing devices".into());
        }
        verdict
    }

    /// Everything that a class of nodes lacks, not only the first: drivers and devices by name, constraints as they are written.
    pub fn unmet(&self, node: &Node) -> Vec<Text> {
        let mut unmet = Vec::new();
        if !self.datacenters.iter().any(|pattern| glob::matches(pattern, &node.datacenter)) {
            unmet.push(format!("datacenter {}", node.datacenter).into());
        }
        let healthy = |driver: &Text| node.drivers.get(driver).is_some_and(|info| info.detected && info.healthy);
        unmet.extend(self.drivers.iter().filter(|driver| !healthy(driver)).map(|driver| format!("driver.{driver}").into()));
        unmet.extend(self.class_checks.iter().filter(|check| !check.holds_on(node)).map(|check| check.text().clone()));
        let without = self.devices.iter().filter(|device| device.offers(node).is_empty());
        unmet.extend(without.map(|device| format!("device {}", device.name()).into()));
        unmet
    }

    /// The verdict on this one node, after its class was found feasible.
    pub fn node_verdict(&self, node: &Node) -> Verdict {
        first_unmet(&self.node_checks, node)
    }

    /// The summed weight of the affinities that a class meets.
    pub fn class_affinity(&self, node: &Node) -> i64 {
        met_weight(&self.class_affinities, node)
    }

    /// What this one node adds to [`Self::class_affinity`].
    pub fn node_affinity(&self, node: &Node) -> i64 {
        met_weight(&self.node_affinities, node)
    }

    /// The jobs whose instances it matters where they are.
    pub fn neighbours(&self) -> impl Iterator<Item = &JobKey> {
        self.nearby.iter().chain(self.nearby_affinities.iter().map(|(check, _)| check)).map(|check| &check.job)
    }

    /// Conditions on other jobs nearby.
    pub fn nearby(&self) -> &[NearbyCheck] {
        &self.nearby
    }

    pub fn nearby_affinities(&self) -> &[(NearbyCheck, i64)] {
        &self.nearby_affinities
    }

    /// What the group's tasks ask of devices.
    pub fn devices(&self) -> &[DeviceRequirement] {
        &self.devices
    }

    /// The divisor that brings a summed weight into -1..=1; zero without affinities.
    pub fn affinity_weight(&self) -> i64 {
        self.affinity_weight
    }
}

/// The constraints of the job, the group and its tasks.
pub fn constraints<'a>(job: &'a Job, group: &'a TaskGroup) -> impl Iterator<Item = &'a Constraint> {
    job.constraints.iter().chain(&group.constraints).chain(group.tasks.iter().flat_map(|task| &task.constraints))
}

pub fn affinities<'a>(job: &'a Job, group: &'a TaskGroup) -> impl Iterator<Item = &'a Affinity> {
    job.affinities.iter().chain(&group.affinities).chain(group.tasks.iter().flat_map(|task| &task.affinities))
}

fn first_unmet(checks: &[Check], node: &Node) -> Verdict {
    checks.iter().find(|check| !check.holds_on(node)).map_or(Verdict::Feasible, |check| Verdict::Filtered(check.text().clone()))
}

fn met_weight(affinities: &[(Check, i64)], node: &Node) -> i64 {
    affinities.iter().filter(|(check, _)| check.holds_on(node)).map(|(_, weight)| weight).sum()
}
