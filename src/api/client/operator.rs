//! Calls of operators.

use hyper::Method;

use super::{ApiRequest, Client, ClientError};
use crate::api::types::operator::SchedulerConfigurationResponse;

impl Client {
    /// Forgets dead jobs, evaluations, allocations and nodes now instead of when they have aged.
    pub async fn collect_garbage(&self) -> Result<(), ClientError> {
        self.execute(ApiRequest::new(Method::PUT, &["system", "gc"])).await
    }

    pub async fn scheduler_configuration(&self) -> Result<SchedulerConfigurationResponse, ClientError> {
        self.fetch(ApiRequest::get(&["operator", "scheduler", "configuration"])).await
    }
}
