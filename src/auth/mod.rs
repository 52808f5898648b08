//! Secrets that people carry: join tokens and the operator's token. The cluster keeps their hashes only.

mod join_token;
mod secret;

pub use join_token::{JoinTokenText, new_join_token};
pub use secret::{Secret, SecretError};
