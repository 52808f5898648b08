//! Ids as types of their own, so that a node's id cannot be passed where an allocation's is meant.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::util::random::{derive_in_a_row, derive_u128, random_u128};

/// A shared immutable string: names repeat over thousands of rows.
pub type Text = Arc<str>;

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident, $derived:path) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub struct $name(pub u128);

        impl $name {
            /// A fresh random id (UUID version 4). Never called by `apply` or a decision.
            pub fn random() -> Self {
                Self::from_bits(random_u128())
            }

            /// The `ordinal`-th id of a family named by `seed`; equal on every replica.
            pub fn derive(seed: u128, ordinal: u64) -> Self {
                Self::from_bits($derived(seed, ordinal))
            }

            fn from_bits(bits: u128) -> Self {
                Self(uuid::Builder::from_random_bytes(bits.to_be_bytes()).into_uuid().as_u128())
            }

            /// The first eight hex digits, as people see it in tables.
            pub fn short(self) -> String {
                self.to_string()[..8].to_owned()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                Uuid::from_u128(self.0).hyphenated().fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Uuid::try_parse(text).map(|id| Self(id.as_u128()))
            }
        }
    };
}

uuid_id! {
    /// An allocation: one instance of a group on a node.
    ///
    /// Ordered by its last half first, in which the ids of one plan follow each other: in tables of a million rows, whole leaves of the tree
    /// are then new instead of one row in each of ten thousand, all of which would have to be copied. What people see of it is random.
    AllocId, derive_in_a_row
}

impl Ord for AllocId {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.rotate_left(64).cmp(&other.0.rotate_left(64))
    }
}

impl PartialOrd for AllocId {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

uuid_id! {
    /// A node, kept in its data directory for life.
    #[derive(PartialOrd, Ord)]
    NodeId, derive_u128
}
uuid_id! {
    /// An evaluation: one reason to look at a job again.
    #[derive(PartialOrd, Ord)]
    EvalId, derive_u128
}
uuid_id! {
    /// A deployment: the roll-out of one version of a job.
    #[derive(PartialOrd, Ord)]
    DeploymentId, derive_u128
}

/// A job's name in the cluster. The order (namespace, then id) is that of lists and pages.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct JobKey {
    pub namespace: Text,
    pub id: Text,
}

impl JobKey {
    pub fn new(namespace: impl Into<Text>, id: impl Into<Text>) -> Self {
        Self { namespace: namespace.into(), id: id.into() }
    }
}

impl fmt::Display for JobKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.id)
    }
}

impl fmt::Debug for JobKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// One immutable specification of a job. `modify_index` (the Raft index that registered it) makes it unique even
/// when the job is purged and registered again, which starts `version` at 0 anew.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct JobRef {
    pub key: JobKey,
    pub modify_index: u64,
    pub version: u64,
}
