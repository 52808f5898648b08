//! Certificates and what connections are made of: the cluster's authority, what it issues, and TLS settings that change without a restart.
//!
//! ```text
//!  Authority ──issues──> Credentials (key, chain, roots; files) ──> TlsContext ──> one setting per new connection
//!      │ key sealed (seal)                                              │
//!  cluster state                                             peer: whose certificate is this?
//! ```
//!
//! Every node trusts the cluster's own authority and nothing else. A server's certificate is good for serving and for dialling, a
//! client's only for dialling, so that a client cannot pose as a server; the exact identity is a URI in the certificate, `pannier://server/<id>`.

mod authority;
mod context;
mod credentials;
mod error;
mod peer;
mod pinned;
pub mod seal;
#[cfg(test)]
mod tests;

pub use authority::{CLOCK_SKEW, CertificateAuthority, VALIDITY};
pub use context::TlsContext;
pub use credentials::{Credentials, NewKey, pem_of};
pub use error::TlsError;
pub use peer::{PeerCertificate, fingerprint, public_key_digest_of_request, valid_from};
pub use pinned::pinned_client_config;

/// The name that every server's certificate carries and every dialler checks; no client's certificate has it.
pub const SERVER_NAME: &str = "server.pannier.internal";

/// The scheme of the URI that carries the identity.
const IDENTITY_SCHEME: &str = "pannier://";

/// What both ends of a node-to-node connection speak over TLS.
const ALPN_H2: &[u8] = b"h2";
