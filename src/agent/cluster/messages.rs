//! What members and would-be members ask servers.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::model::security::Identity;

pub const JOIN: &str = "/v1/cluster/join";
pub const RENEW: &str = "/v1/cluster/renew";
pub const SERVERS: &str = "/v1/cluster/servers";
/// Every certificate authority to trust, the issuing one first.
pub const AUTHORITIES: &str = "/v1/cluster/authorities";
pub const ANNOUNCE: &str = "/v1/cluster/announce";

/// In front of the path of an API request that is passed on.
pub const API_PREFIX: &str = "/http";

/// A stranger's request to be let in, over a connection whose authority it pinned.
#[derive(Clone, Serialize, Deserialize)]
pub struct JoinRequest {
    pub token: u128,
    /// The token's secret as text; it is hashed on arrival and kept nowhere.
    pub secret: String,
    pub identity: Identity,
    /// Certificate request, DER.
    pub request: Vec<u8>,
    /// Where a server will be reached.
    pub addresses: Vec<IpAddr>,
    /// Filled in by a server that passes the request on.
    pub observed: Option<IpAddr>,
}

/// What a new member needs.
#[derive(Clone, Serialize, Deserialize)]
pub struct Admission {
    /// DER.
    pub certificate: Vec<u8>,
    pub authorities: Vec<Vec<u8>>,
    /// RPC addresses.
    pub servers: Vec<String>,
    /// For servers: what unseals the authority's key.
    pub seal_key: Option<Vec<u8>>,
}

/// A member's request for a fresh certificate.
#[derive(Clone, Serialize, Deserialize)]
pub struct RenewRequest {
    /// Certificate request, DER.
    pub request: Vec<u8>,
    pub addresses: Vec<IpAddr>,
}

/// A server says where it is now.
#[derive(Clone, Serialize, Deserialize)]
pub struct Announcement {
    pub id: u64,
    /// `host:port` of its RPC.
    pub address: String,
    pub name: String,
}
