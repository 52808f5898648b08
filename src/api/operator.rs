//! What operators look at and set: the Raft group, the scheduler.

use super::ApiError;
use super::call::{Answer, Call};
use super::convert::scheduler;
use super::handles::ServerError;
use super::types::operator::{
    RaftConfiguration, RaftServer, SchedulerConfiguration, SchedulerConfigurationResponse, SchedulerSetConfigurationResponse,
};
use crate::state::{Rejection, Table};

pub async fn raft_configuration(call: Call) -> Answer {
    let status = call.api.server.status();
    let servers = status.peers.iter().map(|peer| RaftServer {
        id: peer.id.clone(),
        node: peer.name.clone(),
        address: peer.address.clone(),
        leader: peer.leader,
        voter: peer.voter,
        raft_protocol: "3".to_owned(),
    });
    call.plain(&RaftConfiguration { servers: servers.collect(), index: status.commit_index })
}

pub async fn read_scheduler(call: Call) -> Answer {
    let view = call.view_of_tables(&[Table::SchedulerConfig]).await?;
    let status = call.api.server.status();
    let response = SchedulerConfigurationResponse {
        scheduler_config: Some(view.state.scheduler_config().into()),
        index: view.index,
        known_leader: status.leader.is_some(),
        last_contact: status.last_contact_ms,
    };
    call.found(&view, &response)
}

/// `cas=N`: only if the settings' modify index is N.
pub async fn set_scheduler(call: Call) -> Answer {
    let request: SchedulerConfiguration = call.json()?;
    let config = scheduler::from_request(&request)
        .map_err(|name| ApiError::bad_request(format!("invalid scheduler algorithm {name:?}: expected \"binpack\" or \"spread\"")))?;
    let check_index = call.query.number("cas")?;
    match call.api.server.set_scheduler_config(config, check_index).await {
        Ok(index) => call.written(index, &SchedulerSetConfigurationResponse { updated: true, index }),
        Err(ServerError::Rejected(Rejection::SchedulerConfigConflict { found, .. })) => {
            call.written(found, &SchedulerSetConfigurationResponse { updated: false, index: found })
        }
        Err(error) => Err(error.into()),
    }
}
