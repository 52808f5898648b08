//! The one string that lets a machine join: `pannier-join.<role>.<expiry>.<id>.<secret>.<fingerprint>`.
//!
//! Role and expiry are there for whoever holds it; what counts is what the cluster keeps. The fingerprint is SHA-256 of the authority's
//! certificate: with it the joining machine knows the cluster before it says anything.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use super::Secret;
use crate::model::security::{Digest, JoinToken, Role};
use crate::util::clock::Timestamp;
use crate::util::random::random_u128;

const PREFIX: &str = "pannier-join";

/// A join token as its holder has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JoinTokenText {
    pub role: Role,
    /// Seconds since the epoch.
    pub expires: i64,
    pub id: u128,
    pub secret: Secret,
    pub authority: Digest,
}

/// A fresh token: what the cluster keeps, and what is handed out.
pub fn new_join_token(role: Role, ttl: Duration, uses: u32, authority: Digest, now: Timestamp) -> (JoinToken, JoinTokenText) {
    let (id, secret, expires_at) = (random_u128(), Secret::generate(), now + ttl);
    let kept = JoinToken { id, role, secret: secret.digest(), created_at: now, expires_at, uses_left: uses };
    (kept, JoinTokenText { role, expires: expires_at.seconds(), id, secret, authority })
}

impl JoinTokenText {
    /// The whole token, secret included.
    pub fn reveal(&self) -> String {
        let Self { role, expires, id, secret, authority } = self;
        let fingerprint: String = authority.iter().map(|byte| format!("{byte:02x}")).collect();
        format!("{PREFIX}.{}.{expires}.{id:032x}.{}.{fingerprint}", role.name(), secret.reveal())
    }
}

/// Why a text is no join token. It never repeats the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoJoinToken;

impl fmt::Display for NoJoinToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not a join token: expected the whole line that `pannier token join create` printed, starting with {PREFIX}")
    }
}

impl FromStr for JoinTokenText {
    type Err = NoJoinToken;

    fn from_str(text: &str) -> Result<Self, NoJoinToken> {
        let parts: Vec<&str> = text.trim().split('.').collect();
        let &[PREFIX, role, expires, id, secret, fingerprint] = parts.as_slice() else { return Err(NoJoinToken) };
        let id = (id.len() == 32).then(|| u128::from_str_radix(id, 16).ok()).flatten().ok_or(NoJoinToken)?;
        Ok(Self {
            role: role.parse().map_err(|_| NoJoinToken)?,
            expires: expires.parse().map_err(|_| NoJoinToken)?,
            id,
            secret: secret.parse().map_err(|_| NoJoinToken)?,
            authority: digest(fingerprint).ok_or(NoJoinToken)?,
        })
    }
}

fn digest(hex: &str) -> Option<Digest> {
    let bytes = hex.as_bytes();
    if bytes.len() != 64 || !bytes.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    let mut digest = [0; 32];
    for (byte, pair) in digest.iter_mut().zip(bytes.chunks_exact(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(digest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_token_is_read_as_it_was_handed_out() {
        let (kept, text) = new_join_token(Role::Client, Duration::from_secs(60), 3, [0xab; 32], Timestamp(5_000_000_000));
        let read: JoinTokenText = text.reveal().parse().unwrap();
        assert_eq!((&read, read.expires), (&text, 65));
        assert_eq!((read.id, read.secret.digest(), kept.uses_left), (kept.id, kept.secret, 3));
        assert!(!format!("{text:?}").contains(&text.secret.reveal()));
        assert!(text.reveal().replace("client", "root").parse::<JoinTokenText>().is_err());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]
        #[test]
        fn any_other_text_is_refused_without_a_panic(text in "(pannier-join)?[.a-z0-9é]{0,120}") {
            let _ = text.parse::<JoinTokenText>();
        }
    }
}
