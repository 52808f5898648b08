//! Who belongs to the cluster and who may come: its certificate authorities, join tokens, members by certificate, what was revoked.
//!
//! Secrets are here only as hashes, and the authority's key only sealed (`tls::seal`): a copy of the log or of a snapshot lets nobody in.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::NodeId;
use crate::util::clock::Timestamp;

/// SHA-256.
pub type Digest = [u8; 32];

/// What a certificate lets its holder do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Role {
    /// Takes part in consensus, and speaks for whatever node it forwards for.
    Server,
    /// Speaks for its own node id and for nothing else.
    Client,
}

impl Role {
    pub fn name(self) -> &'static str {
        match self {
            Self::Server => "server",
            Self::Client => "client",
        }
    }
}

impl FromStr for Role {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "server" => Ok(Self::Server),
            "client" => Ok(Self::Client),
            other => Err(format!("role {other:?} is neither server nor client")),
        }
    }
}

/// Who a certificate was issued to: a server by its id in consensus, a client by its node id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Identity {
    pub role: Role,
    pub id: u128,
}

impl Identity {
    pub fn server(id: u64) -> Self {
        Self { role: Role::Server, id: u128::from(id) }
    }

    pub fn client(node: NodeId) -> Self {
        Self { role: Role::Client, id: node.0 }
    }

    pub fn is_server(&self) -> bool {
        self.role == Role::Server
    }

    /// The node this identity may speak for.
    pub fn node(&self) -> Option<NodeId> {
        (self.role == Role::Client).then_some(NodeId(self.id))
    }
}

/// As in a certificate's URI: `client/<32 hex digits>`.
impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{:032x}", self.role.name(), self.id)
    }
}

impl FromStr for Identity {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (role, id) = text.split_once('/').ok_or_else(|| format!("{text:?} is no identity"))?;
        let is_hex = id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
        let id = is_hex.then(|| u128::from_str_radix(id, 16).ok()).flatten().ok_or_else(|| format!("{text:?} is no identity"))?;
        Ok(Self { role: role.parse()?, id })
    }
}

/// Everything about trust that servers share.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClusterSecurity {
    /// The first issues certificates, all are trusted.
    pub authorities: Vec<Authority>,
    pub operator_token: Digest,
    pub join_tokens: BTreeMap<u128, JoinToken>,
    pub members: BTreeMap<Identity, Joined>,
    pub revoked: BTreeSet<Identity>,
}

/// A certificate authority of the cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Authority {
    /// DER.
    pub certificate: Vec<u8>,
    /// PKCS #8, sealed with the key that every server keeps outside of the log.
    pub sealed_key: Vec<u8>,
}

/// Permission to join, of which only the hash of the secret is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JoinToken {
    pub id: u128,
    pub role: Role,
    pub secret: Digest,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
    /// How many more members may join with it.
    pub uses_left: u32,
}

/// When and with what key a member came.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Joined {
    /// Of the certificate's public key: the same member may ask again when the answer got lost.
    pub key: Digest,
    pub at: Timestamp,
}

/// A change of [`ClusterSecurity`]. Written to the log: append only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SecurityChange {
    /// By the first server, once.
    Initialize(Box<ClusterSecurity>),
    AddJoinToken(JoinToken),
    RevokeJoinToken(u128),
    /// Admits `identity` if the token allows it.
    Join {
        token: u128,
        secret: Digest,
        identity: Identity,
        key: Digest,
        at: Timestamp,
    },
    /// Cuts a member off for good.
    Revoke(Identity),
    /// Makes a new authority the issuing one; the old ones stay trusted.
    AddAuthority(Authority),
    /// Ends the trust in every authority but the issuing one.
    DropOldAuthorities,
    /// Trusts another authority, which does not issue yet: first everybody must know it.
    TrustAuthority(Authority),
    /// Makes the trusted authority with this certificate (SHA-256) the issuing one.
    IssueWith(Digest),
}

/// Why nobody joins with a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum JoinRefusal {
    #[error("the join token is not known (was it revoked?)")]
    UnknownToken,
    #[error("the join token has expired")]
    Expired,
    #[error("the join token is used up")]
    UsedUp,
    #[error("the join token is for the other role")]
    WrongRole,
    #[error("this member was revoked: it needs a new data directory to come back")]
    Revoked,
    #[error("a member with this id has joined with another key: revoke it first, or start with a new data directory")]
    IdTaken,
}

impl ClusterSecurity {
    pub fn is_initialized(&self) -> bool {
        !self.authorities.is_empty()
    }

    /// Whether a certificate still counts.
    pub fn admits(&self, identity: &Identity) -> bool {
        !self.revoked.contains(identity)
    }

    /// Admits a member, or says why not (and changes nothing). A member that asks again with the same key costs no use.
    pub fn join(&mut self, token: u128, secret: &Digest, identity: Identity, key: Digest, at: Timestamp) -> Result<(), JoinRefusal> {
        let found = self.join_tokens.get_mut(&token).filter(|row| row.secret == *secret).ok_or(JoinRefusal::UnknownToken)?;
        if found.role != identity.role {
            return Err(JoinRefusal::WrongRole);
        }
        if self.revoked.contains(&identity) {
            return Err(JoinRefusal::Revoked);
        }
        if at >= found.expires_at {
            return Err(JoinRefusal::Expired);
        }
        match self.members.get(&identity) {
            Some(member) if member.key == key => return Ok(()),
            Some(_) => return Err(JoinRefusal::IdTaken),
            None => {}
        }
        found.uses_left = found.uses_left.checked_sub(1).ok_or(JoinRefusal::UsedUp)?;
        self.members.insert(identity, Joined { key, at });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn security(uses_left: u32) -> ClusterSecurity {
        let token =
            JoinToken { id: 1, role: Role::Client, secret: [1; 32], created_at: Timestamp(0), expires_at: Timestamp(100), uses_left };
        ClusterSecurity { join_tokens: BTreeMap::from([(1, token)]), ..ClusterSecurity::default() }
    }

    #[test]
    fn a_token_admits_as_many_members_as_it_says_and_no_others() {
        let node = |id| Identity::client(NodeId(id));
        let mut security = security(1);
        assert_eq!(security.join(1, &[2; 32], node(7), [7; 32], Timestamp(1)), Err(JoinRefusal::UnknownToken));
        assert_eq!(security.join(1, &[1; 32], Identity::server(7), [7; 32], Timestamp(1)), Err(JoinRefusal::WrongRole));
        assert_eq!(security.join(1, &[1; 32], node(7), [7; 32], Timestamp(100)), Err(JoinRefusal::Expired));
        assert_eq!(security.join(1, &[1; 32], node(7), [7; 32], Timestamp(1)), Ok(()));
        assert_eq!(security.join(1, &[1; 32], node(7), [7; 32], Timestamp(2)), Ok(()), "its answer was lost");
        assert_eq!(security.join(1, &[1; 32], node(7), [8; 32], Timestamp(2)), Err(JoinRefusal::IdTaken));
        assert_eq!(security.join(1, &[1; 32], node(8), [8; 32], Timestamp(2)), Err(JoinRefusal::UsedUp));
        security.revoked.insert(node(7));
        assert_eq!(security.join(1, &[1; 32], node(7), [7; 32], Timestamp(2)), Err(JoinRefusal::Revoked));
    }

    #[test]
    fn identities_are_read_as_they_are_written() {
        for identity in [Identity::server(u64::MAX), Identity::client(NodeId(3))] {
            assert_eq!(identity.to_string().parse(), Ok(identity));
        }
        for text in ["", "server", "root/00000000000000000000000000000003", "client/3", "client/+0000000000000000000000000000003"] {
            assert!(text.parse::<Identity>().is_err(), "{text}");
        }
    }
}
