//! What every handler is given.

use std::sync::Arc;

use tokio::sync::watch;

use super::ApiError;
use super::events::EventBroker;
use super::handles::{AgentHandle, ClusterHandle, NodeApi, NodeDirectory, ServerHandle};
use crate::model::NodeId;
use crate::util::metrics::Registry;

/// The handles behind the API; cloned per request.
#[derive(Clone)]
pub struct ApiContext {
    pub server: Arc<dyn ServerHandle>,
    pub cluster: Arc<dyn ClusterHandle>,
    pub nodes: Arc<dyn NodeDirectory>,
    pub agent: Arc<dyn AgentHandle>,
    pub metrics: Arc<Registry>,
    pub events: Arc<EventBroker>,
    /// Turns true when the agent is about to stop: waiting queries answer at once and streams end.
    pub stopping: watch::Receiver<bool>,
}

impl ApiContext {
    /// A way to the node, or the text that clients know for having none.
    pub fn path_to_node(&self, id: NodeId) -> Result<Arc<dyn NodeApi>, ApiError> {
        self.nodes.node(id).ok_or_else(|| ApiError::not_found("No path to node"))
    }

    /// Resolves when the agent is about to stop.
    pub async fn stopped(&self) {
        let mut stopping = self.stopping.clone();
        // A sender that is gone means the same.
        let _ = stopping.wait_for(|stopping| *stopping).await;
    }
}
