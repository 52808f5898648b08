//! The terms of a candidate's score.

use super::Packer;
use crate::model::fit;
use crate::scheduler::placement::NodeOrd;
use crate::scheduler::placement::demand::Candidate;
use crate::scheduler::placement::ranking::OwnScore;
use crate::scheduler::placement::score::{self, ScoredTerm, fixed};

impl Packer<'_> {
    /// The best `count` candidates for the next instance with the terms of their scores and their totals, best first.
    pub fn best(&self, count: usize) -> Vec<(NodeOrd, Vec<ScoredTerm>, f64)> {
        let boosts = self.ranking.boosts();
        let mut ranked: Vec<(i64, u32)> = Vec::with_capacity(count + 1);
        for slot in (0u32..).take(self.demand.candidates.len()).filter(|slot| self.has_room(*slot as usize)) {
            let total = self.own_score(slot as usize).total(boosts[self.ranking.bucket(slot) as usize]);
            if ranked.len() == count && ranked.last().is_some_and(|(worst, _)| *worst >= total) {
                continue;
            }
            let at = ranked.partition_point(|(better, _)| *better >= total);
            ranked.insert(at, (total, slot));
            ranked.truncate(count);
        }
        let explained = |(total, slot): (i64, u32)| {
            let ord = self.demand.candidates[slot as usize].ord;
            (ord, self.terms(slot as usize, self.ranking.boost(slot)), score::readable(total))
        };
        ranked.into_iter().map(explained).collect()
    }

    pub(super) fn own_score(&self, slot: usize) -> OwnScore {
        self.own_terms(slot, self.packing(slot), self.demand.candidates[slot].collisions)
    }

    /// As [`Self::own_score`] once `more` instances of amounts only are on a node without devices.
    pub(super) fn own_score_after(&self, slot: usize, more: u32) -> OwnScore {
        let Candidate { ord, collisions, .. } = self.demand.candidates[slot];
        let ask = fit::times(self.fleet.effective_ask(ord, self.demand.ask), more + 1);
        let (cpu, memory) = self.fleet.free_fractions(ord, ask);
        self.own_terms(slot, score::packing(self.demand.algorithm, cpu, memory), collisions + more)
    }

    fn own_terms(&self, slot: usize, packing: f64, collisions: u32) -> OwnScore {
        let candidate = &self.demand.candidates[slot];
        let mut sum = packing;
        let mut terms = 1;
        if self.demand.anti_affinity && collisions > 0 {
            sum += score::anti_affinity(collisions, self.demand.group_count);
            terms += 1;
        }
        if candidate.affinity != 0.0 {
            sum += candidate.affinity;
            terms += 1;
        }
        if let Some(devices) = self.device_affinity(slot) {
            sum += devices;
            terms += 1;
        }
        OwnScore { sum: fixed(sum), terms }
    }

    /// `None`: no device is liked better than another.
    fn device_affinity(&self, slot: usize) -> Option<f64> {
        if self.demand.devices.affinity_weight == 0 {
            return None;
        }
        let ord = self.demand.candidates[slot].ord;
        let choice = self.choose_devices(ord, self.fleet.usage(ord));
        Some(choice.map_or(0.0, |choice| self.demand.devices.score(&choice)))
    }

    fn packing(&self, slot: usize) -> f64 {
        let ord = self.demand.candidates[slot].ord;
        let ask = self.fleet.effective_ask(ord, self.demand.ask);
        let worth = self.fleet.worth_of_devices(ord);
        let choice = if self.demand.devices.is_empty() { None } else { self.choose_devices(ord, self.fleet.usage(ord)) };
        self.fleet.packing(ord, ask, &self.demand.devices, choice.as_ref(), worth, self.demand.algorithm)
    }

    fn terms(&self, slot: usize, boost: i64) -> Vec<ScoredTerm> {
        let candidate = &self.demand.candidates[slot];
        let mut terms = vec![(score::PACKING, self.packing(slot))];
        let collisions = if self.demand.anti_affinity { candidate.collisions } else { 0 };
        let anti_affinity = if collisions > 0 { score::anti_affinity(collisions, self.demand.group_count) } else { 0.0 };
        terms.push((score::ANTI_AFFINITY, anti_affinity));
        terms.push((score::RESCHEDULE_PENALTY, 0.0));
        terms.push((score::AFFINITY, candidate.affinity));
        terms.extend(self.device_affinity(slot).map(|score| (score::DEVICES, score)));
        if boost != 0 {
            terms.push((score::SPREAD, score::readable(boost)));
        }
        terms
    }
}
