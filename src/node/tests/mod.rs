//! A whole node against fake servers and a fake runtime. In real time, with small delays: the journal's disk knows no other.

use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::sync::Arc;
use std::time::Duration;

use crate::model::allocation::HealthReport;
use crate::model::policy::UpdateStrategy;
use crate::model::task::{Artifact, Template};
use crate::model::{AllocClientStatus, AllocDesiredStatus, ConfigValue, DeploymentId, Job, Lifecycle, LifecycleHook, TaskRunState};
use crate::node::config::NodeConfig;
use crate::node::error::NodeError;
use crate::node::files::FilesError;
use crate::node::handle::NodeHandle;
use crate::node::log_reader::{LogOrigin, LogRequest, LogStream};
use crate::node::start::Node;
use crate::node::testing::{self, FakeRuntime, FakeServers};
use crate::rpc::Assignment;
use crate::runtime::driver::StartError;

mod crashes;
mod files;
mod life;
mod servers;

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
