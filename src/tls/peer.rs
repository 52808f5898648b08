//! What a certificate says of its holder. The signature was checked during the handshake; this only reads.

use sha2::{Digest as _, Sha256};
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer as _, X509Certificate, X509CertificationRequest};

use super::{IDENTITY_SCHEME, TlsError};
use crate::model::security::{Digest, Identity};
use crate::util::clock::Timestamp;

/// The parts of a member's certificate that decisions rest on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PeerCertificate {
    pub identity: Identity,
    pub not_before: Timestamp,
    pub not_after: Timestamp,
}

impl PeerCertificate {
    /// Reads a certificate in DER.
    pub fn parse(der: &[u8]) -> Result<Self, TlsError> {
        let bad = |reason: &str| TlsError::BadCertificate(reason.to_owned());
        let (_, certificate) = X509Certificate::from_der(der).map_err(|error| TlsError::BadCertificate(error.to_string()))?;
        let names = certificate.subject_alternative_name().map_err(|error| TlsError::BadCertificate(error.to_string()))?;
        let mut identities = names.iter().flat_map(|names| &names.value.general_names).filter_map(|name| match name {
            GeneralName::URI(uri) => uri.strip_prefix(IDENTITY_SCHEME),
            _ => None,
        });
        // Two would let the holder choose.
        let (Some(text), None) = (identities.next(), identities.next()) else {
            return Err(bad("it does not carry exactly one identity"));
        };
        let seconds = |time: i64| Timestamp(time.saturating_mul(1_000_000_000));
        Ok(Self {
            identity: text.parse().map_err(|error: String| TlsError::BadCertificate(error))?,
            not_before: seconds(certificate.validity().not_before.timestamp()),
            not_after: seconds(certificate.validity().not_after.timestamp()),
        })
    }

    /// When a new one should be asked for: half way.
    pub fn renew_at(&self) -> Timestamp {
        self.not_before + self.not_after.since(self.not_before) / 2
    }
}

/// From when on a certificate (DER) is good.
pub fn valid_from(certificate: &[u8]) -> Result<Timestamp, TlsError> {
    let (_, certificate) = X509Certificate::from_der(certificate).map_err(|error| TlsError::BadCertificate(error.to_string()))?;
    Ok(Timestamp(certificate.validity().not_before.timestamp().saturating_mul(1_000_000_000)))
}

/// SHA-256 of a certificate in DER: what a join token pins.
pub fn fingerprint(certificate: &[u8]) -> Digest {
    Sha256::digest(certificate).into()
}

/// SHA-256 of the public key that a certificate request asks for.
pub fn public_key_digest_of_request(request: &[u8]) -> Result<Digest, TlsError> {
    let (_, request) = X509CertificationRequest::from_der(request).map_err(|error| TlsError::BadRequest(error.to_string()))?;
    Ok(Sha256::digest(request.certification_request_info.subject_pki.raw).into())
}
