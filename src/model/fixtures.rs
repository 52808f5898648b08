//! Small complete rows for tests of every room.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::policy::{DisconnectStrategy, ReschedulePolicy, RestartPolicy};
use super::*;
use crate::util::clock::Timestamp;

/// A registrable job of one group `web` with one `mock_driver` task.
pub fn job(id: &str, job_type: JobType, count: u32) -> Job {
    Job {
        key: JobKey::new("default", id),
        name: id.into(),
        parent_id: None,
        region: "global".into(),
        job_type,
        priority: 50,
        datacenters: vec!["*".into()],
        node_pool: "default".into(),
        all_at_once: false,
        constraints: Vec::new(),
        affinities: Vec::new(),
        spreads: Vec::new(),
        groups: vec![group("web", job_type, count)],
        update: None,
        periodic: None,
        parameterized: None,
        dispatched: false,
        payload: Vec::new(),
        meta: BTreeMap::new(),
        stop: false,
        other: BTreeMap::new(),
        status: JobStatus::Pending,
        version: 0,
        stable: false,
        submit_time: Timestamp(0),
        create_index: 0,
        modify_index: 0,
        job_modify_index: 0,
    }
}

pub fn group(name: &str, job_type: JobType, count: u32) -> TaskGroup {
    TaskGroup {
        name: name.into(),
        count,
        tasks: vec![task("main")],
        constraints: Vec::new(),
        affinities: Vec::new(),
        spreads: Vec::new(),
        restart: RestartPolicy::default_for(job_type),
        reschedule: ReschedulePolicy::default_for(job_type),
        update: None,
        migrate: None,
        disconnect: DisconnectStrategy::default(),
        ephemeral_disk: EphemeralDisk::default(),
        networks: Vec::new(),
        services: Vec::new(),
        volumes: BTreeMap::new(),
        meta: BTreeMap::new(),
        shutdown_delay: std::time::Duration::ZERO,
        max_run_duration: None,
        scaling: None,
        other: BTreeMap::new(),
    }
}

pub fn task(name: &str) -> Task {
    Task {
        name: name.into(),
        driver: "mock_driver".into(),
        config: ConfigValue::Map(BTreeMap::new()),
        user: "".into(),
        env: BTreeMap::new(),
        meta: BTreeMap::new(),
        resources: TaskResources::default(),
        restart: None,
        lifecycle: None,
        leader: false,
        kill_timeout: std::time::Duration::from_secs(5),
        kill_signal: "".into(),
        shutdown_delay: std::time::Duration::ZERO,
        logs: Default::default(),
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

/// A ready node with 4,000 MHz, 8,192 MiB of memory and 50,000 MiB of disk.
pub fn node(id: u128) -> Node {
    let driver = DriverInfo { detected: true, healthy: true, description: "Healthy".into(), attributes: BTreeMap::new() };
    Node {
        id: NodeId(id),
        name: format!("node-{id}").into(),
        datacenter: "dc1".into(),
        class: "".into(),
        pool: "default".into(),
        http_address: "127.0.0.1:4646".into(),
        version: "0.1.0".into(),
        attributes: [("kernel.name".into(), "linux".into()), ("driver.mock_driver".into(), "1".into())].into(),
        meta: BTreeMap::new(),
        resources: NodeResources {
            cpu: MegaHertz(4_000),
            total_cores: 4,
            reservable_cores: vec![0, 1, 2, 3],
            memory: MebiBytes(8_192),
            disk: MebiBytes(50_000),
            ..NodeResources::default()
        },
        drivers: [("mock_driver".into(), driver)].into(),
        status: NodeStatus::Ready,
        status_description: "".into(),
        eligibility: Eligibility::Eligible,
        drain: None,
        status_updated_at: Timestamp(0),
        create_index: 0,
        modify_index: 0,
    }
}

/// A running allocation of the job's first group.
pub fn allocation(job: &Job, index: u32, node: NodeId) -> Allocation {
    Allocation {
        id: AllocId(1000 + u128::from(index)),
        eval_id: EvalId(0),
        node_id: node,
        node_name: "".into(),
        job: job.reference(),
        group: job.groups[0].name.clone(),
        index,
        ask: job.groups[0].ask(),
        ports: Default::default(),
        cores: Default::default(),
        devices: Default::default(),
        desired_status: AllocDesiredStatus::Run,
        desired_description: "".into(),
        desired_transition: Default::default(),
        client_status: AllocClientStatus::Running,
        client_description: "".into(),
        task_states: Default::default(),
        deployment: None,
        deployment_health: None,
        history: Default::default(),
        metrics: Arc::default(),
        create_index: 20,
        modify_index: 20,
        alloc_modify_index: 20,
        create_time: Timestamp(0),
        modify_time: Timestamp(0),
    }
}

/// A plan that places `count` instances of a job's group `web` on `node`, from index `first`.
pub fn placing(job: &Job, node: NodeId, first: u32, count: u32, id_seed: u128) -> Plan {
    let group = &job.groups[0];
    let evaluation = Evaluation::pending(EvalId(id_seed), job.key.clone(), job.job_type, 50, EvalTrigger::JobRegister, Timestamp(1));
    Plan {
        created_at: Timestamp(1),
        id_seed,
        placements: vec![plan::Placement {
            eval_id: evaluation.id,
            job: job.reference(),
            newest: job.job_modify_index,
            group: group.name.clone(),
            ask: group.ask(),
            deployment: None,
            canary: false,
            metrics: Arc::default(),
            runs: vec![plan::Run {
                node,
                first_index: first,
                count,
                ports: Vec::new(),
                cores: Vec::new(),
                devices: Vec::new(),
                previous: None,
                reschedules: Vec::new(),
                preempts: Vec::new(),
            }],
        }],
        evaluations: vec![Evaluation { status: EvalStatus::Complete, ..evaluation }],
        ..Plan::default()
    }
}

pub fn scaling_event(count: Option<u32>, previous_count: u32) -> super::scaling::ScalingEvent {
    super::scaling::ScalingEvent {
        at: Timestamp(1),
        count,
        previous_count,
        error: count.is_none(),
        message: "asked for".into(),
        meta: ConfigValue::Map(BTreeMap::from([("by".to_owned(), ConfigValue::String("a test".to_owned()))])),
        eval_id: None,
        create_index: 0,
    }
}
