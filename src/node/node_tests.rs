//! A whole node against fake servers and a fake runtime. In real time, with small delays: the journal's disk knows no other.

use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::sync::Arc;
use std::time::Duration;

use super::config::NodeConfig;
use super::error::NodeError;
use super::files::FilesError;
use super::handle::NodeHandle;
use super::log_reader::{LogOrigin, LogRequest, LogStream};
use super::start::Node;
use super::testing::{self, FakeRuntime, FakeServers};
use crate::model::allocation::HealthReport;
use crate::model::policy::UpdateStrategy;
use crate::model::task::{Artifact, Template};
use crate::model::{AllocClientStatus, AllocDesiredStatus, ConfigValue, DeploymentId, Job, Lifecycle, LifecycleHook, TaskRunState};
use crate::rpc::Assignment;
use crate::runtime::driver::StartError;

/// So long is waited for what should come at once.
const PATIENCE: Duration = Duration::from_secs(10);

/// One machine: its disk, its runtime and its servers outlive the node.
struct Machine {
    dir: tempfile::TempDir,
    runtime: Arc<FakeRuntime>,
    servers: Arc<FakeServers>,
}

impl Machine {
    fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap(), runtime: Arc::default(), servers: FakeServers::new() }
    }

    async fn boot(&self) -> NodeHandle {
        let config = NodeConfig::new(self.dir.path().to_owned());
        Node::start(config, self.servers.clone(), self.runtime.clone()).await.unwrap()
    }

    /// What the servers were told of the assignment's allocation, once it has this status.
    async fn reported(&self, assignment: &Assignment, status: AllocClientStatus) -> crate::model::AllocationUpdate {
        self.servers.update(assignment.allocation.id, |update| update.client_status == status).await
    }
}

fn stopped(assignment: &Assignment) -> Assignment {
    let mut stopped = assignment.clone();
    let allocation = Arc::make_mut(&mut stopped.allocation);
    allocation.desired_status = AllocDesiredStatus::Stop;
    allocation.desired_description = "alloc not needed".into();
    allocation.alloc_modify_index += 1;
    stopped
}

fn template(data: &str) -> Template {
    Template {
        source: "".into(),
        destination: "local/x".into(),
        data: data.into(),
        change_mode: "noop".into(),
        change_signal: "".into(),
        perms: "".into(),
        left_delimiter: "".into(),
        right_delimiter: "".into(),
        splay: Duration::ZERO,
        env: false,
        once: false,
        error_on_missing_key: false,
    }
}

fn kinds(update: &crate::model::AllocationUpdate, task: &str) -> Vec<String> {
    update.task_states[task].events.iter().map(|event| event.kind.to_string()).collect()
}

#[tokio::test]
async fn runs_what_is_assigned_and_stops_what_is_not_wanted() {
    let machine = Machine::new();
    let node = machine.boot().await;
    let web = testing::assignment("web");
    machine.servers.assign(std::slice::from_ref(&web));
    let task = machine.runtime.running("task").await;
    let update = machine.reported(&web, AllocClientStatus::Running).await;
    assert_eq!(kinds(&update, "task"), ["Received", "Task Setup", "Started"]);
    assert!(node.alloc_dir(web.allocation.id).unwrap().join("task/local").is_dir());

    machine.servers.assign(&[stopped(&web)]);
    let update = machine.reported(&web, AllocClientStatus::Complete).await;
    assert_eq!(kinds(&update, "task")[3..], ["Killing", "Terminated", "Killed"]);
    assert_eq!(*task.signals.lock().unwrap(), ["SIGINT"]);
    task.released.subscribe().wait_for(|released| *released).await.unwrap();
    node.shutdown(false).await;
}

#[tokio::test]
async fn restarts_by_policy_and_reports_the_failure() {
    let machine = Machine::new();
    let node = machine.boot().await;
    let web = testing::assignment("web");
    machine.servers.assign(std::slice::from_ref(&web));
    machine.runtime.running("task").await.exit(1);
    machine.runtime.running("task").await.exit(2);
    let update = machine.reported(&web, AllocClientStatus::Failed).await;
    let state = &update.task_states["task"];
    assert!(state.failed && state.restarts == 1);
    assert_eq!(machine.runtime.launched().len(), 2);
    node.shutdown(false).await;
}

#[tokio::test]
async fn a_new_agent_adopts_what_runs_without_starting_it_again() {
    let machine = Machine::new();
    let node = machine.boot().await;
    let web = testing::assignment("web");
    machine.servers.assign(std::slice::from_ref(&web));
    let task = machine.runtime.running("task").await;
    machine.reported(&web, AllocClientStatus::Running).await;
    let id = node.node_id();
    node.shutdown(false).await;
    assert!(task.is_running());

    let node = machine.boot().await;
    assert_eq!(node.node_id(), id);
    assert_eq!(machine.runtime.swept.lock().unwrap().last().unwrap().iter().cloned().collect::<Vec<_>>(), machine.runtime.run_dirs());
    assert!(node.task_states(web.allocation.id).unwrap()["task"].state == TaskRunState::Running);
    task.exit(1);
    machine.runtime.running("task").await;
    assert_eq!(machine.runtime.launched().len(), 2, "one start, and one restart by policy");
    node.shutdown(true).await;
}

/// The two ends of the window in which a crash could start a task twice or never.
#[tokio::test]
async fn a_crash_around_the_launch_starts_nothing_twice() {
    for launched in [false, true] {
        let machine = Machine::new();
        let node = machine.boot().await;
        let web = testing::assignment("web");
        machine.runtime.hang.send_replace(Some(launched));
        machine.servers.assign(std::slice::from_ref(&web));
        machine.runtime.hanging.subscribe().wait_for(|hanging| *hanging).await.unwrap();
        node.crash().await;

        machine.runtime.hang.send_replace(None);
        let node = machine.boot().await;
        let update = machine.reported(&web, AllocClientStatus::Running).await;
        assert_eq!(update.task_states["task"].restarts, 0);
        assert_eq!(machine.runtime.launched().len(), 1, "launched before the crash: {launched}");
        node.shutdown(true).await;
    }
}

#[tokio::test]
async fn an_exit_while_the_agent_was_away_goes_through_the_policy() {
    let machine = Machine::new();
    let mut job = testing::service_job("batch");
    job.job_type = crate::model::JobType::Batch;
    let batch = testing::assignment_of(job);
    let node = machine.boot().await;
    machine.servers.assign(std::slice::from_ref(&batch));
    let task = machine.runtime.running("task").await;
    machine.reported(&batch, AllocClientStatus::Running).await;
    node.shutdown(false).await;
    task.exit(0);

    let node = machine.boot().await;
    machine.reported(&batch, AllocClientStatus::Complete).await;
    assert_eq!(machine.runtime.launched().len(), 1);
    node.shutdown(false).await;

    // And it stays over.
    let node = machine.boot().await;
    machine.servers.assign(std::slice::from_ref(&batch));
    node.shutdown(true).await;
    assert_eq!(machine.runtime.launched().len(), 1);
}

#[tokio::test]
async fn after_a_reboot_nothing_starts_before_the_servers_were_heard() {
    let machine = Machine::new();
    let node = machine.boot().await;
    let (kept, replaced) = (testing::assignment("kept"), testing::assignment("replaced"));
    machine.servers.assign(&[kept.clone(), replaced.clone()]);
    machine.reported(&kept, AllocClientStatus::Running).await;
    machine.reported(&replaced, AllocClientStatus::Running).await;
    node.shutdown(false).await;
    machine.runtime.reboot();

    machine.servers.reachable.send_replace(false);
    let node = machine.boot().await;
    machine.servers.refused.subscribe().wait_for(|refused| *refused >= 2).await.unwrap();
    assert_eq!(machine.runtime.launched().len(), 2, "nothing starts while cut off");
    machine.servers.assign(std::slice::from_ref(&kept));
    machine.servers.reachable.send_replace(true);
    machine.runtime.running("task").await;
    assert_eq!(machine.runtime.launched().len(), 3, "only what is still wanted starts again");
    node.shutdown(true).await;
}

#[tokio::test]
async fn what_the_servers_collected_leaves_no_trace() {
    let machine = Machine::new();
    let node = machine.boot().await;
    let web = testing::assignment("web");
    machine.servers.assign(std::slice::from_ref(&web));
    let task = machine.runtime.running("task").await;
    machine.reported(&web, AllocClientStatus::Running).await;
    let directory = node.alloc_dir(web.allocation.id).unwrap();
    machine.servers.assign(&[]);
    task.released.subscribe().wait_for(|released| *released).await.unwrap();
    while node.allocation(web.allocation.id).is_some() {
        tokio::task::yield_now().await;
    }
    assert!(!directory.exists());
    node.shutdown(false).await;
    let node = machine.boot().await;
    assert!(node.allocations().is_empty());
    node.shutdown(false).await;
}

#[tokio::test]
async fn an_in_place_update_keeps_the_task_and_changes_its_policy() {
    let machine = Machine::new();
    let node = machine.boot().await;
    let old = testing::assignment("web");
    machine.servers.assign(std::slice::from_ref(&old));
    let task = machine.runtime.running("task").await;
    machine.reported(&old, AllocClientStatus::Running).await;

    let mut job = (*old.job).clone();
    job.version = 1;
    job.job_modify_index = 9;
    job.groups[0].tasks[0].kill_signal = "SIGQUIT".into();
    let mut allocation = (*old.allocation).clone();
    allocation.job = job.reference();
    allocation.alloc_modify_index = 9;
    let new = Assignment { allocation: Arc::new(allocation), job: Arc::new(job) };
    machine.servers.assign(std::slice::from_ref(&new));
    machine.servers.assign(&[{
        let mut end = stopped(&new);
        Arc::make_mut(&mut end.allocation).alloc_modify_index = 10;
        end
    }]);
    machine.reported(&new, AllocClientStatus::Complete).await;
    assert_eq!(*task.signals.lock().unwrap(), ["SIGQUIT"]);
    assert_eq!(machine.runtime.launched().len(), 1);
    node.shutdown(false).await;
}

#[tokio::test]
async fn hooks_run_in_their_order() {
    let machine = Machine::new();
    let node = machine.boot().await;
    let mut job = testing::service_job("web");
    for (name, hook) in [("init", LifecycleHook::Prestart), ("after", LifecycleHook::Poststart), ("cleanup", LifecycleHook::Poststop)] {
        let mut task = testing::task(name);
        task.lifecycle = Some(Lifecycle { hook, sidecar: false });
        job.groups[0].tasks.push(task);
    }
    let web = testing::assignment_of(job);
    machine.servers.assign(std::slice::from_ref(&web));
    machine.runtime.running("init").await.exit(0);
    machine.runtime.running("after").await.exit(0);
    machine.servers.assign(&[stopped(&web)]);
    machine.runtime.running("cleanup").await.exit(0);
    machine.reported(&web, AllocClientStatus::Complete).await;
    assert_eq!(machine.runtime.launched(), ["init", "task", "after", "cleanup"]);
    node.shutdown(false).await;
}

#[tokio::test]
async fn tells_a_deployment_when_it_is_healthy() {
    let min_healthy_time = Duration::from_millis(50);
    let machine = Machine::new();
    let node = machine.boot().await;
    let mut job = testing::service_job("web");
    job.groups[0].update = Some(UpdateStrategy { min_healthy_time, ..UpdateStrategy::default() });
    let mut web = testing::assignment_of(job);
    Arc::make_mut(&mut web.allocation).deployment = Some(DeploymentId(1));
    machine.servers.assign(std::slice::from_ref(&web));
    let update = machine.servers.update(web.allocation.id, |update| update.health.is_some()).await;
    assert_eq!(update.health, Some(HealthReport { deployment: DeploymentId(1), healthy: true }));
    assert!(update.at.since(update.task_states["task"].started_at.unwrap()) >= min_healthy_time);
    node.shutdown(true).await;
}

#[tokio::test]
async fn start_errors_are_told_and_only_transient_ones_tried_again() {
    let machine = Machine::new();
    let node = machine.boot().await;
    *machine.runtime.start_errors.lock().unwrap() =
        vec![StartError::Permanent("no such command".to_owned()), StartError::Transient("registry is down".to_owned())];
    let web = testing::assignment("web");
    machine.servers.assign(std::slice::from_ref(&web));
    let update = machine.reported(&web, AllocClientStatus::Failed).await;
    let events = kinds(&update, "task");
    assert_eq!(events, ["Received", "Task Setup", "Driver Failure", "Restarting", "Task Setup", "Driver Failure", "Not Restarting"]);
    node.shutdown(false).await;
}

#[tokio::test]
async fn what_cannot_work_fails_with_its_reason() {
    let artifact = Artifact {
        source: "https://example.org/a".into(),
        destination: "local/".into(),
        mode: "any".into(),
        options: Default::default(),
        headers: Default::default(),
        insecure: false,
    };
    type Change = Box<dyn Fn(&mut Job)>;
    let changes: [(&str, Change); 4] = [
        ("template functions", Box::new(|job| job.groups[0].tasks[0].templates.push(template("{{ key \"a\" }}")))),
        ("artifacts", Box::new(move |job| job.groups[0].tasks[0].artifacts.push(artifact.clone()))),
        ("driver \"nope\"", Box::new(|job| job.groups[0].tasks[0].driver = "nope".into())),
        ("config.bad", Box::new(|job| job.groups[0].tasks[0].config = ConfigValue::Map([("bad".to_owned(), ConfigValue::Null)].into()))),
    ];
    let machine = Machine::new();
    let node = machine.boot().await;
    for (reason, change) in changes {
        let mut job = testing::service_job("web");
        change(&mut job);
        let web = testing::assignment_of(job);
        machine.servers.assign(std::slice::from_ref(&web));
        let update = machine.reported(&web, AllocClientStatus::Failed).await;
        let event = update.task_states["task"].events.iter().find(|event| &*event.kind == "Failed Validation").unwrap();
        assert!(event.message.contains(reason), "{}", event.message);
    }
    assert!(machine.runtime.launched().is_empty());
    node.shutdown(false).await;
}

#[tokio::test]
async fn an_allocation_of_a_group_that_does_not_exist_fails() {
    let machine = Machine::new();
    let node = machine.boot().await;
    let mut web = testing::assignment("web");
    Arc::make_mut(&mut web.allocation).group = "nope".into();
    machine.servers.assign(std::slice::from_ref(&web));
    machine.reported(&web, AllocClientStatus::Failed).await;
    node.shutdown(true).await;
}

#[tokio::test]
async fn registers_again_when_the_servers_forgot_it() {
    let machine = Machine::new();
    let node = machine.boot().await;
    let mut registrations = machine.servers.registrations.subscribe();
    registrations.wait_for(|count| *count == 1).await.unwrap();
    *machine.servers.known.lock().unwrap() = false;
    registrations.wait_for(|count| *count == 2).await.unwrap();
    node.shutdown(false).await;
}

#[tokio::test]
async fn a_node_that_was_purged_takes_its_whole_slice_again() {
    let machine = Machine::new();
    let node = machine.boot().await;
    let web = testing::assignment("web");
    machine.servers.assign(std::slice::from_ref(&web));
    let task = machine.runtime.running("task").await;
    machine.reported(&web, AllocClientStatus::Running).await;
    machine.servers.purge_node();
    let mut released = task.released.subscribe();
    tokio::time::timeout(PATIENCE, released.wait_for(|released| *released)).await.expect("told to stop what was replaced").unwrap();
    node.shutdown(false).await;
}

#[tokio::test]
async fn what_the_servers_lost_sight_of_is_reported_again() {
    let machine = Machine::new();
    let node = machine.boot().await;
    let mut web = testing::assignment("web");
    machine.servers.assign(std::slice::from_ref(&web));
    machine.reported(&web, AllocClientStatus::Running).await;
    machine.servers.updates.send_modify(std::collections::BTreeMap::clear);
    let allocation = Arc::make_mut(&mut web.allocation);
    allocation.client_status = AllocClientStatus::Unknown;
    allocation.alloc_modify_index += 1;
    machine.servers.assign(std::slice::from_ref(&web));
    let reported = machine.reported(&web, AllocClientStatus::Running);
    tokio::time::timeout(PATIENCE, reported).await.expect("reported again though nothing changed here");
    node.shutdown(true).await;
}

#[tokio::test]
async fn a_runner_that_panicked_is_not_kept() {
    let machine = Machine::new();
    let node = machine.boot().await;
    let web = testing::assignment("web");
    let id = web.allocation.id;
    machine.servers.assign(std::slice::from_ref(&web));
    machine.reported(&web, AllocClientStatus::Running).await;
    let mut job = (*web.job).clone();
    job.job_modify_index = 9;
    job.groups[0].tasks[0].driver = "bug".into();
    machine.servers.assign(&[Assignment { job: Arc::new(job), ..web.clone() }]);
    let gone = async {
        while node.allocation(id).is_some() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, gone).await.expect("taken from the map");
    // Whatever is assigned under that id next has a runner again.
    machine.servers.assign(&[web]);
    let mut launches = machine.runtime.launches.subscribe();
    tokio::time::timeout(PATIENCE, launches.wait_for(|launches| launches.len() == 2)).await.expect("a runner of its own").unwrap();
    node.shutdown(true).await;
}

#[tokio::test]
async fn a_user_by_number_owns_its_secrets_and_an_unknown_one_fails_for_good() {
    if !nix::unistd::geteuid().is_root() {
        return println!("SKIPPED: not root");
    }
    let machine = Machine::new();
    let node = machine.boot().await;
    let mut job = testing::service_job("web");
    job.groups[0].tasks[0].user = "65533".into();
    job.groups[0].tasks[0].templates.push(Template { destination: "secrets/key".into(), perms: "0600".into(), ..template("k") });
    let web = testing::assignment_of(job);
    machine.servers.assign(std::slice::from_ref(&web));
    machine.reported(&web, AllocClientStatus::Running).await;
    let secrets = node.alloc_dir(web.allocation.id).unwrap().join("task/secrets");
    for (path, mode) in [(secrets.clone(), 0o700), (secrets.join("key"), 0o600)] {
        let found = path.metadata().unwrap();
        assert_eq!((found.uid(), found.mode() & 0o7777), (65533, mode), "{}", path.display());
    }

    let mut job = testing::service_job("api");
    job.groups[0].tasks[0].user = "no-such-user-here".into();
    let api = testing::assignment_of(job);
    machine.servers.assign(&[web, api.clone()]);
    let update = machine.reported(&api, AllocClientStatus::Failed).await;
    let state = &update.task_states["task"];
    assert_eq!(state.restarts, 0, "another try would find no such user either");
    assert!(state.events.iter().any(|event| event.message.contains("no-such-user-here")), "{:?}", state.events);
    node.shutdown(true).await;
}

#[tokio::test]
async fn others_may_pass_to_the_tasks_files_but_not_to_the_nodes_own() {
    let machine = Machine::new();
    let client = machine.dir.path().join("client");
    std::fs::create_dir(&client).unwrap();
    std::fs::set_permissions(&client, std::fs::Permissions::from_mode(0o755)).unwrap();
    let node = machine.boot().await;
    for (name, expected) in [("client", 0o700), ("alloc", 0o711)] {
        assert_eq!(machine.dir.path().join(name).metadata().unwrap().mode() & 0o777, expected, "{name}");
    }
    node.shutdown(false).await;
}

#[tokio::test]
async fn reports_survive_an_outage() {
    let machine = Machine::new();
    let node = machine.boot().await;
    let web = testing::assignment("web");
    machine.servers.assign(std::slice::from_ref(&web));
    let task = machine.runtime.running("task").await;
    machine.reported(&web, AllocClientStatus::Running).await;
    machine.servers.reachable.send_replace(false);
    task.exit(1);
    machine.runtime.running("task").await.exit(1);
    while !node.allocation(web.allocation.id).unwrap().over {
        tokio::task::yield_now().await;
    }
    machine.servers.reachable.send_replace(true);
    machine.reported(&web, AllocClientStatus::Failed).await;
    node.shutdown(false).await;
}

#[tokio::test]
async fn a_log_is_followed_to_the_end_of_its_task() {
    let machine = Machine::new();
    let node = machine.boot().await;
    let mut job = testing::service_job("batch");
    job.job_type = crate::model::JobType::Batch;
    let batch = testing::assignment_of(job);
    let id = batch.allocation.id;
    machine.servers.assign(std::slice::from_ref(&batch));
    let task = machine.runtime.running("task").await;
    machine.reported(&batch, AllocClientStatus::Running).await;

    let request =
        |task: &str| LogRequest { task: task.to_owned(), stream: LogStream::Stdout, origin: LogOrigin::Start, offset: 0, follow: true };
    assert!(matches!(node.logs(id, request("nope")), Err(NodeError::UnknownTask { .. })));
    let mut log = node.logs(id, request("task")).unwrap();
    let file = node.alloc_dir(id).unwrap().join("alloc/logs/task.stdout.0");
    std::fs::write(&file, "first").unwrap();
    assert_eq!(log.next().await.unwrap().unwrap().data, b"first");
    std::fs::write(&file, "first and last").unwrap();
    task.exit(0);
    assert_eq!(log.next().await.unwrap().unwrap().data, b" and last");
    assert_eq!(log.next().await.unwrap(), None);
    let secret = node.files(id).unwrap().stat(std::path::Path::new("task/secrets"));
    assert!(matches!(secret, Err(FilesError::Private(_))));
    node.shutdown(false).await;
}

#[tokio::test]
async fn users_restart_signal_and_measure_tasks() {
    let machine = Machine::new();
    let node = machine.boot().await;
    let web = testing::assignment("web");
    let id = web.allocation.id;
    assert!(matches!(node.restart_task(id, None).await, Err(NodeError::UnknownAllocation(_))));
    machine.servers.assign(std::slice::from_ref(&web));
    let first = machine.runtime.running("task").await;
    machine.reported(&web, AllocClientStatus::Running).await;
    node.signal_task(id, Some("task".to_owned()), "SIGHUP").await.unwrap();
    assert!(matches!(node.signal_task(id, None, "SIGNOPE").await, Err(NodeError::BadSignal(_))));
    assert!(matches!(node.signal_task(id, Some("x".to_owned()), "SIGHUP").await, Err(NodeError::UnknownTask { .. })));
    assert_eq!(node.alloc_stats(id).await.unwrap()["task"].pids, 1);
    node.restart_task(id, None).await.unwrap();
    let second = machine.runtime.running("task").await;
    assert!(!Arc::ptr_eq(&first, &second));
    assert_eq!(*first.signals.lock().unwrap(), ["SIGHUP", "SIGINT"]);
    assert!(node.host_stats().unwrap().memory.total > 0);
    node.shutdown(true).await;
    assert!(!second.is_running(), "a shutdown that kills has killed");
}

#[tokio::test]
async fn what_is_cut_off_for_too_long_stops_itself_and_only_that() {
    let machine = Machine::new();
    let node = machine.boot().await;
    let mut job = testing::service_job("stops");
    job.groups[0].disconnect.stop_on_client_after = Some(Duration::from_secs(1));
    let (stops, stays) = (testing::assignment_of(job), testing::assignment("stays"));
    machine.servers.assign(&[stops.clone(), stays.clone()]);
    for assignment in [&stops, &stays] {
        machine.reported(assignment, AllocClientStatus::Running).await;
    }
    // Servers that answer hold it off for longer than the limit.
    let heard = tokio::time::timeout(Duration::from_secs(2), machine.reported(&stops, AllocClientStatus::Lost)).await;
    assert!(heard.is_err(), "the servers were there all the time");
    machine.servers.reachable.send_replace(false);
    let runner = |assignment: &Assignment| node.allocation(assignment.allocation.id).unwrap();
    tokio::time::timeout(PATIENCE, async {
        while runner(&stops).client_status != AllocClientStatus::Lost {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await
    .unwrap();
    assert_eq!(runner(&stays).client_status, AllocClientStatus::Running);
    machine.servers.reachable.send_replace(true);
    let told = tokio::time::timeout(PATIENCE, machine.reported(&stops, AllocClientStatus::Lost)).await.unwrap();
    assert_eq!(&*told.client_description, "Stopped by its node, which could not reach the servers");
}
