//! The files of a machine's identity: `<data_dir>/{server,client}/tls/`, and on servers the key that unseals the authority's.

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use crate::agent::AgentError;
use crate::auth::Secret;
use crate::model::security::{Authority, ClusterSecurity, Identity};
use crate::tls::seal::SealKey;
use crate::tls::{CertificateAuthority, Credentials, NewKey, TlsError, VALIDITY};
use crate::util::clock::Timestamp;

/// One agent's directory of keys.
pub struct TrustDirectory {
    path: PathBuf,
}

/// What the first server starts a cluster with.
pub struct Founding {
    pub credentials: Credentials,
    pub seal_key: SealKey,
    pub security: ClusterSecurity,
    /// Shown once.
    pub operator_token: Secret,
}

impl TrustDirectory {
    /// `half` is `server` or `client`.
    pub fn new(data_dir: &Path, half: &str) -> Self {
        Self { path: data_dir.join(half).join("tls") }
    }

    pub fn credentials(&self) -> Result<Option<Credentials>, TlsError> {
        Credentials::load(&self.path)
    }

    pub fn save(&self, credentials: &Credentials) -> Result<(), TlsError> {
        credentials.save(&self.path)
    }

    pub fn seal_key(&self) -> Result<Option<SealKey>, TlsError> {
        SealKey::load(&self.path.join("seal.key"))
    }

    pub fn save_seal_key(&self, key: &SealKey) -> Result<(), AgentError> {
        self.make()?;
        Ok(key.save(&self.path.join("seal.key"))?)
    }

    /// The key of a join under way; kept until the certificate is there.
    pub fn joining_key(&self) -> Result<NewKey, AgentError> {
        self.make()?;
        Ok(NewKey::load_or_generate(&self.joining_path())?)
    }

    pub fn joined(&self) {
        let _ = std::fs::remove_file(self.joining_path());
    }

    fn joining_path(&self) -> PathBuf {
        self.path.join("joining.key")
    }

    fn make(&self) -> Result<(), AgentError> {
        std::fs::create_dir_all(&self.path)
            .map_err(|error| AgentError::DataDirectory { path: self.path.clone(), reason: error.to_string() })
    }
}

/// Authority, certificate and operator's token of a new cluster. Nothing of it is written yet.
pub fn found(server: u64, addresses: &[IpAddr], now: Timestamp) -> Result<Founding, TlsError> {
    let authority = CertificateAuthority::create(now)?;
    let (seal_key, operator_token) = (SealKey::generate()?, Secret::generate());
    let key = NewKey::generate()?;
    let certificate = authority.issue(&key.request, Identity::server(server), addresses, VALIDITY, now)?;
    let security = ClusterSecurity {
        authorities: vec![Authority { certificate: authority.certificate().to_vec(), sealed_key: seal_key.seal(&authority.key())? }],
        operator_token: operator_token.digest(),
        ..ClusterSecurity::default()
    };
    let credentials = key.certified(certificate.to_vec(), vec![authority.certificate().to_vec()]);
    Ok(Founding { credentials, seal_key, security, operator_token })
}

/// The issuing authority of the cluster's state.
pub fn authority(security: &ClusterSecurity, seal_key: &SealKey) -> Result<CertificateAuthority, TlsError> {
    let issuing = security.authorities.first().ok_or_else(|| TlsError::Issue("the cluster has no authority yet".to_owned()))?;
    CertificateAuthority::open(&issuing.certificate, &seal_key.unseal(&issuing.sealed_key)?)
}

/// Every certificate to trust, the issuing one first.
pub fn authorities(security: &ClusterSecurity) -> Vec<Vec<u8>> {
    security.authorities.iter().map(|authority| authority.certificate.clone()).collect()
}
