//! Scores of the nodes with devices, remembered per ask.
//!
//! What a node's devices are worth is dear to compute, but changes only with the node, and jobs ask for few different things. So each
//! ask has a column of scores, and before it is used again only the nodes that changed since are scored anew, those in equal states once.

use std::collections::HashMap;
use std::sync::Arc;

use super::devices::{ClassOffers, DeviceDemand, DeviceNeed};
use super::index::Best;
use super::score::fixed;
use super::{Fleet, NodeOrd};
use crate::model::Ask;
use crate::model::device::DevicePosition;
use crate::model::scheduler_config::SchedulerAlgorithm;
use crate::util::random::split_mix;

#[derive(Debug, Default)]
pub struct Columns {
    by_ask: HashMap<AskKey, Column>,
    /// Of each node that was scored.
    states: Vec<State>,
    /// The table of typical shapes that all of this was computed with.
    epoch: u32,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct AskKey {
    ask: Ask,
    needs: Vec<DeviceNeed>,
    offers: Arc<Vec<ClassOffers>>,
}

#[derive(Debug, Default)]
struct Column {
    scores: Vec<Scored>,
    /// Nodes in the same state have the same score.
    by_state: HashMap<u64, i64>,
}

/// A node's score when it had this version; no node ever has version zero.
#[derive(Clone, Copy, Debug)]
struct Scored {
    version: u32,
    score: i64,
}

/// What the score of an ask depends on, and what the node's devices are worth, when it had this version.
#[derive(Clone, Copy, Debug, Default)]
struct State {
    version: u32,
    digest: u64,
    worth: f64,
}

const NO_ROOM: i64 = i64::MIN;

/// So many scores are kept; beyond, all are forgotten.
const MOST_SCORES: usize = 1 << 20;

impl Columns {
    /// Offers every node with devices that has room for the ask.
    pub fn best(&mut self, fleet: &Fleet, ask: Ask, devices: &DeviceDemand, allowed: &dyn Fn(u32) -> bool, found: &mut Best) {
        if self.epoch != fleet.typical().epoch() || self.by_ask.len() * fleet.len() > MOST_SCORES {
            *self = Self { epoch: fleet.typical().epoch(), ..Self::default() };
        }
        self.states.resize(fleet.len(), State::default());
        let key = AskKey { ask, needs: devices.needs.clone(), offers: Arc::clone(&devices.offers) };
        let column = self.by_ask.entry(key).or_default();
        column.scores.resize(fleet.len(), Scored { version: 0, score: NO_ROOM });
        if column.by_state.len() > 4 * fleet.len() {
            column.by_state.clear();
        }
        for ord in fleet.with_devices() {
            let version = fleet.version(*ord);
            let scored = &mut column.scores[ord.at()];
            if scored.version != version {
                let score = score(fleet, *ord, ask, devices, &mut self.states[ord.at()], &mut column.by_state);
                *scored = Scored { version, score };
            }
            let score = scored.score;
            if score != NO_ROOM && !found.excludes(score, *ord) && allowed(fleet.class(*ord)) {
                found.offer(score, *ord);
            }
        }
    }
}

fn score(fleet: &Fleet, ord: NodeOrd, ask: Ask, devices: &DeviceDemand, state: &mut State, by_state: &mut HashMap<u64, i64>) -> i64 {
    if !fleet.is_placeable(ord) || !fleet.has_room(ord, ask) {
        return NO_ROOM;
    }
    if state.version != fleet.version(ord) {
        *state = State { version: fleet.version(ord), digest: digest(fleet, ord), worth: fleet.worth_of_devices(ord) };
    }
    *by_state.entry(state.digest).or_insert_with(|| match fleet.choose_devices(ord, devices) {
        Some(choice) => fixed(fleet.packing(ord, ask, devices, Some(&choice), state.worth, SchedulerAlgorithm::Binpack)),
        None => NO_ROOM,
    })
}

/// Equal on nodes that are alike to every ask. Unequal states that meet in one digest, once in a universe, would only be ranked alike: what
/// is taken is checked by itself.
fn digest(fleet: &Fleet, ord: NodeOrd) -> u64 {
    let (cpu, memory, _) = fleet.free(ord);
    let (inverse_cpu, inverse_memory) = fleet.inverse_capacity(ord);
    let class = u64::from(fleet.class(ord));
    let amounts = [class, cpu as u64, memory as u64, inverse_cpu.to_bits(), inverse_memory.to_bits()];
    let held = &fleet.usage(ord).devices;
    let shares =
        (0..).zip(fleet.devices_on(ord)).map(|(at, kind)| u64::from(held.taken(DevicePosition(at)).0) << 1 | u64::from(kind.is_none()));
    amounts.into_iter().chain(shares).fold(0, |digest, part| split_mix(digest ^ part))
}
