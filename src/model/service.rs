//! Services that a group or task announces, and their checks.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Text;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Service {
    pub name: Text,
    pub provider: ServiceProvider,
    pub port_label: Text,
    pub tags: Vec<Text>,
    pub canary_tags: Vec<Text>,
    pub meta: BTreeMap<Text, Text>,
    pub canary_meta: BTreeMap<Text, Text>,
    pub address_mode: Text,
    pub address: Text,
    pub task: Text,
    pub on_update: Text,
    pub checks: Vec<ServiceCheck>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ServiceProvider {
    /// Nomad's default; pannier serves it natively and says so.
    Consul,
    Nomad,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceCheck {
    pub name: Text,
    /// `http`, `tcp`, `grpc` or `script`.
    pub kind: Text,
    pub path: Text,
    pub method: Text,
    pub protocol: Text,
    pub port_label: Text,
    pub command: Text,
    pub args: Vec<Text>,
    pub header: BTreeMap<Text, Vec<Text>>,
    pub body: Text,
    pub task: Text,
    pub interval: Duration,
    pub timeout: Duration,
    pub on_update: Text,
    pub initial_status: Text,
    pub tls_skip_verify: bool,
    pub check_restart: Option<CheckRestart>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckRestart {
    pub limit: u32,
    pub grace: Duration,
    pub ignore_warnings: bool,
}
