//! `plan.json`: the launch plan and what the agent resolved for it.

use serde::{Deserialize, Serialize};

use crate::runtime::cgroup::CgroupPaths;
use crate::runtime::launch::LaunchPlan;

pub const PLAN_FILE: &str = "plan.json";

/// Everything a shim, or the one that adopts its task, needs to know.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ShimPlan {
    pub launch: LaunchPlan,
    /// The task's group, made by the agent; `None`: it runs without.
    pub cgroup: Option<CgroupPaths>,
    /// `None`: the agent's user.
    pub credentials: Option<Credentials>,
}

/// A user as numbers; names are resolved in the agent, so that the shim loads no name service modules.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credentials {
    pub uid: u32,
    pub gid: u32,
    pub groups: Vec<u32>,
}
