//! How long decisions take on a fleet of 10,000 nodes: a job of 10,000 equal tasks, a job of one, and a job with spread.

use std::collections::BTreeMap;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use pannier::model::policy::{DisconnectStrategy, ReschedulePolicy, RestartPolicy};
use pannier::model::scheduler_config::SchedulerConfig;
use pannier::model::task::LogConfig;
use pannier::model::*;
use pannier::scheduler::{Scheduler, StateView, Touched};
use pannier::util::clock::Timestamp;

const NODES: u128 = 10_000;
const TASKS: u32 = 10_000;

/// Nodes of a few sizes and datacenters, and one job; nothing runs yet.
struct Cluster {
    config: SchedulerConfig,
    nodes: BTreeMap<NodeId, Arc<Node>>,
    job: Arc<Job>,
}

impl StateView for Cluster {
    fn index(&self) -> u64 {
        1
    }
    fn config(&self) -> &SchedulerConfig {
        &self.config
    }
    fn job(&self, _key: &JobKey) -> Option<Arc<Job>> {
        Some(Arc::clone(&self.job))
    }
    fn job_spec(&self, _job: &JobRef) -> Option<Arc<Job>> {
        Some(Arc::clone(&self.job))
    }
    fn job_versions(&self, _key: &JobKey) -> Vec<Arc<Job>> {
        vec![Arc::clone(&self.job)]
    }
    fn node(&self, id: NodeId) -> Option<Arc<Node>> {
        self.nodes.get(&id).cloned()
    }
    fn nodes(&self) -> Box<dyn Iterator<Item = Arc<Node>> + '_> {
        Box::new(self.nodes.values().cloned())
    }
    fn allocation(&self, _id: AllocId) -> Option<Arc<Allocation>> {
        None
    }
    fn allocations_of_job(&self, _key: &JobKey) -> Vec<Arc<Allocation>> {
        Vec::new()
    }
    fn allocations_on_node(&self, _id: NodeId) -> Vec<Arc<Allocation>> {
        Vec::new()
    }
    fn latest_deployment(&self, _key: &JobKey) -> Option<Arc<Deployment>> {
        None
    }
    fn evaluations_of_job(&self, _key: &JobKey) -> Vec<Arc<Evaluation>> {
        Vec::new()
    }
}

fn node(id: u128) -> Node {
    let driver = DriverInfo { detected: true, healthy: true, description: "Healthy".into(), attributes: BTreeMap::new() };
    let scale = 1 + u64::try_from(id % 4).unwrap_or(0);
    Node {
        id: NodeId(id),
        name: format!("node-{id}").into(),
        datacenter: format!("dc{}", id % 3).into(),
        class: "".into(),
        pool: "default".into(),
        http_address: "".into(),
        version: "".into(),
        attributes: BTreeMap::from([("kernel.name".into(), "linux".into()), ("cpu.numcores".into(), (scale * 4).to_string().into())]),
        meta: BTreeMap::new(),
        resources: NodeResources {
            cpu: MegaHertz(scale * 10_000),
            total_cores: 4,
            memory: MebiBytes(scale * 16_384),
            disk: MebiBytes(500_000),
            ..NodeResources::default()
        },
        drivers: BTreeMap::from([("process".into(), driver)]),
        status: NodeStatus::Ready,
        status_description: "".into(),
        eligibility: Eligibility::Eligible,
        drain: None,
        status_updated_at: Timestamp(0),
        create_index: 1,
        modify_index: 1,
    }
}

fn job(count: u32, spreads: Vec<Spread>) -> Job {
    let task = Task {
        name: "main".into(),
        driver: "process".into(),
        config: ConfigValue::Null,
        user: "".into(),
        env: BTreeMap::new(),
        meta: BTreeMap::new(),
        resources: TaskResources { cpu: MegaHertz(250), memory: MebiBytes(256), ..TaskResources::default() },
        restart: None,
        lifecycle: None,
        leader: false,
        kill_timeout: Duration::from_secs(5),
        kill_signal: "".into(),
        shutdown_delay: Duration::ZERO,
        logs: LogConfig::default(),
        constraints: vec![],
        affinities: vec![],
        services: vec![],
        templates: vec![],
        artifacts: vec![],
        volume_mounts: vec![],
        dispatch_payload_file: None,
        other: BTreeMap::new(),
    };
    let group = TaskGroup {
        name: "work".into(),
        count,
        tasks: vec![task],
        constraints: vec![Constraint { left: "${attr.kernel.name}".into(), operand: Operand::Equal, right: "linux".into() }],
        affinities: vec![],
        spreads,
        restart: RestartPolicy::default_for(JobType::Batch),
        reschedule: ReschedulePolicy::default_for(JobType::Batch),
        update: None,
        migrate: None,
        disconnect: DisconnectStrategy::default(),
        ephemeral_disk: EphemeralDisk::default(),
        networks: vec![],
        services: vec![],
        volumes: BTreeMap::new(),
        meta: BTreeMap::new(),
        shutdown_delay: Duration::ZERO,
        max_run_duration: None,
        scaling: None,
        other: BTreeMap::new(),
    };
    Job {
        key: JobKey::new("default", "bench"),
        name: "bench".into(),
        parent_id: None,
        region: "global".into(),
        job_type: JobType::Batch,
        priority: 50,
        datacenters: vec!["*".into()],
        node_pool: "default".into(),
        all_at_once: false,
        constraints: vec![],
        affinities: vec![],
        spreads: vec![],
        groups: vec![group],
        update: None,
        periodic: None,
        parameterized: None,
        dispatched: false,
        payload: vec![],
        meta: BTreeMap::new(),
        stop: false,
        other: BTreeMap::new(),
        status: JobStatus::Pending,
        version: 0,
        stable: false,
        submit_time: Timestamp(0),
        create_index: 1,
        modify_index: 1,
        job_modify_index: 1,
    }
}

fn cluster(count: u32, spreads: Vec<Spread>) -> Cluster {
    let nodes = (1..=NODES).map(|id| (NodeId(id), Arc::new(node(id)))).collect();
    Cluster { config: SchedulerConfig::default(), nodes, job: Arc::new(job(count, spreads)) }
}

fn placement(criterion: &mut Criterion) {
    let even = Spread { attribute: "${node.datacenter}".into(), weight: 50, targets: vec![] };
    for (name, count, spreads) in
        [("10000 equal tasks", TASKS, vec![]), ("one task", 1, vec![]), ("10000 tasks, spread", TASKS, vec![even])]
    {
        let cluster = cluster(count, spreads);
        let mut scheduler = Scheduler::new();
        scheduler.observe(&cluster, &Touched { everything: true, ..Touched::default() });
        let key = cluster.job.key.clone();
        let pending = Evaluation::pending(EvalId(1), key, JobType::Batch, 50, EvalTrigger::JobRegister, Timestamp(0));
        let evaluation = [Arc::new(pending)];
        criterion.bench_function(&format!("10000 nodes, {name}"), |bencher| {
            bencher.iter(|| black_box(scheduler.process(&cluster, &evaluation, 1, Timestamp(0))));
        });
    }
}

criterion_group!(benches, placement);
criterion_main!(benches);
