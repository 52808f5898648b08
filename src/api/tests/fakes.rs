//! Handles without anything behind them: a server that applies commands to a state at once, a node with two files.

use std::sync::{Arc, Mutex};

use axum::Router;
use bytes::Bytes;
use futures_util::future::{BoxFuture, FutureExt as _};
use futures_util::stream::{self, StreamExt as _};
use tokio::sync::{mpsc, watch};

use crate::api::events::{self, EventBroker};
use crate::api::handles::{
    AgentDescription, AgentHandle, ByteStream, ClusterHandle, ClusterHealth, DeploymentChange, DesiredChanges, DispatchJob, Dispatched,
    Drain, DryRun, FileFrame, FileInfo, FrameStream, LogLevel, LogLine, LogRequest, NewJoinToken, NodeApi, NodeChange, NodeDirectory,
    NodeError, Origin, Peer, RegisterJob, Registered, SavedState, ScaleJob, ServerError, ServerHandle, ServerHealth, ServerStatus,
};
use crate::api::types::stats::{AllocResourceUsage, HostStats};
use crate::api::{ApiContext, router};
use crate::model::autopilot::AutopilotConfig;
use crate::model::node_pool::NodePool;
use crate::model::plan::DeploymentUpdate;
use crate::model::scaling::ScalingEvent;
use crate::model::scheduler_config::SchedulerConfig;
use crate::model::security::{JoinToken, Role};
use crate::model::{
    AllocId, DeploymentId, DeploymentStatus, Eligibility, EvalId, EvalTrigger, Evaluation, Job, JobKey, JobType, NodeId, Text, fixtures,
};
use crate::scheduler::Explanation;
use crate::state::command::Request;
use crate::state::{Command, State, Store, Submission};
use crate::util::clock::Timestamp;
use crate::util::metrics::Registry;

/// Everything a test talks to.
pub struct World {
    pub server: Arc<FakeServer>,
    pub context: ApiContext,
    pub stop: watch::Sender<bool>,
}

impl World {
    /// A cluster without anything in it. Its event broker runs; call within a runtime.
    pub fn new() -> Self {
        let server = Arc::new(FakeServer { store: Store::new(State::default()), leader: Mutex::new(true) });
        let (stop, stopping) = watch::channel(false);
        let broker = Arc::new(EventBroker::default());
        tokio::spawn(events::run(Arc::clone(&broker), server.store(), stopping.clone()));
        let context = ApiContext {
            server: Arc::clone(&server) as Arc<dyn ServerHandle>,
            cluster: Arc::clone(&server) as Arc<dyn ClusterHandle>,
            nodes: Arc::new(FakeNodes),
            agent: Arc::new(FakeAgent { oidc_issuer: None }),
            metrics: Arc::new(Registry::default()),
            events: broker,
            stopping,
        };
        let world = Self { server, context, stop };
        // As in a cluster, where the first entries are consensus's own: no row has index 1.
        world.apply(Command::Noop);
        world
    }

    pub fn router(&self) -> Router {
        router(self.context.clone())
    }

    pub fn apply(&self, command: Command) -> u64 {
        self.server.apply(command).unwrap()
    }

    pub fn register(&self, job: Job) -> Arc<Job> {
        let key = job.key.clone();
        self.server.register(job, None, None).unwrap();
        Arc::clone(self.server.store.load().job(&key).unwrap())
    }

    pub fn service(&self, id: &str) -> Arc<Job> {
        self.register(fixtures::job(id, JobType::Service, 3))
    }

    pub fn node(&self, id: u128) {
        self.apply(Command::RegisterNode { node: Box::new(fixtures::node(id)), evaluations: Vec::new(), at: Timestamp(1) });
    }

    /// Places `count` instances of the job on node `id`.
    pub fn place(&self, job: &Job, id: u128, count: u32, seed: u128) {
        self.apply(Command::ApplyPlan { plan: Box::new(fixtures::placing(job, NodeId(id), 0, count, seed)) });
    }
}

pub struct FakeServer {
    store: Arc<Store>,
    pub leader: Mutex<bool>,
}

impl FakeServer {
    pub fn apply(&self, command: Command) -> Result<u64, ServerError> {
        let mut state = State::clone(&self.store.load());
        let (outcome, changes) = state.apply(state.index() + 1, &Request { id: 0, command });
        self.store.publish(Arc::new(state), vec![changes], false);
        Ok(outcome?.index)
    }

    fn register(&self, job: Job, submission: Option<Submission>, enforce_index: Option<u64>) -> Result<Registered, ServerError> {
        let evaluation =
            Evaluation::pending(EvalId::random(), job.key.clone(), job.job_type, job.priority, EvalTrigger::JobRegister, Timestamp(1));
        let eval_id = Some(evaluation.id);
        let index = self.apply(Command::RegisterJob {
            job: Arc::new(job),
            submission: submission.map(Arc::new),
            enforce_index,
            evaluation: Some(Box::new(evaluation)),
            at: Timestamp(1),
        })?;
        Ok(Registered { eval_id, index, job_modify_index: index })
    }

    fn has_leader(&self) -> bool {
        *self.leader.lock().unwrap()
    }
}

type Answer<'a, T> = BoxFuture<'a, Result<T, ServerError>>;

fn at_once<'a, T: Send + 'a>(result: Result<T, ServerError>) -> Answer<'a, T> {
    async move { result }.boxed()
}

impl ClusterHandle for FakeServer {
    fn create_join_token(&self, role: Role, ttl: std::time::Duration, uses: u32) -> Answer<'_, NewJoinToken> {
        let created_at = Timestamp(0);
        let token = JoinToken { id: 5, role, secret: [0; 32], created_at, expires_at: created_at + ttl, uses_left: uses };
        at_once(Ok(NewJoinToken { token, text: "the token".to_owned() }))
    }

    fn revoke_join_token(&self, id: u128) -> Answer<'_, ()> {
        at_once(if id == 5 { Ok(()) } else { Err(ServerError::Rejected(crate::state::Rejection::JoinTokenNotFound)) })
    }

    fn force_leave(&self, member: String) -> Answer<'_, ()> {
        at_once(Err(ServerError::NotFound(format!("there is no server {member:?}"))))
    }

    fn remove_peer(&self, server: String) -> Answer<'_, ()> {
        at_once(Err(ServerError::NotFound(format!("there is no server {server:?}"))))
    }

    fn transfer_leadership(&self, _: Option<String>) -> Answer<'_, ()> {
        at_once(Ok(()))
    }

    fn rotate_authority(&self, force: bool) -> Answer<'_, &'static str> {
        at_once(if force { Ok("trusted") } else { Err(ServerError::Invalid(vec!["go on in 9 s".to_owned()])) })
    }

    fn health(&self) -> Result<ClusterHealth, ServerError> {
        let server = |id: &str, healthy| ServerHealth {
            id: id.to_owned(),
            name: format!("s{id}"),
            address: "10.0.0.1:4647".to_owned(),
            alive: true,
            healthy,
            leader: healthy,
            voter: true,
            last_contact: Some(std::time::Duration::from_millis(31)),
            last_term: 2,
            last_index: 9,
            stable_since: Timestamp(0),
        };
        Ok(ClusterHealth { failure_tolerance: 0, servers: vec![server("1", true), server("2", self.has_leader())] })
    }

    fn set_autopilot_config(&self, config: AutopilotConfig, check_index: Option<u64>) -> Answer<'_, u64> {
        at_once(self.apply(Command::SetAutopilotConfig { config, check_index }))
    }

    fn save_state(&self, _stale: bool) -> Answer<'_, SavedState> {
        let state = self.store.load();
        let bytes = crate::state::snapshot::encode(&state).unwrap();
        at_once(Ok(SavedState { bytes, index: state.index(), term: 1 }))
    }

    fn restore_state(&self, bytes: Vec<u8>) -> Answer<'_, u64> {
        let digest = sha2::Digest::finalize(sha2::Digest::chain_update(<sha2::Sha256 as sha2::Digest>::new(), &bytes)).into();
        at_once(
            self.apply(Command::StageRestore { restore: 1, part: 0, bytes: Arc::new(bytes) })
                .and_then(|_| self.apply(Command::Restore { restore: 1, digest })),
        )
    }
}

impl FakeServer {
    fn change_deployment(&self, id: DeploymentId, status: DeploymentStatus, promote: Vec<Text>) -> Answer<'_, DeploymentChange> {
        let update = DeploymentUpdate { id, status, description: "".into(), promote, revert_to: None };
        let command = Command::UpdateDeployment { update, evaluation: None, at: Timestamp(1) };
        at_once(self.apply(command).map(|index| DeploymentChange { eval_id: Some(EvalId(9)), index, reverted_to: None }))
    }
}

impl ServerHandle for FakeServer {
    fn store(&self) -> &Arc<Store> {
        &self.store
    }

    fn status(&self) -> ServerStatus {
        let leader = self.has_leader().then(|| "127.0.0.1:4647".to_owned());
        ServerStatus {
            name: "one.global".into(),
            region: "global".into(),
            datacenter: "dc1".into(),
            is_leader: leader.is_some(),
            peers: vec![Peer {
                id: "1".into(),
                name: "one.global".into(),
                address: "127.0.0.1:4647".into(),
                voter: true,
                leader: leader.is_some(),
                alive: true,
            }],
            leader,
            ..ServerStatus::default()
        }
    }

    fn read_barrier(&self, _consistent: bool) -> Answer<'_, ()> {
        at_once(if self.has_leader() { Ok(()) } else { Err(ServerError::NoLeader) })
    }

    fn driver_problems(&self, job: &Job) -> Vec<String> {
        let drivers = job.groups.iter().flat_map(|group| &group.tasks).map(|task| &task.driver);
        drivers.filter(|driver| driver.as_ref() == "docker").map(|_| "no driver docker".to_owned()).collect()
    }

    fn register_job(&self, request: RegisterJob) -> Answer<'_, Registered> {
        at_once(self.register(request.job, request.submission, request.enforce_index))
    }

    fn deregister_job(&self, key: JobKey, purge: bool, no_shutdown_delay: bool, _: Option<u8>) -> Answer<'_, Registered> {
        let outcome = self.apply(Command::DeregisterJob { key, purge, evaluation: None, no_shutdown_delay, at: Timestamp(1) });
        at_once(outcome.map(|index| Registered { eval_id: None, index, job_modify_index: index }))
    }

    fn evaluate_job(&self, _: JobKey, _: bool) -> Answer<'_, Registered> {
        at_once(Ok(Registered { eval_id: Some(EvalId(7)), index: 7, job_modify_index: 7 }))
    }

    fn scale_job(&self, key: JobKey, request: ScaleJob) -> Answer<'_, Registered> {
        let Some(job) = self.store.load().job(&key).cloned() else { return at_once(Err(ServerError::NotFound("job not found".into()))) };
        let mut job = Job::clone(&job);
        let Some(group) = job.groups.iter_mut().find(|group| *group.name == *request.group) else {
            return at_once(Err(ServerError::Invalid(vec!["no such group".into()])));
        };
        let event = ScalingEvent {
            message: request.message.as_str().into(),
            meta: request.meta,
            ..fixtures::scaling_event(request.count, group.count)
        };
        group.count = request.count.unwrap_or(group.count);
        let outcome = self.apply(Command::ScaleJob {
            key,
            group: request.group.into(),
            event: Box::new(event),
            job: request.count.map(|_| Arc::new(job)),
            submission: None,
            enforce_index: request.enforce_index,
            evaluation: None,
            at: Timestamp(1),
        });
        at_once(outcome.map(|index| Registered { eval_id: Some(EvalId(8)), index, job_modify_index: index }))
    }

    fn revert_job(&self, _: JobKey, _: u64, _: Option<u64>) -> Answer<'_, Registered> {
        at_once(Err(ServerError::NotFound("job version not found".into())))
    }

    fn set_job_stability(&self, key: JobKey, version: u64, stable: bool) -> Answer<'_, u64> {
        at_once(self.apply(Command::SetJobStability { key, version, stable }))
    }

    fn dispatch_job(&self, key: JobKey, request: DispatchJob) -> Answer<'_, Dispatched> {
        let job_id = format!("{}/{}/{}", key.id, request.id_prefix, String::from_utf8_lossy(&request.payload));
        at_once(Ok(Dispatched { job_id, job_create_index: 7, eval_id: request.idempotency_token.is_none().then_some(EvalId(7)), index: 7 }))
    }

    fn force_periodic_job(&self, _: JobKey) -> Answer<'_, Registered> {
        at_once(Ok(Registered { eval_id: Some(EvalId(7)), index: 7, job_modify_index: 7 }))
    }

    fn plan_job(&self, job: Job) -> Answer<'_, DryRun> {
        let groups =
            job.groups.iter().map(|group| (group.name.clone(), DesiredChanges { place: group.count.into(), ..Default::default() }));
        at_once(Ok(DryRun { groups: groups.collect(), ..DryRun::default() }))
    }

    fn explain_job(&self, _: JobKey) -> Answer<'_, Explanation> {
        at_once(Err(ServerError::NotFound("job not found".into())))
    }

    fn stop_allocation(&self, id: AllocId, _: bool) -> Answer<'_, Registered> {
        let transition = crate::model::allocation::DesiredTransition { reschedule: true, ..Default::default() };
        let command = Command::SetDesiredTransitions { transitions: vec![(id, transition)], evaluations: Vec::new(), at: Timestamp(1) };
        at_once(self.apply(command).map(|index| Registered { eval_id: Some(EvalId(9)), index, job_modify_index: 0 }))
    }

    fn fail_deployment(&self, id: DeploymentId) -> Answer<'_, DeploymentChange> {
        self.change_deployment(id, DeploymentStatus::Failed, Vec::new())
    }

    fn pause_deployment(&self, id: DeploymentId, pause: bool) -> Answer<'_, DeploymentChange> {
        self.change_deployment(id, if pause { DeploymentStatus::Paused } else { DeploymentStatus::Running }, Vec::new())
    }

    fn promote_deployment(&self, id: DeploymentId, groups: Option<Vec<String>>) -> Answer<'_, DeploymentChange> {
        let promote = groups.unwrap_or_default().into_iter().map(Into::into).collect();
        self.change_deployment(id, DeploymentStatus::Running, promote)
    }

    fn set_allocation_health(
        &self,
        deployment: DeploymentId,
        healthy: Vec<AllocId>,
        unhealthy: Vec<AllocId>,
    ) -> Answer<'_, DeploymentChange> {
        let command = Command::SetAllocationHealth { deployment, healthy, unhealthy, evaluation: None, at: Timestamp(1) };
        at_once(self.apply(command).map(|index| DeploymentChange { eval_id: Some(EvalId(9)), index, reverted_to: None }))
    }

    fn evaluate_node(&self, _: NodeId) -> Answer<'_, NodeChange> {
        at_once(Ok(NodeChange { eval_ids: vec![EvalId(1)], index: 5 }))
    }

    fn set_node_eligibility(&self, node: NodeId, eligibility: Eligibility) -> Answer<'_, NodeChange> {
        let outcome = self.apply(Command::SetNodeEligibility { node, eligibility, evaluations: Vec::new(), at: Timestamp(1) });
        at_once(outcome.map(|index| NodeChange { eval_ids: Vec::new(), index }))
    }

    fn drain_node(&self, node: NodeId, drain: Option<Drain>, _: bool) -> Answer<'_, NodeChange> {
        let drain = drain.map(|drain| crate::model::node::DrainStrategy {
            started_at: Timestamp(1),
            force_at: drain.deadline.map(|deadline| Timestamp(1) + deadline),
            ignore_system_jobs: drain.ignore_system_jobs,
        });
        let outcome = self.apply(Command::SetNodeDrain {
            node,
            drain,
            eligibility: Eligibility::Ineligible,
            evaluations: Vec::new(),
            at: Timestamp(1),
        });
        at_once(outcome.map(|index| NodeChange { eval_ids: Vec::new(), index }))
    }

    fn purge_node(&self, node: NodeId) -> Answer<'_, NodeChange> {
        let outcome = self.apply(Command::PurgeNode { node, evaluations: Vec::new(), at: Timestamp(1) });
        at_once(outcome.map(|index| NodeChange { eval_ids: Vec::new(), index }))
    }

    fn set_scheduler_config(&self, config: SchedulerConfig, check_index: Option<u64>) -> Answer<'_, u64> {
        at_once(self.apply(Command::SetSchedulerConfig { config, check_index }))
    }

    fn upsert_node_pool(&self, pool: NodePool) -> Answer<'_, u64> {
        at_once(self.apply(Command::UpsertNodePool { pool: Box::new(pool) }))
    }

    fn delete_node_pool(&self, name: Text) -> Answer<'_, u64> {
        at_once(self.apply(Command::DeleteNodePool { name }))
    }

    fn collect_garbage(&self) -> Answer<'_, ()> {
        at_once(Ok(()))
    }
}

/// Node 1 runs in this agent; there is a path to no other.
struct FakeNodes;

impl NodeDirectory for FakeNodes {
    fn node(&self, id: NodeId) -> Option<Arc<dyn NodeApi>> {
        (id == NodeId(1)).then(|| Arc::new(FakeNode) as Arc<dyn NodeApi>)
    }

    fn local(&self) -> Option<Arc<dyn NodeApi>> {
        self.node(NodeId(1))
    }
}

/// Its only file is `alloc/greeting` with this text; its logs are the same text, in two frames.
pub const GREETING: &str = "hello, world";

struct FakeNode;

fn from_node<'a, T: Send + 'a>(result: Result<T, NodeError>) -> BoxFuture<'a, Result<T, NodeError>> {
    async move { result }.boxed()
}

fn greeting(path: &str) -> Result<(), NodeError> {
    if path == "alloc/greeting" { Ok(()) } else { Err(NodeError::FileNotFound(format!("no file {path:?}"))) }
}

fn frames(follow: bool) -> FrameStream {
    let frame = |range: std::ops::Range<usize>| {
        Ok(FileFrame {
            file: "greeting".into(),
            offset: range.end as u64,
            data: Bytes::from_static(&GREETING.as_bytes()[range]),
            event: None,
        })
    };
    let known = stream::iter([frame(0..7), frame(7..GREETING.len())]);
    if follow { known.chain(stream::pending()).boxed() } else { known.boxed() }
}

impl NodeApi for FakeNode {
    fn node_id(&self) -> NodeId {
        NodeId(1)
    }

    fn has_allocation(&self, _: AllocId) -> bool {
        false
    }

    fn restart_task(&self, _: AllocId, task: Option<String>, _: bool) -> BoxFuture<'_, Result<(), NodeError>> {
        from_node(match task {
            Some(task) if task != "main" => Err(NodeError::UnknownTask(task)),
            _ => Ok(()),
        })
    }

    fn signal_task(&self, _: AllocId, _: Option<String>, signal: String) -> BoxFuture<'_, Result<(), NodeError>> {
        from_node(if signal == "SIGHUP" { Ok(()) } else { Err(NodeError::Invalid(format!("unknown signal {signal:?}"))) })
    }

    fn alloc_stats(&self, _: AllocId, _: Option<String>) -> BoxFuture<'_, Result<AllocResourceUsage, NodeError>> {
        from_node(Ok(AllocResourceUsage::default()))
    }

    fn host_stats(&self) -> BoxFuture<'_, Result<HostStats, NodeError>> {
        from_node(Ok(HostStats { uptime: 12, ..HostStats::default() }))
    }

    fn list_files(&self, _: AllocId, _: String) -> BoxFuture<'_, Result<Vec<FileInfo>, NodeError>> {
        async move { Ok(vec![self.stat_file(AllocId(0), "alloc/greeting".into()).await?]) }.boxed()
    }

    fn stat_file(&self, _: AllocId, path: String) -> BoxFuture<'_, Result<FileInfo, NodeError>> {
        from_node(greeting(&path).map(|()| FileInfo {
            name: "greeting".into(),
            is_dir: false,
            size: GREETING.len() as u64,
            mode: "-rw-r--r--".into(),
            modified: Timestamp(0),
            content_type: "text/plain".into(),
        }))
    }

    fn read_file(&self, _: AllocId, path: String, offset: u64, limit: Option<u64>) -> BoxFuture<'_, Result<ByteStream, NodeError>> {
        let start = usize::try_from(offset).unwrap().min(GREETING.len());
        let end = limit.map_or(GREETING.len(), |limit| (start + usize::try_from(limit).unwrap()).min(GREETING.len()));
        let bytes = Bytes::from_static(&GREETING.as_bytes()[start..end]);
        from_node(greeting(&path).map(|()| stream::iter([Ok(bytes)]).boxed()))
    }

    fn follow_file(&self, _: AllocId, path: String, _: Origin, _: u64, follow: bool) -> BoxFuture<'_, Result<FrameStream, NodeError>> {
        from_node(greeting(&path).map(|()| frames(follow)))
    }

    fn logs(&self, request: LogRequest) -> BoxFuture<'_, Result<FrameStream, NodeError>> {
        from_node(if request.task == "main" { Ok(frames(request.follow)) } else { Err(NodeError::UnknownTask(request.task)) })
    }
}

pub struct FakeAgent {
    pub oidc_issuer: Option<String>,
}

impl AgentHandle for FakeAgent {
    fn description(&self) -> AgentDescription {
        AgentDescription {
            name: "one".into(),
            region: "global".into(),
            datacenter: "dc1".into(),
            version: "0.1.0".into(),
            server_enabled: true,
            client_enabled: true,
            oidc_issuer: self.oidc_issuer.clone(),
            ..AgentDescription::default()
        }
    }

    fn log_lines(&self, level: LogLevel) -> mpsc::Receiver<LogLine> {
        let (sender, receiver) = mpsc::channel(1);
        sender.try_send(LogLine { level, text: "something happened".into(), json: "{\"m\":1}".into() }).unwrap();
        receiver
    }
}
