//! Calls about jobs.

use std::collections::BTreeMap;

use hyper::Method;
use serde_json::Value;

use super::{ApiRequest, Client, ClientError};
use crate::api::types::allocation::AllocationListStub;
use crate::api::types::deployment::Deployment;
use crate::api::types::evaluation::Evaluation;
use crate::api::types::job::{
    EvalOptions, JobDeregisterResponse, JobDispatchRequest, JobDispatchResponse, JobEvaluateRequest, JobListStub, JobParseRequest,
    JobPlanRequest, JobPlanResponse, JobRegisterRequest, JobRegisterResponse, JobRevertRequest, JobSubmission, JobSummary,
    JobValidateRequest, JobValidateResponse, JobVersionsResponse, PeriodicForceResponse,
};
use crate::api::types::scale::{ScaleRequest, ScaleStatus};

/// How a job shall be stopped.
#[derive(Debug, Clone, Default)]
pub struct StopOptions {
    /// Forget the job at once instead of keeping it as dead.
    pub purge: bool,
    pub global: bool,
    pub no_shutdown_delay: bool,
    /// The priority of the evaluation; none is the job's own.
    pub eval_priority: Option<i64>,
}

impl Client {
    pub async fn list_jobs(&self, prefix: &str) -> Result<Vec<JobListStub>, ClientError> {
        let request = ApiRequest::get(&["jobs"]);
        self.fetch_list(if prefix.is_empty() { request } else { request.query("prefix", prefix) }).await
    }

    pub async fn job(&self, id: &str) -> Result<Value, ClientError> {
        self.fetch(ApiRequest::get(&["job", id])).await
    }

    pub async fn register_job(&self, request: &JobRegisterRequest) -> Result<JobRegisterResponse, ClientError> {
        self.put(ApiRequest::new(Method::PUT, &["jobs"]), request).await
    }

    pub async fn plan_job(&self, id: &str, request: &JobPlanRequest) -> Result<JobPlanResponse, ClientError> {
        self.put(ApiRequest::new(Method::PUT, &["job", id, "plan"]), request).await
    }

    pub async fn validate_job(&self, job: Value) -> Result<JobValidateResponse, ClientError> {
        let body = JobValidateRequest { job, ..Default::default() };
        self.put(ApiRequest::new(Method::PUT, &["validate", "job"]), &body).await
    }

    pub async fn parse_job(&self, request: &JobParseRequest) -> Result<Value, ClientError> {
        self.put(ApiRequest::new(Method::PUT, &["jobs", "parse"]), request).await
    }

    pub async fn stop_job(&self, id: &str, options: &StopOptions) -> Result<JobDeregisterResponse, ClientError> {
        let mut request = ApiRequest::new(Method::DELETE, &["job", id])
            .flag("purge", options.purge)
            .flag("global", options.global)
            .flag("no_shutdown_delay", options.no_shutdown_delay);
        if let Some(priority) = options.eval_priority {
            request = request.query("eval_priority", priority.to_string());
        }
        self.fetch(request).await
    }

    pub async fn evaluate_job(&self, id: &str, force_reschedule: bool) -> Result<JobRegisterResponse, ClientError> {
        let body = JobEvaluateRequest { job_id: id.to_owned(), eval_options: EvalOptions { force_reschedule } };
        self.put(ApiRequest::new(Method::PUT, &["job", id, "evaluate"]), &body).await
    }

    pub async fn dispatch_job(&self, id: &str, request: &JobDispatchRequest) -> Result<JobDispatchResponse, ClientError> {
        self.put(ApiRequest::new(Method::PUT, &["job", id, "dispatch"]), request).await
    }

    pub async fn force_periodic_job(&self, id: &str) -> Result<PeriodicForceResponse, ClientError> {
        self.fetch(ApiRequest::new(Method::PUT, &["job", id, "periodic", "force"])).await
    }

    pub async fn scale_job(&self, id: &str, group: &str, count: i64, message: String) -> Result<JobRegisterResponse, ClientError> {
        let target = BTreeMap::from([("Job".to_owned(), id.to_owned()), ("Group".to_owned(), group.to_owned())]);
        let body = ScaleRequest { count: Some(count), target, message, ..Default::default() };
        self.put(ApiRequest::new(Method::PUT, &["job", id, "scale"]), &body).await
    }

    pub async fn job_scale_status(&self, id: &str) -> Result<ScaleStatus, ClientError> {
        self.fetch(ApiRequest::get(&["job", id, "scale"])).await
    }

    pub async fn job_summary(&self, id: &str) -> Result<JobSummary, ClientError> {
        self.fetch(ApiRequest::get(&["job", id, "summary"])).await
    }

    /// `all` includes allocations of an earlier job with the same id.
    pub async fn job_allocations(&self, id: &str, all: bool) -> Result<Vec<AllocationListStub>, ClientError> {
        self.fetch_list(ApiRequest::get(&["job", id, "allocations"]).flag("all", all)).await
    }

    pub async fn job_evaluations(&self, id: &str) -> Result<Vec<Evaluation>, ClientError> {
        self.fetch_list(ApiRequest::get(&["job", id, "evaluations"])).await
    }

    pub async fn latest_deployment(&self, id: &str) -> Result<Option<Deployment>, ClientError> {
        self.fetch(ApiRequest::get(&["job", id, "deployment"])).await
    }

    /// Newest first. `all` includes deployments of an earlier job with the same id.
    pub async fn job_deployments(&self, id: &str, all: bool) -> Result<Vec<Deployment>, ClientError> {
        self.fetch_list(ApiRequest::get(&["job", id, "deployments"]).flag("all", all)).await
    }

    pub async fn revert_job(&self, id: &str, version: u64) -> Result<JobRegisterResponse, ClientError> {
        let body = JobRevertRequest { job_id: id.to_owned(), job_version: version, ..Default::default() };
        self.put(ApiRequest::new(Method::PUT, &["job", id, "revert"]), &body).await
    }

    pub async fn job_versions(&self, id: &str, diffs: bool) -> Result<JobVersionsResponse, ClientError> {
        self.fetch(ApiRequest::get(&["job", id, "versions"]).flag("diffs", diffs)).await
    }

    pub async fn job_submission(&self, id: &str, version: u64) -> Result<JobSubmission, ClientError> {
        self.fetch(ApiRequest::get(&["job", id, "submission"]).query("version", version.to_string())).await
    }
}
