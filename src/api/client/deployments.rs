//! Calls about deployments.

use std::time::Duration;

use hyper::Method;

use super::{ApiRequest, Client, ClientError, Indexed};
use crate::api::types::allocation::AllocationListStub;
use crate::api::types::deployment::{Deployment, DeploymentPauseRequest, DeploymentPromoteRequest, DeploymentUpdateResponse};

impl Client {
    pub async fn list_deployments(&self, prefix: &str) -> Result<Vec<Deployment>, ClientError> {
        let request = ApiRequest::get(&["deployments"]);
        self.fetch_list(if prefix.is_empty() { request } else { request.query("prefix", prefix) }).await
    }

    /// Waits at most `wait` for the deployment to change beyond `index`; 0 answers at once.
    pub async fn await_deployment(&self, id: &str, index: u64, wait: Duration) -> Result<Indexed<Deployment>, ClientError> {
        self.fetch_indexed(ApiRequest::get(&["deployment", id]).wait_beyond(index, wait)).await
    }

    pub async fn deployment(&self, id: &str) -> Result<Deployment, ClientError> {
        self.fetch(ApiRequest::get(&["deployment", id])).await
    }

    pub async fn deployment_allocations(&self, id: &str) -> Result<Vec<AllocationListStub>, ClientError> {
        self.fetch_list(ApiRequest::get(&["deployment", "allocations", id])).await
    }

    /// No groups mean all of them.
    pub async fn promote_deployment(&self, id: &str, groups: &[String]) -> Result<DeploymentUpdateResponse, ClientError> {
        let body = DeploymentPromoteRequest { deployment_id: id.to_owned(), all: groups.is_empty(), groups: groups.to_vec() };
        self.put(ApiRequest::new(Method::PUT, &["deployment", "promote", id]), &body).await
    }

    pub async fn pause_deployment(&self, id: &str, pause: bool) -> Result<DeploymentUpdateResponse, ClientError> {
        let body = DeploymentPauseRequest { deployment_id: id.to_owned(), pause };
        self.put(ApiRequest::new(Method::PUT, &["deployment", "pause", id]), &body).await
    }

    pub async fn fail_deployment(&self, id: &str) -> Result<DeploymentUpdateResponse, ClientError> {
        self.put(ApiRequest::new(Method::PUT, &["deployment", "fail", id]), &serde_json::json!({})).await
    }
}
