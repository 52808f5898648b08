//! Who has to leave one node so that one more instance fits.
//!
//! Residents of lower priority go first. Within one priority, those whose group has evictions to spare (`migrate.max_parallel`) go before
//! others, and among these the one whose size is closest to what is still missing (Euclidean distance over compute, cores, memory
//! and disk, each relative to the ask). Who frees nothing that is missing is passed over. At last whoever turns out to be superfluous
//! stays, the highest priority first: of the victims that remain, none can be spared.

use super::residents::{Resident, Residents};
use crate::model::fit::{self, Dimension, Usage};
use crate::model::network::DYNAMIC_PORTS;
use crate::model::{Ask, Node};
use crate::scheduler::placement::Obstacle;

/// What a node lacks beside a given use of it.
pub type Shortage<'a> = dyn Fn(&Usage) -> Option<Obstacle> + 'a;

/// What an instance needs of a node.
pub struct Need<'a> {
    pub node: &'a Node,
    pub available: Ask,
    /// Compute of whole cores included.
    pub ask: Ask,
    /// What stands in the way beyond compute, memory, disk and the number of cores. `None`: nothing ever does, and only those are compared.
    pub shortage: Option<&'a Shortage<'a>>,
}

/// What a node's allocations hold, as some of them leave.
#[derive(Clone)]
struct Trial {
    used: Ask,
    /// Only where ports, core ids or devices matter: it is costly to copy.
    full: Option<Usage>,
}

impl Trial {
    fn remove(&mut self, node: &Node, resident: &Resident) {
        self.used = fit::subtract(self.used, resident.alloc.ask);
        if let Some(usage) = &mut self.full {
            usage.remove(node, &resident.alloc);
        }
    }

    fn put_back(&mut self, node: &Node, resident: &Resident) {
        self.used = fit::add(self.used, resident.alloc.ask);
        if let Some(usage) = &mut self.full {
            usage.add(node, &resident.alloc);
        }
    }
}

impl Need<'_> {
    fn obstacle(&self, trial: &Trial) -> Option<Obstacle> {
        if let Some(dimension) = fit::first_exhausted(self.available, trial.used, self.ask) {
            return Some(Obstacle::Exhausted(dimension));
        }
        self.shortage.and_then(|shortage| shortage(trial.full.as_ref()?))
    }

    /// What is missing, dimension by dimension.
    fn missing(&self, trial: &Trial) -> Ask {
        fit::subtract(fit::add(trial.used, self.ask), self.available)
    }
}

/// A smallest set of `candidates` without which the instance fits beside `usage`; empty if it fits as it is. `None`: not even
/// without all of them. Candidates come by ascending priority; `residents` knows who else of their groups is on the way out.
pub fn choose<'a>(need: &Need<'_>, usage: &Usage, candidates: &[&'a Resident], residents: &Residents) -> Option<Vec<&'a Resident>> {
    let mut trial = Trial { used: usage.ask, full: need.shortage.is_some().then(|| usage.clone()) };
    let mut victims: Vec<&Resident> = Vec::new();
    let mut left: Vec<&'a Resident> = candidates.to_vec();
    while let Some(obstacle) = need.obstacle(&trial) {
        let at = next(need, &trial, obstacle, &left, &victims, residents)?;
        let victim = left.remove(at);
        trial.remove(need.node, victim);
        victims.push(victim);
    }
    spare(need, &mut trial, &mut victims);
    Some(victims)
}

fn next(need: &Need<'_>, trial: &Trial, obstacle: Obstacle, left: &[&Resident], victims: &[&Resident], all: &Residents) -> Option<usize> {
    let missing = need.missing(trial);
    let mut best: Option<((u8, bool, f64), usize)> = None;
    for (at, resident) in left.iter().enumerate() {
        if best.is_some_and(|((priority, ..), _)| priority < resident.priority) {
            break;
        }
        if !helps(obstacle, missing, resident) {
            continue;
        }
        let key = (resident.priority, is_beyond(resident, victims, all), distance(need.ask, missing, resident.alloc.ask));
        if best.is_none_or(|(best, _)| key.partial_cmp(&best).is_some_and(std::cmp::Ordering::is_lt)) {
            best = Some((key, at));
        }
    }
    best.map(|(_, at)| at)
}

/// Whether one more eviction of the resident's group is beyond what may leave at once.
pub fn is_beyond(resident: &Resident, victims: &[&Resident], all: &Residents) -> bool {
    let same = |other: &&&Resident| other.alloc.group == resident.alloc.group && other.alloc.job == resident.alloc.job;
    let here = u32::try_from(victims.iter().filter(same).count()).unwrap_or(u32::MAX);
    all.leaving(resident).saturating_add(here) >= resident.max_parallel
}

/// Whether something that is missing becomes free once `resident` is gone.
fn helps(obstacle: Obstacle, missing: Ask, resident: &Resident) -> bool {
    let ask = resident.alloc.ask;
    match obstacle {
        Obstacle::Exhausted(Dimension::Port(port)) => resident.alloc.ports.iter().any(|held| held.value == port),
        Obstacle::NoDynamicPort => resident.alloc.ports.iter().any(|held| DYNAMIC_PORTS.contains(&held.value)),
        Obstacle::Exhausted(Dimension::Devices) => !resident.alloc.devices.is_empty(),
        Obstacle::Exhausted(Dimension::Numa) => !resident.alloc.cores.is_empty() || !resident.alloc.devices.is_empty(),
        // Free cores by number, but not by id.
        Obstacle::Exhausted(Dimension::Cores) if missing.cores == 0 => !resident.alloc.cores.is_empty(),
        Obstacle::Exhausted(_) => {
            (missing.cpu.0 > 0 && ask.cpu.0 > 0)
                || (missing.cores > 0 && ask.cores > 0)
                || (missing.memory.0 > 0 && ask.memory.0 > 0)
                || (missing.disk.0 > 0 && ask.disk.0 > 0)
        }
        Obstacle::DistinctHosts | Obstacle::DistinctProperty(_) => false,
    }
}

fn distance(ask: Ask, missing: Ask, freed: Ask) -> f64 {
    let part = |ask: u64, missing: u64, freed: u64| {
        if ask == 0 {
            return 0.0;
        }
        let off = (missing as f64 - freed as f64) / ask as f64;
        off * off
    };
    part(ask.cpu.0, missing.cpu.0, freed.cpu.0)
        + part(ask.cores.into(), missing.cores.into(), freed.cores.into())
        + part(ask.memory.0, missing.memory.0, freed.memory.0)
        + part(ask.disk.0, missing.disk.0, freed.disk.0)
}

/// Lets victims stay whose place is not needed after all.
fn spare(need: &Need<'_>, trial: &mut Trial, victims: &mut Vec<&Resident>) {
    if victims.len() < 2 {
        return;
    }
    victims.sort_by_key(|victim| (std::cmp::Reverse(victim.priority), victim.alloc.id));
    let mut at = 0;
    while at < victims.len() {
        trial.put_back(need.node, victims[at]);
        if need.obstacle(trial).is_none() {
            victims.remove(at);
        } else {
            trial.remove(need.node, victims[at]);
            at += 1;
        }
    }
}
