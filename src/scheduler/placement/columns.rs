//! Scores of the nodes with devices, remembered per ask.
//!
//! What a node's devices are worth is dear to compute, but changes only with the node, and jobs ask for few different things. So each
//! ask has a column of scores, and before it is used again only the nodes that changed since are scored anew.

use std::collections::HashMap;
use std::sync::Arc;

use super::devices::{ClassOffers, DeviceDemand, DeviceNeed};
use super::index::Best;
use super::score::fixed;
use super::{Fleet, NodeOrd};
use crate::model::Ask;
use crate::model::scheduler_config::SchedulerAlgorithm;

#[derive(Debug, Default)]
pub struct Columns {
    by_ask: HashMap<AskKey, Vec<Scored>>,
    /// The worth of each node as it is.
    worth: Vec<Option<(u32, f64)>>,
    /// The table of typical shapes that all of this was computed with.
    epoch: u32,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct AskKey {
    ask: Ask,
    needs: Vec<DeviceNeed>,
    offers: Arc<Vec<ClassOffers>>,
}

/// A node's score when it had this version; `None`: no room.
type Scored = Option<(u32, Option<i64>)>;

/// So many scores are kept; beyond, all are forgotten.
const MOST_SCORES: usize = 1 << 20;

impl Columns {
    /// Offers every node with devices that has room for the ask.
    pub fn best(&mut self, fleet: &Fleet, ask: Ask, devices: &DeviceDemand, allowed: &dyn Fn(u32) -> bool, found: &mut Best) {
        if self.epoch != fleet.typical().epoch() || self.by_ask.len() * fleet.len() > MOST_SCORES {
            *self = Self { epoch: fleet.typical().epoch(), ..Self::default() };
        }
        self.worth.resize(fleet.len(), None);
        let key = AskKey { ask, needs: devices.needs.clone(), offers: Arc::clone(&devices.offers) };
        let column = self.by_ask.entry(key).or_default();
        column.resize(fleet.len(), None);
        for ord in fleet.with_devices() {
            let version = fleet.version(*ord);
            let score = match column[ord.at()] {
                Some((scored, score)) if scored == version => score,
                _ => {
                    let score = score(fleet, *ord, ask, devices, &mut self.worth[ord.at()]);
                    column[ord.at()] = Some((version, score));
                    score
                }
            };
            if let Some(score) = score
                && allowed(fleet.class(*ord))
            {
                found.offer(score, *ord);
            }
        }
    }
}

fn score(fleet: &Fleet, ord: NodeOrd, ask: Ask, devices: &DeviceDemand, worth: &mut Option<(u32, f64)>) -> Option<i64> {
    if !fleet.is_placeable(ord) || !fleet.has_room(ord, ask) {
        return None;
    }
    let choice = fleet.choose_devices(ord, devices)?;
    let version = fleet.version(ord);
    let before = match worth {
        Some((known, worth)) if *known == version => *worth,
        _ => worth.insert((version, fleet.worth_of_devices(ord))).1,
    };
    Some(fixed(fleet.packing(ord, ask, devices, Some(&choice), before, SchedulerAlgorithm::Binpack)))
}
