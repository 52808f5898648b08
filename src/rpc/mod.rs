//! What nodes and servers say to each other: HTTP/2 over mTLS on one port, bodies in envelopes of [`crate::codec`].
//!
//! ```text
//!  Channel ──TCP, TLS, h2──> Listener ──identity of the certificate──> Handler (who may call what is decided there)
//!     │ call: one message, one answer                                   │
//!     │ send: a whole HTTP exchange, streamed (forwarded API requests)  │
//!     └ tunnel: bytes both ways; the server sends requests to the node through it
//! ```
//!
//! Every request names the protocol's version in a header ([`PROTOCOL`]), so that two builds that do not understand each other say so
//! instead of misreading. Everything a peer sends has a limit in size and time; bytes that make no sense are an error, never a panic.

mod body;
mod channel;
mod error;
mod listener;
mod message;
pub mod node_link;
mod remote_link;
#[cfg(test)]
pub mod testing;
#[cfg(test)]
mod tests;
mod tunnel;

pub use body::{Body, MAX_MESSAGE, answer, empty, full, message_response, refusal, refusal_status, whole};
pub use channel::Channel;
pub use error::RpcError;
pub use listener::{Caller, Handler, Listener, ListenerConfig};
pub use message::Message;
pub use node_link::{Assignment, AssignmentBatch, HeartbeatReply, LinkError, NodeLink};
pub use remote_link::RemoteLink;
pub use tunnel::{serve_tunnel, tunnel_channel, tunnel_of};

/// The version of everything in this room. A change that an older build would misread raises it.
pub const PROTOCOL: &str = "1";

/// The header that carries [`PROTOCOL`].
pub const PROTOCOL_HEADER: &str = "x-pannier-protocol";
