//! Calls about deployments.

use std::time::Duration;

use super::{ApiRequest, Client, ClientError, Indexed};
use crate::api::types::deployment::Deployment;

impl Client {
    pub async fn list_deployments(&self, prefix: &str) -> Result<Vec<Deployment>, ClientError> {
        let request = ApiRequest::get(&["deployments"]);
        self.fetch_list(if prefix.is_empty() { request } else { request.query("prefix", prefix) }).await
    }

    /// Waits at most `wait` for the deployment to change beyond `index`; 0 answers at once.
    pub async fn await_deployment(&self, id: &str, index: u64, wait: Duration) -> Result<Indexed<Deployment>, ClientError> {
        self.fetch_indexed(ApiRequest::get(&["deployment", id]).wait_beyond(index, wait)).await
    }
}
