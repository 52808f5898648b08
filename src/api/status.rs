//! Who leads, who votes, which regions there are.

use super::ApiError;
use super::call::{Answer, Call};
use super::handles::ServerError;

pub async fn leader(call: Call) -> Answer {
    let leader = call.api.server.status().leader.ok_or_else(|| ApiError::from(ServerError::NoLeader))?;
    call.plain(&leader)
}

pub async fn peers(call: Call) -> Answer {
    let status = call.api.server.status();
    let voters: Vec<_> = status.peers.iter().filter(|peer| peer.voter).map(|peer| &peer.address).collect();
    call.plain(&voters)
}

pub async fn regions(call: Call) -> Answer {
    call.plain(&[call.api.server.status().region])
}
