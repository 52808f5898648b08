//! Authorities, join tokens, members.

use std::sync::Arc;

use sha2::Digest as _;

use super::Transaction;
use crate::model::security::{Authority, SecurityChange};
use crate::state::Rejection;

impl Transaction<'_> {
    /// Nothing of it goes into the change feed: who checks a certificate or a token looks at the state of the moment.
    pub(super) fn change_security(&mut self, change: &SecurityChange) -> Result<(), Rejection> {
        let mut security = (*self.state.security).clone();
        match change {
            SecurityChange::Initialize(first) => {
                if security.is_initialized() {
                    return Err(Rejection::SecurityExists);
                }
                security = (**first).clone();
            }
            SecurityChange::AddJoinToken(token) => {
                // Those that are of no use any more make room.
                security.join_tokens.retain(|_, old| old.expires_at > token.created_at && old.uses_left > 0);
                security.join_tokens.insert(token.id, token.clone());
            }
            SecurityChange::RevokeJoinToken(id) => {
                security.join_tokens.remove(id).ok_or(Rejection::JoinTokenNotFound)?;
            }
            SecurityChange::Join { token, secret, identity, key, at } => security.join(*token, secret, *identity, *key, *at)?,
            SecurityChange::Revoke(identity) => {
                security.members.remove(identity);
                security.revoked.insert(*identity);
            }
            SecurityChange::AddAuthority(authority) => security.authorities.insert(0, authority.clone()),
            SecurityChange::DropOldAuthorities => security.authorities.truncate(1),
            SecurityChange::TrustAuthority(authority) => {
                if security.authorities.len() > 1 {
                    return Err(Rejection::RotationUnderWay);
                }
                security.authorities.push(authority.clone());
            }
            SecurityChange::IssueWith(fingerprint) => {
                let is_meant = |authority: &Authority| sha2::Sha256::digest(&authority.certificate).as_slice() == fingerprint;
                let at = security.authorities.iter().position(is_meant).ok_or(Rejection::AuthorityNotFound)?;
                security.authorities[..=at].rotate_right(1);
            }
        }
        self.state.security = Arc::new(security);
        Ok(())
    }
}
