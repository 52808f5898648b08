//! Secrets that people carry: join tokens and the operator's token, of which the cluster keeps the hashes only. And the key that it signs
//! with: made by the leader when the state holds none (see [`crate::model::signing_key`] for how it is kept), its public half published.

mod join_token;
pub mod key;
mod secret;

pub use join_token::{JoinTokenText, new_join_token};
pub use secret::{Secret, SecretError};
