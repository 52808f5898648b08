//! Fixtures and fakes for this room's tests.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::{BoxFuture, FutureExt};
use tokio::sync::watch;

use crate::model::plan::PlacementMetrics;
use crate::model::policy::{DisconnectStrategy, ReschedulePolicy, RestartMode, RestartPolicy};
use crate::model::task::LogConfig;
use crate::model::{
    AllocClientStatus, AllocDesiredStatus, AllocId, Allocation, AllocationUpdate, Ask, ConfigValue, DriverInfo, EphemeralDisk, EvalId, Job,
    JobKey, JobStatus, JobType, Node, NodeId, Task, TaskGroup, TaskResources,
};
use crate::node::NodeConfig;
use crate::node::fingerprint;
use crate::node::runtime::Runtime;
use crate::rpc::{Assignment, AssignmentBatch, HeartbeatReply, LinkError, NodeLink};
use crate::runtime::driver::{ConfigProblem, ExitRecord, Recovered, StartError, TaskContext, TaskDriver, TaskHandle, TaskStats};
use crate::runtime::launch::{LaunchKind, LaunchPlan, LogPlan, MockPlan};
use crate::util::clock::Timestamp;

pub fn node() -> Node {
    fingerprint::fingerprint(&NodeConfig::new(PathBuf::from("/")), NodeId(1), &[])
}

/// The options in force, as RocksDB notes them beside its data.
pub fn rocksdb_options(directory: &Path) -> String {
    let names = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let newest = names.filter(|path| path.file_name().unwrap().to_string_lossy().starts_with("OPTIONS-")).max().unwrap();
    std::fs::read_to_string(newest).unwrap()
}

pub fn task(name: &str) -> Task {
    Task {
        name: name.into(),
        driver: "fake".into(),
        config: ConfigValue::Map(BTreeMap::new()),
        user: "".into(),
        env: BTreeMap::new(),
        meta: BTreeMap::new(),
        resources: TaskResources::default(),
        restart: None,
        lifecycle: None,
        leader: false,
        kill_timeout: Duration::from_secs(5),
        kill_signal: "".into(),
        shutdown_delay: Duration::ZERO,
        logs: LogConfig::default(),
        constraints: Vec::new(),
        affinities: Vec::new(),
        services: Vec::new(),
        templates: Vec::new(),
        artifacts: Vec::new(),
        volume_mounts: Vec::new(),
        dispatch_payload_file: None,
        other: BTreeMap::new(),
    }
}

/// One group `group` with one task `task`.
pub fn service_job(id: &str) -> Job {
    let group = TaskGroup {
        name: "group".into(),
        count: 1,
        tasks: vec![task("task")],
        constraints: Vec::new(),
        affinities: Vec::new(),
        spreads: Vec::new(),
        restart: RestartPolicy {
            attempts: 1,
            interval: Duration::from_secs(600),
            delay: Duration::from_millis(10),
            mode: RestartMode::Fail,
            render_templates: false,
        },
        reschedule: ReschedulePolicy::default_for(JobType::Service),
        update: None,
        migrate: None,
        disconnect: DisconnectStrategy::default(),
        ephemeral_disk: EphemeralDisk::default(),
        networks: Vec::new(),
        services: Vec::new(),
        volumes: BTreeMap::new(),
        meta: BTreeMap::new(),
        shutdown_delay: Duration::ZERO,
        max_run_duration: None,
        scaling: None,
        other: BTreeMap::new(),
    };
    Job {
        key: JobKey::new("default", id),
        name: id.into(),
        parent_id: None,
        region: "global".into(),
        job_type: JobType::Service,
        priority: 50,
        datacenters: vec!["dc1".into()],
        node_pool: "default".into(),
        all_at_once: false,
        constraints: Vec::new(),
        affinities: Vec::new(),
        spreads: Vec::new(),
        groups: vec![group],
        update: None,
        periodic: None,
        parameterized: None,
        dispatched: false,
        payload: Vec::new(),
        meta: BTreeMap::new(),
        stop: false,
        other: BTreeMap::new(),
        status: JobStatus::Running,
        version: 0,
        stable: false,
        submit_time: Timestamp(1),
        create_index: 1,
        modify_index: 1,
        job_modify_index: 1,
    }
}

pub fn allocation(job: &Job, group: &str) -> Allocation {
    Allocation {
        id: AllocId::random(),
        eval_id: EvalId(1),
        node_id: NodeId(1),
        node_name: "node".into(),
        job: job.reference(),
        group: group.into(),
        index: 0,
        ask: Ask::default(),
        ports: Default::default(),
        cores: Default::default(),
        devices: Default::default(),
        desired_status: AllocDesiredStatus::Run,
        desired_description: "".into(),
        desired_transition: Default::default(),
        client_status: AllocClientStatus::Pending,
        client_description: "".into(),
        task_states: Default::default(),
        deployment: None,
        deployment_health: None,
        history: Default::default(),
        metrics: Arc::new(PlacementMetrics::default()),
        create_index: 1,
        modify_index: 1,
        alloc_modify_index: 1,
        create_time: Timestamp(1),
        modify_time: Timestamp(1),
    }
}

pub fn assignment_of(job: Job) -> Assignment {
    Assignment { allocation: Arc::new(allocation(&job, "group")), job: Arc::new(job) }
}

pub fn assignment(job: &str) -> Assignment {
    assignment_of(service_job(job))
}

/// A task that runs until told otherwise; lives in [`FakeRuntime`], not in the node, as a real one lives in its shim.
pub struct FakeTask {
    exit: watch::Sender<Option<ExitRecord>>,
    pub signals: Mutex<Vec<String>>,
    pub released: watch::Sender<bool>,
}

impl FakeTask {
    pub fn exit(&self, code: i32) {
        self.exit.send_if_modified(|exit| {
            let first = exit.is_none();
            if first {
                *exit = Some(ExitRecord { exit_code: code, ..ExitRecord::default() });
            }
            first
        });
    }

    pub fn is_running(&self) -> bool {
        self.exit.borrow().is_none()
    }
}

impl TaskHandle for FakeTask {
    fn pid(&self) -> Option<u32> {
        None
    }

    fn wait(&self) -> BoxFuture<'_, ExitRecord> {
        let mut exit = self.exit.subscribe();
        async move { exit.wait_for(Option::is_some).await.unwrap().clone().unwrap() }.boxed()
    }

    fn signal(&self, signal: &str) -> BoxFuture<'_, Result<(), String>> {
        self.signals.lock().unwrap().push(signal.to_owned());
        async { Ok(()) }.boxed()
    }

    fn stop<'a>(&'a self, signal: &'a str, _grace: Duration) -> BoxFuture<'a, Result<(), String>> {
        self.signals.lock().unwrap().push(signal.to_owned());
        self.exit(143);
        async { Ok(()) }.boxed()
    }

    fn stats(&self) -> BoxFuture<'_, Option<TaskStats>> {
        async { Some(TaskStats { pids: 1, ..TaskStats::default() }) }.boxed()
    }

    fn release(&self) -> BoxFuture<'_, ()> {
        self.released.send_replace(true);
        async {}.boxed()
    }
}

/// Keeps its tasks when the node goes away, as shims do.
#[derive(Default)]
pub struct FakeRuntime {
    pub tasks: Mutex<BTreeMap<PathBuf, Arc<FakeTask>>>,
    /// Every launch ever, in order: task names.
    pub launches: watch::Sender<Vec<String>>,
    pub start_errors: Mutex<Vec<StartError>>,
    /// Launches never return: `Some(true)` after, `Some(false)` before they did something.
    pub hang: watch::Sender<Option<bool>>,
    /// One does.
    pub hanging: watch::Sender<bool>,
    pub swept: Mutex<Vec<BTreeSet<PathBuf>>>,
}

impl FakeRuntime {
    /// The newest running task of that name, once there is one.
    pub async fn running(&self, name: &str) -> Arc<FakeTask> {
        let mut launches = self.launches.subscribe();
        loop {
            if let Some(task) = self.find(name) {
                return task;
            }
            launches.changed().await.unwrap();
        }
    }

    pub fn find(&self, name: &str) -> Option<Arc<FakeTask>> {
        let tasks = self.tasks.lock().unwrap();
        tasks.iter().find(|(path, task)| path.ends_with(name) && task.is_running()).map(|(_, task)| Arc::clone(task))
    }

    pub fn launched(&self) -> Vec<String> {
        self.launches.borrow().clone()
    }

    /// Forgets all, as a reboot does.
    pub fn reboot(&self) {
        self.tasks.lock().unwrap().clear();
    }

    pub fn run_dirs(&self) -> Vec<PathBuf> {
        self.tasks.lock().unwrap().keys().filter_map(|path| path.parent()).map(Path::to_owned).collect()
    }
}

impl Runtime for FakeRuntime {
    fn driver(&self, name: &str) -> Option<Arc<dyn TaskDriver>> {
        assert_ne!(name, "bug", "a defect anywhere below the runner");
        (name == "fake").then(|| Arc::new(FakeDriver) as Arc<dyn TaskDriver>)
    }

    fn drivers(&self) -> Vec<Arc<dyn TaskDriver>> {
        vec![Arc::new(FakeDriver)]
    }

    fn launch<'a>(&'a self, plan: &'a LaunchPlan) -> BoxFuture<'a, Result<Arc<dyn TaskHandle>, StartError>> {
        async move {
            if let Some(error) = self.start_errors.lock().unwrap().pop() {
                return Err(error);
            }
            let hang = *self.hang.borrow();
            if hang == Some(false) {
                self.hanging.send_replace(true);
                std::future::pending::<()>().await;
            }
            let task =
                Arc::new(FakeTask { exit: watch::Sender::new(None), signals: Mutex::default(), released: watch::Sender::new(false) });
            let key = plan.run_dir.join(&plan.logs.task);
            let before = self.tasks.lock().unwrap().insert(key, Arc::clone(&task));
            assert!(before.is_none(), "a run directory is used once");
            self.launches.send_modify(|launches| launches.push(plan.logs.task.clone()));
            if hang == Some(true) {
                self.hanging.send_replace(true);
                std::future::pending::<()>().await;
            }
            Ok(task as Arc<dyn TaskHandle>)
        }
        .boxed()
    }

    fn recover<'a>(&'a self, run_dir: &'a Path) -> BoxFuture<'a, Recovered> {
        async move {
            let tasks = self.tasks.lock().unwrap();
            let Some((_, task)) = tasks.iter().find(|(path, _)| path.parent() == Some(run_dir)) else {
                return Recovered::Gone;
            };
            let exit = task.exit.borrow().clone();
            let handle: Arc<dyn TaskHandle> = Arc::clone(task) as Arc<dyn TaskHandle>;
            match exit {
                Some(exit) => Recovered::Exited(exit, handle),
                None => Recovered::Running(handle),
            }
        }
        .boxed()
    }

    fn sweep<'a>(&'a self, _root: &'a Path, known: &'a BTreeSet<PathBuf>) -> BoxFuture<'a, ()> {
        self.swept.lock().unwrap().push(known.clone());
        async {}.boxed()
    }
}

pub struct FakeDriver;

impl TaskDriver for FakeDriver {
    fn name(&self) -> &'static str {
        "fake"
    }

    fn fingerprint(&self) -> DriverInfo {
        DriverInfo { detected: true, healthy: true, description: "Healthy".into(), attributes: BTreeMap::new() }
    }

    fn check_config(&self, config: &ConfigValue) -> Vec<ConfigProblem> {
        let bad = config.get("bad").map(|_| ConfigProblem { path: "config.bad".to_owned(), problem: "unknown key".to_owned() });
        bad.into_iter().collect()
    }

    fn prepare<'a>(&'a self, context: &'a TaskContext) -> BoxFuture<'a, Result<LaunchPlan, StartError>> {
        async move {
            Ok(LaunchPlan {
                version: 1,
                driver: "fake".to_owned(),
                kind: LaunchKind::Mock(MockPlan::default()),
                run_dir: context.run_dir.clone(),
                logs: LogPlan {
                    dir: context.logs_dir.clone(),
                    task: context.task.clone(),
                    max_files: 1,
                    max_file_size: 1,
                    disabled: false,
                },
                cgroup: None,
            })
        }
        .boxed()
    }
}

/// Servers that say what the test says.
pub struct FakeServers {
    slice: watch::Sender<AssignmentBatch>,
    pub updates: watch::Sender<BTreeMap<AllocId, AllocationUpdate>>,
    pub registrations: watch::Sender<u32>,
    pub known: Mutex<bool>,
    pub reachable: watch::Sender<bool>,
    /// Calls that failed for want of reach.
    pub refused: watch::Sender<u32>,
}

impl FakeServers {
    pub fn new() -> Arc<Self> {
        let empty = AssignmentBatch { index: 1, complete: true, assignments: Vec::new() };
        Arc::new(Self {
            slice: watch::Sender::new(empty),
            updates: watch::Sender::default(),
            registrations: watch::Sender::new(0),
            known: Mutex::new(false),
            reachable: watch::Sender::new(true),
            refused: watch::Sender::new(0),
        })
    }

    /// Makes this the node's whole slice.
    pub fn assign(&self, assignments: &[Assignment]) {
        self.slice.send_modify(|slice| {
            slice.index += 1;
            slice.assignments = assignments.to_vec();
        });
    }

    /// Forgets the node and all that it had, at no index that the node would wait for.
    pub fn purge_node(&self) {
        self.slice.send_modify(|slice| slice.assignments.clear());
        *self.known.lock().unwrap() = false;
    }

    /// The update of an allocation, once it satisfies `condition`.
    pub async fn update(&self, id: AllocId, condition: impl Fn(&AllocationUpdate) -> bool) -> AllocationUpdate {
        let mut updates = self.updates.subscribe();
        let found = updates.wait_for(|updates| updates.get(&id).is_some_and(&condition)).await.unwrap();
        found[&id].clone()
    }

    fn reach(&self) -> Result<(), LinkError> {
        if *self.reachable.borrow() {
            return Ok(());
        }
        self.refused.send_modify(|count| *count += 1);
        Err(LinkError::Unreachable("cut off".to_owned()))
    }
}

impl NodeLink for FakeServers {
    fn register(&self, _node: Node) -> BoxFuture<'_, Result<HeartbeatReply, LinkError>> {
        async {
            self.reach()?;
            *self.known.lock().unwrap() = true;
            self.registrations.send_modify(|count| *count += 1);
            Ok(HeartbeatReply { ttl: Duration::from_millis(200) })
        }
        .boxed()
    }

    fn heartbeat(&self, _node: NodeId) -> BoxFuture<'_, Result<HeartbeatReply, LinkError>> {
        async {
            self.reach()?;
            if !*self.known.lock().unwrap() {
                return Err(LinkError::UnknownNode);
            }
            Ok(HeartbeatReply { ttl: Duration::from_millis(200) })
        }
        .boxed()
    }

    fn assignments(&self, _node: NodeId, after: u64) -> BoxFuture<'_, Result<AssignmentBatch, LinkError>> {
        async move {
            self.reach()?;
            let mut slice = self.slice.subscribe();
            let batch = slice.wait_for(|slice| slice.index > after).await.unwrap().clone();
            Ok(batch)
        }
        .boxed()
    }

    fn update_allocations(&self, _node: NodeId, updates: Vec<AllocationUpdate>) -> BoxFuture<'_, Result<(), LinkError>> {
        async move {
            self.reach()?;
            self.updates.send_modify(|all| all.extend(updates.into_iter().map(|update| (update.id, update))));
            Ok(())
        }
        .boxed()
    }
}
