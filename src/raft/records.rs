//! What consensus writes to disk, in our own structs: openraft's types change between releases, these only by a new version.

use std::collections::{BTreeMap, BTreeSet};

use openraft::EntryPayload;
use serde::{Deserialize, Serialize};

use super::types::{Blob, Entry, LeaderId, LogId, Member, Membership, Proposal, SnapshotMeta, StoredMembership, Vote};
use crate::codec::{CodecError, Persisted};

/// One log entry. The request keeps an envelope of its own, so it has versions of its own.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct LogRecord {
    pub term: u64,
    pub leader: u64,
    pub index: u64,
    pub payload: PayloadRecord,
}

/// The order of variants is their tag on disk: append only.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum PayloadRecord {
    Blank,
    Request(Blob),
    Membership(MembershipRecord),
}

/// Voter sets (two while a change is under way) and every member.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct MembershipRecord {
    voters: Vec<BTreeSet<u64>>,
    members: BTreeMap<u64, MemberRecord>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct MemberRecord {
    address: String,
    name: String,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct LogIdRecord {
    term: u64,
    leader: u64,
    index: u64,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct VoteRecord {
    term: u64,
    candidate: u64,
    /// A quorum granted it.
    granted: bool,
}

/// The server's id among its peers. Generated once with the log and gone with it: an id must never come back without its log.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct IdentityRecord {
    pub id: u64,
}

/// Says how the rest of the log's directory is laid out.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct FormatRecord {
    pub version: u16,
}

/// What a snapshot file holds.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct SnapshotMetaRecord {
    last_applied: Option<LogIdRecord>,
    membership_at: Option<LogIdRecord>,
    membership: MembershipRecord,
}

macro_rules! persisted {
    ($($name:ident = $kind:literal),* $(,)?) => {
        $(impl Persisted for $name {
            const KIND: u8 = $kind;
            const VERSION: u16 = 1;
        })*
    };
}

persisted!(LogRecord = 16, LogIdRecord = 17, VoteRecord = 18, IdentityRecord = 19, FormatRecord = 20, SnapshotMetaRecord = 21);

impl From<&Entry> for LogRecord {
    fn from(entry: &Entry) -> Self {
        let LogIdRecord { term, leader, index } = (&entry.log_id).into();
        let payload = match &entry.payload {
            EntryPayload::Blank => PayloadRecord::Blank,
            EntryPayload::Normal(proposal) => PayloadRecord::Request(proposal.encoded().clone()),
            EntryPayload::Membership(membership) => PayloadRecord::Membership(membership.into()),
        };
        Self { term, leader, index, payload }
    }
}

impl LogRecord {
    pub(super) fn into_entry(self) -> Result<Entry, CodecError> {
        let payload = match self.payload {
            PayloadRecord::Blank => EntryPayload::Blank,
            PayloadRecord::Request(encoded) => EntryPayload::Normal(Proposal::try_from(encoded)?),
            PayloadRecord::Membership(membership) => EntryPayload::Membership(membership.try_into()?),
        };
        let log_id = LogIdRecord { term: self.term, leader: self.leader, index: self.index }.into();
        Ok(Entry { log_id, payload })
    }
}

impl From<&LogId> for LogIdRecord {
    fn from(id: &LogId) -> Self {
        Self { term: id.leader_id.term, leader: id.leader_id.node_id, index: id.index }
    }
}

impl From<LogIdRecord> for LogId {
    fn from(record: LogIdRecord) -> Self {
        Self { leader_id: LeaderId { term: record.term, node_id: record.leader }, index: record.index }
    }
}

impl From<&Vote> for VoteRecord {
    fn from(vote: &Vote) -> Self {
        Self { term: vote.leader_id.term, candidate: vote.leader_id.node_id, granted: vote.committed }
    }
}

impl From<VoteRecord> for Vote {
    fn from(record: VoteRecord) -> Self {
        Self { leader_id: LeaderId { term: record.term, node_id: record.candidate }, committed: record.granted }
    }
}

impl From<&Membership> for MembershipRecord {
    fn from(membership: &Membership) -> Self {
        Self {
            voters: membership.get_joint_config().clone(),
            members: membership
                .nodes()
                .map(|(id, member)| (*id, MemberRecord { address: member.address.clone(), name: member.name.clone() }))
                .collect(),
        }
    }
}

impl TryFrom<MembershipRecord> for Membership {
    type Error = CodecError;

    fn try_from(record: MembershipRecord) -> Result<Self, CodecError> {
        // Before the first membership entry there is none, which openraft's constructor does not accept.
        if record.voters.is_empty() && record.members.is_empty() {
            return Ok(Self::default());
        }
        let member = |record: MemberRecord| Member { address: record.address, name: record.name };
        let members: BTreeMap<u64, Member> = record.members.into_iter().map(|(id, record)| (id, member(record))).collect();
        Self::new(record.voters, members).map_err(|error| CodecError::Malformed {
            kind: LogRecord::KIND,
            version: LogRecord::VERSION,
            reason: error.to_string(),
        })
    }
}

impl From<&SnapshotMeta> for SnapshotMetaRecord {
    fn from(meta: &SnapshotMeta) -> Self {
        Self {
            last_applied: meta.last_log_id.as_ref().map(Into::into),
            membership_at: meta.last_membership.log_id().as_ref().map(Into::into),
            membership: meta.last_membership.membership().into(),
        }
    }
}

impl TryFrom<SnapshotMetaRecord> for SnapshotMeta {
    type Error = CodecError;

    fn try_from(record: SnapshotMetaRecord) -> Result<Self, CodecError> {
        let membership = StoredMembership::new(record.membership_at.map(Into::into), record.membership.try_into()?);
        Ok(Self { last_log_id: record.last_applied.map(Into::into), last_membership: membership })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec;
    use crate::state::Command;
    use crate::state::command::Request;

    fn log_id(index: u64) -> LogId {
        LogIdRecord { term: 3, leader: 7, index }.into()
    }

    #[test]
    fn entries_come_back_as_they_were_written() {
        let proposal = Proposal::new(Request { id: 5, command: Command::Noop }).unwrap();
        let membership = Membership::new(
            vec![BTreeSet::from([7])],
            BTreeMap::from([(7, Member { address: "10.0.0.7:4647".into(), name: "s1".into() })]),
        )
        .unwrap();
        for payload in [EntryPayload::Blank, EntryPayload::Normal(proposal), EntryPayload::Membership(membership)] {
            let entry = Entry { log_id: log_id(12), payload };
            let bytes = codec::encode(&LogRecord::from(&entry)).unwrap();
            let back = codec::decode::<LogRecord>(&bytes).unwrap().into_entry().unwrap();
            assert_eq!(format!("{back:?}"), format!("{entry:?}"));
            assert_eq!(LogRecord::from(&back), LogRecord::from(&entry));
        }
    }

    #[test]
    fn bytes_on_disk_are_pinned() {
        let entry = Entry { log_id: log_id(300), payload: EntryPayload::Blank };
        let bytes = codec::encode(&LogRecord::from(&entry)).unwrap();
        assert_eq!(bytes[..3], [16, 1, 0]);
        assert_eq!(bytes[7..], [3, 7, 251, 44, 1, 0]);
        let vote = Vote { leader_id: LeaderId { term: 3, node_id: 7 }, committed: true };
        assert_eq!(codec::encode(&VoteRecord::from(&vote)).unwrap()[7..], [3, 7, 1]);
    }

    #[test]
    fn a_snapshot_before_any_membership_is_readable() {
        let bytes = codec::encode(&SnapshotMetaRecord::from(&SnapshotMeta::default())).unwrap();
        let back = SnapshotMeta::try_from(codec::decode::<SnapshotMetaRecord>(&bytes).unwrap()).unwrap();
        assert_eq!(back, SnapshotMeta::default());
    }
}
