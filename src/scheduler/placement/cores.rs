//! Which cores of a node an instance gets, and with them its devices: some tasks want their cores on one NUMA node, and devices there, too.

use std::collections::BTreeSet;

use super::devices::{DeviceChoice, DeviceDemand};
use crate::model::fit::{Dimension, Usage};
use crate::model::{DeviceInstance, NodeResources, NumaAffinity, NumaNode};

/// How the cores of one instance shall lie. Empty: anywhere.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CoreDemand {
    /// One after the other they make up all of its cores; none where nobody cares.
    pub blocks: Vec<CoreBlock>,
    /// By device need: the block (an index into `blocks`) whose NUMA node it shall be on.
    pub near: Vec<Option<usize>>,
}

/// Cores that belong together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CoreBlock {
    pub count: u16,
    pub affinity: NumaAffinity,
}

/// A search among many blocks is given up after so many tries: no real job comes near.
const MOST_TRIES: u32 = 1_000;

/// `count` cores, block by block, and devices for one instance beside `usage`, or what there is too little of.
///
/// Of the NUMA nodes that will do, the one with the fewest free cores is taken, so that others stay whole; what may lie anywhere takes
/// the lowest ids that are left.
pub fn choose(
    demand: &CoreDemand,
    count: u16,
    devices: &DeviceDemand,
    class: u32,
    resources: &NodeResources,
    usage: &Usage,
) -> Result<(Vec<u16>, DeviceChoice), Dimension> {
    let any = || devices.choose(class, &resources.devices, &usage.devices).ok_or(Dimension::Devices);
    if count == 0 {
        return Ok((Vec::new(), any()?));
    }
    let free: Vec<u16> = resources.reservable_cores.iter().copied().filter(|core| !usage.cores.contains(core)).collect();
    if free.len() < usize::from(count) {
        return Err(Dimension::Cores);
    }
    // Where there is one NUMA node, or nobody knows, everything is near.
    if demand.blocks.is_empty() || resources.numa.len() < 2 {
        return Ok((free[..usize::from(count)].to_vec(), any()?));
    }
    any()?;
    let is_near = |chosen: &[Option<u16>], need: usize, instance: &DeviceInstance| {
        let numa = demand.near.get(need).copied().flatten().and_then(|block| chosen[block]);
        numa.is_none() || instance.numa_node == numa
    };
    let choose_devices = |chosen: &[Option<u16>]| {
        devices.choose_where(class, &resources.devices, &usage.devices, &|need, instance| is_near(chosen, need, instance))
    };
    let mut order: Vec<usize> = (0..demand.blocks.len()).filter(|block| demand.blocks[*block].affinity != NumaAffinity::None).collect();
    // The pickiest and the largest first.
    order.sort_by_key(|block| std::cmp::Reverse((demand.blocks[*block].affinity, demand.blocks[*block].count)));
    let mut search = Search {
        blocks: &demand.blocks,
        numa: &resources.numa,
        free: free.into_iter().collect(),
        chosen: vec![None; demand.blocks.len()],
        cores: vec![Vec::new(); demand.blocks.len()],
        tries: 0,
    };
    let found = search.meet(&order, &choose_devices).ok_or(Dimension::Numa)?;
    Ok((search.finish(), found))
}

struct Search<'a> {
    blocks: &'a [CoreBlock],
    numa: &'a [NumaNode],
    free: BTreeSet<u16>,
    /// By block; `None`: anywhere.
    chosen: Vec<Option<u16>>,
    cores: Vec<Vec<u16>>,
    tries: u32,
}

impl Search<'_> {
    /// Finds room for the blocks that are left, and devices near all of them; takes nothing when it cannot.
    fn meet(&mut self, left: &[usize], devices: &impl Fn(&[Option<u16>]) -> Option<DeviceChoice>) -> Option<DeviceChoice> {
        self.tries += 1;
        if self.tries > MOST_TRIES {
            return None;
        }
        let Some((&block, rest)) = left.split_first() else {
            return devices(&self.chosen);
        };
        let CoreBlock { count, affinity } = self.blocks[block];
        let free_on = |node: &NumaNode| node.cores.iter().copied().filter(|core| self.free.contains(core)).collect::<Vec<u16>>();
        let mut roomy: Vec<(usize, u16, Vec<u16>)> =
            self.numa.iter().map(|node| (node, free_on(node))).map(|(node, free)| (free.len(), node.id, free)).collect();
        roomy.retain(|(free, ..)| *free >= usize::from(count));
        roomy.sort_by_key(|(free, id, _)| (*free, *id));
        for (_, id, mut cores) in roomy {
            cores.sort_unstable();
            cores.truncate(count.into());
            cores.iter().for_each(|core| _ = self.free.remove(core));
            self.chosen[block] = Some(id);
            if let Some(found) = self.meet(rest, devices) {
                self.cores[block] = cores;
                return Some(found);
            }
            self.free.extend(cores);
            self.chosen[block] = None;
        }
        if affinity == NumaAffinity::Prefer { self.meet(rest, devices) } else { None }
    }

    /// All cores, block by block.
    fn finish(mut self) -> Vec<u16> {
        let mut all = Vec::new();
        for (block, mut cores) in self.blocks.iter().zip(self.cores) {
            while cores.len() < usize::from(block.count)
                && let Some(core) = self.free.pop_first()
            {
                cores.push(core);
            }
            all.extend(cores);
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::device::{DeviceGroup, DevicePosition, DeviceShare};
    use crate::scheduler::placement::{DeviceNeed, DeviceOffer};

    /// Two NUMA nodes of four cores each, interleaved as many machines number them, with a device on each.
    fn machine() -> NodeResources {
        let device = |id: &str, numa| DeviceInstance {
            id: id.into(),
            healthy: true,
            health_description: "".into(),
            pci_bus_id: "".into(),
            numa_node: Some(numa),
        };
        NodeResources {
            reservable_cores: (0..8).collect(),
            numa: vec![NumaNode { id: 0, cores: vec![0, 2, 4, 6] }, NumaNode { id: 1, cores: vec![1, 3, 5, 7] }],
            devices: vec![DeviceGroup { instances: vec![device("a", 0), device("b", 1)], ..DeviceGroup::default() }],
            ..NodeResources::default()
        }
    }

    fn devices(count: u16) -> DeviceDemand {
        let needs = vec![DeviceNeed { count, share: DeviceShare::WHOLE }];
        let offers = std::sync::Arc::new(vec![vec![vec![DeviceOffer { group: 0, weight: 0 }]]]);
        if count == 0 { DeviceDemand::default() } else { DeviceDemand { needs, offers, affinity_weight: 0 } }
    }

    #[test]
    fn where_the_cores_lie() {
        use Dimension::{Cores, Devices, Numa};
        use NumaAffinity::{None as No, Prefer, Require};
        type Case<'a> = (&'a str, &'a [(u16, NumaAffinity)], &'a [u16], Result<&'a [u16], Dimension>);
        let cases: [Case<'_>; 19] = [
            ("none asked", &[], &[], Ok(&[])),
            ("the lowest", &[(3, No)], &[], Ok(&[0, 1, 2])),
            ("the lowest free", &[(3, No)], &[0, 3], Ok(&[1, 2, 4])),
            ("too many", &[(9, No)], &[], Err(Cores)),
            ("one node", &[(3, Require)], &[], Ok(&[0, 2, 4])),
            ("a whole node", &[(4, Require)], &[], Ok(&[0, 2, 4, 6])),
            ("more than a node", &[(5, Require)], &[], Err(Numa)),
            ("more than a node, rather", &[(5, Prefer)], &[], Ok(&[0, 1, 2, 3, 4])),
            ("the fuller node", &[(2, Require)], &[1], Ok(&[3, 5])),
            ("the only one with room", &[(4, Require)], &[0], Ok(&[1, 3, 5, 7])),
            ("none with room", &[(4, Require)], &[0, 1], Err(Numa)),
            ("none with room, rather", &[(4, Prefer)], &[0, 1], Ok(&[2, 3, 4, 5])),
            ("rather, where there is one", &[(3, Prefer)], &[0, 1, 3], Ok(&[2, 4, 6])),
            ("one node each", &[(4, Require), (4, Require)], &[], Ok(&[0, 2, 4, 6, 1, 3, 5, 7])),
            ("in the order of the tasks", &[(1, No), (4, Require)], &[], Ok(&[1, 0, 2, 4, 6])),
            ("the larger first", &[(3, Require), (4, Require)], &[7], Ok(&[1, 3, 5, 0, 2, 4, 6])),
            ("the picky before the choosy", &[(4, Prefer), (4, Require)], &[7], Err(Cores)),
            ("a choosy one gives way", &[(3, Prefer), (4, Require)], &[7], Ok(&[1, 3, 5, 0, 2, 4, 6])),
            ("all that is left", &[(2, Require), (5, No)], &[7], Ok(&[1, 3, 0, 2, 4, 5, 6])),
        ];
        for (name, blocks, held, expected) in cases {
            let usage = Usage { cores: held.iter().copied().collect(), ..Usage::default() };
            let blocks: Vec<CoreBlock> = blocks.iter().map(|(count, affinity)| CoreBlock { count: *count, affinity: *affinity }).collect();
            let count = blocks.iter().map(|block| block.count).sum();
            let demand = CoreDemand { blocks, near: Vec::new() };
            let found = choose(&demand, count, &devices(0), 0, &machine(), &usage).map(|(cores, _)| cores);
            assert_eq!(found.as_deref().map_err(|dimension| *dimension), expected, "{name}");
        }
        // Cores, affinity, devices asked near them, which cores and devices are held; the cores and the devices.
        type Near<'a> = (&'a str, u16, NumaAffinity, u16, &'a [u16], &'a [u16], Result<(&'a [u16], &'a [u16]), Dimension>);
        let cases: [Near<'_>; 8] = [
            ("both on one node", 2, Require, 1, &[], &[], Ok((&[0, 2], &[0]))),
            ("where the device is", 2, Require, 1, &[], &[0], Ok((&[1, 3], &[1]))),
            ("where the cores are", 4, Require, 1, &[0], &[], Ok((&[1, 3, 5, 7], &[1]))),
            ("device and cores apart", 4, Require, 1, &[1], &[0], Err(Numa)),
            ("device and cores apart, rather not", 4, Prefer, 1, &[1], &[0], Ok((&[0, 2, 3, 4], &[1]))),
            ("two devices of different nodes", 1, Require, 2, &[], &[], Err(Numa)),
            ("two devices of different nodes, rather not", 1, Prefer, 2, &[], &[], Ok((&[0], &[0, 1]))),
            ("no device", 1, Require, 1, &[], &[0, 1], Err(Devices)),
        ];
        for (name, count, affinity, asked, cores, held, expected) in cases {
            let mut usage = Usage { cores: cores.iter().copied().collect(), ..Usage::default() };
            held.iter().for_each(|device| usage.devices.add(DevicePosition(*device), DeviceShare::WHOLE));
            let demand = CoreDemand { blocks: vec![CoreBlock { count, affinity }], near: vec![Some(0)] };
            let found = choose(&demand, count, &devices(asked), 0, &machine(), &usage)
                .map(|(cores, choice)| (cores, choice.devices.iter().map(|(_, position)| position.0).collect::<Vec<_>>()));
            assert_eq!(
                found.as_ref().map(|(cores, devices)| (&cores[..], &devices[..])).map_err(|dimension| *dimension),
                expected,
                "{name}"
            );
        }
        let one = NodeResources { numa: Vec::new(), ..machine() };
        let demand = CoreDemand { blocks: vec![CoreBlock { count: 8, affinity: Require }], near: vec![Some(0)] };
        assert!(choose(&demand, 8, &devices(2), 0, &one, &Usage::default()).is_ok(), "where nobody knows of nodes, all is one");
    }
}
