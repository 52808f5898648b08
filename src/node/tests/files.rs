//! Files of tasks: who may read them, and how logs are followed.

use super::*;

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
