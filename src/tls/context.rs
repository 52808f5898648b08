//! The TLS settings of this process, replaced as a whole when a certificate is renewed: new connections use the new ones.

use std::sync::Arc;

use arc_swap::ArcSwap;
use rustls::crypto::CryptoProvider;
use rustls::crypto::ring::default_provider;
use rustls::pki_types::CertificateDer;
use rustls::server::WebPkiClientVerifier;
use rustls::{ClientConfig, RootCertStore, ServerConfig};

use super::{ALPN_H2, Credentials, PeerCertificate, TlsError};

/// Settings to accept and to dial with. Clones share them.
#[derive(Clone)]
pub struct TlsContext {
    current: Arc<ArcSwap<Settings>>,
}

struct Settings {
    credentials: Credentials,
    own: PeerCertificate,
    node_server: Arc<ServerConfig>,
    api_server: Arc<ServerConfig>,
    client: Arc<ClientConfig>,
}

impl TlsContext {
    pub fn new(credentials: Credentials) -> Result<Self, TlsError> {
        Ok(Self { current: Arc::new(ArcSwap::from_pointee(Settings::new(credentials)?)) })
    }

    /// From now on, for new connections.
    pub fn replace(&self, credentials: Credentials) -> Result<(), TlsError> {
        self.current.store(Arc::new(Settings::new(credentials)?));
        Ok(())
    }

    pub fn credentials(&self) -> Credentials {
        self.current.load().credentials.clone()
    }

    /// This member's own certificate.
    pub fn own(&self) -> PeerCertificate {
        self.current.load().own
    }

    /// For the node-to-node listener. A peer without a certificate gets through the handshake, for it may want to join; what it may ask for
    /// is the listener's business. One with a certificate that is not good does not.
    pub fn node_server(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.current.load().node_server)
    }

    /// For the HTTP API: clients show tokens, not certificates.
    pub fn api_server(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.current.load().api_server)
    }

    /// For dialling a server.
    pub fn client(&self) -> Arc<ClientConfig> {
        Arc::clone(&self.current.load().client)
    }
}

impl Settings {
    fn new(credentials: Credentials) -> Result<Self, TlsError> {
        let own = PeerCertificate::parse(&credentials.certificate)?;
        let mut roots = RootCertStore::empty();
        for authority in &credentials.authorities {
            roots.add(CertificateDer::from(authority.clone())).map_err(setup)?;
        }
        let roots = Arc::new(roots);
        let verifier =
            WebPkiClientVerifier::builder_with_provider(Arc::clone(&roots), provider()).allow_unauthenticated().build().map_err(setup)?;
        let server = || ServerConfig::builder_with_provider(provider()).with_safe_default_protocol_versions().map_err(setup);
        let mut node_server = server()?
            .with_client_cert_verifier(verifier)
            .with_single_cert(credentials.chain(), credentials.private_key())
            .map_err(setup)?;
        node_server.alpn_protocols = vec![ALPN_H2.to_vec()];
        let mut api_server =
            server()?.with_no_client_auth().with_single_cert(credentials.chain(), credentials.private_key()).map_err(setup)?;
        api_server.alpn_protocols = vec![ALPN_H2.to_vec(), b"http/1.1".to_vec()];
        let mut client = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(setup)?
            .with_root_certificates(roots)
            .with_client_auth_cert(credentials.chain(), credentials.private_key())
            .map_err(setup)?;
        client.alpn_protocols = vec![ALPN_H2.to_vec()];
        // A resumed session would still show the certificate from before a renewal.
        client.resumption = rustls::client::Resumption::disabled();
        Ok(Self { credentials, own, node_server: Arc::new(node_server), api_server: Arc::new(api_server), client: Arc::new(client) })
    }
}

pub(super) fn provider() -> Arc<CryptoProvider> {
    Arc::new(default_provider())
}

fn setup(error: impl std::fmt::Display) -> TlsError {
    TlsError::Setup(error.to_string())
}
