//! The keys of the cluster: made by the leader when the state holds none (see [`crate::model::signing_key`] for how they are kept), and published.

pub mod key;
