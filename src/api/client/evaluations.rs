//! Calls about evaluations.

use std::time::Duration;

use super::{ApiRequest, Client, ClientError, Indexed};
use crate::api::types::allocation::AllocationListStub;
use crate::api::types::evaluation::Evaluation;

impl Client {
    pub async fn list_evaluations(&self, prefix: &str) -> Result<Vec<Evaluation>, ClientError> {
        let request = ApiRequest::get(&["evaluations"]);
        self.fetch_list(if prefix.is_empty() { request } else { request.query("prefix", prefix) }).await
    }

    pub async fn evaluation(&self, id: &str) -> Result<Evaluation, ClientError> {
        self.fetch(ApiRequest::get(&["evaluation", id])).await
    }

    /// Waits at most `wait` for the evaluation to change beyond `index`; 0 answers at once.
    pub async fn await_evaluation(&self, id: &str, index: u64, wait: Duration) -> Result<Indexed<Evaluation>, ClientError> {
        self.fetch_indexed(ApiRequest::get(&["evaluation", id]).wait_beyond(index, wait)).await
    }

    pub async fn evaluation_allocations(&self, id: &str) -> Result<Vec<AllocationListStub>, ClientError> {
        self.fetch_list(ApiRequest::get(&["evaluation", id, "allocations"])).await
    }

    /// Waits at most `wait` for the evaluation's allocations to change beyond `index`; 0 answers at once.
    pub async fn await_evaluation_allocations(
        &self,
        id: &str,
        index: u64,
        wait: Duration,
    ) -> Result<Indexed<Vec<AllocationListStub>>, ClientError> {
        let request = ApiRequest::get(&["evaluation", id, "allocations"]).wait_beyond(index, wait);
        let answer = self.fetch_indexed::<Option<Vec<AllocationListStub>>>(request).await?;
        Ok(Indexed { index: answer.index, value: answer.value.unwrap_or_default() })
    }
}
