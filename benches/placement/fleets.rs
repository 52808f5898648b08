//! Fleets of four sizes, three datacenters and some racks, and jobs for them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use pannier::model::policy::{DisconnectStrategy, ReschedulePolicy, RestartPolicy};
use pannier::model::scheduler_config::{SchedulerAlgorithm, SchedulerConfig};
use pannier::model::task::LogConfig;
use pannier::model::*;
use pannier::scheduler::StateView;
use pannier::scheduler::placement::{Candidate, Demand, DeviceDemand, Fleet, PortDemand};
use pannier::util::clock::Timestamp;

/// Nodes and one job; nothing runs yet.
pub struct Cluster {
    pub config: SchedulerConfig,
    pub nodes: BTreeMap<NodeId, Arc<Node>>,
    pub job: Arc<Job>,
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

pub fn cluster(nodes: u32, racks: u32, job: Job) -> Cluster {
    let nodes = (0..nodes).map(|number| (NodeId(u128::from(number) + 1), Arc::new(node(number, racks)))).collect();
    Cluster { config: SchedulerConfig::default(), nodes, job: Arc::new(job) }
}

pub fn fleet(nodes: u32) -> Fleet {
    let mut fleet = Fleet::default();
    for number in 0..nodes {
        fleet.set(&Arc::new(node(number, 50)), &[]);
    }
    fleet
}

fn node(number: u32, racks: u32) -> Node {
    let driver = DriverInfo { detected: true, healthy: true, description: "Healthy".into(), attributes: BTreeMap::new() };
    let scale = u64::from(1 + number % 4);
    Node {
        id: NodeId(u128::from(number) + 1),
        name: format!("node-{number}").into(),
        datacenter: format!("dc{}", number % 3).into(),
        class: "".into(),
        pool: "default".into(),
        http_address: "".into(),
        version: "".into(),
        attributes: BTreeMap::from([("kernel.name".into(), "linux".into()), ("cpu.arch".into(), "amd64".into())]),
        meta: BTreeMap::from([("rack".into(), format!("r{}", number % racks).into())]),
        resources: NodeResources {
            cpu: MegaHertz(scale * 20_000),
            total_cores: 4,
            memory: MebiBytes(scale * 32_768),
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

pub fn ask(cpu: u64, memory: u64) -> Ask {
    Ask { cpu: MegaHertz(cpu), cores: 0, memory: MebiBytes(memory), disk: MebiBytes(10) }
}

/// `count` equal instances that any node may take.
pub fn demand(fleet: &Fleet, ask: Ask, count: u32) -> Demand {
    Demand {
        ask,
        ports: PortDemand::default(),
        devices: DeviceDemand::default(),
        algorithm: SchedulerAlgorithm::Binpack,
        anti_affinity: false,
        group_count: count,
        candidates: fleet.placeable().map(|ord| Candidate { ord, collisions: 0, affinity: 0.0 }).collect(),
        spreads: Vec::new(),
        distinct: Vec::new(),
        distinct_hosts: false,
        salt: 1,
    }
}

pub fn even_spread(attribute: &str) -> Spread {
    Spread { attribute: attribute.into(), weight: 50, targets: vec![] }
}

pub fn job(kind: JobType, count: u32) -> Job {
    Job {
        key: JobKey::new("default", "bench"),
        name: "bench".into(),
        parent_id: None,
        region: "global".into(),
        job_type: kind,
        priority: 50,
        datacenters: vec!["*".into()],
        node_pool: "default".into(),
        all_at_once: false,
        constraints: vec![],
        affinities: vec![],
        spreads: vec![],
        groups: vec![group("work", count, 250, 256)],
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

pub fn group(name: &str, count: u32, cpu: u64, memory: u64) -> TaskGroup {
    let task = Task {
        name: "main".into(),
        driver: "process".into(),
        config: ConfigValue::Null,
        user: "".into(),
        env: BTreeMap::new(),
        meta: BTreeMap::new(),
        resources: TaskResources { cpu: MegaHertz(cpu), memory: MebiBytes(memory), ..TaskResources::default() },
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
    TaskGroup {
        name: name.into(),
        count,
        tasks: vec![task],
        constraints: vec![],
        affinities: vec![],
        spreads: vec![],
        restart: RestartPolicy::default_for(JobType::Batch),
        reschedule: ReschedulePolicy::default_for(JobType::Batch),
        update: None,
        migrate: None,
        disconnect: DisconnectStrategy::default(),
        ephemeral_disk: EphemeralDisk { size: MebiBytes(10), ..EphemeralDisk::default() },
        networks: vec![],
        services: vec![],
        volumes: BTreeMap::new(),
        meta: BTreeMap::new(),
        shutdown_delay: Duration::ZERO,
        max_run_duration: None,
        scaling: None,
        other: BTreeMap::new(),
    }
}
