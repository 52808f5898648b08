//! A member's key, certificate and trust, and the files that keep them: `node.key`, `node.pem`, `ca.pem`.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rcgen::{CertificateParams, KeyPair};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

use super::TlsError;

const KEY: &str = "node.key";
const CERTIFICATE: &str = "node.pem";
const AUTHORITIES: &str = "ca.pem";

/// A key that has no certificate yet.
pub struct NewKey {
    key: KeyPair,
    /// Asks for a certificate of the key, and proves that the key is the asker's (DER).
    pub request: Vec<u8>,
}

impl NewKey {
    pub fn generate() -> Result<Self, TlsError> {
        Self::from_pair(KeyPair::generate().map_err(setup)?)
    }

    /// The key of a certificate that is to be renewed. It stays the same for life: it is what the cluster knows a member by.
    pub fn of(credentials: &Credentials) -> Result<Self, TlsError> {
        Self::from_pair(KeyPair::try_from(&PrivatePkcs8KeyDer::from(credentials.key.clone())).map_err(setup)?)
    }

    /// The key in `file`; a new one is put there first. What is asked with it can be asked again after a crash.
    pub fn load_or_generate(file: &Path) -> Result<Self, TlsError> {
        if file.exists() {
            let bytes = read(file)?;
            let pair = KeyPair::try_from(&PrivatePkcs8KeyDer::from(bytes)).map_err(|error| bad(file, error))?;
            return Self::from_pair(pair);
        }
        let new = Self::generate()?;
        write_private(file, &new.key.serialize_der())?;
        Ok(new)
    }

    fn from_pair(key: KeyPair) -> Result<Self, TlsError> {
        let params = CertificateParams::new(Vec::new()).map_err(setup)?;
        let request = params.serialize_request(&key).map_err(setup)?.der().to_vec();
        Ok(Self { key, request })
    }

    pub fn certified(self, certificate: Vec<u8>, authorities: Vec<Vec<u8>>) -> Credentials {
        Credentials { key: self.key.serialize_der(), certificate, authorities }
    }
}

/// All that a member needs to dial and to be dialled.
#[derive(Clone)]
pub struct Credentials {
    /// PKCS #8.
    pub(super) key: Vec<u8>,
    /// DER.
    pub certificate: Vec<u8>,
    /// DER; the issuing one first.
    pub authorities: Vec<Vec<u8>>,
}

impl Credentials {
    /// `None`: this directory has none yet.
    pub fn load(directory: &Path) -> Result<Option<Self>, TlsError> {
        let certificate = directory.join(CERTIFICATE);
        if !certificate.exists() {
            return Ok(None);
        }
        let key = directory.join(KEY);
        let PrivateKeyDer::Pkcs8(private) = PrivateKeyDer::from_pem_slice(&read(&key)?).map_err(|error| bad(&key, error))? else {
            return Err(bad(&key, "expected a PKCS #8 key"));
        };
        let leaf = certificates(&certificate)?.into_iter().next().ok_or_else(|| bad(&certificate, "it holds no certificate"))?;
        let authorities = certificates(&directory.join(AUTHORITIES))?;
        Ok(Some(Self { key: private.secret_pkcs8_der().to_vec(), certificate: leaf, authorities }))
    }

    /// Writes the three files, the certificate last: with it they are complete.
    pub fn save(&self, directory: &Path) -> Result<(), TlsError> {
        fs::create_dir_all(directory).map_err(|source| TlsError::File { path: directory.to_owned(), source })?;
        write_private(&directory.join(KEY), pem("PRIVATE KEY", &self.key).as_bytes())?;
        let authorities: String = self.authorities.iter().map(|certificate| pem_of(certificate)).collect();
        write_private(&directory.join(AUTHORITIES), authorities.as_bytes())?;
        write_private(&directory.join(CERTIFICATE), pem_of(&self.certificate).as_bytes())
    }

    /// The certificate with its issuer: a joining node finds the one it pins there.
    pub(super) fn chain(&self) -> Vec<CertificateDer<'static>> {
        std::iter::once(&self.certificate).chain(&self.authorities).map(|der| CertificateDer::from(der.clone())).collect()
    }

    pub(super) fn private_key(&self) -> PrivateKeyDer<'static> {
        PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(self.key.clone()))
    }
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Credentials(..)")
    }
}

/// One certificate as text.
pub fn pem_of(certificate: &[u8]) -> String {
    pem("CERTIFICATE", certificate)
}

fn pem(label: &str, der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let lines: Vec<&str> = text.as_bytes().chunks(64).filter_map(|line| std::str::from_utf8(line).ok()).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}

fn certificates(path: &Path) -> Result<Vec<Vec<u8>>, TlsError> {
    let bytes = read(path)?;
    CertificateDer::pem_slice_iter(&bytes).map(|found| found.map(|der| der.to_vec()).map_err(|error| bad(path, error))).collect()
}

pub(super) fn read(path: &Path) -> Result<Vec<u8>, TlsError> {
    fs::read(path).map_err(|source| TlsError::File { path: path.to_owned(), source })
}

/// Replaces a file as a whole, readable by its owner alone.
pub(super) fn write_private(path: &Path, bytes: &[u8]) -> Result<(), TlsError> {
    let part = path.with_extension("part");
    let write = || -> io::Result<()> {
        // A part left over may have another mode.
        let _ = fs::remove_file(&part);
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&part)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&part, path)?;
        path.parent().map_or(Ok(()), |directory| File::open(directory)?.sync_all())
    };
    write().map_err(|source| TlsError::File { path: path.to_owned(), source })
}

fn bad(path: &Path, reason: impl std::fmt::Display) -> TlsError {
    TlsError::BadFile { path: path.to_owned(), reason: reason.to_string() }
}

fn setup(error: impl std::fmt::Display) -> TlsError {
    TlsError::Setup(error.to_string())
}
