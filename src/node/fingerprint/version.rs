//! Versions.

use super::Facts;

pub const PANNIER: &str = env!("CARGO_PKG_VERSION");
/// The release of Nomad whose manners we follow: jobspecs constrain on it.
const NOMAD_COMPATIBLE: &str = "1.9.0";

pub fn add(facts: &mut Facts) {
    facts.set("pannier.version", PANNIER);
    facts.set("nomad.version", NOMAD_COMPATIBLE);
    facts.set("nomad.service_discovery", &true);
}
