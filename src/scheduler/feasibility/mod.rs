//! Which nodes may run a group at all: datacenter, pool, drivers and constraints. This is where strings are
//! compared; the packing core gets the answer as one verdict per node class.

mod check;
mod devices;
mod glob;
mod nearby;
mod profile;
mod profiles;
mod quantity;
mod requirements;
mod version;

pub use check::is_unique;
pub use devices::DeviceRequirement;
pub use nearby::NearbyCheck;
pub use profile::{GroupProfile, count_filtered};
pub use profiles::Profiles;
pub use requirements::Verdict;
