//! What to do about one job: reconciliation and placement of all its groups.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::deployment;
use super::feasibility::GroupProfile;
use super::place::{self, GroupRequest, Live};
use super::placement::Fleet;
use super::preempt::Preemptor;
use super::reconcile::{self, Comparison, Context, GroupChanges, Instance, Mark, Placeability, PreviousFate, StopOrder, Tally};
use super::view::StateView;
use super::{DueJob, Scheduler};
use crate::model::plan::{DeploymentUpdate, Placement, PlacementMetrics};
use crate::model::{
    Allocation, Deployment, DeploymentId, DeploymentStatus, EvalId, EvalStatus, Job, JobKey, JobRef, NodeId, TaskGroup, Text,
};
use crate::util::clock::Timestamp;

/// Everything that shall change for one job.
#[derive(Debug, Default)]
pub struct Decision {
    pub placements: Vec<Placement>,
    pub stops: Vec<StopOrder>,
    /// With the deployment that they join.
    pub in_place: Vec<(Arc<Allocation>, Option<DeploymentId>)>,
    pub new_deployment: Option<Deployment>,
    pub deployment_updates: Vec<DeploymentUpdate>,
    /// The deployment that this belongs to.
    pub deployment: Option<DeploymentId>,
    /// Nothing was decided but that the job goes back to an older version: it has to be looked at again.
    pub again: bool,
    /// The specification that in-place updates go on under.
    pub reference: Option<JobRef>,
    pub marks: Vec<Mark>,
    pub failed: BTreeMap<Text, Arc<PlacementMetrics>>,
    /// Instances without a place, for every group.
    pub queued: BTreeMap<Text, u32>,
    pub put_off: u32,
    /// When more of what was put off may go.
    pub next_set: Option<Timestamp>,
    pub tallies: BTreeMap<Text, Tally>,
    /// Who was pushed aside.
    pub evicted: Vec<Arc<Allocation>>,
}

/// A group with what it needs, before it is placed.
struct Reconciled<'a> {
    group: &'a TaskGroup,
    profile: Arc<GroupProfile>,
    changes: GroupChanges,
}

impl Scheduler {
    pub(super) fn decide(&mut self, view: &dyn StateView, due: &DueJob, seed: u128, now: Timestamp) -> Decision {
        let allocations = view.allocations_of_job(&due.key);
        let job = match view.job(&due.key) {
            Some(job) if !job.stop && !job.is_template() => job,
            stopped => return stop_everything(view, &due.key, stopped.as_deref(), &allocations),
        };
        let due_ids = due.ids();
        let waiting = waiting_evaluations(view, &due.key, &due_ids);
        let deployment::Standing { current, update } = deployment::standing(view, &job, &allocations, now);
        let mut decision = Decision { reference: Some(job.reference()), ..Decision::default() };
        decision.again = update.as_ref().is_some_and(|update| update.revert_to.is_some());
        decision.deployment_updates.extend(update);
        if decision.again {
            decision.deployment = current.map(|current| current.id);
            return decision;
        }
        let current = current.as_ref();
        let reference = job.reference();
        let context = Context { view, job: &job, reference, now, due: &due_ids, waiting: &waiting, deployment: current };

        let mut by_group: BTreeMap<&str, Vec<Arc<Allocation>>> = BTreeMap::new();
        for allocation in &allocations {
            by_group.entry(&allocation.group).or_default().push(Arc::clone(allocation));
        }
        let mut comparison = Comparison::new(&context);
        let mut reconciled = Vec::with_capacity(job.groups.len());
        for group in &job.groups {
            let profile = self.profile(&job, group);
            let own = by_group.remove(&*group.name).unwrap_or_default();
            let fit = NodeFit { fleet: &self.fleet, profile: &profile };
            let changes = reconcile::reconcile_group(&context, group, &own, &mut comparison, &fit);
            reconciled.push(Reconciled { group, profile, changes });
        }
        for (name, removed) in by_group {
            let stops = reconcile::stop_all(view, &removed);
            decision.tally_stops(name, &stops);
            decision.stops.extend(stops);
        }
        decision.settle_deployment(&job, current, &reconciled, deployment::id_for(seed, due.primary.id), now);
        let deployed = current.or(decision.new_deployment.as_ref());
        let members: BTreeSet<Text> = deployed.iter().flat_map(|deployment| deployment.groups.keys().cloned()).collect();
        self.place_all(view, &job, due.primary.id, seed, reconciled, &members, &mut decision);
        decision
    }

    pub(super) fn profile(&mut self, job: &Job, group: &TaskGroup) -> Arc<GroupProfile> {
        self.profiles.get(job, group, self.fleet.classes())
    }

    #[allow(clippy::too_many_arguments, reason = "one call, in one place")]
    fn place_all(
        &mut self,
        view: &dyn StateView,
        job: &Job,
        eval: EvalId,
        seed: u128,
        reconciled: Vec<Reconciled<'_>>,
        members: &BTreeSet<Text>,
        decision: &mut Decision,
    ) {
        let start = self.fleet.checkpoint();
        let evictions = self.residents.checkpoint();
        let newest = job.job_modify_index;
        let mut live = live_instances(&self.fleet, &reconciled);
        let algorithm = view.algorithm_in(&job.node_pool);
        let preempts = view.config().preempts(job.job_type);
        let mut conditional_stops = Vec::new();
        for (position, Reconciled { group, profile, changes }) in reconciled.into_iter().enumerate() {
            let deployment = decision.deployment.filter(|_| members.contains(&group.name));
            let GroupChanges { stops, in_place, marks, places, put_off, room, next_set, mut tally, keep, .. } = changes;
            let wanted = Instance::number(&places);
            let mut queued = 0;
            for (number, Batch { spec, canary, places }) in batches(places).into_iter().enumerate() {
                let older = spec.and_then(|spec| view.job_spec(&spec));
                let own = older.as_ref().and_then(|older| Some((&**older, older.group(&group.name)?)));
                let (job, group) = own.unwrap_or((job, group));
                let profile = if own.is_some() { self.profile(job, group) } else { Arc::clone(&profile) };
                let reference = job.reference();
                let salt = (seed as u64) ^ (eval.0 as u64) ^ position as u64 ^ (number as u64) << 32;
                let deployment = deployment.filter(|_| own.is_none());
                for job in profile.requirements.neighbours() {
                    self.neighbours.load(view, job);
                }
                let request = GroupRequest {
                    job,
                    reference: &reference,
                    newest,
                    group,
                    position,
                    is_first: keep.is_empty() && number == 0,
                    profile: &profile,
                    eval,
                    deployment,
                    canary,
                    algorithm,
                    salt,
                    neighbours: &self.neighbours,
                };
                let preemptor = if preempts { Preemptor::new(view, &self.in_flight, &mut self.residents, job) } else { None };
                let outcome = place::place_group(&mut self.fleet, &request, places, room, &mut live, preemptor);
                tally.destructive -= outcome.put_off;
                tally.ignore += outcome.put_off;
                decision.put_off += outcome.put_off;
                decision.placements.extend(outcome.placements);
                conditional_stops.extend(outcome.stops);
                decision.failed.extend(outcome.failed.map(|metrics| (group.name.clone(), metrics)));
                tally.preemptions += u32::try_from(outcome.evicted.len()).unwrap_or(u32::MAX);
                decision.evicted.extend(outcome.evicted);
                queued += outcome.queued;
            }
            decision.stops.extend(stops);
            decision.in_place.extend(in_place.into_iter().map(|allocation| (allocation, deployment)));
            decision.marks.extend(marks);
            decision.put_off += put_off;
            decision.next_set = decision.next_set.into_iter().chain(next_set).min();
            decision.tallies.insert(group.name.clone(), tally);
            decision.queued.insert(group.name.clone(), if job.all_at_once { wanted } else { queued });
        }
        if job.all_at_once && !decision.failed.is_empty() {
            // All or nothing: what found a place gives it back.
            self.fleet.roll_back(start);
            self.residents.roll_back(evictions);
            decision.placements.clear();
            decision.evicted.clear();
            return;
        }
        if job.all_at_once {
            decision.queued.values_mut().for_each(|queued| *queued = 0);
        }
        decision.stops.extend(conditional_stops);
    }
}

impl Decision {
    /// Starts the deployment that the groups call for, or ends the one that has nothing left to do.
    fn settle_deployment(
        &mut self,
        job: &Job,
        current: Option<&Deployment>,
        reconciled: &[Reconciled<'_>],
        id: DeploymentId,
        now: Timestamp,
    ) {
        if let Some(current) = current {
            self.deployment = Some(current.id);
            let mut members = reconciled.iter().filter(|group| current.groups.contains_key(&group.group.name));
            if current.status == DeploymentStatus::Running && members.all(|group| !group.changes.unfinished) {
                // Supersedes a promotion of the same moment, which left nothing to do.
                self.deployment_updates.push(deployment::succeeded(current));
            }
            return;
        }
        let member = |group: &Reconciled<'_>| Some((group.group.name.clone(), group.changes.initial_state.clone()?));
        let starts = |group: &Reconciled<'_>| group.changes.starts_deployment && group.changes.initial_state.is_some();
        if reconciled.iter().any(starts) {
            self.deployment = Some(id);
            self.new_deployment = Some(deployment::started(job, reconciled.iter().filter_map(member).collect(), id, now));
        }
    }

    fn tally_stops(&mut self, group: &str, stops: &[StopOrder]) {
        self.tallies.entry(group.into()).or_default().stop += u32::try_from(stops.len()).unwrap_or(u32::MAX);
    }
}

fn stop_everything(view: &dyn StateView, key: &JobKey, job: Option<&Job>, allocations: &[Arc<Allocation>]) -> Decision {
    let mut decision = Decision { stops: reconcile::stop_all(view, allocations), ..Decision::default() };
    decision.deployment_updates.extend(deployment::cancelled_with_job(view, key));
    for group in job.into_iter().flat_map(|job| &job.groups) {
        decision.queued.insert(group.name.clone(), 0);
    }
    let stopped: BTreeSet<_> = decision.stops.iter().map(|order| order.alloc).collect();
    for allocation in allocations.iter().filter(|allocation| stopped.contains(&allocation.id)) {
        decision.tallies.entry(allocation.group.clone()).or_default().stop += 1;
    }
    decision
}

/// Follow-ups of the job whose time has not come.
fn waiting_evaluations(view: &dyn StateView, key: &JobKey, due: &BTreeSet<EvalId>) -> BTreeSet<EvalId> {
    let evaluations = view.evaluations_of_job(key);
    let waiting = evaluations.iter().filter(|evaluation| evaluation.status == EvalStatus::Pending && !due.contains(&evaluation.id));
    waiting.map(|evaluation| evaluation.id).collect()
}

/// Instances that are placed alike.
struct Batch {
    spec: Option<JobRef>,
    canary: bool,
    places: Vec<Instance>,
}

/// Those of older specifications come first: they replace what ran. Nearly always there is one batch.
fn batches(places: Vec<Instance>) -> Vec<Batch> {
    if places.iter().all(|place| place.spec.is_none() && !place.canary) {
        return vec![Batch { spec: None, canary: false, places }];
    }
    let mut batches: Vec<Batch> = Vec::new();
    for place in places {
        match batches.iter_mut().find(|batch| batch.spec == place.spec && batch.canary == place.canary) {
            Some(batch) => batch.places.push(place),
            None => batches.push(Batch { spec: place.spec.clone(), canary: place.canary, places: vec![place] }),
        }
    }
    batches.sort_by_key(|batch| (batch.spec.is_none(), batch.canary));
    batches
}

/// The instances that keep their place, of all groups: distinctness may be asked of the whole job.
fn live_instances(fleet: &Fleet, reconciled: &[Reconciled<'_>]) -> Vec<Live> {
    let mut live = Vec::new();
    for (position, Reconciled { changes, .. }) in reconciled.iter().enumerate() {
        let replaced = |instance: &&reconcile::Instance| instance.fate == PreviousFate::StopToMakeRoom;
        let leaving: BTreeSet<_> =
            changes.places.iter().filter(replaced).filter_map(|instance| Some(instance.previous.as_ref()?.id)).collect();
        for allocation in &changes.keep {
            if let Some(ord) = fleet.ord(allocation.node_id) {
                live.push(Live { ord, count: 1, group: position, leaving: leaving.contains(&allocation.id) });
            }
        }
    }
    live
}

struct NodeFit<'a> {
    fleet: &'a Fleet,
    profile: &'a GroupProfile,
}

impl Placeability for NodeFit<'_> {
    fn may_stay(&self, node: NodeId) -> bool {
        self.fleet.ord(node).is_some_and(|ord| self.profile.allows(self.fleet, ord))
    }

    fn eligible_nodes(&self) -> Vec<NodeId> {
        let allowed = self.fleet.placeable().filter(|ord| self.profile.allows(self.fleet, *ord));
        allowed.map(|ord| self.fleet.node(ord).id).collect()
    }
}
