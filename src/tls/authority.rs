//! The cluster's certificate authority.

use std::net::IpAddr;
use std::time::Duration;

use rcgen::{
    BasicConstraints, CertificateParams, CertificateSigningRequestParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyPair, KeyUsagePurpose, SanType,
};
use rustls::pki_types::{CertificateDer, CertificateSigningRequestDer, PrivatePkcs8KeyDer};
use time::OffsetDateTime;

use super::{IDENTITY_SCHEME, SERVER_NAME, TlsError};
use crate::model::security::Identity;
use crate::util::clock::Timestamp;

/// How long a member's certificate is good; it is renewed at half of that.
pub const VALIDITY: Duration = Duration::from_secs(72 * 3600);

/// Ten years; it is replaced with overlap long before.
const AUTHORITY_VALIDITY: Duration = Duration::from_secs(3650 * 24 * 3600);

/// Clocks of machines differ: what is issued now is good a little before now.
pub const CLOCK_SKEW: Duration = Duration::from_secs(300);

/// Issues certificates.
pub struct CertificateAuthority {
    certificate: CertificateDer<'static>,
    key: KeyPair,
}

impl CertificateAuthority {
    /// A new one, with a key of its own (P-256).
    pub fn create(now: Timestamp) -> Result<Self, TlsError> {
        let key = KeyPair::generate().map_err(issue)?;
        let mut params = CertificateParams::default();
        params.distinguished_name = name(&format!("pannier cluster {}", now.seconds()));
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        (params.not_before, params.not_after) = (date(now - CLOCK_SKEW), date(now + AUTHORITY_VALIDITY));
        let certificate = params.self_signed(&key).map_err(issue)?.der().clone();
        Ok(Self { certificate, key })
    }

    /// `certificate` in DER, `key` in PKCS #8.
    pub fn open(certificate: &[u8], key: &[u8]) -> Result<Self, TlsError> {
        let key = KeyPair::try_from(&PrivatePkcs8KeyDer::from(key.to_vec())).map_err(issue)?;
        Ok(Self { certificate: CertificateDer::from(certificate.to_vec()), key })
    }

    pub fn certificate(&self) -> &CertificateDer<'static> {
        &self.certificate
    }

    /// PKCS #8, to be sealed.
    pub fn key(&self) -> Vec<u8> {
        self.key.serialize_der()
    }

    /// Signs the key of a request (whatever else it asks for) for `identity`. The addresses let the HTTP API be reached by them.
    pub fn issue(
        &self,
        request: &[u8],
        identity: Identity,
        addresses: &[IpAddr],
        validity: Duration,
        now: Timestamp,
    ) -> Result<CertificateDer<'static>, TlsError> {
        let request = CertificateSigningRequestParams::from_der(&CertificateSigningRequestDer::from(request))
            .map_err(|error| TlsError::BadRequest(error.to_string()))?;
        let mut params = CertificateParams::new(Vec::new()).map_err(issue)?;
        params.distinguished_name = name(&format!("pannier {identity}"));
        let ia5 = |text: String| text.try_into().map_err(issue);
        params.subject_alt_names = vec![SanType::URI(ia5(format!("{IDENTITY_SCHEME}{identity}"))?)];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        if identity.is_server() {
            params.extended_key_usages.push(ExtendedKeyUsagePurpose::ServerAuth);
            params.subject_alt_names.push(SanType::DnsName(ia5(SERVER_NAME.to_owned())?));
            params.subject_alt_names.push(SanType::DnsName(ia5("localhost".to_owned())?));
            params.subject_alt_names.extend(addresses.iter().copied().map(SanType::IpAddress));
        }
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.use_authority_key_identifier_extension = true;
        (params.not_before, params.not_after) = (date(now - CLOCK_SKEW), date(now + validity));
        let issuer = Issuer::from_ca_cert_der(&self.certificate, &self.key).map_err(issue)?;
        Ok(params.signed_by(&request.public_key, &issuer).map_err(issue)?.der().clone())
    }
}

fn name(text: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, text);
    name
}

fn date(at: Timestamp) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(at.seconds()).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

fn issue(error: impl std::fmt::Display) -> TlsError {
    TlsError::Issue(error.to_string())
}
