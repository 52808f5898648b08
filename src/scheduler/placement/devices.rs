//! Which devices of a node an instance gets.

use std::sync::Arc;

use crate::model::device::{DeviceGroup, DeviceInstance, DevicePosition, DeviceShare, DeviceUsage};

/// The device asks of a group's tasks and what each class of nodes has for them. Empty for groups that ask for none.
#[derive(Clone, Debug, Default)]
pub struct DeviceDemand {
    pub needs: Vec<DeviceNeed>,
    /// By class ordinal.
    pub offers: Arc<Vec<ClassOffers>>,
    /// Sum of the absolute weights of all device affinities; zero: there are none.
    pub affinity_weight: i64,
}

/// So many devices of one group of the node, each with this share free.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DeviceNeed {
    pub count: u16,
    pub share: DeviceShare,
}

/// By need: the device groups of a class of nodes that will do, best first.
pub type ClassOffers = Vec<Vec<DeviceOffer>>;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DeviceOffer {
    /// Position among the node's groups.
    pub group: u16,
    /// Summed weight of the affinities that it meets.
    pub weight: i64,
}

/// The devices of one instance.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeviceChoice {
    /// With the need that each is for; ascending by need.
    pub devices: Vec<(usize, DevicePosition)>,
    /// Summed weight of the affinities met.
    pub weight: i64,
}

/// A choice among many overlapping asks is given up after so many tries: no real job comes near.
const MOST_TRIES: u32 = 1_000;

impl DeviceDemand {
    pub fn is_empty(&self) -> bool {
        self.needs.is_empty()
    }

    /// Devices for one instance on a node of `class`, beside what is taken. `None`: there are not enough.
    ///
    /// Each ask is met within one group of equal devices, by the group with the best affinity that leaves enough for the other asks.
    /// Shares go to the fullest device that has room, so that whole ones stay whole.
    pub fn choose(&self, class: u32, groups: &[DeviceGroup], usage: &DeviceUsage) -> Option<DeviceChoice> {
        self.choose_where(class, groups, usage, &|_, _| true)
    }

    /// As [`Self::choose`], among the instances that may be had for a need (an index into `needs`).
    pub fn choose_where(
        &self,
        class: u32,
        groups: &[DeviceGroup],
        usage: &DeviceUsage,
        allowed: &impl Fn(usize, &DeviceInstance) -> bool,
    ) -> Option<DeviceChoice> {
        if self.is_empty() {
            return Some(DeviceChoice::default());
        }
        let offers = self.offers.get(class as usize)?;
        if let [need] = self.needs[..] {
            // Nothing to weigh against each other.
            return offers.first()?.iter().find_map(|offer| {
                let devices = pick(groups, usage, offer.group, need, |instance| allowed(0, instance))?;
                Some(DeviceChoice { devices: devices.into_iter().map(|device| (0, device)).collect(), weight: offer.weight })
            });
        }
        let mut order: Vec<usize> = (0..self.needs.len()).collect();
        // The pickiest and the largest first.
        order.sort_by_key(|need| (offers[*need].len(), std::cmp::Reverse((self.needs[*need].share, self.needs[*need].count)), *need));
        let mut search =
            Search { needs: &self.needs, offers, groups, held: usage.clone(), choice: DeviceChoice::default(), tries: 0, allowed };
        search.meet(&order).then(|| {
            search.choice.devices.sort_unstable();
            search.choice
        })
    }

    /// The affinities met over all, -1..=1.
    pub fn score(&self, choice: &DeviceChoice) -> f64 {
        choice.weight as f64 / self.affinity_weight.max(1) as f64
    }
}

struct Search<'a, F> {
    needs: &'a [DeviceNeed],
    offers: &'a ClassOffers,
    groups: &'a [DeviceGroup],
    held: DeviceUsage,
    choice: DeviceChoice,
    tries: u32,
    allowed: &'a F,
}

impl<F: Fn(usize, &DeviceInstance) -> bool> Search<'_, F> {
    /// Meets the needs that are left; takes nothing when it cannot.
    fn meet(&mut self, left: &[usize]) -> bool {
        let Some((need, rest)) = left.split_first() else {
            return true;
        };
        let share = self.needs[*need].share;
        for offer in &self.offers[*need] {
            self.tries += 1;
            if self.tries > MOST_TRIES {
                return false;
            }
            let allowed = |instance: &DeviceInstance| (self.allowed)(*need, instance);
            let Some(devices) = pick(self.groups, &self.held, offer.group, self.needs[*need], allowed) else {
                continue;
            };
            for device in &devices {
                self.held.add(*device, share);
            }
            if self.meet(rest) {
                self.choice.devices.extend(devices.into_iter().map(|device| (*need, device)));
                self.choice.weight += offer.weight;
                return true;
            }
            for device in devices {
                self.held.remove(device, share);
            }
        }
        false
    }
}

/// So many devices of one group, of those with the least room that is enough.
fn pick(
    groups: &[DeviceGroup],
    held: &DeviceUsage,
    group: u16,
    need: DeviceNeed,
    allowed: impl Fn(&DeviceInstance) -> bool,
) -> Option<Vec<DevicePosition>> {
    let before = groups.iter().take(usize::from(group)).map(|group| group.instances.len()).sum::<usize>();
    let instances = &groups.get(usize::from(group))?.instances;
    if need.count == 1 {
        // Nearly every ask: without a list.
        let mut fullest: Option<(DeviceShare, DevicePosition)> = None;
        for (at, instance) in instances.iter().enumerate() {
            let position = DevicePosition(u16::try_from(before + at).ok()?);
            let taken = held.taken(position);
            let has_room = instance.healthy && allowed(instance) && taken.checked_add(need.share).is_some();
            if has_room && fullest.is_none_or(|(most, _)| taken > most) {
                fullest = Some((taken, position));
            }
        }
        return fullest.map(|(_, position)| vec![position]);
    }
    let mut free: Vec<(std::cmp::Reverse<DeviceShare>, DevicePosition)> = Vec::with_capacity(instances.len());
    for (at, instance) in instances.iter().enumerate() {
        let position = DevicePosition(u16::try_from(before + at).ok()?);
        let taken = held.taken(position);
        if instance.healthy && allowed(instance) && taken.checked_add(need.share).is_some() {
            free.push((std::cmp::Reverse(taken), position));
        }
    }
    let count = usize::from(need.count);
    if free.len() < count {
        return None;
    }
    free.sort_unstable();
    Some(free.into_iter().take(count).map(|(_, position)| position).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(instances: usize) -> DeviceGroup {
        let instance = |id: usize| DeviceInstance {
            id: id.to_string().into(),
            healthy: true,
            health_description: "".into(),
            pci_bus_id: "".into(),
            numa_node: None,
        };
        DeviceGroup { instances: (0..instances).map(instance).collect(), ..DeviceGroup::default() }
    }

    fn demand(needs: &[(u16, u16)], offers: &[&[(u16, i64)]]) -> DeviceDemand {
        let offers = offers.iter().map(|list| list.iter().map(|(group, weight)| DeviceOffer { group: *group, weight: *weight }).collect());
        DeviceDemand {
            needs: needs.iter().map(|(count, share)| DeviceNeed { count: *count, share: DeviceShare(*share) }).collect(),
            offers: Arc::new(vec![offers.collect()]),
            affinity_weight: 100,
        }
    }

    fn chosen(demand: &DeviceDemand, groups: &[DeviceGroup], taken: &[u16]) -> Option<Vec<(usize, u16)>> {
        let mut usage = DeviceUsage::default();
        for (at, share) in (0..).zip(taken) {
            usage.add(DevicePosition(at), DeviceShare(*share));
        }
        Some(demand.choose(0, groups, &usage)?.devices.into_iter().map(|(need, position)| (need, position.0)).collect())
    }

    #[test]
    fn what_is_chosen_from_what_is_taken() {
        let one = |count, share| demand(&[(count, share)], &[&[(0, 0)]]);
        type Case<'a> = (&'a str, DeviceDemand, usize, &'a [u16], Option<&'a [(usize, u16)]>);
        let cases: [Case<'_>; 10] = [
            ("the first free one", one(1, 1000), 2, &[], Some(&[(0, 0)])),
            ("not one that is shared", one(1, 1000), 2, &[1, 0], Some(&[(0, 1)])),
            ("not with only shared ones", one(1, 1000), 2, &[1, 999], None),
            ("a share of the fullest", one(1, 300), 3, &[100, 700, 800], Some(&[(0, 1)])),
            ("exactly what is left", one(1, 200), 2, &[100, 800], Some(&[(0, 1)])),
            ("never more than is left", one(1, 201), 2, &[800, 800], None),
            ("shares of different devices", one(2, 500), 2, &[], Some(&[(0, 0), (0, 1)])),
            ("as many as asked or none", one(3, 1000), 2, &[], None),
            ("nothing of a node without", one(1, 1000), 0, &[], None),
            ("nothing when nothing is asked", demand(&[], &[]), 2, &[1000, 1000], Some(&[])),
        ];
        for (name, demand, instances, taken, expected) in cases {
            assert_eq!(chosen(&demand, &[group(instances)], taken).as_deref(), expected, "{name}");
        }
    }

    #[test]
    fn an_easy_ask_leaves_the_scarce_group_to_the_picky_one() {
        // The first ask likes group 1 better, but the second one takes nothing else.
        let both = demand(&[(1, 1000), (1, 1000)], &[&[(1, 50), (0, 0)], &[(1, 0)]]);
        assert_eq!(chosen(&both, &[group(1), group(1)], &[]), Some(vec![(0, 0), (1, 1)]));
        // With two of that group both have their way.
        assert_eq!(chosen(&both, &[group(1), group(2)], &[]), Some(vec![(0, 2), (1, 1)]));
        let choice = both.choose(0, &[group(1), group(2)], &DeviceUsage::default()).unwrap();
        assert!((both.score(&choice) - 0.5).abs() < 1e-12);
    }

    #[test]
    fn an_unhealthy_device_is_no_device() {
        let mut sick = group(2);
        sick.instances[0].healthy = false;
        assert_eq!(chosen(&demand(&[(1, 10)], &[&[(0, 0)]]), std::slice::from_ref(&sick), &[]), Some(vec![(0, 1)]));
        assert_eq!(chosen(&demand(&[(2, 10)], &[&[(0, 0)]]), &[sick], &[]), None);
    }
}
