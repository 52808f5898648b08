use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ServerConfig};
use tokio_rustls::{TlsAcceptor, TlsConnector};

use super::*;
use crate::model::NodeId;
use crate::model::security::Identity;
use crate::util::clock::Timestamp;

fn authority() -> CertificateAuthority {
    CertificateAuthority::create(Timestamp::now()).unwrap()
}

fn member(authority: &CertificateAuthority, identity: Identity, issued_at: Timestamp) -> Credentials {
    let key = NewKey::generate().unwrap();
    let certificate = authority.issue(&key.request, identity, &[], VALIDITY, issued_at).unwrap();
    key.certified(certificate.to_vec(), vec![authority.certificate().to_vec()])
}

fn context(authority: &CertificateAuthority, identity: Identity) -> TlsContext {
    TlsContext::new(member(authority, identity, Timestamp::now())).unwrap()
}

/// The identity that the server saw, or the first error of either side.
async fn connect(server: Arc<ServerConfig>, client: Arc<ClientConfig>) -> Result<Option<Identity>, String> {
    let (near, far) = tokio::io::duplex(64 * 1024);
    let accepting = async {
        let mut stream = TlsAcceptor::from(server).accept(far).await.map_err(|error| error.to_string())?;
        // With TLS 1.3 a client thinks it is done before the server has looked at its certificate.
        tokio::io::AsyncWriteExt::write_all(&mut stream, b"ok").await.map_err(|error| error.to_string())?;
        let certificates = stream.get_ref().1.peer_certificates().map(<[_]>::to_vec);
        Ok::<_, String>(certificates.map(|chain| PeerCertificate::parse(&chain[0]).unwrap().identity))
    };
    let dialling = async {
        let name = ServerName::try_from(SERVER_NAME).unwrap();
        let mut stream = TlsConnector::from(client).connect(name, near).await.map_err(|error| error.to_string())?;
        let mut answer = [0; 2];
        tokio::io::AsyncReadExt::read_exact(&mut stream, &mut answer).await.map_err(|error| error.to_string())?;
        Ok::<_, String>(())
    };
    let (seen, dialled) = tokio::join!(accepting, dialling);
    let seen = seen?;
    dialled?;
    Ok(seen)
}

#[tokio::test]
async fn members_of_one_cluster_know_each_other() {
    let authority = authority();
    let server = context(&authority, Identity::server(1));
    let node = Identity::client(NodeId(7));
    assert_eq!(connect(server.node_server(), context(&authority, node).client()).await, Ok(Some(node)));
    assert_eq!(connect(server.node_server(), server.client()).await, Ok(Some(Identity::server(1))));
}

#[tokio::test]
async fn a_member_of_another_cluster_is_refused_by_both_sides() {
    let (ours, theirs) = (authority(), authority());
    let server = context(&ours, Identity::server(1));
    assert!(connect(server.node_server(), context(&theirs, Identity::server(1)).client()).await.is_err());
    // With our roots, but a certificate of theirs.
    let mixed = Credentials { authorities: vec![ours.certificate().to_vec()], ..member(&theirs, Identity::server(1), Timestamp::now()) };
    assert!(connect(server.node_server(), TlsContext::new(mixed).unwrap().client()).await.is_err());
}

#[tokio::test]
async fn a_client_cannot_pose_as_a_server() {
    let authority = authority();
    let impostor = context(&authority, Identity::client(NodeId(7)));
    let error = connect(impostor.node_server(), context(&authority, Identity::server(2)).client()).await.unwrap_err();
    assert!(error.to_lowercase().contains("certificate"), "{error}");
}

#[tokio::test]
async fn an_expired_certificate_is_refused() {
    let authority = authority();
    let long_ago = Timestamp::now() - VALIDITY - Duration::from_secs(60);
    let expired = TlsContext::new(member(&authority, Identity::client(NodeId(7)), long_ago)).unwrap();
    assert!(connect(context(&authority, Identity::server(1)).node_server(), expired.client()).await.is_err());
}

#[tokio::test]
async fn a_renewed_certificate_counts_from_the_next_connection_on() {
    let authority = authority();
    let server = context(&authority, Identity::server(1));
    let long_ago = Timestamp::now() - VALIDITY - Duration::from_secs(60);
    let client = TlsContext::new(member(&authority, Identity::client(NodeId(7)), long_ago)).unwrap();
    client.replace(member(&authority, Identity::client(NodeId(7)), Timestamp::now())).unwrap();
    assert!(connect(server.node_server(), client.client()).await.is_ok());
}

#[tokio::test]
async fn authorities_overlap_while_one_replaces_the_other() {
    let (old, new) = (authority(), authority());
    let both = vec![new.certificate().to_vec(), old.certificate().to_vec()];
    let server = Credentials { authorities: both.clone(), ..member(&new, Identity::server(1), Timestamp::now()) };
    let client = Credentials { authorities: both, ..member(&old, Identity::client(NodeId(7)), Timestamp::now()) };
    let (server, client) = (TlsContext::new(server).unwrap(), TlsContext::new(client).unwrap());
    assert!(connect(server.node_server(), client.client()).await.is_ok());
}

#[tokio::test]
async fn a_pinned_authority_is_the_only_one_that_counts() {
    let (ours, theirs) = (authority(), authority());
    let server = context(&ours, Identity::server(1));
    let pinned = |authority: &CertificateAuthority| pinned_client_config(fingerprint(authority.certificate())).unwrap();
    assert_eq!(connect(server.node_server(), pinned(&ours)).await, Ok(None));
    assert!(connect(server.node_server(), pinned(&theirs)).await.is_err());
    let client = context(&ours, Identity::client(NodeId(7)));
    assert!(connect(client.node_server(), pinned(&ours)).await.is_err(), "a client of the cluster is no server");
    // The right authority in the chain does not help a certificate that it has not issued.
    let forged = Credentials { authorities: vec![ours.certificate().to_vec()], ..member(&theirs, Identity::server(1), Timestamp::now()) };
    assert!(connect(TlsContext::new(forged).unwrap().node_server(), pinned(&ours)).await.is_err());
}

#[test]
fn credentials_are_found_again_and_their_key_is_private() {
    use std::os::unix::fs::PermissionsExt as _;
    let directory = tempfile::tempdir().unwrap();
    assert!(Credentials::load(directory.path()).unwrap().is_none());
    let made = member(&authority(), Identity::server(5), Timestamp::now());
    made.save(directory.path()).unwrap();
    let found = Credentials::load(directory.path()).unwrap().unwrap();
    assert_eq!((&found.certificate, &found.authorities), (&made.certificate, &made.authorities));
    assert_eq!(PeerCertificate::parse(&found.certificate).unwrap().identity, Identity::server(5));
    assert_eq!(std::fs::metadata(directory.path().join("node.key")).unwrap().permissions().mode() & 0o777, 0o600);
    TlsContext::new(found).unwrap();
}

#[test]
fn a_request_that_does_not_prove_its_key_is_refused() {
    let mut request = NewKey::generate().unwrap().request;
    let last = request.len() - 1;
    request[last] ^= 1;
    let issued = authority().issue(&request, Identity::server(1), &[], VALIDITY, Timestamp::now());
    assert!(issued.is_err());
    assert!(authority().issue(b"nonsense", Identity::server(1), &[], VALIDITY, Timestamp::now()).is_err());
}
