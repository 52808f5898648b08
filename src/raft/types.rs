//! What openraft's generic parameters stand for here, and the payload of a log entry.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use serde::de::{Deserialize, Deserializer, Visitor};
use serde::{Deserialize as DeserializeDerive, Serialize, Serializer};

use crate::codec::{self, CodecError};
use crate::state::command::Request;
use crate::state::{Rejection, Reply};

openraft::declare_raft_types!(
    /// A log id carries the whole leader id (term and server), so the record of an entry tells who proposed it.
    pub(super) TypeConfig:
        D = Proposal,
        R = Answer,
        NodeId = u64,
        Node = Member,
);

pub(super) type Answer = Result<Reply, Rejection>;
pub(super) type Entry = openraft::alias::EntryOf<TypeConfig>;
pub(super) type LogId = openraft::alias::LogIdOf<TypeConfig>;
pub(super) type Vote = openraft::alias::VoteOf<TypeConfig>;
pub(super) type LeaderId = openraft::alias::LeaderIdOf<TypeConfig>;
pub(super) type Membership = openraft::Membership<u64, Member>;
pub(super) type StoredMembership = openraft::alias::StoredMembershipOf<TypeConfig>;
pub(super) type SnapshotMeta = openraft::alias::SnapshotMetaOf<TypeConfig>;

/// A server as the membership knows it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, DeserializeDerive)]
pub(super) struct Member {
    /// Where the other servers reach it, `host:port`; empty while there are no others.
    pub address: String,
    /// What people call it.
    pub name: String,
}

/// A request with its encoding. It is encoded once, by whoever proposes it and in parallel with other proposals, so that a request
/// that cannot be written is an error for its author and never one for the log; clones share both forms.
#[derive(Clone, Serialize, DeserializeDerive)]
#[serde(into = "Blob", try_from = "Blob")]
pub(super) struct Proposal {
    request: Arc<Request>,
    encoded: Blob,
}

impl Proposal {
    pub(super) fn new(request: Request) -> Result<Self, CodecError> {
        let encoded = Blob(codec::encode(&request)?.into());
        Ok(Self { request: Arc::new(request), encoded })
    }

    pub(super) fn request(&self) -> &Request {
        &self.request
    }

    pub(super) fn encoded(&self) -> &Blob {
        &self.encoded
    }
}

impl TryFrom<Blob> for Proposal {
    type Error = CodecError;

    fn try_from(encoded: Blob) -> Result<Self, CodecError> {
        Ok(Self { request: Arc::new(codec::decode(&encoded.0)?), encoded })
    }
}

impl From<Proposal> for Blob {
    fn from(proposal: Proposal) -> Self {
        proposal.encoded
    }
}

/// Short: openraft prints entries in its traces.
impl fmt::Debug for Proposal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "request {:032x} ({} bytes)", self.request.id, self.encoded.len())
    }
}

impl fmt::Display for Proposal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// Bytes that are written as one run; a `Vec<u8>` would go through serde byte by byte.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Blob(pub Bytes);

impl Blob {
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}

impl Serialize for Blob {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for Blob {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_byte_buf(BlobVisitor)
    }
}

struct BlobVisitor;

impl Visitor<'_> for BlobVisitor {
    type Value = Blob;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a run of bytes")
    }

    fn visit_bytes<E: serde::de::Error>(self, bytes: &[u8]) -> Result<Blob, E> {
        Ok(Blob(Bytes::copy_from_slice(bytes)))
    }

    fn visit_byte_buf<E: serde::de::Error>(self, bytes: Vec<u8>) -> Result<Blob, E> {
        Ok(Blob(bytes.into()))
    }
}
