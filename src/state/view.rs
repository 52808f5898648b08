//! Small questions about the state that several rooms ask.

use std::sync::Arc;

use super::State;
use crate::model::{Deployment, JobKey};

impl State {
    /// The newest deployment of the job by this name.
    pub fn latest_deployment(&self, key: &JobKey) -> Option<&Arc<Deployment>> {
        self.deployments_of_job(key).max_by_key(|deployment| (deployment.create_index, deployment.id))
    }
}
