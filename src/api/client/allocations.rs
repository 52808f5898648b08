//! Calls about allocations.

use hyper::Method;
use serde_json::Value;

use super::{ApiRequest, Client, ClientError};
use crate::api::types::allocation::{
    Allocation, AllocationListStub, AllocationRestartRequest, AllocationSignalRequest, AllocationStopResponse,
};
use crate::api::types::stats::AllocResourceUsage;

impl Client {
    pub async fn list_allocations(&self, prefix: &str) -> Result<Vec<AllocationListStub>, ClientError> {
        self.fetch_list(ApiRequest::get(&["allocations"]).query("prefix", prefix)).await
    }

    pub async fn allocation(&self, id: &str) -> Result<Allocation, ClientError> {
        self.fetch(ApiRequest::get(&["allocation", id])).await
    }

    pub async fn stop_allocation(&self, id: &str, no_shutdown_delay: bool) -> Result<AllocationStopResponse, ClientError> {
        let request = ApiRequest::new(Method::PUT, &["allocation", id, "stop"]).flag("no_shutdown_delay", no_shutdown_delay);
        self.put(request, &Value::Object(serde_json::Map::new())).await
    }

    pub async fn restart_allocation(&self, id: &str, body: &AllocationRestartRequest) -> Result<(), ClientError> {
        let request = ApiRequest::new(Method::PUT, &["client", "allocation", id, "restart"]);
        self.submit(request, body).await
    }

    pub async fn signal_allocation(&self, id: &str, body: &AllocationSignalRequest) -> Result<(), ClientError> {
        let request = ApiRequest::new(Method::PUT, &["client", "allocation", id, "signal"]);
        self.submit(request, body).await
    }

    pub async fn allocation_stats(&self, id: &str) -> Result<AllocResourceUsage, ClientError> {
        self.fetch(ApiRequest::get(&["client", "allocation", id, "stats"])).await
    }
}
