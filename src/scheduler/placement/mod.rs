//! The packing core: where `count` equal instances go.
//!
//! It works on dense ordinals and columns of numbers; what is text (constraints, datacenters, drivers) was turned into
//! classes, masks and value ordinals before (`scheduler/feasibility`, `scheduler/place`).
//!
//! - [`Fleet`] holds every node's free capacity, kept up to date from the change feed and never rebuilt per evaluation. Takes
//!   of the plan in the making are journaled and rolled back at its end.
//! - [`Classes`] interns nodes that look alike to every constraint, so feasibility is asked per class.
//! - [`Packer`] chooses the way by the shape of the ask. Candidates are scored once and kept in heaps (`ranking`); after each pick only
//!   the node that it touched is scored again. Where the best node stays the best until it is full, it is filled in one step. With
//!   spreads there is a heap per value (`spreads`).
//! - Few instances do not look at every node: [`Fleet::shortlist`] finds the best for them through an `index` of nodes by
//!   fill, or for nodes with devices through scores that are remembered per ask (`columns`).
//! - `packing` is the default policy: best fit by compute and memory, and by what a node's free devices are `worth`.
//!
//! Scores are computed in floating point, by multiplication and addition only, and compared as integers (billionths): equal input gives
//! an equal plan on every machine. A tie goes to the lower ordinal, which is the node that this scheduler met first. What is taken
//! is counted in integers by the fit function that `apply` and the nodes use.

mod classes;
mod columns;
mod cores;
mod demand;
mod devices;
mod fleet;
mod index;
mod packer;
mod packing;
mod ports;
mod ranking;
mod score;
mod shortlist;
mod spreads;
mod worth;

pub use classes::Classes;
pub use cores::{CoreBlock, CoreDemand};
pub use demand::{Candidate, Demand, DistinctAxis, NO_VALUE, PortDemand, SpreadAxis, SpreadGoal};
pub use devices::{ClassOffers, DeviceDemand, DeviceNeed, DeviceOffer};
pub use fleet::{Checkpoint, Fleet, Grant};
pub use packer::{Obstacle, Packer, Pick};
pub use score::TERMS;

#[cfg(test)]
mod reference;
#[cfg(test)]
mod tests;

/// A node's position in the columns of the [`Fleet`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeOrd(pub u32);

impl NodeOrd {
    pub fn at(self) -> usize {
        self.0 as usize
    }
}
