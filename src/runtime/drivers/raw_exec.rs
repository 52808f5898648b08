//! `raw_exec`: a process of the host without isolation, in its own session and cgroup.

use std::collections::BTreeMap;
use std::env;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;

use super::DriversConfig;
use super::config::{self, Kind};
use super::resources::{cgroup_plan, log_plan};
use crate::model::{ConfigValue, DriverInfo};
use crate::runtime::driver::{ConfigProblem, StartError, TaskContext, TaskDriver};
use crate::runtime::launch::{LAUNCH_PLAN_VERSION, LaunchKind, LaunchPlan, ProcessPlan};

const KEYS: [(&str, Kind); 8] = [
    ("command", Kind::Text),
    ("args", Kind::TextList),
    ("work_dir", Kind::Text),
    ("oom_score_adj", Kind::Integer),
    ("cpu_hard_limit", Kind::Bool),
    ("denied_envvars", Kind::TextList),
    ("cgroup_v1_override", Kind::Map),
    ("cgroup_v2_override", Kind::Text),
];

/// Where programs are looked for when the task's environment names no `PATH`.
const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// The driver, as the operator set it up.
pub struct RawExecDriver {
    enabled: bool,
    denied_envvars: Vec<String>,
    core_mhz: u64,
}

impl RawExecDriver {
    pub fn new(config: &DriversConfig) -> Self {
        Self { enabled: config.raw_exec, denied_envvars: config.raw_exec_denied_envvars.clone(), core_mhz: config.core_mhz }
    }

    fn plan(&self, context: &TaskContext) -> Result<LaunchPlan, StartError> {
        if !self.enabled {
            return Err(StartError::Permanent("raw_exec is disabled".to_owned()));
        }
        let problems = self.check_config(&context.config);
        if let Some(problem) = problems.first() {
            return Err(StartError::Permanent(problem.to_string()));
        }
        for key in ["cgroup_v1_override", "cgroup_v2_override"] {
            if context.config.get(key).is_some() {
                tracing::warn!(task = %context.task, key, "the task's own cgroup is used instead of the one that its config names");
            }
        }
        let config = &context.config;
        let work_dir = context.task_dir.join(config::text(config, "work_dir"));
        let mut denied = self.denied_envvars.clone();
        denied.extend(config::text_list(config, "denied_envvars"));
        let env = allowed(&context.env, &denied);
        let program = find_program(&config::text(config, "command"), &context.task_dir, env.get("PATH"))?;
        let oom_score_adj = config::integer(config, "oom_score_adj").and_then(|score| i32::try_from(score).ok());
        let mut argv = vec![program];
        argv.extend(config::text_list(config, "args"));
        let hard_limit = (config::boolean(config, "cpu_hard_limit") && self.core_mhz > 0).then_some(self.core_mhz);
        Ok(LaunchPlan {
            version: LAUNCH_PLAN_VERSION,
            driver: self.name().to_owned(),
            kind: LaunchKind::Process(ProcessPlan { argv, env, work_dir, user: context.user.clone(), oom_score_adj }),
            run_dir: context.run_dir.clone(),
            logs: log_plan(context),
            cgroup: Some(cgroup_plan(context, hard_limit)),
        })
    }
}

impl TaskDriver for RawExecDriver {
    fn name(&self) -> &'static str {
        "raw_exec"
    }

    fn fingerprint(&self) -> DriverInfo {
        let description = if self.enabled { "Healthy" } else { "disabled: enable the raw_exec plugin to run processes without isolation" };
        let attributes = if self.enabled { BTreeMap::from([("driver.raw_exec".into(), "1".into())]) } else { BTreeMap::new() };
        DriverInfo { detected: self.enabled, healthy: self.enabled, description: description.into(), attributes }
    }

    fn check_config(&self, config: &ConfigValue) -> Vec<ConfigProblem> {
        let mut problems = config::check(config, &KEYS, &["command"]);
        if config::integer(config, "oom_score_adj").is_some_and(|score| !(-1000..=1000).contains(&score)) {
            problems.push(ConfigProblem { path: "config.oom_score_adj".into(), problem: "must be between -1000 and 1000".into() });
        }
        problems
    }

    fn prepare<'a>(&'a self, context: &'a TaskContext) -> BoxFuture<'a, Result<LaunchPlan, StartError>> {
        async move { self.plan(context) }.boxed()
    }
}

fn allowed(env: &BTreeMap<String, String>, denied: &[String]) -> BTreeMap<String, String> {
    let is_denied = |name: &str| {
        denied.iter().any(|pattern| match pattern.strip_suffix('*') {
            Some(prefix) => name.starts_with(prefix),
            None => name == pattern,
        })
    };
    env.iter().filter(|(name, _)| !is_denied(name)).map(|(name, value)| (name.clone(), value.clone())).collect()
}

/// Below the task's directory (`local/` first, where artifacts are), then as a path of the host, then in `PATH`.
fn find_program(command: &str, task_dir: &Path, path: Option<&String>) -> Result<String, StartError> {
    let relative = command.trim_start_matches('/');
    let mut candidates: Vec<PathBuf> = vec![task_dir.join("local").join(relative), task_dir.join(relative)];
    if Path::new(command).is_absolute() {
        if let Some(found) = candidates.into_iter().find(|candidate| is_executable(candidate)) {
            return Ok(found.display().to_string());
        }
        // The kernel says best what is wrong with it.
        return Ok(command.to_owned());
    }
    if !command.contains('/') {
        let path = path.cloned().or_else(|| env::var("PATH").ok()).unwrap_or_else(|| DEFAULT_PATH.to_owned());
        candidates.extend(env::split_paths(&path).filter(|dir| dir.is_absolute()).map(|dir| dir.join(command)));
    }
    let found = candidates.into_iter().find(|candidate| is_executable(candidate));
    let not_found = || StartError::Permanent(format!("exec: {command:?}: executable file not found in the task's directory or $PATH"));
    Ok(found.ok_or_else(not_found)?.display().to_string())
}

fn is_executable(path: &Path) -> bool {
    path.metadata().is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn executable(path: &Path) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "").unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    #[test]
    fn programs_are_found_in_the_task_then_on_the_host() {
        let dir = tempfile::tempdir().unwrap();
        let path = "/usr/bin:/bin".to_owned();
        let find = |command: &str| find_program(command, dir.path(), Some(&path)).map_err(|error| error.to_string());
        assert!(find("sh").unwrap().ends_with("bin/sh"));
        executable(&dir.path().join("local/sh"));
        assert_eq!(find("sh").unwrap(), dir.path().join("local/sh").display().to_string());
        fs::write(dir.path().join("data"), "").unwrap();
        assert!(find("data").unwrap_err().contains("\"data\""), "not executable");
        assert_eq!(find("/bin/nosuch").unwrap(), "/bin/nosuch");
        assert!(find("sub/nosuch").is_err());
    }

    #[test]
    fn denied_variables_do_not_reach_the_task() {
        let env = BTreeMap::from(["AWS_KEY", "AWS", "HOME"].map(|name| (name.to_owned(), String::new())));
        let kept: Vec<String> = allowed(&env, &["AWS_*".into(), "HOM".into()]).into_keys().collect();
        assert_eq!(kept, ["AWS", "HOME"]);
    }

    #[test]
    fn a_disabled_driver_says_why() {
        let driver = RawExecDriver::new(&DriversConfig::default());
        assert!(!driver.fingerprint().healthy && driver.fingerprint().description.contains("disabled"));
        let config =
            ConfigValue::Map([("comand".to_owned(), ConfigValue::Null), ("oom_score_adj".to_owned(), ConfigValue::Int(2000))].into());
        let paths: Vec<String> = driver.check_config(&config).into_iter().map(|problem| problem.path).collect();
        assert_eq!(paths, ["config.comand", "config.command", "config.oom_score_adj"]);
    }
}
