//! Jobs over time: updates, failures, nodes that come and go.

use std::collections::BTreeSet;
use std::time::Duration;

use super::*;
use crate::model::policy::{ReschedulePolicy, UpdateStrategy};
use crate::model::{AllocClientStatus, AllocDesiredStatus, AllocId, Allocation, JobType, NodeId, NodeStatus};
use crate::scheduler::dry_run;
use crate::scheduler::testing::node;

fn with_env(job: &Job, value: &str) -> Job {
    let mut changed = job.clone();
    changed.groups[0].tasks[0].env.insert("V".into(), value.into());
    changed
}

fn with_max_parallel(mut job: Job, max_parallel: u32) -> Job {
    job.groups[0].update = Some(UpdateStrategy { max_parallel, ..UpdateStrategy::default() });
    job
}

fn live_versions(state: &FakeState, job: &Job) -> Vec<u64> {
    let mut versions: Vec<u64> = state.live(&job.key).iter().map(|allocation| allocation.job.version).collect();
    versions.sort_unstable();
    versions
}

fn first(state: &FakeState, job: &Job) -> Arc<Allocation> {
    state.live(&job.key).into_iter().min_by_key(|allocation| allocation.index).unwrap()
}

#[test]
fn scaling_down_takes_the_highest_names() {
    let mut state = FakeState::new(3);
    let registered = state.register(job("j", 6));
    run(&mut state, &registered);
    let smaller = state.register(job("j", 4));
    let plan = run(&mut state, &smaller);
    assert_eq!((plan.stops.len(), plan.in_place.len(), placed(&plan)), (2, 4, 0));
    let indexes: BTreeSet<u32> = state.live(&smaller.key).iter().map(|allocation| allocation.index).collect();
    assert_eq!(indexes, BTreeSet::from([0, 1, 2, 3]));
    let larger = state.register(job("j", 5));
    let plan = run(&mut state, &larger);
    assert_eq!((placed(&plan), plan.placements[0].runs[0].first_index), (1, 4));
}

#[test]
fn harmless_changes_update_in_place_and_others_replace() {
    let mut state = FakeState::new(3);
    let registered = state.register(job("j", 3));
    run(&mut state, &registered);
    let mut gentle = (*registered).clone();
    gentle.groups[0].tasks[0].kill_timeout = Duration::from_secs(60);
    let gentle = state.register(gentle);
    let plan = run(&mut state, &gentle);
    assert_eq!((plan.in_place.len(), plan.stops.len(), placed(&plan)), (3, 0, 0));
    assert_eq!(live_versions(&state, &gentle), [1, 1, 1]);

    let changed = state.register(with_env(&gentle, "2"));
    let plan = run(&mut state, &changed);
    assert_eq!((plan.in_place.len(), plan.stops.len(), placed(&plan)), (0, 3, 3), "no strategy: all at once");
    assert!(plan.placements.iter().flat_map(|p| &p.runs).all(|run| run.count == 1 && run.previous.is_some()));
    assert_eq!(live_versions(&state, &changed), [2, 2, 2]);
}

#[test]
fn a_constraint_that_the_node_no_longer_meets_replaces() {
    let mut state = FakeState::new(2);
    let registered = state.register(job("j", 1));
    run(&mut state, &registered);
    let old = first(&state, &registered).node_id;
    let mut picky = (*registered).clone();
    picky.constraints.push(crate::scheduler::testing::constraint("${node.unique.id}", "!=", &old.to_string()));
    let picky = state.register(picky);
    run(&mut state, &picky);
    assert_ne!(first(&state, &picky).node_id, old);
}

#[test]
fn a_rolling_update_never_replaces_more_than_max_parallel() {
    let mut state = FakeState::new(3);
    let registered = state.register(with_max_parallel(job("j", 5), 2));
    run(&mut state, &registered);
    let changed = state.register(with_env(&registered, "2"));
    let plan = plan_for(&mut state, &changed);
    assert_eq!((plan.stops.len(), placed(&plan)), (2, 2));
    assert!(plan.evaluations[0].status_description.contains("3 allocations wait"));
    state.apply(&plan);

    let early = plan_for(&mut state, &changed);
    assert_eq!((early.stops.len(), placed(&early)), (0, 0), "the first two do not run yet");

    state.settle_clients();
    assert_eq!(placed(&run(&mut state, &changed)), 2);
    assert_eq!(placed(&run(&mut state, &changed)), 1);
    assert_eq!(live_versions(&state, &changed), [1; 5]);
}

#[test]
fn a_failing_version_stops_its_own_roll_out() {
    let mut state = FakeState::new(3);
    let registered = state.register(with_max_parallel(job("j", 3), 1));
    run(&mut state, &registered);
    let bad = state.register(with_env(&registered, "bad"));
    run(&mut state, &bad);
    let newest = state.live(&bad.key).into_iter().find(|allocation| allocation.job.version == 1).unwrap();
    state.edit(newest.id, |allocation| {
        allocation.client_status = AllocClientStatus::Failed;
        allocation.modify_time = NOW;
    });
    let plan = run(&mut state, &bad);
    assert_eq!(plan.stops.len(), 0);
    assert_eq!(live_versions(&state, &bad), [0, 0]);
}

#[test]
fn a_roll_out_goes_on_to_failed_old_instances() {
    let mut state = FakeState::new(3);
    let mut wanted = with_max_parallel(job("j", 2), 1);
    wanted.groups[0].reschedule = ReschedulePolicy { unlimited: false, attempts: 0, ..wanted.groups[0].reschedule.clone() };
    let registered = state.register(wanted);
    run(&mut state, &registered);
    let changed = state.register(with_env(&registered, "2"));
    run(&mut state, &changed);
    let old = state.live(&changed.key).into_iter().find(|allocation| allocation.job.version == 0).unwrap();
    state.edit(old.id, |allocation| {
        allocation.client_status = AllocClientStatus::Failed;
        allocation.modify_time = NOW;
    });
    assert_eq!(placed(&run(&mut state, &changed)), 1);
    assert_eq!(live_versions(&state, &changed), [1, 1]);
}

#[test]
fn on_a_full_cluster_the_old_makes_room_for_the_new() {
    let mut state = FakeState::new(1);
    let registered = state.register(with_max_parallel(job("j", 8), 1));
    run(&mut state, &registered);
    let changed = state.register(with_env(&registered, "2"));
    let plan = plan_for(&mut state, &changed);
    assert_eq!((plan.stops.len(), placed(&plan)), (1, 0));
    state.apply(&plan);
    assert!(plan_for(&mut state, &changed).stops.is_empty(), "one at a time, also while it ends");
    state.settle_clients();
    let waiting = blocked(&state);
    let plan = plan_of(&state, &waiting, NOW);
    assert_eq!(placed(&plan), 1);
    assert!(plan.stops.is_empty(), "its replacement has yet to run");
}

#[test]
fn an_update_that_fits_nowhere_leaves_the_old_running() {
    let mut state = FakeState::new(1);
    let registered = state.register(job("j", 2));
    run(&mut state, &registered);
    let mut huge = (*registered).clone();
    huge.groups[0].tasks[0].resources.memory = crate::model::MebiBytes(1_000_000);
    let huge = state.register(huge);
    let plan = run(&mut state, &huge);
    assert!(plan.stops.is_empty());
    assert_eq!(blocked(&state)[0].queued["web"], 2);
}

#[test]
fn removed_groups_go() {
    let mut state = FakeState::new(2);
    let mut two = job("j", 1);
    two.groups.push(crate::scheduler::testing::group("side", 2));
    let two = state.register(two);
    run(&mut state, &two);
    let one = state.register(job("j", 1));
    let plan = run(&mut state, &one);
    assert_eq!((plan.stops.len(), plan.in_place.len()), (2, 1));
}

#[test]
fn allocations_of_a_lost_node_move() {
    let mut state = FakeState::new(2);
    let registered = state.register(job("j", 2));
    run(&mut state, &registered);
    state.edit_node(1, |node| node.status = NodeStatus::Down);
    let plan = run(&mut state, &registered);
    assert_eq!(plan.stops.len(), 1);
    assert_eq!(plan.stops[0].client_status, Some(AllocClientStatus::Lost));
    assert_eq!(placed(&plan), 1);
    assert_eq!(plan.placements[0].runs[0].previous, Some(plan.stops[0].alloc));
    assert!(state.live(&registered.key).iter().all(|allocation| allocation.node_id == NodeId(2)));
    assert!(run(&mut state, &registered).stops.is_empty());
}

#[test]
fn drained_allocations_migrate_when_they_are_told() {
    let mut state = FakeState::new(2);
    let registered = state.register(job("j", 1));
    run(&mut state, &registered);
    let old = first(&state, &registered);
    state.edit_node(old.node_id.0, |node| node.eligibility = crate::model::Eligibility::Ineligible);
    assert!(run(&mut state, &registered).stops.is_empty());
    state.edit(old.id, |allocation| allocation.desired_transition.migrate = true);
    let plan = run(&mut state, &registered);
    assert_eq!((plan.stops.len(), placed(&plan)), (1, 1));
    assert_ne!(first(&state, &registered).node_id, old.node_id);
    assert_eq!(first(&state, &registered).index, old.index);
}

#[test]
fn failed_allocations_wait_and_then_go_elsewhere() {
    let mut state = FakeState::new(2);
    let registered = state.register(job("j", 1));
    run(&mut state, &registered);
    let failed = first(&state, &registered);
    state.edit(failed.id, |allocation| {
        allocation.client_status = AllocClientStatus::Failed;
        allocation.modify_time = NOW;
    });
    let plan = run(&mut state, &registered);
    assert_eq!(placed(&plan), 0);
    let follow_up = plan.evaluations.iter().find(|evaluation| evaluation.trigger == EvalTrigger::AllocFailure).unwrap().clone();
    assert_eq!(follow_up.wait_until, Some(NOW + Duration::from_secs(30)));
    assert_eq!(plan.in_place[0].follow_up_eval, Some(follow_up.id));
    assert!(run(&mut state, &registered).in_place.is_empty(), "one follow-up is enough");

    let later = NOW + Duration::from_secs(30);
    let plan = plan_of(&state, &[Arc::new(follow_up)], later);
    state.apply(&plan);
    assert_eq!(placed(&plan), 1);
    let replacement = first(&state, &registered);
    assert_ne!(replacement.node_id, failed.node_id);
    assert_eq!((replacement.history.previous, replacement.index), (Some(failed.id), 0));
    assert_eq!(replacement.history.reschedules.len(), 1);
    assert_eq!(state.allocations[&failed.id].desired_status, AllocDesiredStatus::Stop);
}

#[test]
fn failures_close_together_share_a_follow_up() {
    let mut state = FakeState::new(1);
    let registered = state.register(job("j", 3));
    run(&mut state, &registered);
    let ids: Vec<AllocId> = state.allocations.keys().copied().collect();
    for (id, seconds) in ids.iter().zip([0, 4, 9]) {
        state.edit(*id, |allocation| {
            allocation.client_status = AllocClientStatus::Failed;
            allocation.modify_time = NOW + Duration::from_secs(seconds);
        });
    }
    let plan = run(&mut state, &registered);
    let follow_ups: Vec<_> = plan.evaluations.iter().filter(|evaluation| evaluation.wait_until.is_some()).collect();
    assert_eq!((plan.in_place.len(), follow_ups.len()), (3, 2));

    // The first follow-up takes the second failure along although its own time is four seconds off.
    let plan = plan_of(&state, &[Arc::new(follow_ups[0].clone())], NOW + Duration::from_secs(30));
    assert_eq!(placed(&plan), 2);
}

#[test]
fn used_up_attempts_leave_a_hole() {
    let mut state = FakeState::new(2);
    let mut wanted = job("j", 2);
    wanted.groups[0].reschedule = ReschedulePolicy { unlimited: false, attempts: 0, ..ReschedulePolicy::default_for(JobType::Service) };
    let registered = state.register(wanted);
    run(&mut state, &registered);
    let failed = first(&state, &registered);
    state.edit(failed.id, |allocation| allocation.client_status = AllocClientStatus::Failed);
    assert_eq!(placed(&run(&mut state, &registered)), 0);
    state.edit(failed.id, |allocation| allocation.desired_transition.force_reschedule = true);
    assert_eq!(placed(&run(&mut state, &registered)), 1);
}

#[test]
fn finished_batch_work_is_not_done_again_until_it_changes() {
    let mut state = FakeState::new(2);
    let registered = state.register(Job { job_type: JobType::Batch, ..job("j", 2) });
    run(&mut state, &registered);
    let done = first(&state, &registered);
    state.edit(done.id, |allocation| allocation.client_status = AllocClientStatus::Complete);
    assert_eq!(placed(&run(&mut state, &registered)), 0);

    let mut larger = (*registered).clone();
    larger.groups[0].count = 3;
    let larger = state.register(larger);
    assert_eq!(placed(&run(&mut state, &larger)), 1, "a larger count adds what is missing");

    let changed = state.register(with_env(&larger, "2"));
    let plan = run(&mut state, &changed);
    assert_eq!((placed(&plan), plan.stops.len()), (3, 2));

    for id in state.live(&changed.key).iter().map(|allocation| allocation.id).collect::<Vec<_>>() {
        state.edit(id, |allocation| allocation.client_status = AllocClientStatus::Complete);
    }
    state.register(Job { stop: true, ..(*changed).clone() });
    let restarted = state.register((*changed).clone());
    assert_eq!(placed(&run(&mut state, &restarted)), 3, "stopped and started: once more");
}

#[test]
fn what_was_done_before_counts_as_long_as_it_is_the_newest_word() {
    let batch = |count: u32| Job { job_type: JobType::Batch, ..job("j", count) };
    let finish = |state: &mut FakeState, key: &crate::model::JobKey| {
        for row in state.live(key) {
            state.edit(row.id, |row| row.client_status = AllocClientStatus::Complete);
        }
    };
    // Larger and smaller again: the specification is an old one, but nobody stopped the job.
    let mut state = FakeState::new(2);
    for (count, expected) in [(2, 2), (3, 1), (2, 0), (3, 0)] {
        let registered = state.register(batch(count));
        assert_eq!(placed(&run(&mut state, &registered)), expected, "{count}");
        finish(&mut state, &registered.key);
    }
    // Stopped, and started with another count.
    state.register(Job { stop: true, ..batch(3) });
    let restarted = state.register(batch(1));
    assert_eq!(placed(&run(&mut state, &restarted)), 1);
    // While that runs, what was done before the stop is history, whatever else changes.
    let larger = state.register(batch(2));
    let plan = run(&mut state, &larger);
    assert_eq!((placed(&plan), plan.stops.len()), (1, 0));
    // Changed and changed back: what is done in between is of other work.
    let mut state = FakeState::new(2);
    let first = state.register(batch(1));
    run(&mut state, &first);
    finish(&mut state, &first.key);
    let changed = state.register(with_env(&first, "2"));
    assert_eq!(placed(&run(&mut state, &changed)), 1);
    let back = state.register(batch(2));
    let plan = run(&mut state, &back);
    assert_eq!((placed(&plan), plan.stops.len()), (2, 1));
}

#[test]
fn a_job_that_is_started_again_starts_what_had_given_up() {
    let mut state = FakeState::new(2);
    let mut wanted = job("j", 2);
    wanted.groups[0].reschedule = ReschedulePolicy { unlimited: false, attempts: 0, ..ReschedulePolicy::default_for(JobType::Service) };
    let registered = state.register(wanted.clone());
    run(&mut state, &registered);
    let failed = first(&state, &registered);
    state.edit(failed.id, |row| row.client_status = AllocClientStatus::Failed);
    assert_eq!(placed(&run(&mut state, &registered)), 0);
    let stopped = state.register(Job { stop: true, ..wanted.clone() });
    run(&mut state, &stopped);
    let started = state.register(wanted);
    assert_eq!(placed(&run(&mut state, &started)), 2);
}

#[test]
fn a_replacement_takes_a_name_that_the_group_still_has() {
    let mut state = FakeState::new(2);
    let registered = state.register(Job { job_type: JobType::Batch, ..job("j", 3) });
    run(&mut state, &registered);
    for row in state.live(&registered.key).iter().filter(|row| row.index < 2) {
        state.edit(row.id, |row| row.client_status = AllocClientStatus::Complete);
    }
    let mut smaller = with_env(&registered, "2");
    smaller.groups[0].count = 1;
    let smaller = state.register(smaller);
    run(&mut state, &smaller);
    let row = first(&state, &smaller);
    assert_eq!((row.index, &row.job), (0, &smaller.reference()));
    state.edit(row.id, |row| row.client_status = AllocClientStatus::Complete);
    assert_eq!(placed(&run(&mut state, &smaller)), 0, "its work is done");
}

#[test]
fn a_disconnected_node_is_waited_for() {
    let mut state = FakeState::new(2);
    let mut wanted = job("j", 1);
    wanted.groups[0].disconnect.lost_after = Some(Duration::from_secs(600));
    let registered = state.register(wanted);
    run(&mut state, &registered);
    let original = first(&state, &registered);
    state.edit_node(original.node_id.0, |node| node.status = NodeStatus::Disconnected);
    let plan = plan_for(&mut state, &registered);
    state.apply(&plan);
    assert_eq!(plan.in_place[0].client_status, Some(AllocClientStatus::Unknown));
    assert_eq!(placed(&plan), 1);
    assert!(plan.evaluations.iter().any(|e| e.trigger == EvalTrigger::MaxDisconnectTimeout));
    let again = plan_for(&mut state, &registered);
    assert!(again.in_place.is_empty() && again.placements.is_empty() && again.stops.is_empty());

    // The node comes back: the original goes on, the replacement ends.
    state.edit_node(original.node_id.0, |node| node.status = NodeStatus::Ready);
    state.settle_clients();
    let plan = run(&mut state, &registered);
    assert_eq!((plan.stops.len(), placed(&plan)), (1, 0));
    assert_eq!(first(&state, &registered).id, original.id);
}

#[test]
fn an_unknown_allocation_whose_follow_up_is_gone_is_waited_for_again() {
    let lost_after = Duration::from_secs(600);
    for job_type in [JobType::Service, JobType::System] {
        let mut state = FakeState::new(1);
        let mut wanted = Job { job_type, ..job("j", 1) };
        wanted.groups[0].disconnect.lost_after = Some(lost_after);
        let registered = state.register(wanted);
        run(&mut state, &registered);
        let original = first(&state, &registered);
        state.edit_node(original.node_id.0, |node| node.status = NodeStatus::Disconnected);
        let plan = plan_for(&mut state, &registered);
        state.apply(&plan);
        assert_eq!(plan.in_place[0].client_status, Some(AllocClientStatus::Unknown), "{job_type:?}");
        let follow_up = plan.in_place[0].follow_up_eval.unwrap();
        Arc::make_mut(state.evaluations.get_mut(&follow_up).unwrap()).status = EvalStatus::Canceled;

        let later = NOW + Duration::from_secs(60);
        let evaluation = state.evaluation(&registered);
        let plan = plan_of(&state, &[evaluation], later);
        state.apply(&plan);
        let second = plan.in_place[0].follow_up_eval.unwrap();
        assert_ne!(second, follow_up, "{job_type:?}");
        let evaluation = state.evaluation(&registered);
        assert!(plan_of(&state, &[evaluation], later).in_place.is_empty(), "{job_type:?}: marked once");

        // The second mark is no reprieve: the time runs from the first.
        let due = Arc::clone(&state.evaluations[&second]);
        assert_eq!(due.wait_until, Some(NOW + lost_after));
        let plan = plan_of(&state, &[due], NOW + lost_after);
        assert_eq!(plan.stops[0].client_status, Some(AllocClientStatus::Lost), "{job_type:?}");
    }
}

#[test]
fn system_jobs_run_once_on_every_node_that_fits() {
    let mut state = FakeState::new(3);
    state.edit_node(3, |node| drop(node.meta.insert("edge".into(), "yes".into())));
    let mut wanted = Job { job_type: JobType::System, ..job("j", 1) };
    wanted.constraints.push(crate::scheduler::testing::constraint("${meta.edge}", "is_not_set", ""));
    let registered = state.register(wanted);
    assert_eq!(placed(&run(&mut state, &registered)), 2);
    assert!(blocked(&state).is_empty(), "a node that may not have it is not waited for");
    state.set_node(node(4));
    let plan = run(&mut state, &registered);
    assert_eq!((placed(&plan), plan.placements[0].runs[0].node), (1, NodeId(4)));
    state.edit_node(1, |node| drop(node.meta.insert("edge".into(), "yes".into())));
    state.edit_node(2, |node| node.status = NodeStatus::Down);
    let plan = run(&mut state, &registered);
    assert_eq!((plan.stops.len(), placed(&plan)), (2, 0));
    let changed = state.register(with_env(&registered, "2"));
    let plan = run(&mut state, &changed);
    assert_eq!((plan.stops.len(), placed(&plan), plan.placements[0].runs[0].node), (1, 1, NodeId(4)));
}

#[test]
fn a_dry_run_tells_and_changes_nothing() {
    let mut state = FakeState::new(1);
    let registered = state.register(job("j", 3));
    run(&mut state, &registered);
    let unchanged = dry_run(&state, &registered, NOW);
    assert_eq!(unchanged.groups["web"].ignore, 3);
    let mut changed = with_env(&registered, "2");
    changed.groups[0].count = 20;
    let outcome = dry_run(&state, &changed, NOW);
    let web = outcome.groups["web"];
    assert_eq!((web.destructive, web.place, web.stop, web.ignore), (3, 17, 0, 0));
    assert!(outcome.failed.contains_key("web"));
    let fresh = dry_run(&state, &job("new", 2), NOW);
    assert_eq!(fresh.groups["web"].place, 2);
}

#[test]
fn work_done_under_a_dropped_name_does_not_stand_for_others() {
    let mut state = FakeState::new(2);
    let registered = state.register(Job { job_type: JobType::Batch, ..job("j", 3) });
    run(&mut state, &registered);
    let last = state.live(&registered.key).into_iter().find(|allocation| allocation.index == 2).unwrap();
    state.edit(last.id, |allocation| allocation.client_status = AllocClientStatus::Complete);
    let smaller = state.register(Job { job_type: JobType::Batch, ..job("j", 2) });
    let plan = run(&mut state, &smaller);
    assert_eq!((plan.stops.len(), state.live(&smaller.key).len()), (0, 2));
}

#[test]
fn sticky_disks_pull_a_replacement_to_its_old_node() {
    for (sticky, expected) in [(true, 1), (false, 2)] {
        let mut state = FakeState::new(2);
        let mut wanted = job("j", 1);
        wanted.groups[0].ephemeral_disk.sticky = sticky;
        wanted.groups[0].tasks[0].resources.memory = crate::model::MebiBytes(3000);
        let registered = state.register(wanted);
        run(&mut state, &registered);
        assert_eq!(first(&state, &registered).node_id, NodeId(1));
        // Another job makes the second node the better one to pack.
        let mut other = job("other", 1);
        other.groups[0].tasks[0].resources.memory = crate::model::MebiBytes(5000);
        other.constraints.push(crate::scheduler::testing::constraint("${node.unique.name}", "=", "node-2"));
        let other = state.register(other);
        run(&mut state, &other);
        let changed = state.register(with_env(&registered, "2"));
        run(&mut state, &changed);
        assert_eq!(first(&state, &changed).node_id, NodeId(expected), "sticky: {sticky}");
    }
}
