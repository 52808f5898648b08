//! What is assigned is run: starts, restarts, updates, hooks and their failures.

use super::*;

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
