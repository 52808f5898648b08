//! Calls of operators.

use hyper::{Method, StatusCode};

use super::{ApiRequest, ByteStream, Client, ClientError};
use crate::api::types::operator::{
    AutopilotConfiguration, AutopilotHealth, JoinTokenInfo, JoinTokenRequest, RaftConfiguration, SchedulerConfigurationResponse,
};

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

    pub async fn autopilot_configuration(&self) -> Result<AutopilotConfiguration, ClientError> {
        self.fetch(ApiRequest::get(&["operator", "autopilot", "configuration"])).await
    }

    /// False when the settings' modify index is not `cas` any more.
    pub async fn set_autopilot_configuration(&self, config: &AutopilotConfiguration, cas: u64) -> Result<bool, ClientError> {
        let request = ApiRequest::new(Method::PUT, &["operator", "autopilot", "configuration"]).query("cas", cas.to_string());
        self.put(request, config).await
    }

    /// An answer that says "not healthy" is one too.
    pub async fn autopilot_health(&self) -> Result<AutopilotHealth, ClientError> {
        let path = "/v1/operator/autopilot/health".to_owned();
        let response = self.send(ApiRequest::raw(Method::GET, path.as_str())).await?;
        let status = response.status();
        let body = self.collect(response).await?;
        if !status.is_success() && status != StatusCode::TOO_MANY_REQUESTS {
            return Err(ClientError::Status { code: status.as_u16(), message: String::from_utf8_lossy(&body).into_owned() });
        }
        serde_json::from_slice(&body).map_err(|source| ClientError::Decode { path, source })
    }

    /// The state as an archive.
    pub async fn save_snapshot(&self, stale: bool) -> Result<ByteStream, ClientError> {
        self.open(ApiRequest::get(&["operator", "snapshot"]).flag("stale", stale)).await
    }

    pub async fn restore_snapshot(&self, archive: Vec<u8>) -> Result<(), ClientError> {
        self.execute(ApiRequest::new(Method::PUT, &["operator", "snapshot"]).bytes(archive)).await
    }

    /// To any other voter when none is named.
    pub async fn transfer_leadership(&self, to: Option<(&str, &str)>) -> Result<(), ClientError> {
        let request = ApiRequest::new(Method::PUT, &["operator", "raft", "transfer-leadership"]);
        self.execute(to.into_iter().fold(request, |request, (by, server)| request.query(by, server))).await
    }
}
