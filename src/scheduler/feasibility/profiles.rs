//! The profiles of all groups. Groups that demand the same of a node share one, whatever job they are of.

use std::collections::HashMap;
use std::sync::Arc;

use super::profile::GroupProfile;
use super::requirements::{affinities, constraints};
use crate::model::{Affinity, Constraint, DeviceAsk, Job, TaskGroup, Text};
use crate::scheduler::placement::Classes;

#[derive(Debug, Default)]
pub struct Profiles(HashMap<Signature, Arc<GroupProfile>>);

/// Everything that a profile is made of.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Signature {
    /// Constraints may refer to other jobs of it.
    namespace: Text,
    pool: Text,
    datacenters: Vec<Text>,
    drivers: Vec<Text>,
    constraints: Vec<Constraint>,
    affinities: Vec<Affinity>,
    /// With the task that asks.
    devices: Vec<(Text, DeviceAsk)>,
}

/// So many profiles are kept; beyond, all are dropped and made again as needed.
const MOST_PROFILES: usize = 4096;

impl Profiles {
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// The group's profile, with the classes of now.
    pub fn get(&mut self, job: &Job, group: &TaskGroup, classes: &Classes) -> Arc<GroupProfile> {
        let signature = Signature::of(job, group);
        let profile = match self.0.get(&signature) {
            Some(known) if known.is_current(classes) => return Arc::clone(known),
            Some(known) => Arc::new(known.renewed(classes)),
            None => Arc::new(GroupProfile::new(job, group, classes)),
        };
        if self.0.len() >= MOST_PROFILES {
            self.0.clear();
        }
        self.0.insert(signature, Arc::clone(&profile));
        profile
    }
}

impl Signature {
    fn of(job: &Job, group: &TaskGroup) -> Self {
        let devices = group.tasks.iter().flat_map(|task| task.resources.devices.iter().map(|ask| (task.name.clone(), ask.clone())));
        Self {
            namespace: job.key.namespace.clone(),
            pool: job.node_pool.clone(),
            datacenters: job.datacenters.clone(),
            drivers: group.tasks.iter().map(|task| task.driver.clone()).collect(),
            constraints: constraints(job, group).cloned().collect(),
            affinities: affinities(job, group).cloned().collect(),
            devices: devices.collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scheduler::placement::Fleet;
    use crate::scheduler::testing::{constraint, group, job, node};

    #[test]
    fn groups_that_demand_the_same_share_a_profile_until_the_nodes_are_others() {
        let mut fleet = Fleet::default();
        fleet.set(&Arc::new(node(1)), &[]);
        let mut profiles = Profiles::default();
        let (one, mut other) = (job("one", 1), job("other", 7));
        let first = profiles.get(&one, &one.groups[0], fleet.classes());
        let again = profiles.get(&other, &group("another", 3), fleet.classes());
        assert!(Arc::ptr_eq(&first, &again));
        assert_eq!(first.counts().nodes_evaluated, 1);

        other.constraints.push(constraint("${attr.kernel.name}", "=", "plan9"));
        let picky = profiles.get(&other, &other.groups[0], fleet.classes());
        assert_eq!((picky.counts().nodes_evaluated, picky.counts().nodes_filtered), (1, 1));

        fleet.set(&Arc::new(node(2)), &[]);
        let renewed = profiles.get(&one, &one.groups[0], fleet.classes());
        assert_eq!(renewed.counts().nodes_evaluated, 2, "one class still, of two nodes");
    }
}
