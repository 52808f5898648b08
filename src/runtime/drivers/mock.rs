//! `mock_driver`: a task without a process that behaves as told, for tests and simulations.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use tokio::sync::{Notify, watch};
use tokio::task::AbortHandle;

use super::config::{self, Kind};
use super::resources::log_plan;
use crate::model::{ConfigValue, DriverInfo};
use crate::runtime::driver::{ConfigProblem, ExitRecord, StartError, TaskContext, TaskDriver, TaskHandle, TaskStats};
use crate::runtime::launch::{LAUNCH_PLAN_VERSION, LaunchKind, LaunchPlan, LogPlan, MockPlan};
use crate::runtime::shim::log_files::LogFiles;
use crate::util::clock::Timestamp;

const KEYS: [(&str, Kind); 12] = [
    ("run_for", Kind::Duration),
    ("exit_code", Kind::Integer),
    ("exit_signal", Kind::Integer),
    // Known for the sake of existing jobs; an exit record has no text.
    ("exit_err_msg", Kind::Text),
    ("start_error", Kind::Text),
    ("start_error_recoverable", Kind::Bool),
    ("start_block_for", Kind::Duration),
    ("kill_after", Kind::Duration),
    ("stdout_string", Kind::Text),
    ("stdout_repeat", Kind::Integer),
    ("stdout_repeat_duration", Kind::Duration),
    ("signal_error", Kind::Text),
];

const SIGKILL: i32 = 9;

pub struct MockDriver;

impl TaskDriver for MockDriver {
    fn name(&self) -> &'static str {
        "mock_driver"
    }

    fn fingerprint(&self) -> DriverInfo {
        let attributes = BTreeMap::from([("driver.mock".into(), "1".into())]);
        DriverInfo { detected: true, healthy: true, description: "Healthy".into(), attributes }
    }

    fn check_config(&self, config: &ConfigValue) -> Vec<ConfigProblem> {
        config::check(config, &KEYS, &[])
    }

    fn prepare<'a>(&'a self, context: &'a TaskContext) -> BoxFuture<'a, Result<LaunchPlan, StartError>> {
        let problem = self.check_config(&context.config).into_iter().next();
        let plan = LaunchPlan {
            version: LAUNCH_PLAN_VERSION,
            driver: self.name().to_owned(),
            kind: LaunchKind::Mock(mock_plan(&context.config)),
            run_dir: context.run_dir.clone(),
            logs: log_plan(context),
            cgroup: None,
        };
        async move { problem.map_or(Ok(plan), |problem| Err(StartError::Permanent(problem.to_string()))) }.boxed()
    }
}

fn mock_plan(config: &ConfigValue) -> MockPlan {
    let millis = |key| u64::try_from(config::duration(config, key).as_millis()).unwrap_or(u64::MAX);
    let small = |key| config::integer(config, key).and_then(|value| i32::try_from(value).ok()).unwrap_or(0);
    MockPlan {
        run_for_ms: millis("run_for"),
        exit_code: small("exit_code"),
        exit_signal: small("exit_signal"),
        start_error: config::text(config, "start_error"),
        start_error_recoverable: config::boolean(config, "start_error_recoverable"),
        start_block_for_ms: millis("start_block_for"),
        kill_after_ms: millis("kill_after"),
        stdout_string: config::text(config, "stdout_string"),
        stdout_repeat: u32::try_from(small("stdout_repeat")).unwrap_or(0),
        stdout_repeat_duration_ms: millis("stdout_repeat_duration"),
        signal_error: config::text(config, "signal_error"),
    }
}

/// Starts a mock task in this process.
pub(crate) async fn start(plan: &MockPlan, logs: &LogPlan) -> Result<Arc<dyn TaskHandle>, StartError> {
    tokio::time::sleep(Duration::from_millis(plan.start_block_for_ms)).await;
    if !plan.start_error.is_empty() {
        let error = plan.start_error.clone();
        return Err(if plan.start_error_recoverable { StartError::Transient(error) } else { StartError::Permanent(error) });
    }
    let exit = Arc::new(watch::Sender::new(None));
    let stopping = Arc::new(Notify::new());
    let run = run(plan.clone(), logs.clone(), Arc::clone(&stopping));
    let ended = Arc::clone(&exit);
    let life = tokio::spawn(async move {
        ended.send_replace(Some(run.await));
    });
    Ok(Arc::new(MockHandle { plan: plan.clone(), exit, stopping, life: life.abort_handle() }))
}

async fn run(plan: MockPlan, logs: LogPlan, stopping: Arc<Notify>) -> ExitRecord {
    let writing = async {
        if let Err(error) = write_output(&plan, &logs).await {
            tracing::warn!(task = %logs.task, "a mock task's output is lost: {error}");
        }
        std::future::pending::<()>().await;
    };
    let end = |exit_code, signal| ExitRecord { exit_code, signal, finished_at: Timestamp::now(), ..ExitRecord::default() };
    tokio::select! {
        // The output belongs to the run: it is begun before the end is looked at.
        biased;
        () = writing => end(plan.exit_code, plan.exit_signal),
        () = tokio::time::sleep(Duration::from_millis(plan.run_for_ms)) => end(plan.exit_code, plan.exit_signal),
        () = stopping.notified() => {
            tokio::time::sleep(Duration::from_millis(plan.kill_after_ms)).await;
            end(0, 0)
        }
    }
}

async fn write_output(plan: &MockPlan, logs: &LogPlan) -> std::io::Result<()> {
    if plan.stdout_string.is_empty() || logs.disabled {
        return Ok(());
    }
    std::fs::create_dir_all(&logs.dir)?;
    let mut files = LogFiles::open(logs, "stdout")?;
    files.write(plan.stdout_string.as_bytes())?;
    for _ in 0..plan.stdout_repeat {
        tokio::time::sleep(Duration::from_millis(plan.stdout_repeat_duration_ms)).await;
        files.write(plan.stdout_string.as_bytes())?;
    }
    Ok(())
}

struct MockHandle {
    plan: MockPlan,
    /// Shared with the run, so that it never closes under a waiter.
    exit: Arc<watch::Sender<Option<ExitRecord>>>,
    stopping: Arc<Notify>,
    life: AbortHandle,
}

fn killed() -> ExitRecord {
    ExitRecord { exit_code: 128 + SIGKILL, signal: SIGKILL, finished_at: Timestamp::now(), ..ExitRecord::default() }
}

impl Drop for MockHandle {
    fn drop(&mut self) {
        self.life.abort();
    }
}

impl TaskHandle for MockHandle {
    fn pid(&self) -> Option<u32> {
        None
    }

    fn wait(&self) -> BoxFuture<'_, ExitRecord> {
        let mut exit = self.exit.subscribe();
        async move {
            let ended = exit.wait_for(Option::is_some).await;
            // `self` holds the sending side: it cannot be closed.
            ended.ok().and_then(|record| record.clone()).unwrap_or_else(killed)
        }
        .boxed()
    }

    fn signal(&self, _signal: &str) -> BoxFuture<'_, Result<(), String>> {
        let refused = self.plan.signal_error.clone();
        async move { if refused.is_empty() { Ok(()) } else { Err(refused) } }.boxed()
    }

    fn stop<'a>(&'a self, _signal: &'a str, grace: Duration) -> BoxFuture<'a, Result<(), String>> {
        async move {
            self.stopping.notify_one();
            if tokio::time::timeout(grace, self.wait()).await.is_err() {
                self.life.abort();
                self.exit.send_if_modified(|exit| exit.is_none() && exit.replace(killed()).is_none());
            }
            Ok(())
        }
        .boxed()
    }

    fn stats(&self) -> BoxFuture<'_, Option<TaskStats>> {
        async { None }.boxed()
    }

    fn release(&self) -> BoxFuture<'_, ()> {
        async move { self.life.abort() }.boxed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn logs(dir: &std::path::Path) -> LogPlan {
        LogPlan { dir: dir.to_path_buf(), task: "mock".into(), max_files: 2, max_file_size: 1024, disabled: false }
    }

    fn config(pairs: &[(&str, ConfigValue)]) -> ConfigValue {
        ConfigValue::Map(pairs.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect())
    }

    #[test]
    fn durations_come_as_texts_or_nanoseconds() {
        let plan = mock_plan(&config(&[
            ("run_for", ConfigValue::String("1.5s".into())),
            ("kill_after", ConfigValue::Int(2_000_000)),
            ("exit_code", ConfigValue::Int(3)),
            ("start_error_recoverable", ConfigValue::Bool(true)),
        ]));
        assert_eq!((plan.run_for_ms, plan.kill_after_ms, plan.exit_code, plan.start_error_recoverable), (1500, 2, 3, true));
        assert_eq!(MockDriver.check_config(&config(&[("run_fro", ConfigValue::Int(1))])).len(), 1);
    }

    #[tokio::test]
    async fn it_writes_and_ends_as_told() {
        let dir = tempfile::tempdir().unwrap();
        let plan = MockPlan { exit_code: 3, stdout_string: "hello\n".into(), ..MockPlan::default() };
        let task = start(&plan, &logs(dir.path())).await.unwrap();
        assert_eq!(task.wait().await.exit_code, 3);
        assert_eq!(task.wait().await, task.wait().await);
        assert_eq!(std::fs::read_to_string(dir.path().join("mock.stdout.0")).unwrap(), "hello\n");
    }

    #[tokio::test]
    async fn a_stop_is_obeyed_or_forced() {
        let dir = tempfile::tempdir().unwrap();
        let plan = MockPlan { run_for_ms: 3_600_000, signal_error: "no".into(), ..MockPlan::default() };
        let obedient = start(&plan, &logs(dir.path())).await.unwrap();
        assert_eq!(obedient.signal("SIGHUP").await, Err("no".to_owned()));
        obedient.stop("SIGINT", Duration::from_secs(60)).await.unwrap();
        assert!(obedient.wait().await.is_success());

        let stubborn = start(&MockPlan { kill_after_ms: 3_600_000, ..plan }, &logs(dir.path())).await.unwrap();
        stubborn.stop("SIGINT", Duration::from_millis(1)).await.unwrap();
        assert_eq!(stubborn.wait().await.signal, SIGKILL);
    }

    #[tokio::test]
    async fn a_start_fails_as_told() {
        let dir = tempfile::tempdir().unwrap();
        let plan = MockPlan { start_error: "broken".into(), ..MockPlan::default() };
        assert!(matches!(start(&plan, &logs(dir.path())).await, Err(StartError::Permanent(text)) if text == "broken"));
        let plan = MockPlan { start_error_recoverable: true, ..plan };
        assert!(matches!(start(&plan, &logs(dir.path())).await, Err(StartError::Transient(_))));
    }
}
