//! What a cluster is made of, as plain data: jobs, groups, tasks, resources, nodes, allocations,
//! evaluations, deployments, plans.
//!
//! No I/O, no async and no JSON names: the HTTP API has types of its own (`jobspec::json`, `api`), because what
//! is persisted here is encoded by position (see `codec`), where an optional field that is left out would
//! shift every later one. Persisted types therefore never use `skip_serializing_if`, `flatten` or untagged
//! enums, and enums only ever grow at their end.

pub mod allocation;
pub mod attributes;
pub mod autopilot;
pub mod compact;
pub mod config_value;
pub mod constraint;
pub mod deployment;
pub mod device;
pub mod evaluation;
pub mod fit;
#[cfg(test)]
pub mod fixtures;
pub mod group;
pub mod id;
pub mod job;
pub mod neighbours;
pub mod network;
pub mod node;
pub mod node_pool;
pub mod plan;
pub mod policy;
pub mod resources;
pub mod scaling;
pub mod scheduler_config;
pub mod security;
pub mod service;
pub mod signing_key;
pub mod task;
pub mod units;

pub use allocation::{AllocClientStatus, AllocDesiredStatus, Allocation, AllocationUpdate, TaskEvent, TaskRunState, TaskState, TaskStates};
pub use config_value::ConfigValue;
pub use constraint::{Affinity, Constraint, Operand, Spread, SpreadTarget};
pub use deployment::{Deployment, DeploymentGroup, DeploymentStatus};
pub use device::{AssignedDevice, DeviceAsk, DeviceGroup, DeviceInstance, DeviceShare};
pub use evaluation::{EvalStatus, EvalTrigger, Evaluation};
pub use group::{EphemeralDisk, TaskGroup};
pub use id::{AllocId, DeploymentId, EvalId, JobKey, JobRef, NodeId, Text};
pub use job::{Job, JobStatus, JobType};
pub use network::{AssignedPort, Network, NetworkMode, Port};
pub use node::{DriverInfo, Eligibility, Node, NodeStatus};
pub use plan::Plan;
pub use resources::{Ask, NodeResources, NumaAffinity, NumaAsk, NumaNode, TaskResources};
pub use task::{Lifecycle, LifecycleHook, Task};
pub use units::{MebiBytes, MegaHertz};
