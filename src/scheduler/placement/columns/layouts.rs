//! What is left of a node's devices once an ask is met, and what that is good for.

use std::collections::HashMap;
use std::sync::Arc;

use crate::model::device::{DevicePosition, DeviceShare};
use crate::scheduler::placement::devices::{ClassOffers, DeviceDemand, DeviceNeed};
use crate::scheduler::placement::packing::shares;
use crate::scheduler::placement::worth::{IdleDevices, Use};
use crate::scheduler::placement::{Fleet, NodeOrd};

/// Device states of nodes, interned: those of one class whose groups have as much free, whichever instance it is on.
#[derive(Debug, Default)]
pub struct Layouts {
    /// By class (in two parts) and what each device has free.
    known: HashMap<Vec<u16>, u32>,
    /// Of the one that is looked up.
    key: Vec<u16>,
    /// The uses of each layout, as a position in `uses`.
    of_layout: Vec<u32>,
    known_uses: HashMap<Vec<IdleDevices>, u32>,
    uses: Vec<Vec<Use>>,
}

/// Asks for the same devices.
#[derive(Debug)]
pub struct Family {
    needs: Vec<DeviceNeed>,
    offers: u32,
    /// By layout: what is left once the ask is met.
    after: Vec<After>,
}

#[derive(Clone, Copy, Debug)]
pub enum After {
    Unknown,
    TooFew,
    /// Devices with these uses.
    Uses(u32),
}

/// Equal offers have one ordinal. They are long, and nearly always one of few Arcs, so these are remembered by address, and held so that
/// no other comes to lie there.
#[derive(Debug, Default)]
pub struct KnownOffers {
    by_address: HashMap<usize, (u32, Arc<Vec<ClassOffers>>)>,
    different: Vec<Arc<Vec<ClassOffers>>>,
}

/// More than any device has free.
const UNHEALTHY: u16 = u16::MAX;

impl Layouts {
    /// The layout of a node now.
    pub fn of(&mut self, fleet: &Fleet, ord: NodeOrd) -> u32 {
        let held = &fleet.usage(ord).devices;
        let class = fleet.class(ord);
        let parts = [(class >> 16) as u16, class as u16];
        self.key.clear();
        self.key.extend(parts);
        let free = &mut self.key;
        for group in &fleet.node(ord).resources.devices {
            let first = free.len();
            for (at, instance) in (first..).zip(&group.instances) {
                let position = DevicePosition(u16::try_from(at - parts.len()).unwrap_or(u16::MAX));
                free.push(if instance.healthy { DeviceShare::WHOLE.saturating_sub(held.taken(position)).0 } else { UNHEALTHY });
            }
            free[first..].sort_unstable();
        }
        if let Some(layout) = self.known.get(&self.key[..]) {
            return *layout;
        }
        let uses = self.uses_of(fleet, fleet.idle_devices(ord, &[]));
        self.of_layout.push(uses);
        let layout = ordinal(self.of_layout.len() - 1);
        self.known.insert(self.key.clone(), layout);
        layout
    }

    pub fn len(&self) -> usize {
        self.of_layout.len()
    }

    /// What the devices of a layout are good for.
    pub fn uses_now(&self, layout: u32) -> &[Use] {
        self.uses(self.of_layout[layout as usize])
    }

    pub fn uses(&self, uses: u32) -> &[Use] {
        &self.uses[uses as usize]
    }

    fn uses_of(&mut self, fleet: &Fleet, idle: Vec<IdleDevices>) -> u32 {
        if let Some(uses) = self.known_uses.get(&idle) {
            return *uses;
        }
        self.uses.push(fleet.typical().uses(&idle));
        let uses = ordinal(self.uses.len() - 1);
        self.known_uses.insert(idle, uses);
        uses
    }
}

impl Family {
    /// The position of the one that these devices are asked by.
    pub fn position(families: &mut Vec<Self>, devices: &DeviceDemand, offers: u32) -> usize {
        let is_same = |family: &Self| family.offers == offers && family.needs == devices.needs;
        families.iter().position(is_same).unwrap_or_else(|| {
            families.push(Self { needs: devices.needs.clone(), offers, after: Vec::new() });
            families.len() - 1
        })
    }

    /// What a node of this layout has left once it met the ask.
    pub fn after(&mut self, fleet: &Fleet, ord: NodeOrd, layout: u32, devices: &DeviceDemand, layouts: &mut Layouts) -> After {
        let at = layout as usize;
        if devices.is_empty() {
            return After::Uses(layouts.of_layout[at]);
        }
        if at >= self.after.len() {
            self.after.resize(layouts.of_layout.len(), After::Unknown);
        }
        if let After::Unknown = self.after[at] {
            self.after[at] = fleet.choose_devices(ord, devices).map_or(After::TooFew, |choice| {
                let idle = fleet.idle_devices(ord, &shares(&choice, devices));
                After::Uses(layouts.uses_of(fleet, idle))
            });
        }
        self.after[at]
    }
}

impl KnownOffers {
    pub fn len(&self) -> usize {
        self.by_address.len()
    }

    pub fn intern(&mut self, devices: &DeviceDemand) -> u32 {
        if devices.is_empty() {
            return u32::MAX;
        }
        let address = Arc::as_ptr(&devices.offers) as usize;
        if let Some((known, _)) = self.by_address.get(&address) {
            return *known;
        }
        let position = self.different.iter().position(|offers| *offers == devices.offers).unwrap_or_else(|| {
            self.different.push(Arc::clone(&devices.offers));
            self.different.len() - 1
        });
        self.by_address.insert(address, (ordinal(position), Arc::clone(&devices.offers)));
        ordinal(position)
    }
}

fn ordinal(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}
