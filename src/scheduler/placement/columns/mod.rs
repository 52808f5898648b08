//! Scores of the nodes with devices, remembered per ask.
//!
//! What a node's devices are worth is dear to compute, but changes only with the node, and jobs ask for few different things. So each
//! ask has a column of scores, and before it is used again only the nodes that changed since are scored anew. What is left of a node's
//! devices once an ask is met, and what that is good for, is remembered by *layout* of the free devices for all asks that differ in
//! processor and memory only.

mod changes;
mod layouts;

use std::collections::HashMap;

use super::devices::DeviceDemand;
use super::index::Best;
use super::packing::with_loss;
use super::score::{self, fixed};
use super::worth::worth;
use super::{Fleet, NodeOrd};
use crate::model::Ask;
use crate::model::scheduler_config::SchedulerAlgorithm;
use crate::util::random::split_mix;
use changes::Changes;
use layouts::{After, Family, KnownOffers, Layouts};

#[derive(Debug, Default)]
pub struct Columns {
    by_ask: HashMap<AskKey, Column>,
    families: Vec<Family>,
    offers: KnownOffers,
    /// Of each node that was scored.
    states: Vec<State>,
    layouts: Layouts,
    changes: Changes,
    /// Of the table of typical shapes and of the classes that all of this was computed with.
    epochs: (u32, u64),
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct AskKey {
    ask: Ask,
    /// A position in `families`.
    family: usize,
}

#[derive(Debug)]
struct Column {
    /// By node; [`NO_ROOM`] also where there are no devices.
    scores: Vec<i64>,
    /// The versions of the nodes that were scored.
    versions: Vec<u32>,
    /// The best score of each block of nodes.
    tops: Vec<i64>,
    /// Nodes in the same state have the same score: the newest states by digest, each in the place that its digest names.
    memo: Vec<(u64, i64)>,
    /// How far in the list of changes the scores are up to date.
    seen: u64,
}

/// What the score of an ask depends on, and what the node's devices are worth, when it had this version; no node ever has version zero.
#[derive(Clone, Copy, Debug, Default)]
struct State {
    version: u32,
    layout: u32,
    digest: u64,
    worth: f64,
}

const NO_ROOM: i64 = i64::MIN;

/// So many scores are kept; beyond, all are forgotten.
const MOST_SCORES: usize = 1 << 20;

/// So many lists of offers are remembered; beyond, all are forgotten.
const MOST_OFFERS: usize = 4096;

/// So many nodes are a block.
const BLOCK: usize = 32;

/// A power of two.
const MEMO: usize = 256;

impl Columns {
    /// Notes that a node with devices changed.
    pub fn touch(&mut self, ord: NodeOrd) {
        if !self.by_ask.is_empty() {
            self.changes.push(ord);
        }
    }

    /// Offers every node with devices that has room for the ask.
    pub fn best(&mut self, fleet: &Fleet, ask: Ask, devices: &DeviceDemand, allowed: &dyn Fn(u32) -> bool, found: &mut Best) {
        let size = fleet.len().max(self.layouts.len());
        let epochs = (fleet.typical().epoch(), fleet.classes().epoch());
        let is_too_much = self.by_ask.len() * size > MOST_SCORES || self.offers.len() > MOST_OFFERS;
        if self.epochs != epochs || is_too_much {
            *self = Self { epochs, ..Self::default() };
        }
        self.states.resize(fleet.len(), State::default());
        let Self { by_ask, families, offers, states, layouts, changes, .. } = self;
        let offers = offers.intern(devices);
        let family = Family::position(families, devices, offers);
        let column = by_ask.entry(AskKey { ask, family }).or_insert_with(Column::new);
        column.resize(fleet.len());
        let mut scorer = Scorer { fleet, ask, devices, states, layouts, family: &mut families[family] };
        let changed = changes.since(column.seen).unwrap_or_else(|| {
            column.forget();
            fleet.with_devices()
        });
        for ord in changed {
            let version = fleet.version(*ord);
            if column.versions[ord.at()] != version {
                let score = scorer.score(*ord, &mut column.memo);
                column.set(*ord, version, score);
            }
        }
        column.seen = changes.end();
        column.offer(fleet, allowed, found);
    }
}

impl Column {
    fn new() -> Self {
        let (scores, versions, tops) = (Vec::new(), Vec::new(), Vec::new());
        Self { scores, versions, tops, memo: vec![(0, NO_ROOM); MEMO], seen: u64::MAX }
    }

    fn resize(&mut self, nodes: usize) {
        self.scores.resize(nodes, NO_ROOM);
        self.versions.resize(nodes, 0);
        self.tops.resize(nodes.div_ceil(BLOCK), NO_ROOM);
    }

    fn forget(&mut self) {
        self.scores.fill(NO_ROOM);
        self.versions.fill(0);
        self.tops.fill(NO_ROOM);
    }

    fn set(&mut self, ord: NodeOrd, version: u32, score: i64) {
        self.versions[ord.at()] = version;
        let before = std::mem::replace(&mut self.scores[ord.at()], score);
        let block = ord.at() / BLOCK;
        let top = &mut self.tops[block];
        if score >= *top {
            *top = score;
        } else if before == *top {
            *top = self.scores[block * BLOCK..].iter().take(BLOCK).copied().max().unwrap_or(NO_ROOM);
        }
    }

    fn offer(&self, fleet: &Fleet, allowed: &dyn Fn(u32) -> bool, found: &mut Best) {
        for ((first, top), scores) in (0u32..).step_by(BLOCK).zip(&self.tops).zip(self.scores.chunks(BLOCK)) {
            if *top == NO_ROOM || found.excludes(*top, NodeOrd(first)) {
                continue;
            }
            for (ord, score) in (first..).map(NodeOrd).zip(scores) {
                if *score != NO_ROOM && !found.excludes(*score, ord) && allowed(fleet.class(ord)) {
                    found.offer(*score, ord);
                }
            }
        }
    }
}

struct Scorer<'a> {
    fleet: &'a Fleet,
    ask: Ask,
    devices: &'a DeviceDemand,
    states: &'a mut [State],
    layouts: &'a mut Layouts,
    /// The ask's.
    family: &'a mut Family,
}

impl Scorer<'_> {
    fn score(&mut self, ord: NodeOrd, memo: &mut [(u64, i64)]) -> i64 {
        let fleet = self.fleet;
        if !fleet.has_devices(ord) || !fleet.is_placeable(ord) || !fleet.has_room(ord, self.ask) {
            return NO_ROOM;
        }
        let state = self.state(ord);
        let known = &mut memo[state.digest as usize % MEMO];
        if known.0 != state.digest {
            *known = (state.digest, self.fresh_score(ord, state));
        }
        known.1
    }

    fn fresh_score(&mut self, ord: NodeOrd, State { layout, worth: before, .. }: State) -> i64 {
        let fleet = self.fleet;
        match self.family.after(fleet, ord, layout, self.devices, self.layouts) {
            After::Uses(uses) => {
                let (cpu, memory) = fleet.free_beside(ord, self.ask);
                let (cpu_part, memory_part) = fleet.free_fractions(ord, self.ask);
                let fill = score::packing(SchedulerAlgorithm::Binpack, cpu_part, memory_part);
                // As `Fleet::packing`: where there is nothing to lose, the fill alone counts.
                let is_plain = before == 0.0 && self.devices.is_empty();
                fixed(if is_plain { fill } else { with_loss(fill, before - worth(self.layouts.uses(uses), cpu, memory)) })
            }
            After::TooFew | After::Unknown => NO_ROOM,
        }
    }

    fn state(&mut self, ord: NodeOrd) -> State {
        let state = &mut self.states[ord.at()];
        if state.version != self.fleet.version(ord) {
            *state = state_of(self.fleet, ord, self.layouts);
        }
        *state
    }
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
        worth: worth(layouts.uses_now(layout), cpu, memory),
    }
}
