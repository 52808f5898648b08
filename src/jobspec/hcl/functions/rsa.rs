//! `rsadecrypt`.
//!
//! The `rsa` crate is not constant in time (RUSTSEC-2023-0071), which here tells nobody anything: key and ciphertext both stand in the jobspec of
//! whoever waits for the answer. `ring`, which signs everything else, does not decrypt.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rsa::pkcs1::DecodeRsaPrivateKey as _;
use rsa::pkcs8::DecodePrivateKey as _;
use rsa::{Pkcs1v15Encrypt, RsaPrivateKey};

use super::{Args, Function, Problem, function};
use crate::jobspec::hcl::value::Value;

pub const FUNCTIONS: &[Function] = &[function("rsadecrypt", 2, 2, decrypt)];

/// The longest key that is read, in bytes of PEM: enough for 8192 bits.
const LONGEST_KEY: usize = 8 << 10;

/// Work of a call, see `Meter`: it grows with the third power of the key's length.
pub fn work(args: &Args<'_>) -> usize {
    let length = args.text(1).map_or(0, |key| key.len().min(LONGEST_KEY));
    (length / 40).pow(3)
}

/// The text that the base64 of `args[0]` says to the owner of the private key `args[1]` (PEM), with the padding of PKCS #1 v1.5.
fn decrypt(args: &Args<'_>) -> Result<Value, Problem> {
    let (encrypted, key) = (args.text(0)?, args.text(1)?);
    let encrypted = STANDARD.decode(encrypted.trim().as_bytes()).map_err(|error| Problem::at(0, format!("not base64: {error}")))?;
    if key.len() > LONGEST_KEY {
        return Err(Problem::at(1, format!("the key has {} bytes, more than the {LONGEST_KEY} allowed", key.len())));
    }
    // What the key is, no message may say.
    let key = RsaPrivateKey::from_pkcs1_pem(key.trim())
        .ok()
        .or_else(|| RsaPrivateKey::from_pkcs8_pem(key.trim()).ok())
        .ok_or_else(|| Problem::at(1, "not an RSA private key: it is PEM, and begins with -----BEGIN RSA PRIVATE KEY-----"))?;
    let plain = key.decrypt(Pkcs1v15Encrypt, &encrypted).map_err(|_| Problem::at(0, "was not encrypted for this key"))?;
    String::from_utf8(plain).map(Value::from).map_err(|_| Problem::at(0, "the decrypted bytes are not text"))
}
