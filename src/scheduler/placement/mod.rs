//! The packing core: where `count` equal instances go.
//!
//! It works on dense ordinals and columns of numbers; what is text (constraints, datacenters, drivers) was turned into
//! classes, masks and value ordinals before ([`super::feasibility`], [`super::place`]).
//!
//! - [`Fleet`] holds every node's free capacity, kept up to date from the change feed and never rebuilt per evaluation. Takes
//!   of the plan in the making are journaled and rolled back at its end.
//! - [`Classes`] interns nodes that look alike to every constraint, so feasibility is asked per class.
//! - [`Packer`] scores each candidate once, keeps them in heaps ([`lanes`]), and after each pick re-scores only the
//!   node that it touched.
//!
//! Scores are computed in floating point and compared as integers (billionths), a tie goes to the lower ordinal, which is
//! the node that this scheduler met first: equal input gives an equal plan.

mod classes;
mod demand;
mod devices;
mod fleet;
mod lanes;
mod packer;
mod ports;
mod score;

pub use classes::Classes;
pub use demand::{Candidate, Demand, DistinctAxis, NO_VALUE, PortDemand, SpreadAxis, SpreadGoal};
pub use devices::{ClassOffers, DeviceDemand, DeviceNeed, DeviceOffer};
pub use fleet::Fleet;
pub use packer::{Obstacle, Packer, Pick};

/// A node's position in the columns of the [`Fleet`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeOrd(pub u32);

impl NodeOrd {
    pub fn at(self) -> usize {
        self.0 as usize
    }
}
