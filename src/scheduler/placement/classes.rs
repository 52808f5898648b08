//! Node classes: nodes that no constraint can tell apart, save by facts that are unique to each node.

use std::collections::{BTreeMap, HashMap};
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use crate::model::{DeviceGroup, Node, Text};

/// Interned classes with dense ordinals. An ordinal whose last node left is used again, which starts a new epoch.
#[derive(Debug, Default)]
pub struct Classes {
    by_key: HashMap<ClassKey, u32>,
    members: Vec<Members>,
    vacant: Vec<u32>,
    epoch: u64,
    revision: u64,
}

#[derive(Debug)]
struct Members {
    representative: Arc<Node>,
    nodes: u32,
    /// Those that may take new allocations now.
    placeable: u32,
}

impl Classes {
    /// Changes whenever an ordinal begins to mean another class.
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Changes whenever a class has other numbers of nodes.
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// One node of each class, by ordinal.
    pub fn representatives(&self) -> impl Iterator<Item = &Node> {
        self.members.iter().map(|members| &*members.representative)
    }

    /// Every class that has nodes which may take allocations: its ordinal, a node of it and their number.
    pub fn placeable(&self) -> impl Iterator<Item = (u32, &Node, u32)> {
        self.members
            .iter()
            .zip(0u32..)
            .filter(|(members, _)| members.placeable > 0)
            .map(|(members, class)| (class, &*members.representative, members.placeable))
    }

    pub(super) fn join(&mut self, node: &Arc<Node>, placeable: bool) -> u32 {
        let key = ClassKey(Arc::clone(node));
        let class = match self.by_key.get(&key) {
            Some(class) => *class,
            None => self.open(key),
        };
        self.revision += 1;
        let members = &mut self.members[class as usize];
        members.nodes += 1;
        members.placeable += u32::from(placeable);
        class
    }

    pub(super) fn leave(&mut self, class: u32, placeable: bool) {
        self.revision += 1;
        let members = &mut self.members[class as usize];
        members.nodes -= 1;
        members.placeable -= u32::from(placeable);
        if members.nodes == 0 {
            self.by_key.remove(&ClassKey(Arc::clone(&members.representative)));
            self.vacant.push(class);
        }
    }

    fn open(&mut self, key: ClassKey) -> u32 {
        self.epoch += 1;
        let members = Members { representative: Arc::clone(&key.0), nodes: 0, placeable: 0 };
        let class = if let Some(class) = self.vacant.pop() {
            self.members[class as usize] = members;
            class
        } else {
            self.members.push(members);
            u32::try_from(self.members.len() - 1).unwrap_or(u32::MAX)
        };
        self.by_key.insert(key, class);
        class
    }
}

/// A node seen only through what constraints of a whole class can see.
#[derive(Debug)]
struct ClassKey(Arc<Node>);

impl ClassKey {
    fn facts(&self) -> (&str, &str, &str, impl Iterator<Item = (&Text, &Text)>, impl Iterator<Item = &Text>) {
        let node = &*self.0;
        let healthy = node.drivers.iter().filter(|(_, info)| info.detected && info.healthy).map(|(name, _)| name);
        (&*node.datacenter, &*node.class, &*node.pool, shared_facts(&node.attributes).chain(shared_facts(&node.meta)), healthy)
    }
}

fn shared_facts(facts: &BTreeMap<Text, Text>) -> impl Iterator<Item = (&Text, &Text)> {
    facts.iter().filter(|(name, _)| !name.contains("unique."))
}

/// Whether two groups of devices answer every ask alike as long as nothing is taken.
fn offers_alike(a: &DeviceGroup, b: &DeviceGroup) -> bool {
    let healthy = |group: &DeviceGroup| group.instances.iter().filter(|instance| instance.healthy).count();
    (&a.vendor, &a.kind, &a.name, &a.attributes) == (&b.vendor, &b.kind, &b.name, &b.attributes) && healthy(a) == healthy(b)
}

impl PartialEq for ClassKey {
    fn eq(&self, other: &Self) -> bool {
        if Arc::ptr_eq(&self.0, &other.0) {
            return true;
        }
        let (a, b) = (&*self.0, &*other.0);
        // Attributes and metadata are compared apart: `attr.x` and `meta.x` are different facts.
        a.datacenter == b.datacenter
            && a.class == b.class
            && a.pool == b.pool
            && shared_facts(&a.attributes).eq(shared_facts(&b.attributes))
            && shared_facts(&a.meta).eq(shared_facts(&b.meta))
            && self.facts().4.eq(other.facts().4)
            && a.resources.devices.len() == b.resources.devices.len()
            && a.resources.devices.iter().zip(&b.resources.devices).all(|(a, b)| offers_alike(a, b))
    }
}

impl Eq for ClassKey {}

impl Hash for ClassKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let (datacenter, class, pool, facts, drivers) = self.facts();
        (datacenter, class, pool).hash(state);
        for fact in facts {
            fact.hash(state);
        }
        for driver in drivers {
            driver.hash(state);
        }
        for group in &self.0.resources.devices {
            (&group.vendor, &group.kind, &group.name).hash(state);
        }
    }
}
