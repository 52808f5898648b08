//! What can go wrong with keys and certificates.

use std::io;
use std::path::PathBuf;

#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    #[error("{}: {source}", path.display())]
    File { path: PathBuf, source: io::Error },
    #[error("{}: {reason}", path.display())]
    BadFile { path: PathBuf, reason: String },
    #[error("the certificate cannot be issued: {0}")]
    Issue(String),
    #[error("the certificate request is refused: {0}")]
    BadRequest(String),
    #[error("the certificate cannot be used: {0}")]
    BadCertificate(String),
    #[error("the authority's key cannot be unsealed: {0}")]
    Seal(&'static str),
    #[error("TLS cannot be set up: {0}")]
    Setup(String),
}
