//! Starts shim processes.

use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::io::AsyncReadExt as _;
use tokio::process::{Child, Command};

use crate::runtime::cgroup;
use crate::runtime::driver::StartError;
use crate::runtime::shim::protocol::Readiness;
use crate::runtime::shim::sealed::SealedBinary;
use crate::runtime::shim::{ADOPT, MODE};

/// How long a shim may take until its task runs; it is milliseconds on an idle machine.
const READY_WITHIN: Duration = Duration::from_secs(60);

/// The readiness line is far shorter.
const READINESS_LIMIT: u64 = 64 * 1024;

/// Why no shim came up.
#[derive(Debug, thiserror::Error)]
pub(super) enum ShimFailure {
    #[error("cannot start the task's shim: {0}")]
    Exec(#[from] io::Error),
    #[error("the task's shim was not ready after {READY_WITHIN:?}")]
    Silent,
    #[error("the task's shim died before its task ran")]
    Died,
    /// What the shim itself says.
    #[error("{message}")]
    Refused { message: String, permanent: bool },
}

impl From<ShimFailure> for StartError {
    fn from(failure: ShimFailure) -> Self {
        match failure {
            ShimFailure::Refused { message, permanent: true } => Self::Permanent(message),
            other => Self::Transient(other.to_string()),
        }
    }
}

/// When a shim that is still there gets its place in the shims' group. A move holds up all changes of groups for milliseconds (it waits for an
/// RCU grace period): it must not come between tasks that start one after the other, and short tasks need none.
const SETTLED_AFTER: Duration = Duration::from_secs(1);

/// Starts shims from a read-only view of the binary where the kernel allows one.
pub(super) struct ShimStarter {
    binary: PathBuf,
    sealed: Option<SealedBinary>,
    /// Where shims belong, so that the end of the agent's own group is not theirs.
    group: Option<PathBuf>,
}

impl ShimStarter {
    pub fn new(binary: PathBuf, group: Option<PathBuf>) -> Self {
        let sealed = SealedBinary::open(&binary)
            .inspect_err(|error| tracing::info!("shims run from the plain binary, a read-only view of it is not possible: {error}"))
            .ok();
        Self { binary, sealed, group }
    }

    /// Starts or adopts the task of a run directory. Returns its pid.
    pub async fn start(&self, run_dir: &Path, adopt: bool) -> Result<i32, ShimFailure> {
        let complaints = std::fs::OpenOptions::new().create(true).append(true).open(run_dir.join("shim.log"))?;
        let mut command = Command::new(self.sealed.as_ref().map_or_else(|| self.binary.clone(), SealedBinary::path));
        command.arg0(MODE).args(adopt.then_some(ADOPT)).arg(run_dir);
        // Nothing of the agent's is handed on: its pipes would stay open as long as the task runs.
        command.env_clear().stdin(Stdio::null()).stdout(Stdio::piped()).stderr(complaints);
        let mut shim = command.spawn()?;
        let readiness = tokio::time::timeout(READY_WITHIN, read_readiness(&mut shim)).await;
        if readiness.is_err() {
            let _ = shim.start_kill();
        }
        // The shim outlives this function.
        tokio::spawn(settle_and_reap(shim, self.group.clone()));
        match readiness.map_err(|_| ShimFailure::Silent)?? {
            Readiness::Started { pid } => Ok(pid),
            Readiness::Failed { message, permanent } => Err(ShimFailure::Refused { message, permanent }),
        }
    }
}

/// Moves a shim that lives on to its group, and collects its end so that it does not stay a zombie.
async fn settle_and_reap(mut shim: Child, group: Option<PathBuf>) {
    let ended = tokio::time::timeout(SETTLED_AFTER, shim.wait()).await;
    if ended.is_err()
        && let (Some(group), Some(pid)) = (group, shim.id())
    {
        // Not reaped yet: the pid is still its own. A shim that stays in the agent's group does its work there.
        let _ = tokio::task::spawn_blocking(move || cgroup::enter(&group, pid)).await;
    }
    let _ = shim.wait().await;
}

async fn read_readiness(shim: &mut Child) -> Result<Readiness, ShimFailure> {
    let mut line = Vec::new();
    if let Some(output) = shim.stdout.take() {
        output.take(READINESS_LIMIT).read_to_end(&mut line).await?;
    }
    serde_json::from_slice(&line).map_err(|_| ShimFailure::Died)
}
