//! Any sequence of events keeps the promises of a roll-out.
//!
//! One service job lives through new versions, failures, verdicts, lost and returning nodes, drains, promotions, pauses and the passing of time.
//! After each event its evaluations are processed, and the plan and the state that it leads to are checked. In the end everything heals, and the
//! job must arrive.

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::model::policy::{Reconcile, UpdateStrategy};
use crate::model::{AllocClientStatus, AllocId, Allocation, Deployment, DeploymentStatus, JobKey, JobRef, NodeStatus};
use crate::scheduler::{StateView, failure, promotable, promotion, resumption};

#[derive(Clone, Debug)]
struct Shape {
    count: u32,
    max_parallel: u32,
    canary: u32,
    auto_promote: bool,
    auto_revert: bool,
    lost_after: bool,
    replace: bool,
    keep_original: bool,
    deadline: bool,
}

#[derive(Clone, Copy, Debug)]
enum Event {
    Starts(usize),
    Proves(usize),
    IsUnhealthy(usize),
    Fails(usize),
    Ends(usize),
    NewVersion,
    HarmlessVersion,
    Count(u32),
    NodeDown(usize),
    NodeAway(usize),
    NodeBack(usize),
    Migrate(usize),
    Promote,
    Pause,
    Resume,
    Fail,
    Wait(u64),
}

fn shape() -> impl Strategy<Value = Shape> {
    let flags = (any::<bool>(), any::<bool>(), any::<bool>(), prop::bool::weighted(0.8), any::<bool>(), prop::bool::weighted(0.8));
    (1u32..6, 1u32..4, 0u32..3, flags).prop_map(|(count, max_parallel, canary, flags)| Shape {
        count,
        max_parallel,
        canary,
        auto_promote: flags.0 && canary > 0,
        auto_revert: flags.1,
        lost_after: flags.2,
        replace: flags.3,
        keep_original: flags.4,
        deadline: flags.5,
    })
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        6 => any::<usize>().prop_map(Event::Starts),
        6 => any::<usize>().prop_map(Event::Proves),
        1 => any::<usize>().prop_map(Event::IsUnhealthy),
        2 => any::<usize>().prop_map(Event::Fails),
        4 => any::<usize>().prop_map(Event::Ends),
        3 => Just(Event::NewVersion),
        1 => Just(Event::HarmlessVersion),
        1 => (1u32..6).prop_map(Event::Count),
        1 => any::<usize>().prop_map(Event::NodeDown),
        1 => any::<usize>().prop_map(Event::NodeAway),
        2 => any::<usize>().prop_map(Event::NodeBack),
        1 => any::<usize>().prop_map(Event::Migrate),
        2 => Just(Event::Promote),
        1 => Just(Event::Pause),
        1 => Just(Event::Resume),
        1 => Just(Event::Fail),
        2 => (1u64..700).prop_map(Event::Wait),
    ]
}

struct World {
    state: FakeState,
    key: JobKey,
    now: Timestamp,
    versions: u32,
}

impl World {
    fn new(shape: &Shape) -> Self {
        let mut wanted = job("j", shape.count);
        let group = &mut wanted.groups[0];
        group.update = Some(UpdateStrategy {
            max_parallel: shape.max_parallel,
            canary: shape.canary,
            auto_promote: shape.auto_promote,
            auto_revert: shape.auto_revert,
            progress_deadline: Duration::from_secs(if shape.deadline { 600 } else { 0 }),
            ..UpdateStrategy::default()
        });
        group.disconnect.lost_after = shape.lost_after.then_some(Duration::from_secs(300));
        group.disconnect.replace = shape.replace;
        group.disconnect.reconcile = if shape.keep_original { Reconcile::KeepOriginal } else { Reconcile::KeepReplacement };
        let mut state = FakeState::new(6);
        let key = state.register(wanted).key.clone();
        Self { state, key, now: NOW, versions: 0 }
    }

    fn job(&self) -> Arc<Job> {
        Arc::clone(&self.state.jobs[&self.key])
    }

    /// What nodes that are in touch may report on: neither over nor on a node that is gone.
    fn reporting(&self) -> Vec<AllocId> {
        let in_touch = |row: &&Arc<Allocation>| self.state.nodes[&row.node_id].status == NodeStatus::Ready;
        self.state.allocations.values().filter(|row| !row.is_client_terminal()).filter(in_touch).map(|row| row.id).collect()
    }

    fn happens(&mut self, event: Event) {
        let reporting = self.reporting();
        let nth = |n: usize| (!reporting.is_empty()).then(|| reporting[n % reporting.len()]);
        let now = self.now;
        match event {
            Event::Starts(n) => {
                if let Some(id) = nth(n) {
                    self.state.edit(id, |row| row.client_status = AllocClientStatus::Running);
                }
            }
            Event::Proves(n) | Event::IsUnhealthy(n) => {
                let id = nth(n).filter(|id| {
                    let row = &self.state.allocations[id];
                    row.client_status == AllocClientStatus::Running && row.deployment.is_some() && row.health().is_none()
                });
                if let Some(id) = id {
                    self.state.judge(id, matches!(event, Event::Proves(_)));
                }
            }
            Event::Fails(n) => {
                if let Some(id) = nth(n) {
                    self.state.edit(id, |row| {
                        row.client_status = AllocClientStatus::Failed;
                        row.modify_time = now;
                    });
                    let row = &self.state.allocations[&id];
                    if row.deployment.is_some() && row.health().is_none() {
                        self.state.judge(id, false);
                    }
                }
            }
            Event::Ends(n) => {
                if let Some(id) = nth(n).filter(|id| self.state.allocations[id].is_server_terminal()) {
                    self.state.edit(id, |row| row.client_status = AllocClientStatus::Complete);
                }
            }
            Event::NewVersion | Event::HarmlessVersion | Event::Count(_) => {
                let mut changed = (*self.job()).clone();
                self.versions += 1;
                changed.stable = false;
                let group = &mut changed.groups[0];
                match event {
                    Event::Count(count) => group.count = count,
                    Event::NewVersion => drop(group.tasks[0].env.insert("V".into(), self.versions.to_string().into())),
                    _ => group.tasks[0].kill_timeout = Duration::from_secs(u64::from(self.versions)),
                }
                self.state.register(changed);
            }
            Event::NodeDown(n) => self.state.edit_node(n as u128 % 6 + 1, |node| node.status = NodeStatus::Down),
            Event::NodeAway(n) => self.state.edit_node(n as u128 % 6 + 1, |node| {
                if node.status == NodeStatus::Ready {
                    node.status = NodeStatus::Disconnected;
                }
            }),
            Event::NodeBack(n) => self.state.edit_node(n as u128 % 6 + 1, |node| node.status = NodeStatus::Ready),
            Event::Migrate(n) => {
                if let Some(id) = nth(n) {
                    self.state.edit(id, |row| row.desired_transition.migrate = true);
                }
            }
            Event::Promote | Event::Pause | Event::Resume | Event::Fail => self.operate(event),
            Event::Wait(seconds) => self.now = now + Duration::from_secs(seconds),
        }
    }

    fn operate(&mut self, event: Event) {
        let Some(deployment) = self.active() else { return };
        let update = match event {
            Event::Promote => promotable(&self.state, &deployment, None).ok().map(|groups| promotion(&deployment, groups)),
            Event::Pause => {
                let update = promotion(&deployment, vec![]);
                Some(crate::model::plan::DeploymentUpdate { status: DeploymentStatus::Paused, ..update })
            }
            Event::Resume => Some(resumption(&deployment)),
            _ => Some(failure(&self.state, &deployment, "by hand")),
        };
        if let Some(update) = update {
            self.state.update_deployment(&update);
        }
    }

    fn active(&self) -> Option<Arc<Deployment>> {
        self.state.latest_deployment(&self.key).filter(|deployment| deployment.status.is_active())
    }

    /// Processes what is due, the waiting ones whose time has come included.
    fn process(&mut self) -> Plan {
        let job = self.job();
        let mut due: Vec<_> = self.state.evaluations.values().filter(|row| !row.is_terminal()).cloned().collect();
        due.retain(|row| row.wait_until.is_none_or(|at| at <= self.now));
        due.push(self.state.evaluation(&job));
        plan_of(&self.state, &due, self.now)
    }

    fn live(&self) -> Vec<Arc<Allocation>> {
        self.state.live(&self.key)
    }
}

fn is_unknown(row: &Allocation) -> bool {
    row.client_status == AllocClientStatus::Unknown
}

/// What a plan may do, by the state that it was made of.
fn check_plan(before: &World, plan: &Plan) {
    let job = before.job();
    let group = &job.groups[0];
    let max_parallel = group.update.as_ref().unwrap().max_parallel as usize;
    let current = before.active().filter(|deployment| deployment.job == job.reference());
    let promotes = plan.deployment_updates.iter().any(|update| !update.promote.is_empty());
    let replaced = plan.stops.iter().filter(|stop| &*stop.description == "alloc is being updated due to job update").count();
    let unproved =
        |row: &&Arc<Allocation>| row.job == job.reference() && row.health() != Some(true) && !row.is_canary() && !is_unknown(row);
    let unproved = before.live().iter().filter(unproved).count();
    assert!(replaced <= max_parallel.saturating_sub(unproved), "max_parallel: {replaced} replaced while {unproved} are unproved");
    let held_up = current.as_ref().is_some_and(|deployment| {
        deployment.status == DeploymentStatus::Paused || (deployment.groups["web"].awaits_promotion() && !promotes)
    });
    let failed =
        before.state.latest_deployment(&before.key).is_some_and(|d| d.status == DeploymentStatus::Failed && d.job == job.reference());
    assert!(replaced == 0 || !(held_up || failed), "a roll-out that is held up replaces nothing");
    if held_up {
        // Only canaries run what is new about the newest version, and what stands in for one that did already.
        let env = |job: &JobRef| before.state.specs[job].groups[0].tasks[0].env.clone();
        let stands_in = |id: AllocId| env(&before.state.allocations[&id].job) == env(&job.reference());
        for placement in plan.placements.iter().filter(|placement| placement.job == job.reference() && !placement.canary) {
            assert!(placement.runs.iter().all(|run| run.previous.is_some_and(stands_in)), "newest before promotion");
        }
    }
}

/// What holds once a plan is applied.
fn check_state(world: &World) {
    let job = world.job();
    let count = job.groups[0].count as usize;
    let live = world.live();
    let (canaries, ordinary): (Vec<_>, Vec<_>) = live.iter().partition(|row| row.is_canary());
    let mut names: BTreeMap<(u32, Option<JobRef>), Vec<AllocId>> = BTreeMap::new();
    for row in ordinary.iter().filter(|row| !is_unknown(row)) {
        names.entry((row.index, None)).or_default().push(row.id);
    }
    for row in canaries.iter().filter(|row| !is_unknown(row)) {
        names.entry((row.index, Some(row.job.clone()))).or_default().push(row.id);
    }
    assert!(names.values().all(|holders| holders.len() == 1), "a name is held once per version: {names:?}");

    let wanted = world.active().filter(|row| row.status.is_active()).map_or(0, |row| row.groups["web"].desired_canaries as usize);
    let present = canaries.iter().filter(|row| !is_unknown(row)).count();
    assert!(present <= wanted, "{present} canaries, {wanted} wanted");

    // Failed instances that wait for their time, or for nothing any more, hold their place.
    let holds =
        |row: &&Arc<Allocation>| row.client_status == AllocClientStatus::Failed && row.history.next.is_none() && !row.is_server_terminal();
    let failed = world.state.allocations.values().filter(|row| row.job.key == world.key && !row.is_canary()).filter(holds).count();
    let known = ordinary.iter().filter(|row| !is_unknown(row)).count();
    assert!(known <= count, "{known} of {count} run");
    let queued: u32 = blocked(&world.state).iter().filter_map(|row| row.queued.get("web")).sum();
    let latest = world.state.latest_deployment(&world.key);
    let is_held_up = |row: &Deployment| match row.status {
        DeploymentStatus::Paused | DeploymentStatus::Failed => true,
        _ => row.groups["web"].awaits_promotion(),
    };
    let held_up = latest.is_some_and(|row| is_held_up(&row));
    let reached = ordinary.len() + failed + queued as usize >= count;
    assert!(reached || held_up, "{} live, {failed} failed, {queued} queued of {count}", ordinary.len());
}

fn step(world: &mut World) {
    let plan = world.process();
    check_plan(world, &plan);
    let reverts = plan.deployment_updates.iter().any(|update| update.revert_to.is_some());
    world.state.apply(&plan);
    if reverts {
        // The plan brought nothing but the older version: the evaluation that came with it does the rest.
        return step(world);
    }
    check_state(world);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_sequence_of_events_keeps_the_promises(shape in shape(), events in prop::collection::vec(event(), 1..40)) {
        let mut world = World::new(&shape);
        step(&mut world);
        for event in events {
            world.happens(event);
            step(&mut world);
        }
        // Everything heals, and a last version comes.
        for node in 1..=6 {
            world.state.edit_node(node, |node| node.status = NodeStatus::Ready);
        }
        world.happens(Event::NewVersion);
        for _ in 0..40 {
            step(&mut world);
            world.state.settle_clients();
            world.happens(Event::Promote);
        }
        step(&mut world);
        let job = world.job();
        let live = world.live();
        prop_assert_eq!(live.len(), job.groups[0].count as usize);
        prop_assert!(live.iter().all(|row| row.job == job.reference() && row.health() == Some(true) && !row.is_canary()));
        prop_assert_eq!(world.state.latest_deployment(&world.key).unwrap().status, DeploymentStatus::Successful);
    }
}
