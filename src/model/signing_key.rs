//! The keys that workload identities are signed with. The replicated state holds them, so that every server publishes the same ones and a new
//! leader signs with the same one.
//!
//! At rest they are where the state is: in the Raft log and the snapshots below `<data_dir>/server`, which only the agent's user
//! may enter (mode 0700). Whoever reads that directory can sign identities; there is no further key around them.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::util::clock::Timestamp;

/// An Ed25519 key pair.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SigningKey {
    pub id: KeyId,
    pub public: [u8; 32],
    pub seed: Seed,
    pub created: Timestamp,
}

/// A key's name in the header of what it signed; a UUID.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct KeyId(pub u128);

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        uuid::Uuid::from_u128(self.0).hyphenated().fmt(f)
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The private half. It is encoded for logs and snapshots, and shown nowhere.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seed(pub [u8; 32]);

impl fmt::Debug for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seed(hidden)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_private_half_is_not_shown() {
        let key = SigningKey { id: KeyId(1), public: [7; 32], seed: Seed([201; 32]), created: Timestamp(0) };
        assert!(!format!("{key:?}").contains("201"));
    }
}
