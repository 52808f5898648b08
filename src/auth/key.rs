//! Ed25519 keys: made, and published as JSON Web Keys (RFC 8037).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::{SecureRandom as _, SystemRandom};
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use serde::{Deserialize, Serialize};

use crate::model::signing_key::{KeyId, Seed, SigningKey};
use crate::util::clock::Timestamp;
use crate::util::random::random_u128;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    #[error("the system has no randomness for a signing key")]
    NoRandomness,
}

/// The public half of a key, as verifiers fetch it from `/.well-known/jwks.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublicKey {
    #[serde(rename = "use")]
    pub usage: String,
    pub kty: String,
    pub kid: String,
    pub crv: String,
    pub alg: String,
    /// The 32 bytes, base64url.
    pub x: String,
}

impl From<&SigningKey> for PublicKey {
    fn from(key: &SigningKey) -> Self {
        Self {
            usage: "sig".to_owned(),
            kty: "OKP".to_owned(),
            kid: key.id.to_string(),
            crv: "Ed25519".to_owned(),
            alg: ALGORITHM.to_owned(),
            x: URL_SAFE_NO_PAD.encode(key.public),
        }
    }
}

/// The name of the signature algorithm in a token's header.
pub const ALGORITHM: &str = "EdDSA";

/// A new key pair.
///
/// # Errors
/// When the kernel gives no random bytes.
pub fn generate(now: Timestamp) -> Result<SigningKey, KeyError> {
    let mut seed = [0; 32];
    SystemRandom::new().fill(&mut seed).map_err(|_| KeyError::NoRandomness)?;
    let pair = Ed25519KeyPair::from_seed_unchecked(&seed).map_err(|_| KeyError::NoRandomness)?;
    let mut public = [0; 32];
    public.copy_from_slice(pair.public_key().as_ref());
    let id = uuid::Builder::from_random_bytes(random_u128().to_be_bytes()).into_uuid().as_u128();
    Ok(SigningKey { id: KeyId(id), public, seed: Seed(seed), created: now })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_halves_of_a_new_key_belong_together() {
        let (key, other) = (generate(Timestamp(1)).unwrap(), generate(Timestamp(1)).unwrap());
        assert!(Ed25519KeyPair::from_seed_and_public_key(&key.seed.0, &key.public).is_ok());
        assert!(Ed25519KeyPair::from_seed_and_public_key(&key.seed.0, &other.public).is_err());
        assert_ne!(key.id, other.id);
    }

    /// The key pair of RFC 8037, appendix A.
    #[test]
    fn public_keys_are_written_as_the_standard_says() {
        let text = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
        let mut public = [0; 32];
        public.copy_from_slice(&URL_SAFE_NO_PAD.decode(text).unwrap());
        let key = SigningKey { id: KeyId(5), public, seed: Seed([0; 32]), created: Timestamp(1) };
        let json = serde_json::to_value(PublicKey::from(&key)).unwrap();
        let expected = serde_json::json!({
            "use": "sig", "kty": "OKP", "kid": "00000000-0000-0000-0000-000000000005", "crv": "Ed25519", "alg": "EdDSA", "x": text,
        });
        assert_eq!(json, expected);
    }
}
