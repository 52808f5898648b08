//! Verbs on the cluster's trust.

use super::{Server, ServerError};
use crate::model::security::SecurityChange;
use crate::state::Command;

impl Server {
    /// Carries out a change of tokens, members or authorities; answers with its index.
    pub async fn change_security(&self, change: SecurityChange) -> Result<u64, ServerError> {
        Ok(self.propose(Command::ChangeSecurity { change }).await?.index)
    }
}
