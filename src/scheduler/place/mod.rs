//! From the instances that a group needs to places for them: builds the numeric demand, lets the packing core pick, and
//! writes the picks down as runs, or the reasons why there were none.

mod cores;
mod demand;
mod metrics;
mod runs;
mod shortage;
mod shortlist;

use std::collections::BTreeMap;
use std::sync::Arc;

use super::feasibility::GroupProfile;
use super::neighbours::Neighbours;
use super::placement::{Fleet, NodeOrd, Packer, Pick};
use super::preempt::{self, Preemptor};
use super::reconcile::{Instance, PreviousFate, StopOrder, reason};
use crate::model::plan::{NodeScore, Placement, PlacementMetrics};
use crate::model::scheduler_config::SchedulerAlgorithm;
use crate::model::{AllocId, Allocation, DeploymentId, EvalId, Job, JobRef, NodeId, TaskGroup};

use demand::DemandBuilder;
use runs::RunBuilder;

/// So many nodes are shown where others were pushed aside: each of the instances there carries them all.
const MOST_PUSHES: usize = 32;

/// Instances of the job that hold a place on one node while the plan is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Live {
    pub ord: NodeOrd,
    pub count: u32,
    /// Position of their group in the job.
    pub group: usize,
    /// To be replaced: their node is not avoided for their sake, but conditions on the whole set still count them.
    pub leaving: bool,
}

/// What a group's placement needs to know.
pub struct GroupRequest<'a> {
    pub job: &'a Job,
    pub reference: &'a JobRef,
    /// `job_modify_index` of the newest specification.
    pub newest: u64,
    pub group: &'a TaskGroup,
    /// Position of the group in the job.
    pub position: usize,
    /// Whether no instance of the group has a place yet.
    pub is_first: bool,
    pub profile: &'a GroupProfile,
    pub eval: EvalId,
    /// That the instances join.
    pub deployment: Option<DeploymentId>,
    pub canary: bool,
    pub algorithm: SchedulerAlgorithm,
    /// Varies the choice of dynamic ports.
    pub salt: u64,
    /// Where the instances of other jobs are.
    pub neighbours: &'a Neighbours,
}

/// What came of a group's placement.
#[derive(Debug, Default)]
pub struct GroupOutcome {
    pub placements: Vec<Placement>,
    /// Predecessors that stop now.
    pub stops: Vec<StopOrder>,
    /// Why the rest has no place.
    pub failed: Option<Arc<PlacementMetrics>>,
    /// How many have no place.
    pub queued: u32,
    /// Destructive updates that must wait for what was placed instead.
    pub put_off: u32,
    /// Who was pushed aside.
    pub evicted: Vec<Arc<Allocation>>,
}

/// Finds places for `instances`, taking them from the fleet and adding them to `live`. Of those that replace a running
/// instance, at most `room` go, less what is placed besides: what has just been placed does not run yet.
pub fn place_group(
    fleet: &mut Fleet,
    request: &GroupRequest<'_>,
    instances: Vec<Instance>,
    room: usize,
    live: &mut Vec<Live>,
    preemptor: Option<Preemptor<'_>>,
) -> GroupOutcome {
    if instances.is_empty() {
        return GroupOutcome::default();
    }
    if let Some(nodes) = shortlist::shortlist(fleet, request, &instances, metrics::SHOWN_SCORES) {
        let (start, before) = (fleet.checkpoint(), live.len());
        let outcome = place_among(fleet, request, instances.clone(), room, live, None, Some(&nodes));
        if outcome.queued == 0 {
            return outcome;
        }
        // What it could not have there it may have elsewhere, or by pushing others aside; else every node says why not.
        fleet.roll_back(start);
        live.truncate(before);
    }
    place_among(fleet, request, instances, room, live, preemptor, None)
}

/// Places them on `nodes`, or anywhere.
fn place_among(
    fleet: &mut Fleet,
    request: &GroupRequest<'_>,
    instances: Vec<Instance>,
    room: usize,
    live: &mut Vec<Live>,
    preemptor: Option<Preemptor<'_>>,
    nodes: Option<&[NodeOrd]>,
) -> GroupOutcome {
    let plan = DemandBuilder::new(fleet, request, live, nodes).build();
    let counts = metrics::Counts::new(fleet, request, &plan);
    let packer = Packer::new(fleet, plan.demand);
    let runs = RunBuilder::new(request, Arc::new(counts.success(&packer)));
    let mut placer =
        GroupPlacer { request, packer, preemptor, runs, live, placed: 0, pushes: Vec::new(), outcome: GroupOutcome::default() };

    let (destructive, needed): (Vec<_>, Vec<_>) = instances.into_iter().partition(|instance| instance.fate == PreviousFate::StopToMakeRoom);
    let (plain, special): (Vec<_>, Vec<_>) = needed.into_iter().partition(Instance::is_plain);
    for instance in special {
        placer.place_special(instance);
    }
    placer.place_plain(&plain);
    let allowed = room.saturating_sub(placer.placed).min(destructive.len());
    placer.outcome.put_off = u32::try_from(destructive.len() - allowed).unwrap_or(u32::MAX);
    for instance in destructive.into_iter().take(allowed) {
        placer.place_special(instance);
    }

    let GroupPlacer { packer, runs, mut outcome, pushes, .. } = placer;
    if outcome.queued > 0 {
        outcome.failed = Some(Arc::new(counts.failure(&packer, request, outcome.queued)));
    }
    outcome.placements = runs.finish(pushes);
    outcome
}

struct GroupPlacer<'a> {
    request: &'a GroupRequest<'a>,
    packer: Packer<'a>,
    preemptor: Option<Preemptor<'a>>,
    runs: RunBuilder<'a>,
    live: &'a mut Vec<Live>,
    placed: usize,
    /// What the nodes scored where others were pushed aside.
    pushes: Vec<NodeScore>,
    outcome: GroupOutcome,
}

impl GroupPlacer<'_> {
    /// Places an instance that has a history or a node of its own.
    fn place_special(&mut self, instance: Instance) {
        let pick = pick_special(&mut self.packer, self.request, &instance).or_else(|| self.preempt(instance.only_on));
        let Some(pick) = pick else {
            self.queue_special(&instance);
            return;
        };
        self.outcome.stops.extend(stop_when_placed(&instance));
        self.account(&pick);
        self.runs.add_special(self.packer.fleet(), instance, pick);
    }

    fn queue_special(&mut self, instance: &Instance) {
        if is_outside(self.packer.fleet(), self.request, instance) {
            return;
        }
        self.outcome.queued += 1;
        if let Some(previous) = instance.previous.as_deref()
            && instance.fate == PreviousFate::StopToMakeRoom
            && could_follow(&self.packer, self.request, previous)
        {
            self.outcome.stops.push(stop_of(previous.id, reason::UPDATED));
        }
    }

    /// Places equal instances: once one finds no place, none of the rest does.
    fn place_plain(&mut self, instances: &[Instance]) {
        let mut wanted = Instance::number(instances);
        let mut picks: Vec<Pick> = Vec::new();
        while wanted > 0
            && let Some(pick) = self.packer.pick_run(wanted).or_else(|| self.preempt(None))
        {
            self.account(&pick);
            wanted -= pick.count;
            picks.push(pick);
        }
        self.outcome.queued += wanted;
        self.runs.add_plain(
            self.packer.fleet(),
            instances.iter().flat_map(|instance| (instance.index..).take(instance.count as usize)),
            picks,
        );
    }

    /// Makes room for one instance, on `only_on` or on the node where that costs least.
    fn preempt(&mut self, only_on: Option<NodeId>) -> Option<Pick> {
        let preemptor = self.preemptor.as_mut()?;
        let found = match only_on {
            Some(node) => preemptor.find_on(&self.packer, self.packer.fleet().ord(node)?)?,
            None => preemptor.find(&self.packer)?,
        };
        let victims: Vec<_> = found.victims.iter().map(|victim| Arc::clone(&victim.alloc)).collect();
        let pick = self.packer.pick_in_place_of(found.ord, &victims)?;
        preemptor.evict(&found.victims);
        if self.pushes.len() < MOST_PUSHES {
            let score = found.score();
            let terms = vec![(preempt::SCORE.into(), score)];
            self.pushes.push(NodeScore { node: self.packer.fleet().node(found.ord).id, terms, total: score });
        }
        self.outcome.evicted.extend(victims);
        Some(pick)
    }

    fn account(&mut self, pick: &Pick) {
        self.placed += pick.count as usize;
        self.live.push(Live { ord: pick.ord, count: pick.count, group: self.request.position, leaving: false });
    }
}

fn pick_special(packer: &mut Packer<'_>, request: &GroupRequest<'_>, instance: &Instance) -> Option<Pick> {
    if let Some(node) = instance.only_on {
        return packer.pick_on(packer.fleet().ord(node)?);
    }
    let previous_ord = instance.previous.as_ref().and_then(|previous| packer.fleet().ord(previous.node_id));
    if let Some(ord) = previous_ord
        && request.group.ephemeral_disk.sticky
        && instance.penalised.is_empty()
        && let Some(pick) = packer.pick_on(ord)
    {
        return Some(pick);
    }
    let penalised: Vec<NodeOrd> = instance.penalised.iter().filter_map(|node| packer.fleet().ord(*node)).collect();
    packer.pick(&penalised)
}

/// A system job does not wait for a node that may not have it.
fn is_outside(fleet: &Fleet, request: &GroupRequest<'_>, instance: &Instance) -> bool {
    let Some(node) = instance.only_on else {
        return false;
    };
    instance.previous.is_none() && fleet.ord(node).is_none_or(|ord| !request.profile.allows(fleet, ord))
}

fn stop_when_placed(instance: &Instance) -> Option<StopOrder> {
    let previous = instance.previous.as_ref()?;
    match instance.fate {
        PreviousFate::Settled => None,
        PreviousFate::StopWhenPlaced => Some(stop_of(previous.id, reason::RESCHEDULED)),
        PreviousFate::StopToMakeRoom => Some(stop_of(previous.id, reason::UPDATED)),
    }
}

fn stop_of(alloc: AllocId, description: &'static str) -> StopOrder {
    StopOrder { alloc, description, client_status: None }
}

/// Whether a replacement could run where `previous` is once that has ended.
fn could_follow(packer: &Packer<'_>, request: &GroupRequest<'_>, previous: &Allocation) -> bool {
    let fleet = packer.fleet();
    let Some(ord) = fleet.ord(previous.node_id) else {
        return false;
    };
    let may_stay = !previous.is_client_terminal() && fleet.node(ord).is_placeable() && request.profile.allows(fleet, ord);
    may_stay && packer.fits_without(ord, previous)
}

/// Attribute values, interned to dense ordinals.
#[derive(Debug, Default)]
struct Interner(BTreeMap<String, u32>);

impl Interner {
    fn intern(&mut self, value: &str) -> u32 {
        if let Some(ordinal) = self.0.get(value) {
            return *ordinal;
        }
        let ordinal = u32::try_from(self.0.len()).unwrap_or(u32::MAX - 1);
        self.0.insert(value.to_owned(), ordinal);
        ordinal
    }
}
