//! Calls about nodes.

use super::{ApiRequest, Client, ClientError};
use crate::api::types::allocation::Allocation;
use crate::api::types::node::{Node, NodeListStub};
use crate::api::types::stats::HostStats;

impl Client {
    pub async fn list_nodes(&self, prefix: &str) -> Result<Vec<NodeListStub>, ClientError> {
        let request = ApiRequest::get(&["nodes"]);
        self.fetch_list(if prefix.is_empty() { request } else { request.query("prefix", prefix) }).await
    }

    pub async fn node(&self, id: &str) -> Result<Node, ClientError> {
        self.fetch(ApiRequest::get(&["node", id])).await
    }

    pub async fn node_allocations(&self, id: &str) -> Result<Vec<Allocation>, ClientError> {
        self.fetch_list(ApiRequest::get(&["node", id, "allocations"])).await
    }

    pub async fn host_stats(&self, node_id: &str) -> Result<HostStats, ClientError> {
        self.fetch(ApiRequest::get(&["client", "stats"]).query("node_id", node_id)).await
    }
}
