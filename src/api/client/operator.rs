//! Calls of operators.

use hyper::Method;

use super::{ApiRequest, Client, ClientError};
use crate::api::types::operator::{JoinTokenInfo, JoinTokenRequest, RaftConfiguration, SchedulerConfigurationResponse};

impl Client {
    /// Forgets dead jobs, evaluations, allocations and nodes now instead of when they have aged.
    pub async fn collect_garbage(&self) -> Result<(), ClientError> {
        self.execute(ApiRequest::new(Method::PUT, &["system", "gc"])).await
    }

    pub async fn scheduler_configuration(&self) -> Result<SchedulerConfigurationResponse, ClientError> {
        self.fetch(ApiRequest::get(&["operator", "scheduler", "configuration"])).await
    }

    pub async fn create_join_token(&self, request: &JoinTokenRequest) -> Result<JoinTokenInfo, ClientError> {
        self.put(ApiRequest::new(Method::PUT, &["operator", "join-tokens"]), request).await
    }

    pub async fn join_tokens(&self) -> Result<Vec<JoinTokenInfo>, ClientError> {
        self.fetch_list(ApiRequest::get(&["operator", "join-tokens"])).await
    }

    pub async fn revoke_join_token(&self, id: &str) -> Result<(), ClientError> {
        self.execute(ApiRequest::new(Method::DELETE, &["operator", "join-token", id])).await
    }

    pub async fn force_leave(&self, member: &str) -> Result<(), ClientError> {
        self.execute(ApiRequest::new(Method::PUT, &["agent", "force-leave"]).query("node", member)).await
    }

    pub async fn raft_configuration(&self) -> Result<RaftConfiguration, ClientError> {
        self.fetch(ApiRequest::get(&["operator", "raft", "configuration"])).await
    }

    /// `by` is `id` or `address`.
    pub async fn remove_raft_peer(&self, by: &str, server: &str) -> Result<(), ClientError> {
        self.execute(ApiRequest::new(Method::DELETE, &["operator", "raft", "peer"]).query(by, server)).await
    }

    /// To any other voter when none is named.
    pub async fn transfer_leadership(&self, to: Option<(&str, &str)>) -> Result<(), ClientError> {
        let request = ApiRequest::new(Method::PUT, &["operator", "raft", "transfer-leadership"]);
        self.execute(to.into_iter().fold(request, |request, (by, server)| request.query(by, server))).await
    }
}
