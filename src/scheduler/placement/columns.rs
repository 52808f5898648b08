//! Scores of the nodes with devices, remembered per ask.
//!
//! What a node's devices are worth is dear to compute, but changes only with the node, and jobs ask for few different things. So each
//! ask has a column of scores, and before it is used again only the nodes that changed since are scored anew. What is left of a node's
//! devices once an ask is met, and what that is good for, is remembered by *layout* of the free devices for all asks that differ in
//! processor and memory only.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hash, Hasher};
use std::sync::Arc;

use super::devices::{ClassOffers, DeviceDemand, DeviceNeed};
use super::index::Best;
use super::packing::{shares, with_loss};
use super::score::{self, fixed};
use super::worth::{IdleDevices, Use, worth};
use super::{Fleet, NodeOrd};
use crate::model::Ask;
use crate::model::device::{DevicePosition, DeviceShare};
use crate::model::scheduler_config::SchedulerAlgorithm;
use crate::util::random::split_mix;

#[derive(Debug, Default)]
pub struct Columns {
    by_ask: HashMap<AskKey, Column>,
    families: Vec<Family>,
    /// Of each node that was scored.
    states: Vec<State>,
    layouts: Layouts,
    changes: Changes,
    /// Of the table of typical shapes and of the classes that all of this was computed with.
    epochs: (u32, u64),
}

#[derive(Debug, PartialEq, Eq)]
struct AskKey {
    ask: Ask,
    needs: Vec<DeviceNeed>,
    offers: Arc<Vec<ClassOffers>>,
}

impl Hash for AskKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        // Offers are long, and nearly always the same Arc.
        (self.ask, &self.needs).hash(state);
    }
}

#[derive(Debug, Default)]
struct Column {
    scores: Vec<Scored>,
    /// Nodes in the same state have the same score.
    by_state: HashMap<u64, i64, BuildHasherDefault<Digested>>,
    /// A position in `families`.
    family: usize,
    /// How far in the list of changes the scores are up to date.
    seen: u64,
}

/// Asks for the same devices.
#[derive(Debug)]
struct Family {
    needs: Vec<DeviceNeed>,
    offers: Arc<Vec<ClassOffers>>,
    /// By layout: what is left once the ask is met.
    after: Vec<After>,
}

/// A node's score when it had this version; no node ever has version zero.
#[derive(Clone, Copy, Debug)]
struct Scored {
    version: u32,
    score: i64,
}

#[derive(Clone, Copy, Debug)]
enum After {
    Unknown,
    TooFew,
    /// Devices with these uses.
    Uses(u32),
}

/// What the score of an ask depends on, and what the node's devices are worth, when it had this version.
#[derive(Clone, Copy, Debug, Default)]
struct State {
    version: u32,
    layout: u32,
    digest: u64,
    worth: f64,
}

/// Device states of nodes, interned: those of one class whose groups have as much free, whichever instance it is on.
#[derive(Debug, Default)]
struct Layouts {
    known: HashMap<(u32, Vec<u16>), u32>,
    /// The uses of each layout, as a position in `uses`.
    of_layout: Vec<u32>,
    known_uses: HashMap<Vec<IdleDevices>, u32>,
    uses: Vec<Vec<Use>>,
}

/// The nodes with devices that changed, in order, as far back as it pays to know.
#[derive(Debug, Default)]
struct Changes {
    nodes: Vec<NodeOrd>,
    /// How many came before.
    forgotten: u64,
}

/// More than any device has free.
const UNHEALTHY: u16 = u16::MAX;

const NO_ROOM: i64 = i64::MIN;

/// So many scores are kept; beyond, all are forgotten.
const MOST_SCORES: usize = 1 << 20;

/// A column that missed more changes looks at every node.
const MOST_CHANGES: usize = 1 << 12;

impl Columns {
    /// Notes that a node with devices changed.
    pub fn touch(&mut self, ord: NodeOrd) {
        if self.by_ask.is_empty() {
            return;
        }
        self.changes.nodes.push(ord);
        if self.changes.nodes.len() >= 2 * MOST_CHANGES {
            self.changes.nodes.drain(..MOST_CHANGES);
            self.changes.forgotten += MOST_CHANGES as u64;
        }
    }

    /// Offers every node with devices that has room for the ask.
    pub fn best(&mut self, fleet: &Fleet, ask: Ask, devices: &DeviceDemand, allowed: &dyn Fn(u32) -> bool, found: &mut Best) {
        let size = fleet.len().max(self.layouts.of_layout.len());
        let epochs = (fleet.typical().epoch(), fleet.classes().epoch());
        if self.epochs != epochs || self.by_ask.len() * size > MOST_SCORES {
            *self = Self { epochs, ..Self::default() };
        }
        self.states.resize(fleet.len(), State::default());
        let Self { by_ask, families, states, layouts, changes, .. } = self;
        let key = AskKey { ask, needs: devices.needs.clone(), offers: Arc::clone(&devices.offers) };
        let column = by_ask.entry(key).or_insert_with(|| Column { seen: u64::MAX, family: family(families, devices), ..Column::default() });
        column.scores.resize(fleet.len(), Scored { version: 0, score: NO_ROOM });
        if column.by_state.len() > 4 * fleet.len() {
            column.by_state.clear();
        }
        let mut scorer = Scorer { fleet, ask, devices, states, layouts, after: &mut families[column.family].after };
        for ord in changes.since(column.seen).unwrap_or(fleet.with_devices()) {
            scorer.refresh(*ord, column);
        }
        column.seen = changes.end();
        let mut least = found.least();
        for ord in fleet.with_devices() {
            let score = column.scores[ord.at()].score;
            if score >= least && score != NO_ROOM && !found.excludes(score, *ord) && allowed(fleet.class(*ord)) {
                found.offer(score, *ord);
                least = found.least();
            }
        }
    }
}

fn family(families: &mut Vec<Family>, devices: &DeviceDemand) -> usize {
    let is_same = |family: &Family| family.needs == devices.needs && family.offers == devices.offers;
    families.iter().position(is_same).unwrap_or_else(|| {
        families.push(Family { needs: devices.needs.clone(), offers: Arc::clone(&devices.offers), after: Vec::new() });
        families.len() - 1
    })
}

impl Changes {
    fn end(&self) -> u64 {
        self.forgotten + self.nodes.len() as u64
    }

    /// `None`: that is too long ago.
    fn since(&self, seen: u64) -> Option<&[NodeOrd]> {
        self.nodes.get(usize::try_from(seen.checked_sub(self.forgotten)?).ok()?..)
    }
}

struct Scorer<'a> {
    fleet: &'a Fleet,
    ask: Ask,
    devices: &'a DeviceDemand,
    states: &'a mut [State],
    layouts: &'a mut Layouts,
    /// Of the ask's family.
    after: &'a mut Vec<After>,
}

impl Scorer<'_> {
    fn refresh(&mut self, ord: NodeOrd, column: &mut Column) {
        let version = self.fleet.version(ord);
        if column.scores[ord.at()].version != version {
            column.scores[ord.at()] = Scored { version, score: self.score(ord, column) };
        }
    }

    fn score(&mut self, ord: NodeOrd, column: &mut Column) -> i64 {
        let fleet = self.fleet;
        if !fleet.has_devices(ord) || !fleet.is_placeable(ord) || !fleet.has_room(ord, self.ask) {
            return NO_ROOM;
        }
        let state = &mut self.states[ord.at()];
        if state.version != fleet.version(ord) {
            *state = state_of(fleet, ord, self.layouts);
        }
        let State { layout, digest, worth: before, .. } = *state;
        if let Some(score) = column.by_state.get(&digest) {
            return *score;
        }
        let score = match self.after(ord, layout) {
            After::Uses(uses) => {
                let (cpu, memory) = fleet.free_beside(ord, self.ask);
                let (cpu_part, memory_part) = fleet.free_fractions(ord, self.ask);
                let fill = score::packing(SchedulerAlgorithm::Binpack, cpu_part, memory_part);
                // As `Fleet::packing`: where there is nothing to lose, the fill alone counts.
                let is_plain = before == 0.0 && self.devices.is_empty();
                fixed(if is_plain { fill } else { with_loss(fill, before - worth(&self.layouts.uses[uses as usize], cpu, memory)) })
            }
            After::TooFew | After::Unknown => NO_ROOM,
        };
        column.by_state.insert(digest, score);
        score
    }

    fn after(&mut self, ord: NodeOrd, layout: u32) -> After {
        let at = layout as usize;
        if self.devices.is_empty() {
            return After::Uses(self.layouts.of_layout[at]);
        }
        if at >= self.after.len() {
            self.after.resize(self.layouts.of_layout.len(), After::Unknown);
        }
        if let After::Unknown = self.after[at] {
            self.after[at] = self.fleet.choose_devices(ord, self.devices).map_or(After::TooFew, |choice| {
                let idle = self.fleet.idle_devices(ord, &shares(&choice, self.devices));
                After::Uses(self.layouts.uses_of(self.fleet, idle))
            });
        }
        self.after[at]
    }
}

impl Layouts {
    fn of(&mut self, fleet: &Fleet, ord: NodeOrd) -> u32 {
        let held = &fleet.usage(ord).devices;
        let mut free = Vec::with_capacity(fleet.devices_on(ord).len());
        for group in &fleet.node(ord).resources.devices {
            let first = free.len();
            for (at, instance) in (first..).zip(&group.instances) {
                let position = DevicePosition(u16::try_from(at).unwrap_or(u16::MAX));
                free.push(if instance.healthy { DeviceShare::WHOLE.saturating_sub(held.taken(position)).0 } else { UNHEALTHY });
            }
            free[first..].sort_unstable();
        }
        let key = (fleet.class(ord), free);
        if let Some(layout) = self.known.get(&key) {
            return *layout;
        }
        let uses = self.uses_of(fleet, fleet.idle_devices(ord, &[]));
        self.of_layout.push(uses);
        let layout = ordinal(self.of_layout.len() - 1);
        self.known.insert(key, layout);
        layout
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

fn ordinal(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

/// Unequal states that meet in one digest, once in a universe, would only be ranked alike: what is taken is checked by itself.
fn state_of(fleet: &Fleet, ord: NodeOrd, layouts: &mut Layouts) -> State {
    let layout = layouts.of(fleet, ord);
    let (cpu, memory) = fleet.free_beside(ord, Ask::default());
    let (inverse_cpu, inverse_memory) = fleet.inverse_capacity(ord);
    let amounts = [u64::from(layout), cpu as u64, memory as u64, inverse_cpu.to_bits(), inverse_memory.to_bits()];
    State {
        version: fleet.version(ord),
        layout,
        digest: amounts.into_iter().fold(0, |digest, part| split_mix(digest ^ part)),
        worth: worth(&layouts.uses[layouts.of_layout[layout as usize] as usize], cpu, memory),
    }
}

/// Hands a digest on as it is.
#[derive(Default)]
struct Digested(u64);

impl Hasher for Digested {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0 = bytes.iter().fold(self.0, |digest, byte| split_mix(digest ^ u64::from(*byte)));
    }

    fn write_u64(&mut self, digest: u64) {
        self.0 = digest;
    }
}
