//! From "it is this task's turn" to its first instruction: check, directories, environment, templates, driver, launcher.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;

use super::event::FailureKind;
use super::template::{self, Places, TemplateError};
use crate::model::Task;
use crate::node::alloc_dir::AllocDir;
use crate::node::beneath;
use crate::node::environment::EnvironmentSource;
use crate::node::interpolate::Interpolation;
use crate::node::shared::Shared;
use crate::rpc::Assignment;
use crate::runtime::driver::{Recovered, StartError, TaskContext, TaskHandle};
use crate::runtime::shim::plan::Credentials;
use crate::runtime::user::{self, UserError};

/// One start of one task.
pub struct LaunchRequest {
    pub shared: Arc<Shared>,
    pub assignment: Assignment,
    pub task: String,
    /// Journalled already.
    pub run_dir: PathBuf,
    pub dirs: AllocDir,
}

pub enum LaunchOutcome {
    Started(Arc<dyn TaskHandle>),
    Failed(LaunchFailure),
    /// Given up on request; nothing runs.
    Cancelled,
}

/// Why a task did not start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LaunchFailure {
    pub kind: FailureKind,
    pub permanent: bool,
    pub problem: String,
}

impl LaunchFailure {
    fn permanent(kind: FailureKind, problem: impl Into<String>) -> Self {
        Self { kind, permanent: true, problem: problem.into() }
    }

    fn transient(kind: FailureKind, problem: impl Into<String>) -> Self {
        Self { kind, permanent: false, problem: problem.into() }
    }
}

impl From<StartError> for LaunchFailure {
    fn from(error: StartError) -> Self {
        match error {
            StartError::Permanent(problem) => Self::permanent(FailureKind::Driver, problem),
            StartError::Transient(problem) => Self::transient(FailureKind::Driver, problem),
        }
    }
}

impl From<TemplateError> for LaunchFailure {
    fn from(error: TemplateError) -> Self {
        match error.is_permanent() {
            true => Self::permanent(FailureKind::Validation, error.to_string()),
            false => Self::transient(FailureKind::Setup, error.to_string()),
        }
    }
}

impl From<UserError> for LaunchFailure {
    fn from(error: UserError) -> Self {
        match error.is_permanent() {
            true => Self::permanent(FailureKind::Validation, error.to_string()),
            false => Self::transient(FailureKind::Setup, error.to_string()),
        }
    }
}

/// Starts the task, unless `cancel` comes before the launcher got it.
pub async fn launch(request: LaunchRequest, cancel: oneshot::Receiver<()>) -> LaunchOutcome {
    let request = Arc::new(request);
    let prepared = tokio::select! {
        prepared = prepare(&request) => prepared,
        // A dropped sender means that nobody is interested any more, which is a cancellation, too.
        _ = cancel => return LaunchOutcome::Cancelled,
    };
    let runtime = &request.shared.runtime;
    let plan = match prepared {
        Ok(plan) => plan,
        Err(failure) => return LaunchOutcome::Failed(failure),
    };
    match runtime.launch(&plan).await {
        Ok(handle) => LaunchOutcome::Started(handle),
        Err(error) => {
            clean_up(&request).await;
            LaunchOutcome::Failed(error.into())
        }
    }
}

async fn prepare(request: &Arc<LaunchRequest>) -> Result<crate::runtime::launch::LaunchPlan, LaunchFailure> {
    let invalid = |problem: String| LaunchFailure::permanent(FailureKind::Validation, problem);
    let task = request.task()?;
    let driver = request.shared.runtime.driver(&task.driver).ok_or_else(|| invalid(format!("driver {:?} is not known", task.driver)))?;
    if let Some(artifact) = task.artifacts.first() {
        return Err(invalid(format!("artifact {:?} cannot be fetched: artifacts are not supported yet", artifact.source)));
    }
    let blocking = Arc::clone(request);
    let set_up = tokio::task::spawn_blocking(move || set_up(&blocking)).await;
    let context = set_up.map_err(|error| LaunchFailure::transient(FailureKind::Setup, error.to_string()))??;
    let problems = driver.check_config(&context.config);
    if !problems.is_empty() {
        let texts: Vec<String> = problems.iter().map(ToString::to_string).collect();
        return Err(invalid(texts.join("; ")));
    }
    Ok(driver.prepare(&context).await?)
}

impl LaunchRequest {
    fn task(&self) -> Result<&Task, LaunchFailure> {
        let group = self.assignment.job.group(&self.assignment.allocation.group);
        group
            .and_then(|group| group.task(&self.task))
            .ok_or_else(|| LaunchFailure::permanent(FailureKind::Validation, format!("the job has no task {:?} in its group", self.task)))
    }
}

/// The part that touches the disk: directories, payload, templates.
fn set_up(request: &LaunchRequest) -> Result<TaskContext, LaunchFailure> {
    let LaunchRequest { shared, assignment, dirs, .. } = request;
    let Assignment { allocation, job } = assignment;
    let task = request.task()?;
    let failed = |problem: String| LaunchFailure::transient(FailureKind::Setup, problem);
    let group = job.group(&allocation.group).ok_or_else(|| failed(format!("the job has no group {:?}", allocation.group)))?;

    let task_dir = dirs.task(&task.name);
    let node = shared.node.load();
    let region = &*shared.config.region;
    let source = EnvironmentSource { node: &node, region, job, group, task, allocation, dirs, agent: &shared.agent_env };
    let mut env = source.build();
    let user = Interpolation { env: &env, node: &node, region }.text(&task.user);
    let credentials = user::resolve(&user)?;
    let owner = credentials.as_ref();
    dirs.create_task(&task.name, owner).map_err(|error| failed(format!("cannot make the task's directories: {error}")))?;
    if let Some(file) = &task.dispatch_payload_file {
        let path = PathBuf::from("local").join(&**file);
        beneath::write_beneath(&task_dir, &path, &job.payload, 0o644, None)
            .map_err(|error| failed(format!("cannot write the dispatch payload to {}: {error}", path.display())))?;
    }
    env.extend(render_templates(request, task, &env, owner)?);

    let interpolation = Interpolation { env: &env, node: &node, region };
    let config = interpolation.config(&task.config);
    Ok(TaskContext {
        alloc_id: allocation.id,
        job_id: job.key.id.to_string(),
        group: group.name.to_string(),
        task: task.name.to_string(),
        config,
        user,
        env,
        resources: task.resources.clone(),
        cores: group.cores_of(&task.name, &allocation.cores),
        alloc_dir: dirs.root().to_owned(),
        task_dir,
        logs_dir: dirs.logs(),
        run_dir: request.run_dir.clone(),
        logs: task.logs.clone(),
    })
}

fn render_templates(
    request: &LaunchRequest,
    task: &Task,
    env: &BTreeMap<String, String>,
    owner: Option<&Credentials>,
) -> Result<BTreeMap<String, String>, LaunchFailure> {
    let node = request.shared.node.load();
    let interpolation = Interpolation { env, node: &node, region: &request.shared.config.region };
    let places = Places { alloc_dir: request.dirs.root(), task: &task.name, owner };
    let mut defined = BTreeMap::new();
    for template in &task.templates {
        let destination = interpolation.text(&template.destination);
        let source = interpolation.text(&template.source);
        defined.extend(template::render(template, &destination, &source, &places)?);
    }
    Ok(defined)
}

/// After a failed launch: whatever got as far as running is ended, so that the next try does not run beside it.
async fn clean_up(request: &LaunchRequest) {
    match request.shared.runtime.recover(&request.run_dir).await {
        Recovered::Running(handle) => {
            if let Err(problem) = handle.stop("SIGKILL", Duration::ZERO).await {
                tracing::warn!(run_dir = %request.run_dir.display(), problem, "cannot end a task whose start failed");
                return;
            }
            handle.wait().await;
            handle.release().await;
        }
        Recovered::Exited(_, handle) => handle.release().await,
        Recovered::Gone => {}
    }
}
