//! Upkeep of the servers: settings and health.

use axum::http::StatusCode;

use super::ApiError;
use super::call::{Answer, Call};
use super::convert::autopilot;
use super::handles::ServerError;
use super::types::operator::{AutopilotConfiguration, AutopilotHealth};
use crate::state::Rejection;

pub async fn read(call: Call) -> Answer {
    let view = call.view_of_tables(&[]).await?;
    call.plain(&AutopilotConfiguration::from(view.state.autopilot()))
}

/// `cas=N`: only if the settings' modify index is N; answered with whether they were changed.
pub async fn set(call: Call) -> Answer {
    let request: AutopilotConfiguration = call.json()?;
    let config = autopilot::from_request(&request).map_err(ApiError::bad_request)?;
    let check_index = call.query.number("cas")?;
    match call.api.cluster.set_autopilot_config(config, check_index).await {
        Ok(index) => call.written(index, &true),
        Err(ServerError::Rejected(Rejection::AutopilotConfigConflict { found, .. })) => call.written(found, &false),
        Err(error) => Err(error.into()),
    }
}

/// 429 when a server is not well, as Nomad has it for the sake of probes that look at the status alone.
pub async fn health(call: Call) -> Answer {
    let health = AutopilotHealth::from(call.api.cluster.health()?);
    let mut response = call.plain(&health)?;
    if !health.healthy {
        *response.status_mut() = StatusCode::TOO_MANY_REQUESTS;
    }
    Ok(response)
}
