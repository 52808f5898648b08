//! One row per case: a job, its allocations, and what shall happen, in a notation that fits on a line.
//!
//! Job: `n3` count, `batch`/`system`/`sysbatch`, `up2` max_parallel, `canary1`, `auto`, `revert`, `pd0` (no progress deadline),
//! `attempts0`, `lost60` lost_after in seconds, `self60` stop_on_client_after (nodes are out of touch for 30 s), `noreplace`, `keep-original`/`keep-replacement`/`longest-running`, `inplace` (the newest
//! version differs harmlessly; else in its environment), `same` (there is one version), `stopped`, `purged`, `nodes4`, `stagger60` (replacements are 30 s old). Its deployment: `dep` running,
//! or `dep=paused|failed|successful`; `dc2` desired canaries, `promoted`, `late` (its deadline has passed). `olddep`: one of the older version.
//!
//! Allocations: `o` or `n` (older or newest version), the index, then flags: `w` `h` `u` in the deployment with health waiting, healthy, unhealthy;
//! `c` canary; `p` pending, `f` failed just now, `F` failed a minute ago, `x` complete, `?` unknown, `s` stopping, `t` stopped and ended; `m` to migrate,
//! `R` to be rescheduled by force; `d` on a down node, `a` on one that is away, `i` on an ineligible one; `>2` replaced by the third of the list; `r` in place of an earlier one; `y` younger.
//!
//! Outcome: `+n0` placed, `+n0c` as a canary, `+o0` at the older version; `-o0` stopped, `-o0!` as lost; `~o0` updated in place; `?o0` marked as unknown,
//! `@o0` waits for its time; `&` an evaluation for the next set of updates; `new(3,1)` deployment started with total and canaries; `success`, `fail`, `cancel`, `promote`, `revert`.

mod deployments;
mod groups;
mod systems;

use std::time::Duration;

use super::*;
use crate::model::allocation::DeploymentHealth;
use crate::model::policy::{Reconcile, ReschedulePolicy};
use crate::model::{
    AllocClientStatus, AllocDesiredStatus, AllocId, Allocation, Deployment, DeploymentGroup, DeploymentId, DeploymentStatus, Eligibility,
    JobType, NodeId, NodeStatus,
};
use crate::scheduler::testing::{allocation, node};

const OLD: DeploymentId = DeploymentId(71);
const NEW: DeploymentId = DeploymentId(72);
const DOWN: u128 = 101;
const AWAY: u128 = 102;
const INELIGIBLE: u128 = 103;

type Case = (&'static str, &'static str, &'static str, &'static str);

fn check(cases: &[Case]) {
    let mut wrong = Vec::new();
    for (what, job, allocations, expected) in cases {
        let found = outcome(job, allocations);
        let mut expected: Vec<&str> = expected.split_whitespace().collect();
        expected.sort_unstable();
        if found != expected {
            wrong.push(format!("{what}\n  job {job}; allocations {allocations}\n  expected {expected:?}\n  found    {found:?}"));
        }
    }
    assert!(wrong.is_empty(), "{} of {} cases:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

fn number(token: &str, prefix: &str) -> Option<u32> {
    token.strip_prefix(prefix)?.parse().ok()
}

fn spec(tokens: &[&str]) -> Job {
    let mut job = job("j", 1);
    for token in tokens {
        match *token {
            "batch" => job.job_type = JobType::Batch,
            "system" => job.job_type = JobType::System,
            "sysbatch" => job.job_type = JobType::SysBatch,
            _ => {}
        }
        let group = &mut job.groups[0];
        let update = &mut group.update;
        match *token {
            "auto" => update.get_or_insert_default().auto_promote = true,
            "revert" => update.get_or_insert_default().auto_revert = true,
            "pd0" => update.get_or_insert_default().progress_deadline = Duration::ZERO,
            "attempts0" => group.reschedule = ReschedulePolicy { unlimited: false, attempts: 0, ..group.reschedule.clone() },
            "noreplace" => group.disconnect.replace = false,
            "keep-original" => group.disconnect.reconcile = Reconcile::KeepOriginal,
            "keep-replacement" => group.disconnect.reconcile = Reconcile::KeepReplacement,
            "longest-running" => group.disconnect.reconcile = Reconcile::LongestRunning,
            _ => {}
        }
        if let Some(count) = number(token, "n") {
            group.count = count;
        } else if let Some(max_parallel) = number(token, "up") {
            update.get_or_insert_default().max_parallel = max_parallel;
        } else if let Some(canary) = number(token, "canary") {
            update.get_or_insert_default().canary = canary;
        } else if let Some(seconds) = number(token, "lost") {
            group.disconnect.lost_after = Some(Duration::from_secs(seconds.into()));
        } else if let Some(seconds) = number(token, "self") {
            group.disconnect.stop_on_client_after = Some(Duration::from_secs(seconds.into()));
        } else if let Some(seconds) = number(token, "stagger") {
            update.get_or_insert_default().stagger = Duration::from_secs(seconds.into());
        }
    }
    job
}

fn build(job: &str, allocations: &str) -> (FakeState, Arc<Job>) {
    let tokens: Vec<&str> = job.split_whitespace().collect();
    let has = |token: &str| tokens.contains(&token);
    let nodes = tokens.iter().find_map(|token| number(token, "nodes")).unwrap_or(12);
    let mut state = FakeState::new(nodes.into());
    for id in [DOWN, AWAY, INELIGIBLE] {
        let mut node = node(id);
        node.eligibility = Eligibility::Ineligible;
        node.status_updated_at = Timestamp(NOW.0 - 30_000_000_000);
        node.status = [NodeStatus::Down, NodeStatus::Disconnected, NodeStatus::Ready][(id - DOWN) as usize];
        state.set_node(node);
    }
    let older = state.register(spec(&tokens));
    let newest = if has("same") {
        Arc::clone(&older)
    } else {
        let mut changed = (*older).clone();
        if has("inplace") {
            changed.groups[0].tasks[0].kill_timeout = Duration::from_secs(77);
        } else {
            changed.groups[0].tasks[0].env.insert("VERSION".into(), "2".into());
        }
        state.register(changed)
    };
    for (position, token) in allocations.split_whitespace().enumerate() {
        let row = row(token, position, &older, &newest);
        state.allocations.insert(row.id, Arc::new(row));
    }
    // Older versions that were deployed well are where a failure goes back to.
    if let Some(spec) = state.specs.get_mut(&older.reference()).filter(|_| !has("same")) {
        Arc::make_mut(spec).stable = true;
    }
    deploy(&mut state, &tokens, &older, &newest);
    if has("stopped") {
        state.register(Job { stop: true, ..(*newest).clone() });
    } else if has("purged") {
        state.jobs.clear();
    }
    (state, newest)
}

fn row(token: &str, position: usize, older: &Job, newest: &Job) -> Allocation {
    let (token, next) = token.split_once('>').map_or((token, None), |(token, next)| (token, next.parse::<u128>().ok()));
    let is_new = token.starts_with('n');
    let digits: String = token[1..].chars().take_while(char::is_ascii_digit).collect();
    let flags = &token[1 + digits.len()..];
    let has = |flag: char| flags.contains(flag);
    let node = if has('d') {
        DOWN
    } else if has('a') {
        AWAY
    } else if has('i') {
        INELIGIBLE
    } else {
        position as u128 + 1
    };
    let mut row = allocation(if is_new { newest } else { older }, digits.parse().unwrap(), node);
    row.id = AllocId(2000 + position as u128);
    row.create_time = Timestamp(NOW.0 - 30_000_000_000);
    row.history.previous = has('r').then_some(AllocId(1));
    row.history.next = next.map(|next| AllocId(2000 + next));
    row.modify_time = if has('f') { NOW } else { Timestamp(NOW.0 - 60_000_000_000) };
    row.client_status = match flags.chars().find(|flag| "pfFx?t".contains(*flag)) {
        Some('p') => AllocClientStatus::Pending,
        Some('f' | 'F') => AllocClientStatus::Failed,
        Some('x' | 't') => AllocClientStatus::Complete,
        Some('?') => AllocClientStatus::Unknown,
        _ => AllocClientStatus::Running,
    };
    if has('s') || has('t') {
        row.desired_status = AllocDesiredStatus::Stop;
    }
    row.desired_transition.migrate = has('m');
    row.desired_transition.force_reschedule = has('R');
    let started_at = Some(Timestamp(if has('y') { 900 } else { 100 }));
    row.task_states = [("main".into(), crate::model::TaskState { started_at, ..Default::default() })].into_iter().collect();
    if flags.contains(['w', 'h', 'u']) {
        row.deployment = Some(if is_new { NEW } else { OLD });
        let healthy = if has('w') { None } else { Some(has('h')) };
        row.deployment_health = Some(DeploymentHealth { healthy, canary: has('c'), timestamp: NOW, modify_index: 0 });
    }
    row
}

fn deploy(state: &mut FakeState, tokens: &[&str], older: &Job, newest: &Job) {
    let status = tokens.iter().find_map(|token| match *token {
        "dep" => Some(DeploymentStatus::Running),
        "dep=paused" => Some(DeploymentStatus::Paused),
        "dep=failed" => Some(DeploymentStatus::Failed),
        "dep=successful" => Some(DeploymentStatus::Successful),
        _ => None,
    });
    let old = tokens.contains(&"olddep").then_some((OLD, older, DeploymentStatus::Running));
    for (id, job, status) in old.into_iter().chain(status.map(|status| (NEW, newest, status))) {
        let own: Vec<_> = state.allocations.values().filter(|row| row.deployment == Some(id)).collect();
        let judged = |healthy: bool| own.iter().filter(|row| row.health() == Some(healthy)).count() as u32;
        let update = job.groups[0].update.clone().unwrap_or_default();
        let late = tokens.contains(&"late");
        let group = DeploymentGroup {
            auto_revert: update.auto_revert,
            auto_promote: update.auto_promote,
            promoted: tokens.contains(&"promoted"),
            placed_canaries: own.iter().filter(|row| row.is_canary()).map(|row| row.id).collect(),
            desired_canaries: tokens.iter().find_map(|token| number(token, "dc")).unwrap_or(0),
            desired_total: job.groups[0].count,
            placed: own.len() as u32,
            healthy: judged(true),
            unhealthy: judged(false),
            progress_deadline: update.progress_deadline,
            require_progress_by: Some(Timestamp(NOW.0 + if late { -1 } else { 600_000_000_000 })),
        };
        let groups = [(job.groups[0].name.clone(), group)].into();
        let row = Deployment { status, ..crate::scheduler::deployment::started(job, groups, id, NOW) };
        state.deployments.insert(id, Arc::new(Deployment { create_index: id.0 as u64, ..row }));
    }
}

fn outcome(job: &str, allocations: &str) -> Vec<String> {
    let (mut state, newest) = build(job, allocations);
    let plan = plan_for(&mut state, &newest);
    let version = |reference: &crate::model::JobRef| if *reference == newest.reference() { 'n' } else { 'o' };
    let name = |id: AllocId| {
        let row = &state.allocations[&id];
        format!("{}{}", version(&row.job), row.index)
    };
    let mut found = Vec::new();
    for placement in &plan.placements {
        let canary = if placement.canary { "c" } else { "" };
        for index in placement.runs.iter().flat_map(|run| run.first_index..run.first_index + run.count) {
            found.push(format!("+{}{index}{canary}", version(&placement.job)));
        }
    }
    let next_set = |row: &&crate::model::Evaluation| row.trigger == EvalTrigger::RollingUpdate && row.wait_until.is_some();
    found.extend(plan.evaluations.iter().filter(next_set).map(|_| "&".to_owned()));
    for stop in &plan.stops {
        let lost = if stop.client_status == Some(AllocClientStatus::Lost) { "!" } else { "" };
        found.push(format!("-{}{lost}", name(stop.alloc)));
    }
    for update in &plan.in_place {
        let sign = match (update.client_status, update.follow_up_eval) {
            (Some(_), _) => '?',
            (None, Some(_)) => '@',
            (None, None) => '~',
        };
        found.push(format!("{sign}{}", name(update.alloc)));
    }
    for group in plan.new_deployments.iter().flat_map(|deployment| deployment.groups.values()) {
        found.push(format!("new({},{})", group.desired_total, group.desired_canaries));
    }
    for update in &plan.deployment_updates {
        let what = match update.status {
            DeploymentStatus::Successful => "success",
            DeploymentStatus::Cancelled => "cancel",
            DeploymentStatus::Failed if update.revert_to.is_some() => "revert",
            DeploymentStatus::Failed => "fail",
            _ => "promote",
        };
        found.push(what.to_owned());
    }
    found.sort_unstable();
    found
}
