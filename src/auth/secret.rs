//! 256 random bits as text.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};

use crate::model::security::Digest;

/// Shown once to whom it belongs; neither `Debug` nor an error shows it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret([u8; 32]);

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it is not a secret of this cluster's making")]
pub struct SecretError;

impl Secret {
    pub fn generate() -> Self {
        let mut bytes = [0; 32];
        // Fails only before the generator is seeded at early boot.
        getrandom::fill(&mut bytes).expect("the kernel's random generator is seeded");
        Self(bytes)
    }

    /// What the cluster keeps. A plain hash is enough: nobody guesses 256 random bits, and how long comparing two hashes takes tells
    /// nothing about a text with the right one.
    pub fn digest(&self) -> Digest {
        Sha256::digest(self.0).into()
    }

    /// As text, for the one place that shows it.
    pub fn reveal(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }
}

impl FromStr for Secret {
    type Err = SecretError;

    fn from_str(text: &str) -> Result<Self, SecretError> {
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| SecretError)?;
        bytes.try_into().map(Self).map_err(|_| SecretError)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_read_as_it_was_shown_and_hidden_otherwise() {
        let secret = Secret::generate();
        assert_eq!(secret.reveal().parse(), Ok(secret.clone()));
        assert_eq!(format!("{secret:?}"), "Secret(..)");
        assert_ne!(secret.digest(), Secret::generate().digest());
        for text in ["", "short", &format!("{}A", secret.reveal()), "£££"] {
            assert_eq!(text.parse::<Secret>(), Err(SecretError), "{text}");
        }
    }
}
