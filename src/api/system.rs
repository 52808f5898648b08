//! The cluster's own upkeep.

use axum::http::HeaderValue;
use axum::http::header;
use serde_json::json;

use super::ApiError;
use super::call::{Answer, Call, done};
use crate::auth::key::{ALGORITHM, PublicKey};

pub async fn collect_garbage(call: Call) -> Answer {
    call.api.server.collect_garbage().await?;
    Ok(done())
}

/// Verifiers may keep the keys for this long; a key that is added signs nothing that they see earlier.
const KEYS_MAX_AGE: &str = "public, max-age=900";

/// Public keys of workload identities, oldest first. Not a blocking query: clients poll it to learn whether the cluster is up.
pub async fn key_set(call: Call) -> Answer {
    let keys: Vec<PublicKey> = call.api.server.store().load().signing_keys().map(|key| PublicKey::from(&**key)).collect();
    let mut response = call.plain(&json!({ "keys": keys }))?;
    if !keys.is_empty() {
        response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static(KEYS_MAX_AGE));
    }
    Ok(response)
}

/// OpenID Connect discovery, for those who trust the cluster's identities by its address.
pub async fn openid_configuration(call: Call) -> Answer {
    let Some(issuer) = call.api.agent.description().oidc_issuer else {
        return Err(ApiError::not_found("OIDC Discovery endpoint disabled: server.oidc_issuer is not set"));
    };
    call.plain(&json!({
        "issuer": issuer,
        "jwks_uri": format!("{}/.well-known/jwks.json", issuer.trim_end_matches('/')),
        "response_types_supported": ["code"],
        "id_token_signing_alg_values_supported": [ALGORITHM],
        "subject_types_supported": ["public"],
    }))
}
