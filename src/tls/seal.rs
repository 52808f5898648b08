//! The authority's key at rest: AES-256-GCM under a random key that lies beside the log and never in it.
//!
//! What this protects against: whoever gets hold of the log, a snapshot or a backup of them does not get the power to admit members. What
//! it does not: the sealing key is a file of mode 0600 on every server, so root on a server has both. Keep that file out of backups.

use std::fs;
use std::io;
use std::path::Path;

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};

use super::TlsError;
use super::credentials::{read, write_private};

/// Binds a sealed text to its purpose.
const CONTEXT: &[u8] = b"pannier cluster authority key v1";

/// Seals and unseals the authority's key.
pub struct SealKey([u8; 32]);

impl SealKey {
    pub fn generate() -> Result<Self, TlsError> {
        let mut key = [0; 32];
        getrandom::fill(&mut key).map_err(|_| TlsError::Seal("the kernel gives no random bytes"))?;
        Ok(Self(key))
    }

    pub fn from_bytes(bytes: &[u8]) -> Result<Self, TlsError> {
        bytes.try_into().map(Self).map_err(|_| TlsError::Seal("a sealing key has 32 bytes"))
    }

    /// For the answer to a joining server, over its pinned connection.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.0.to_vec()
    }

    /// `None`: there is no such file.
    pub fn load(path: &Path) -> Result<Option<Self>, TlsError> {
        match fs::metadata(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            _ => Ok(Some(Self::from_bytes(&read(path)?)?)),
        }
    }

    pub fn save(&self, path: &Path) -> Result<(), TlsError> {
        write_private(path, &self.0)
    }

    pub fn seal(&self, plain: &[u8]) -> Result<Vec<u8>, TlsError> {
        let mut nonce = [0; NONCE_LEN];
        getrandom::fill(&mut nonce).map_err(|_| TlsError::Seal("the kernel gives no random bytes"))?;
        let mut sealed = plain.to_vec();
        self.key()?
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(CONTEXT), &mut sealed)
            .map_err(|_| TlsError::Seal("it does not encrypt"))?;
        Ok([nonce.as_slice(), &sealed].concat())
    }

    pub fn unseal(&self, sealed: &[u8]) -> Result<Vec<u8>, TlsError> {
        let (nonce, sealed) = sealed.split_first_chunk::<NONCE_LEN>().ok_or(TlsError::Seal("it is cut short"))?;
        let mut plain = sealed.to_vec();
        let length = self
            .key()?
            .open_in_place(Nonce::assume_unique_for_key(*nonce), Aad::from(CONTEXT), &mut plain)
            .map_err(|_| TlsError::Seal("this server's sealing key does not fit it"))?
            .len();
        plain.truncate(length);
        Ok(plain)
    }

    fn key(&self) -> Result<LessSafeKey, TlsError> {
        UnboundKey::new(&AES_256_GCM, &self.0).map(LessSafeKey::new).map_err(|_| TlsError::Seal("the sealing key is unusable"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_key_opens_what_was_sealed() {
        let key = SealKey::generate().unwrap();
        let sealed = key.seal(b"secret").unwrap();
        assert!(!sealed.windows(6).any(|window| window == b"secret"));
        assert_eq!(key.unseal(&sealed).unwrap(), b"secret");
        assert!(SealKey::generate().unwrap().unseal(&sealed).is_err());
        for length in 0..sealed.len() {
            assert!(key.unseal(&sealed[..length]).is_err(), "length {length}");
        }
    }

    #[test]
    fn the_key_file_is_its_owners_alone() {
        use std::os::unix::fs::PermissionsExt as _;
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("seal.key");
        assert!(SealKey::load(&path).unwrap().is_none());
        SealKey::generate().unwrap().save(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(SealKey::load(&path).unwrap().is_some());
    }
}
