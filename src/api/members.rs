//! Who belongs to the cluster, and permissions to join it.

use std::time::Duration;

use super::ApiError;
use super::call::{Answer, Call, done};
use super::types::operator::{JoinTokenInfo, JoinTokenRequest};
use crate::model::security::{JoinToken, Role};
use crate::util::go_duration;

/// What a token is good for when the request does not say: one machine, within the hour.
const DEFAULT_TTL: Duration = Duration::from_secs(3600);
const DEFAULT_USES: u32 = 1;

/// A forgotten token should not stay good for ever.
const MAX_TTL: Duration = Duration::from_secs(90 * 24 * 3600);

pub async fn create_join_token(call: Call) -> Answer {
    let request: JoinTokenRequest = call.json()?;
    let role: Role = request.role.parse().map_err(ApiError::bad_request)?;
    let ttl = match request.ttl.as_str() {
        "" => DEFAULT_TTL,
        text => go_duration::parse(text).map_err(|error| ApiError::bad_request(format!("TTL: {error}")))?,
    };
    if ttl.is_zero() || ttl > MAX_TTL {
        return Err(ApiError::bad_request("TTL must be more than nothing and at most 2160h (90 days)"));
    }
    let uses = request.uses.unwrap_or(DEFAULT_USES);
    if uses == 0 {
        return Err(ApiError::bad_request("Uses must be at least 1"));
    }
    let made = call.api.cluster.create_join_token(role, ttl, uses).await?;
    call.plain(&JoinTokenInfo { token: Some(made.text), ..info(&made.token) })
}

/// Without their secrets, which nobody has.
pub async fn join_tokens(call: Call) -> Answer {
    let view = call.view_of_tables(&[]).await?;
    let tokens: Vec<JoinTokenInfo> = view.state.security().join_tokens.values().map(info).collect();
    call.plain(&tokens)
}

pub async fn revoke_join_token(call: Call) -> Answer {
    let id = u128::from_str_radix(call.parameter(), 16).map_err(|_| ApiError::not_found("join token not found"))?;
    call.api.cluster.revoke_join_token(id).await?;
    Ok(done())
}

/// `node`: a server's name, id or address, or a node's id.
pub async fn force_leave(call: Call) -> Answer {
    let member = named(&call, &["node"]).ok_or_else(|| ApiError::bad_request("missing node to force leave"))?;
    call.api.cluster.force_leave(member).await?;
    Ok(done())
}

/// `id` or `address`.
pub async fn remove_peer(call: Call) -> Answer {
    let server = named(&call, &["id", "address"])
        .ok_or_else(|| ApiError::bad_request("Must specify either ?id with the server's ID or ?address"))?;
    call.api.cluster.remove_peer(server).await?;
    Ok(done())
}

/// `id` or `address`; without, any other voter.
pub async fn transfer_leadership(call: Call) -> Answer {
    call.api.cluster.transfer_leadership(named(&call, &["id", "address"])).await?;
    Ok(done())
}

fn named(call: &Call, parameters: &[&str]) -> Option<String> {
    parameters.iter().find_map(|name| call.query.get(name)).filter(|value| !value.is_empty()).map(str::to_owned)
}

fn info(token: &JoinToken) -> JoinTokenInfo {
    JoinTokenInfo {
        id: format!("{:032x}", token.id),
        role: token.role.name().to_owned(),
        created_at: token.created_at.rfc3339(),
        expires_at: token.expires_at.rfc3339(),
        uses_left: token.uses_left,
        token: None,
    }
}
