//! What the HTTP API needs from the rest of the agent, as traits: the server half behind [`ServerHandle`], the working half of a
//! node behind [`NodeApi`], the agent itself behind [`AgentHandle`]. Handlers know nothing else, so they are tested with fakes.

mod agent;
mod cluster;
mod error;
mod node;
mod server;

pub use agent::{AgentDescription, AgentHandle, LogLevel, LogLine};
pub use cluster::{ClusterHandle, ClusterHealth, NewJoinToken, SavedState, ServerHealth};
pub use error::{NodeError, ServerError};
pub use node::{ByteStream, FileEvent, FileFrame, FileInfo, FrameStream, LogKind, LogRequest, NodeApi, NodeDirectory, Origin};
pub use server::{
    DeploymentChange, DesiredChanges, DispatchJob, Dispatched, Drain, DryRun, NodeChange, Peer, RegisterJob, Registered, ScaleJob,
    ServerHandle, ServerStatus,
};
