//! The agent about itself.

pub mod monitor;

use crate::model::NodeId;
use std::collections::BTreeMap;

use axum::http::StatusCode;
use serde_json::json;

use super::call::{Answer, Call};
use super::handles::{AgentDescription, Peer, ServerStatus};
use super::types::agent::{AgentHealth, AgentMember, AgentPartHealth, AgentSelf, ServerMembers};

/// `GET /v1/agent/self`.
pub async fn own(call: Call) -> Answer {
    let agent = call.api.agent.description();
    let status = call.api.server.status();
    let own_peer = status.peers.iter().find(|peer| peer.name == status.name).cloned().unwrap_or_else(|| Peer {
        name: agent.name.clone(),
        address: agent.rpc_address.clone(),
        alive: true,
        ..Peer::default()
    });
    let own_node = call.api.nodes.local().map(|node| node.node_id());
    let body = AgentSelf { member: member(&own_peer, &status, &agent), stats: statistics(&status, &agent, own_node), config: agent.config };
    call.plain(&body)
}

fn statistics(status: &ServerStatus, agent: &AgentDescription, own_node: Option<NodeId>) -> BTreeMap<String, BTreeMap<String, String>> {
    let text_map = |pairs: &[(&str, String)]| pairs.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect();
    let raft = text_map(&[
        ("state", if status.is_leader { "Leader" } else { "Follower" }.to_owned()),
        ("term", status.term.to_string()),
        ("last_log_index", status.last_log_index.to_string()),
        ("commit_index", status.commit_index.to_string()),
        ("applied_index", status.applied_index.to_string()),
        ("last_snapshot_index", status.last_snapshot_index.to_string()),
        ("num_peers", status.peers.len().saturating_sub(1).to_string()),
    ]);
    let nomad = text_map(&[
        ("server", agent.server_enabled.to_string()),
        ("leader", status.is_leader.to_string()),
        ("leader_addr", status.leader.clone().unwrap_or_default()),
        ("bootstrap", (status.peers.len() == 1).to_string()),
        ("known_regions", "1".to_owned()),
    ]);
    let mut statistics = BTreeMap::from([("nomad".to_owned(), nomad), ("raft".to_owned(), raft)]);
    if let Some(node) = own_node {
        let client = text_map(&[("node_id", node.to_string()), ("known_servers", status.peers.len().to_string())]);
        statistics.insert("client".to_owned(), client);
    }
    statistics
}

pub async fn members(call: Call) -> Answer {
    let agent = call.api.agent.description();
    let status = call.api.server.status();
    let members = ServerMembers {
        server_name: status.name.clone(),
        server_region: status.region.clone(),
        server_dc: status.datacenter.clone(),
        members: status.peers.iter().map(|peer| member(peer, &status, &agent)).collect(),
    };
    call.plain(&members)
}

fn member(peer: &Peer, status: &ServerStatus, agent: &AgentDescription) -> AgentMember {
    let (address, port) = peer.address.rsplit_once(':').unwrap_or((&peer.address, ""));
    let tags = [
        ("role", "nomad".to_owned()),
        ("id", peer.id.clone()),
        ("region", status.region.clone()),
        ("dc", status.datacenter.clone()),
        ("build", agent.version.clone()),
        ("port", port.to_owned()),
        ("rpc_addr", address.to_owned()),
    ];
    AgentMember {
        name: peer.name.clone(),
        addr: address.to_owned(),
        port: port.parse().unwrap_or_default(),
        tags: tags.into_iter().map(|(key, value)| (key.to_owned(), value)).collect(),
        status: if peer.alive { "alive" } else { "failed" }.to_owned(),
        protocol_min: 1,
        protocol_max: 5,
        protocol_cur: 2,
        delegate_min: 2,
        delegate_max: 5,
        delegate_cur: 4,
    }
}

pub async fn servers(call: Call) -> Answer {
    let status = call.api.server.status();
    let addresses: Vec<_> = status.peers.iter().map(|peer| &peer.address).collect();
    call.plain(&addresses)
}

/// `type=client` or `type=server`: only that half. 500 when a half that is asked for does not work.
pub async fn health(call: Call) -> Answer {
    let agent = call.api.agent.description();
    let asked = call.query.get("type").filter(|half| !half.is_empty());
    let wanted = |half| asked.is_none_or(|asked| asked == half);
    let part = |ok: bool, problem: &str| AgentPartHealth { ok, message: if ok { "ok" } else { problem }.to_owned() };
    let mut health = AgentHealth::default();
    if wanted("server") {
        health.server = if agent.server_enabled {
            Some(part(call.api.server.status().leader.is_some(), "No cluster leader"))
        } else {
            asked.map(|_| part(false, "server not enabled"))
        };
    }
    if wanted("client") {
        health.client = if agent.client_enabled {
            Some(part(call.api.nodes.local().is_some(), "the node is not running"))
        } else {
            asked.map(|_| part(false, "client not enabled"))
        };
    }
    let works = [&health.server, &health.client].into_iter().flatten().all(|half| half.ok);
    let mut response = call.plain(&health)?;
    if !works {
        *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
    }
    Ok(response)
}

pub async fn host(call: Call) -> Answer {
    let agent = call.api.agent.description();
    let node = call.api.nodes.local().map(|node| node.node_id().to_string());
    call.plain(&json!({
        "AgentID": node.unwrap_or_else(|| agent.name.clone()),
        "HostData": { "OS": std::env::consts::OS, "Arch": std::env::consts::ARCH, "Version": agent.version },
    }))
}
