//! A task: one process, container or virtual machine of a group.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::policy::RestartPolicy;
use super::service::Service;
use super::{Affinity, ConfigValue, Constraint, TaskResources, Text};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Task {
    pub name: Text,
    pub driver: Text,
    /// The driver's own keys, checked by the driver.
    pub config: ConfigValue,
    pub user: Text,
    pub env: BTreeMap<Text, Text>,
    pub meta: BTreeMap<Text, Text>,
    pub resources: TaskResources,
    /// `None`: the group's.
    pub restart: Option<RestartPolicy>,
    pub lifecycle: Option<Lifecycle>,
    pub leader: bool,
    pub kill_timeout: Duration,
    /// Empty: the driver's default.
    pub kill_signal: Text,
    pub shutdown_delay: Duration,
    pub logs: LogConfig,
    pub constraints: Vec<Constraint>,
    pub affinities: Vec<Affinity>,
    pub services: Vec<Service>,
    pub templates: Vec<Template>,
    pub artifacts: Vec<Artifact>,
    pub volume_mounts: Vec<VolumeMount>,
    pub dispatch_payload_file: Option<Text>,
    /// Stanzas that are parsed and kept but have no room of their own yet (`vault`, `identity`, ...), by name.
    pub other: BTreeMap<Text, ConfigValue>,
}

impl Task {
    /// Whether this task is one of the group's main tasks, which decide when the allocation is over.
    pub fn is_main(&self) -> bool {
        self.lifecycle.is_none()
    }

    /// Whether it runs beside the main tasks for their whole life.
    pub fn is_sidecar(&self) -> bool {
        self.lifecycle.as_ref().is_some_and(|lifecycle| lifecycle.sidecar)
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lifecycle {
    pub hook: LifecycleHook,
    pub sidecar: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum LifecycleHook {
    Prestart,
    Poststart,
    Poststop,
}

impl LifecycleHook {
    pub fn name(self) -> &'static str {
        match self {
            Self::Prestart => "prestart",
            Self::Poststart => "poststart",
            Self::Poststop => "poststop",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogConfig {
    pub max_files: u32,
    /// MiB.
    pub max_file_size: u32,
    pub disabled: bool,
}

impl Default for LogConfig {
    fn default() -> Self {
        Self { max_files: 10, max_file_size: 10, disabled: false }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Template {
    pub source: Text,
    pub destination: Text,
    pub data: Text,
    pub change_mode: Text,
    pub change_signal: Text,
    pub perms: Text,
    pub left_delimiter: Text,
    pub right_delimiter: Text,
    pub splay: Duration,
    pub env: bool,
    pub once: bool,
    pub error_on_missing_key: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Artifact {
    pub source: Text,
    pub destination: Text,
    pub mode: Text,
    pub options: BTreeMap<Text, Text>,
    pub headers: BTreeMap<Text, Text>,
    pub insecure: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VolumeMount {
    pub volume: Text,
    pub destination: Text,
    pub read_only: bool,
    pub propagation_mode: Text,
}
