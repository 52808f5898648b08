//! What makes several agents one cluster.
//!
//! ```text
//!  trust     the files of this machine's identity        membership  join tokens, certificates, who is let in
//!  service   answers what comes over mTLS                 gateway     any agent takes any API request and passes it to where it belongs
//!  tunnels   servers: the way back to each node          attach      nodes: keep that way open, keep the certificate fresh
//!  edge      the HTTP API beyond loopback: TLS and a token   rotation    a new certificate authority, step by step
//! ```

pub mod attach;
pub mod edge;
pub mod forward;
pub mod gateway;
pub mod join;
pub mod membership;
pub mod messages;
pub mod rotation;
pub mod service;
pub mod start;
pub mod trust;
pub mod tunnels;
