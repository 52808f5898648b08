//! Launches periodic jobs: what is due is decided purely, from the state and the time; each launch is one log entry.
//!
//! The state remembers up to when each job's launches are settled, so a new leader goes on where the last one stopped: a launch is neither
//! lost nor made twice. If several times of a table passed while nobody led, one launch stands for all of them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tracing::{info, warn};

use super::{Server, ServerError, children};
use crate::model::{Job, JobKey, JobStatus};
use crate::state::{Command, Rejection, State, Table};
use crate::util::clock::Timestamp;

/// Wall clocks can be set: the time is looked at again at least this often.
const LONGEST_SLEEP: Duration = Duration::from_secs(60);

/// A launch that is due.
#[derive(Clone, Debug, PartialEq)]
struct Launch {
    parent: Arc<Job>,
    scheduled: Timestamp,
    /// The job prohibits overlaps, and an earlier launch still runs.
    is_skipped: bool,
}

/// What a look at the periodic jobs calls for.
#[derive(Debug, Default, PartialEq)]
struct Step {
    due: Vec<Launch>,
    /// When the next one is due.
    next: Option<Timestamp>,
}

/// Knows the next launch of every periodic job, so that the tables are not read at every look.
#[derive(Debug, Default)]
struct Launcher {
    known: BTreeMap<JobKey, Known>,
}

#[derive(Clone, Copy, Debug)]
struct Known {
    job_modify_index: u64,
    settled: Timestamp,
    next: Option<Timestamp>,
}

impl Launcher {
    fn step(&mut self, state: &State, now: Timestamp) -> Step {
        let mut step = Step::default();
        let mut known = BTreeMap::new();
        for (job, settled) in state.periodic_jobs() {
            let before =
                self.known.get(&job.key).filter(|known| (known.job_modify_index, known.settled) == (job.job_modify_index, settled));
            let current = before.copied().unwrap_or_else(|| Known {
                job_modify_index: job.job_modify_index,
                settled,
                next: job.periodic.as_ref().and_then(|periodic| periodic.next_launch(settled)),
            });
            known.insert(job.key.clone(), current);
            match current.next {
                Some(due) if due <= now => step.due.push(launch(state, job, due, now)),
                Some(later) => step.next = step.next.into_iter().chain([later]).min(),
                None => {}
            }
        }
        self.known = known;
        step
    }
}

fn launch(state: &State, job: &Arc<Job>, due: Timestamp, now: Timestamp) -> Launch {
    let periodic = job.periodic.as_ref();
    let missed_more = periodic.and_then(|periodic| periodic.next_launch(due)).is_some_and(|second| second <= now);
    let is_skipped =
        periodic.is_some_and(|periodic| periodic.prohibit_overlap) && state.children(&job.key).any(|child| child.status != JobStatus::Dead);
    let scheduled = if missed_more { Timestamp(now.seconds() * 1_000_000_000) } else { due };
    Launch { parent: Arc::clone(job), scheduled, is_skipped }
}

/// Launches while this server leads.
pub(super) async fn run(server: &Server) {
    let mut jobs = server.store().watch_table(Table::Jobs);
    let mut launcher = Launcher::default();
    loop {
        jobs.mark_unchanged();
        let now = Timestamp::now();
        let step = launcher.step(&server.store().load(), now);
        let mut pause = step.next.map(|next| next.since(now).min(LONGEST_SLEEP));
        for launch in &step.due {
            if let Err(error) = carry_out(server, launch, now).await {
                warn!(job = %launch.parent.key, %error, "a periodic launch is held up");
                pause = Some(super::RETRY);
            }
        }
        if !step.due.is_empty() && pause != Some(super::RETRY) {
            continue;
        }
        tokio::select! {
            changed = jobs.changed() => if changed.is_err() { return },
            () = tokio::time::sleep(pause.unwrap_or_default()), if pause.is_some() => {}
        }
    }
}

async fn carry_out(server: &Server, launch: &Launch, now: Timestamp) -> Result<(), ServerError> {
    let Launch { parent, scheduled, is_skipped } = launch;
    let child = (!is_skipped).then(|| Box::new(children::scheduled(parent, *scheduled, now)));
    let command = Command::LaunchPeriodic { parent: parent.key.clone(), scheduled: *scheduled, child, at: now };
    match server.propose(command).await {
        Ok(_) if *is_skipped => info!(job = %parent.key, %scheduled, "an earlier launch still runs: this one is skipped"),
        Ok(_) => info!(job = %parent.key, %scheduled, "launched"),
        // Stopped, or launched by an earlier leader, while this was on its way.
        Err(ServerError::Rejected(Rejection::ParentGone | Rejection::AlreadyLaunched)) => {}
        Err(error) => return Err(error),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::job::Periodic;
    use crate::model::{Evaluation, JobType, fixtures};
    use crate::state::command::Request;
    use crate::state::snapshot;

    const MINUTE: Duration = Duration::from_secs(60);

    fn minutes(count: i64) -> Timestamp {
        Timestamp(count * 60_000_000_000)
    }

    fn apply(state: &mut State, command: Command) -> Result<(), Rejection> {
        let index = state.index() + 1;
        state.apply(index, &Request { id: 0, command }).0.map(|_| ())
    }

    fn periodic(specs: &[&str]) -> Job {
        let specs = specs.iter().map(|spec| (*spec).into()).collect();
        let periodic = Periodic { enabled: true, specs, prohibit_overlap: false, time_zone: "UTC".into() };
        Job { periodic: Some(periodic), ..fixtures::job("backup", JobType::Batch, 1) }
    }

    fn register(state: &mut State, job: &Job, at: Timestamp) {
        let job = Arc::new(job.clone());
        apply(state, Command::RegisterJob { job, submission: None, enforce_index: None, evaluation: None, at }).unwrap();
    }

    fn command(launch: &Launch, now: Timestamp) -> Command {
        let child = (!launch.is_skipped).then(|| Box::new(children::scheduled(&launch.parent, launch.scheduled, now)));
        Command::LaunchPeriodic { parent: launch.parent.key.clone(), scheduled: launch.scheduled, child, at: now }
    }

    /// Looks at the state every `every` up to `until`, as a leader would, and returns the children's ids.
    fn lead(state: &mut State, from: Timestamp, until: Timestamp, every: Duration) -> Vec<String> {
        let mut launcher = Launcher::default();
        let mut now = from;
        let mut launched = Vec::new();
        while now <= until {
            for launch in launcher.step(state, now).due {
                if !launch.is_skipped {
                    launched.push(children::scheduled(&launch.parent, launch.scheduled, now).job.key.id.to_string());
                }
                apply(state, command(&launch, now)).unwrap();
            }
            now = now + every;
        }
        launched
    }

    #[test]
    fn each_time_of_the_table_launches_one_child() {
        let mut state = State::default();
        register(&mut state, &periodic(&["*/5 * * * *", "7 * * * *"]), minutes(1));
        let launched = lead(&mut state, minutes(1), minutes(11), MINUTE / 4);
        assert_eq!(launched, ["backup/periodic-300", "backup/periodic-420", "backup/periodic-600"]);
        let child = state.job(&JobKey::new("default", "backup/periodic-300")).unwrap();
        assert_eq!(child.parent_id.as_deref(), Some("backup"));
        assert!(!child.is_template());
        let evaluations: Vec<&Arc<Evaluation>> = state.evaluations_of_job(&child.key).collect();
        assert_eq!((evaluations.len(), evaluations[0].trigger), (1, crate::model::EvalTrigger::PeriodicJob));
        assert_eq!(state.children(&JobKey::new("default", "backup")).count(), 3);
    }

    #[test]
    fn the_next_time_is_known() {
        let mut state = State::default();
        register(&mut state, &periodic(&["*/5 * * * *"]), minutes(1));
        let step = Launcher::default().step(&state, minutes(2));
        assert_eq!(step, Step { due: vec![], next: Some(minutes(5)) });
    }

    #[test]
    fn a_new_leader_neither_loses_nor_doubles_a_launch() {
        let mut state = State::default();
        register(&mut state, &periodic(&["*/5 * * * *"]), minutes(1));
        let first = Launcher::default().step(&state, minutes(5)).due;
        apply(&mut state, command(&first[0], minutes(5))).unwrap();
        // The old leader's entry arrives a second time, from a new one that did not know; and its clock is behind.
        assert_eq!(apply(&mut state, command(&first[0], minutes(5))), Err(Rejection::AlreadyLaunched));
        assert!(Launcher::default().step(&state, minutes(4)).due.is_empty());
        // Through a snapshot, too.
        let mut state = snapshot::decode(&snapshot::encode(&state).unwrap()).unwrap();
        assert!(Launcher::default().step(&state, minutes(5)).due.is_empty());
        assert_eq!(lead(&mut state, minutes(10), minutes(10), MINUTE), ["backup/periodic-600"]);
    }

    #[test]
    fn what_was_missed_is_caught_up_once() {
        let mut state = State::default();
        register(&mut state, &periodic(&["*/5 * * * *"]), minutes(1));
        // One time was missed: it is launched under its own name. Several were: one launch for all of them, under the name of now.
        assert_eq!(lead(&mut state, minutes(8), minutes(9), MINUTE), ["backup/periodic-300"]);
        assert_eq!(lead(&mut state, minutes(61), minutes(64), MINUTE), ["backup/periodic-3660"]);
        assert_eq!(lead(&mut state, minutes(65), minutes(65), MINUTE), ["backup/periodic-3900"]);
    }

    #[test]
    fn a_launch_is_skipped_while_an_earlier_one_runs() {
        let mut state = State::default();
        let mut job = periodic(&["*/5 * * * *"]);
        job.periodic.as_mut().unwrap().prohibit_overlap = true;
        register(&mut state, &job, minutes(1));
        assert_eq!(lead(&mut state, minutes(5), minutes(16), MINUTE), ["backup/periodic-300"]);
        let key = JobKey::new("default", "backup/periodic-300");
        let stop = Command::DeregisterJob { key, purge: false, evaluation: None, no_shutdown_delay: false, at: minutes(17) };
        apply(&mut state, stop).unwrap();
        assert_eq!(lead(&mut state, minutes(17), minutes(20), MINUTE), ["backup/periodic-1200"]);
    }

    #[test]
    fn disabled_and_stopped_jobs_are_not_launched_and_catch_nothing_up() {
        let mut state = State::default();
        let mut job = periodic(&["*/5 * * * *"]);
        job.periodic.as_mut().unwrap().enabled = false;
        register(&mut state, &job, minutes(1));
        assert!(lead(&mut state, minutes(1), minutes(20), MINUTE).is_empty());
        job.periodic.as_mut().unwrap().enabled = true;
        register(&mut state, &job, minutes(21));
        assert_eq!(lead(&mut state, minutes(21), minutes(25), MINUTE), ["backup/periodic-1500"]);
        let stop =
            Command::DeregisterJob { key: job.key.clone(), purge: false, evaluation: None, no_shutdown_delay: false, at: minutes(26) };
        apply(&mut state, stop).unwrap();
        assert!(lead(&mut state, minutes(26), minutes(40), MINUTE).is_empty());
        register(&mut state, &job, minutes(41));
        assert_eq!(lead(&mut state, minutes(41), minutes(45), MINUTE), ["backup/periodic-2700"]);
    }

    #[test]
    fn registering_again_does_not_lose_a_launch_that_is_due() {
        let mut state = State::default();
        let mut job = periodic(&["*/5 * * * *"]);
        register(&mut state, &job, minutes(1));
        job.meta.insert("changed".into(), "yes".into());
        register(&mut state, &job, minutes(6));
        assert_eq!(lead(&mut state, minutes(6), minutes(6), MINUTE), ["backup/periodic-300"]);
        // Another table counts from when it came.
        job.periodic = periodic(&["*/2 * * * *"]).periodic;
        register(&mut state, &job, minutes(9));
        assert_eq!(lead(&mut state, minutes(9), minutes(10), MINUTE), ["backup/periodic-600"]);
    }
}
