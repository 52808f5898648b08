//! Calls about the agent itself and the cluster's servers.

use hyper::Method;

use super::{ApiRequest, ByteStream, Client, ClientError, JsonStream};
use crate::api::types::agent::{AgentSelf, ServerMembers};
use crate::api::types::event::EventBatch;
use crate::api::types::search::{SearchRequest, SearchResponse};

impl Client {
    pub async fn agent_self(&self) -> Result<AgentSelf, ClientError> {
        self.fetch(ApiRequest::get(&["agent", "self"])).await
    }

    pub async fn server_members(&self) -> Result<ServerMembers, ClientError> {
        self.fetch(ApiRequest::get(&["agent", "members"])).await
    }

    /// The leader's RPC address, empty when there is none.
    pub async fn leader(&self) -> Result<String, ClientError> {
        self.fetch(ApiRequest::get(&["status", "leader"])).await
    }

    pub async fn search(&self, prefix: &str, context: &str) -> Result<SearchResponse, ClientError> {
        let body = SearchRequest { prefix: prefix.to_owned(), context: context.to_owned() };
        self.put(ApiRequest::new(Method::PUT, &["search"]), &body).await
    }

    /// Log lines of an agent as they are written; `query` narrows them (`log_level`, `node_id`, `log_json`, ...).
    pub async fn monitor(&self, query: &[(&str, &str)]) -> Result<ByteStream, ClientError> {
        let request = query
            .iter()
            .fold(ApiRequest::get(&["agent", "monitor"]).flag("plain", true), |request, (name, value)| request.query(name, value));
        self.open(request).await
    }

    /// Changes of the cluster's state beyond `index`; `topics` are `Topic:key`, none is all.
    pub async fn events(&self, topics: &[String], index: u64) -> Result<JsonStream<EventBatch>, ClientError> {
        let request = ApiRequest::get(&["event", "stream"]).query("index", index.to_string());
        self.open_json(topics.iter().fold(request, |request, topic| request.query("topic", topic))).await
    }
}
