//! Calls about nodes.

use std::time::Duration;

use hyper::Method;

use super::{ApiRequest, Client, ClientError, Indexed};
use crate::api::types::allocation::Allocation;
use crate::api::types::node::{Node, NodeDrainRequest, NodeEligibilityRequest, NodeListStub, NodeUpdateResponse};
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

    /// Waits at most `wait` for the node's allocations to change beyond `index`; 0 answers at once.
    pub async fn await_node_allocations(&self, id: &str, index: u64, wait: Duration) -> Result<Indexed<Vec<Allocation>>, ClientError> {
        let request = ApiRequest::get(&["node", id, "allocations"]).wait_beyond(index, wait);
        let answer = self.fetch_indexed::<Option<Vec<Allocation>>>(request).await?;
        Ok(Indexed { index: answer.index, value: answer.value.unwrap_or_default() })
    }

    pub async fn drain_node(&self, id: &str, request: &NodeDrainRequest) -> Result<NodeUpdateResponse, ClientError> {
        self.put(ApiRequest::new(Method::PUT, &["node", id, "drain"]), request).await
    }

    pub async fn set_node_eligibility(&self, id: &str, eligible: bool) -> Result<NodeUpdateResponse, ClientError> {
        let eligibility = if eligible { "eligible" } else { "ineligible" }.to_owned();
        let body = NodeEligibilityRequest { node_id: id.to_owned(), eligibility };
        self.put(ApiRequest::new(Method::PUT, &["node", id, "eligibility"]), &body).await
    }

    pub async fn purge_node(&self, id: &str) -> Result<NodeUpdateResponse, ClientError> {
        self.fetch(ApiRequest::new(Method::PUT, &["node", id, "purge"])).await
    }

    pub async fn host_stats(&self, node_id: &str) -> Result<HostStats, ClientError> {
        self.fetch(ApiRequest::get(&["client", "stats"]).query("node_id", node_id)).await
    }
}
