//! Who somebody is: the keys that the cluster signs identities with, and the identities themselves.
//!
//! A key pair is made by the leader when the state holds none (see [`crate::model::signing_key`] for how it is kept), and only here is
//! its private half used.

pub mod identity;
pub mod key;
