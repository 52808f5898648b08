//! Workload identities: what a task says of itself, signed (a JWT, RFC 7519).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use super::key::{self, ALGORITHM, KeyError};
use crate::model::signing_key::SigningKey;
use crate::model::{Allocation, Job, JobKey};
use crate::util::clock::Timestamp;

/// The claims of a task's identity, under Nomad's names. Times are Unix seconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    pub nomad_namespace: String,
    pub nomad_job_id: String,
    pub nomad_allocation_id: String,
    pub nomad_task: String,
    /// `region:namespace:job:group:task:identity`.
    pub sub: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub iss: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aud: Vec<String>,
    pub iat: i64,
    pub nbf: i64,
    /// None: valid as long as its key is, which is how the default identity is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exp: Option<i64>,
    /// Unique per token.
    pub jti: String,
}

/// What a task asks for with an `identity` block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    pub task: String,
    /// The identity's name; `default` for the one without.
    pub name: String,
    pub audience: Vec<String>,
    pub lifetime: Option<std::time::Duration>,
}

impl Claims {
    /// The claims of one task of an allocation. `token_id` is random.
    pub fn of(allocation: &Allocation, job: &Job, wanted: &Wanted, issuer: Option<&str>, now: Timestamp, token_id: u128) -> Self {
        // A child of a periodic or parameterized job speaks in its parent's name.
        let JobKey { namespace, id } = &job.key;
        let job_id = job.parent_id.as_ref().unwrap_or(id);
        let issued = now.0.div_euclid(1_000_000_000);
        let lifetime = wanted.lifetime.map(|lifetime| i64::try_from(lifetime.as_secs()).unwrap_or(i64::MAX));
        Self {
            sub: format!("{}:{namespace}:{job_id}:{}:{}:{}", job.region, allocation.group, wanted.task, wanted.name),
            nomad_namespace: namespace.to_string(),
            nomad_job_id: job_id.to_string(),
            nomad_allocation_id: allocation.id.to_string(),
            nomad_task: wanted.task.clone(),
            iss: issuer.map(str::to_owned),
            aud: wanted.audience.clone(),
            iat: issued,
            nbf: issued,
            exp: lifetime.map(|lifetime| issued.saturating_add(lifetime)),
            jti: uuid::Uuid::from_u128(token_id).hyphenated().to_string(),
        }
    }

    /// As a compact JWT.
    ///
    /// # Errors
    /// When the key is damaged.
    pub fn signed(&self, with: &SigningKey) -> Result<String, KeyError> {
        let header = serde_json::json!({ "alg": ALGORITHM, "kid": with.id.to_string(), "typ": "JWT" });
        // Plain structs of text and numbers: nothing in them could fail to encode.
        let claims = serde_json::to_value(self).unwrap_or_default();
        let message = format!("{}.{}", URL_SAFE_NO_PAD.encode(header.to_string()), URL_SAFE_NO_PAD.encode(claims.to_string()));
        let signature = key::sign(with, message.as_bytes())?;
        Ok(format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }
}
