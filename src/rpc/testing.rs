//! Members of a cluster, for tests that talk over real connections.

use crate::model::security::Identity;
use crate::tls::{CertificateAuthority, NewKey, TlsContext, VALIDITY};
use crate::util::clock::Timestamp;

/// A cluster's authority.
pub struct TestAuthority(CertificateAuthority);

impl Default for TestAuthority {
    fn default() -> Self {
        Self::new()
    }
}

impl TestAuthority {
    pub fn new() -> Self {
        Self(CertificateAuthority::create(Timestamp::now()).unwrap())
    }

    /// The authority's own certificate, DER.
    pub fn certificate(&self) -> &[u8] {
        self.0.certificate()
    }

    /// With a new key and a certificate for it.
    pub fn member(&self, identity: Identity) -> TlsContext {
        let key = NewKey::generate().unwrap();
        let certificate = self.0.issue(&key.request, identity, &[], VALIDITY, Timestamp::now()).unwrap();
        TlsContext::new(key.certified(certificate.to_vec(), vec![self.certificate().to_vec()])).unwrap()
    }
}
