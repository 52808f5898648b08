//! How well an instance would lie on a node: the `binpack` term of its score.
//!
//! One default policy for all workloads. Where no devices are concerned it is Google's best fit v3 as Nomad uses it ([`super::score::packing`]).
//! On a node with free devices it is how much of their worth ([`super::worth`]) would be lost, as a number below zero: work that
//! needs no devices goes where there are none to be lost, and among nodes with devices the least loss decides.

use super::devices::{DeviceChoice, DeviceDemand};
use super::score;
use super::worth::{self, IdleDevices};
use super::{Fleet, NodeOrd};
use crate::model::Ask;
use crate::model::device::{DevicePosition, DeviceShare};
use crate::model::scheduler_config::SchedulerAlgorithm;

/// How much the fill of a node counts where the loss of devices is equal.
const FILL_WEIGHT: f64 = 1e-6;

impl Fleet {
    /// The packing term for one instance with this effective ask, -1..=1. `worth` is what the node's devices are worth now, and `choice`
    /// the devices that it would get.
    pub fn packing(
        &self,
        ord: NodeOrd,
        ask: Ask,
        devices: &DeviceDemand,
        choice: Option<&DeviceChoice>,
        worth: f64,
        algorithm: SchedulerAlgorithm,
    ) -> f64 {
        let (cpu, memory) = self.free_fractions(ord, ask);
        let fill = score::packing(algorithm, cpu, memory);
        if algorithm == SchedulerAlgorithm::Spread || (worth == 0.0 && devices.is_empty()) {
            return fill;
        }
        let taken = choice.map(|choice| shares(choice, devices)).unwrap_or_default();
        with_loss(fill, worth - self.worth(ord, ask, &taken))
    }

    /// What the free devices of a node are worth as it is; zero without any.
    pub fn worth_of_devices(&self, ord: NodeOrd) -> f64 {
        if self.has_devices(ord) { self.worth(ord, Ask::default(), &[]) } else { 0.0 }
    }

    pub fn choose_devices(&self, ord: NodeOrd, devices: &DeviceDemand) -> Option<DeviceChoice> {
        devices.choose(self.class(ord), &self.node(ord).resources.devices, &self.usage(ord).devices)
    }

    /// What a node's free devices are worth once `ask` and `taken` are gone from it.
    fn worth(&self, ord: NodeOrd, ask: Ask, taken: &[(DevicePosition, DeviceShare)]) -> f64 {
        let (cpu, memory) = self.free_beside(ord, ask);
        worth::worth(&self.typical().uses(&self.idle_devices(ord, taken)), cpu, memory)
    }

    /// A node's free devices by kind once `taken` are gone, too.
    pub fn idle_devices(&self, ord: NodeOrd, taken: &[(DevicePosition, DeviceShare)]) -> Vec<IdleDevices> {
        let held = &self.usage(ord).devices;
        let mut idle: Vec<IdleDevices> = Vec::with_capacity(1);
        for (position, kind) in (0u16..).zip(self.devices_on(ord)) {
            let Some(kind) = *kind else {
                continue;
            };
            let position = DevicePosition(position);
            let more = taken.iter().filter(|(taken, _)| *taken == position).map(|(_, share)| share.0).sum();
            let free = DeviceShare::WHOLE.saturating_sub(held.taken(position)).saturating_sub(DeviceShare(more)).0;
            match idle.iter_mut().find(|idle| idle.kind == kind) {
                Some(idle) => idle.add(free),
                None => {
                    let mut first = IdleDevices::new(kind);
                    first.add(free);
                    idle.push(first);
                }
            }
        }
        idle
    }
}

/// The packing term of a node that gets so full and loses so much worth.
pub fn with_loss(fill: f64, loss: f64) -> f64 {
    FILL_WEIGHT * fill - loss / (1.0 + loss)
}

/// What a choice takes of each device.
pub fn shares(choice: &DeviceChoice, devices: &DeviceDemand) -> Vec<(DevicePosition, DeviceShare)> {
    choice.devices.iter().map(|(need, position)| (*position, devices.needs[*need].share)).collect()
}
