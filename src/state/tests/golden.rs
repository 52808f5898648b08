//! The bytes of commands on disk are a contract with every older log. Each sample's bytes are kept in `tests/golden/`; a change that alters them
//! needs a new version of [`Request`] and a migration, not new files. `PANNIER_BLESS=1` writes files that are missing.

use std::path::PathBuf;
use std::sync::Arc;

use crate::codec;
use crate::model::allocation::DesiredTransition;
use crate::model::autopilot::AutopilotConfig;
use crate::model::node_pool::NodePool;
use crate::model::plan::DeploymentUpdate;
use crate::model::scheduler_config::SchedulerConfig;
use crate::model::security::{Identity, SecurityChange};
use crate::model::signing_key::{KeyId, Seed, SigningKey};
use crate::model::{AllocId, DeploymentId, DeploymentStatus, Eligibility, JobKey, JobType, NodeId, NodeStatus, fixtures};
use crate::state::command::{Child, Collected, Command, Request};
use crate::util::clock::Timestamp;

/// One sample of every variant, in the order of their tags.
fn samples() -> Vec<(&'static str, Command)> {
    let job = fixtures::job("golden", JobType::Service, 3);
    let at = Timestamp(1_700_000_000_000_000_000);
    let node = NodeId(1);
    let key = JobKey::new("default", "golden");
    let none = Vec::new;
    let evaluation = fixtures::placing(&job, node, 0, 1, 9).evaluations.remove(0);
    let child = Box::new(Child { job: Arc::new(fixtures::job("golden/periodic-1700000000", JobType::Batch, 1)), evaluation });
    vec![
        ("noop", Command::Noop),
        (
            "register-job",
            Command::RegisterJob { job: Arc::new(job.clone()), submission: None, enforce_index: Some(3), evaluation: None, at },
        ),
        ("deregister-job", Command::DeregisterJob { key: key.clone(), purge: true, evaluation: None, no_shutdown_delay: false, at }),
        ("register-node", Command::RegisterNode { node: Box::new(fixtures::node(1)), evaluations: none(), at }),
        (
            "set-node-status",
            Command::SetNodeStatus { node, status: NodeStatus::Down, description: "silent".into(), evaluations: none(), at },
        ),
        ("set-node-eligibility", Command::SetNodeEligibility { node, eligibility: Eligibility::Ineligible, evaluations: none(), at }),
        ("set-node-drain", Command::SetNodeDrain { node, drain: None, eligibility: Eligibility::Eligible, evaluations: none(), at }),
        ("purge-node", Command::PurgeNode { node, evaluations: none(), at }),
        ("upsert-evaluations", Command::UpsertEvaluations { evaluations: fixtures::placing(&job, node, 0, 1, 9).evaluations }),
        ("apply-plan", Command::ApplyPlan { plan: Box::new(fixtures::placing(&job, node, 0, 3, 9)) }),
        ("update-allocations", Command::UpdateAllocations { updates: Vec::new(), evaluations: none(), at }),
        (
            "set-desired-transitions",
            Command::SetDesiredTransitions {
                transitions: vec![(AllocId(5), DesiredTransition { migrate: true, ..Default::default() })],
                evaluations: none(),
                at,
            },
        ),
        ("set-scheduler-config", Command::SetSchedulerConfig { config: SchedulerConfig::default(), check_index: Some(1) }),
        ("set-job-stability", Command::SetJobStability { key, version: 2, stable: true }),
        ("collect-garbage", Command::CollectGarbage { collected: Collected { nodes: vec![node], ..Default::default() } }),
        (
            "update-deployment",
            Command::UpdateDeployment {
                update: DeploymentUpdate {
                    id: DeploymentId(7),
                    status: DeploymentStatus::Running,
                    description: "Deployment is running".into(),
                    promote: vec!["web".into()],
                    revert_to: Some(4),
                },
                evaluation: None,
                at,
            },
        ),
        (
            "set-allocation-health",
            Command::SetAllocationHealth {
                deployment: DeploymentId(7),
                healthy: vec![AllocId(5)],
                unhealthy: vec![AllocId(6)],
                evaluation: None,
                at,
            },
        ),
        (
            "launch-periodic",
            Command::LaunchPeriodic { parent: JobKey::new("default", "golden"), scheduled: at, child: Some(child.clone()), at },
        ),
        (
            "start-child",
            Command::StartChild { parent: JobKey::new("default", "golden"), idempotency_token: Some("once".into()), child, at },
        ),
        ("change-security", Command::ChangeSecurity { change: SecurityChange::Revoke(Identity::client(node)) }),
        (
            "scale-job",
            Command::ScaleJob {
                key: JobKey::new("default", "golden"),
                group: "group".into(),
                event: Box::new(fixtures::scaling_event(Some(4), 3)),
                job: Some(Arc::new(job)),
                submission: None,
                enforce_index: Some(3),
                evaluation: None,
                at,
            },
        ),
        (
            "add-signing-key",
            Command::AddSigningKey { key: Box::new(SigningKey { id: KeyId(9), public: [1; 32], seed: Seed([2; 32]), created: at }) },
        ),
        ("set-autopilot-config", Command::SetAutopilotConfig { config: AutopilotConfig::default(), check_index: Some(1) }),
        ("stage-restore", Command::StageRestore { restore: 5, part: 1, bytes: Arc::new(vec![1, 2, 200]) }),
        ("restore", Command::Restore { restore: 5, digest: [3; 32] }),
        ("upsert-node-pool", Command::UpsertNodePool { pool: Box::new(NodePool { name: "gpu".into(), ..NodePool::default() }) }),
        ("delete-node-pool", Command::DeleteNodePool { name: "gpu".into() }),
    ]
}

#[test]
fn commands_keep_their_bytes() {
    let directory = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    for (tag, (name, command)) in samples().into_iter().enumerate() {
        let request = Request { id: 11, command };
        let bytes = codec::encode(&request).unwrap();
        let path = directory.join(format!("{name}.bin"));
        if !path.exists() && std::env::var_os("PANNIER_BLESS").is_some() {
            std::fs::create_dir_all(&directory).unwrap();
            std::fs::write(&path, &bytes).unwrap();
        }
        let golden = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        assert_eq!(codec::decode::<Request>(&golden).unwrap(), request, "{name}: old bytes no longer read as they were meant");
        assert_eq!(bytes, golden, "{name}: the encoding changed");
        // Envelope (7 bytes), the id's varint (1 byte), then the variant's tag.
        assert_eq!(usize::from(bytes[8]), tag, "{name}: variants are only ever appended");
    }
}
