//! Bytes of the journal: `[kind u8][version u16][crc32c u32][bincode]`, numbers little-endian, the checksum over the
//! bincode bytes.

use serde::Serialize;
use serde::de::DeserializeOwned;

const VERSION: u16 = 1;
const HEADER: usize = 7;
/// No record is larger; a length that a flipped bit made up must not make us allocate it.
const MAX_BYTES: usize = 64 << 20;

fn config() -> impl bincode::config::Config {
    bincode::config::standard().with_limit::<MAX_BYTES>()
}

/// Why bytes are not the record they should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CodecError {
    #[error("it is cut off after {0} bytes")]
    Truncated(usize),
    #[error("it is of kind {found}, not {expected}")]
    Kind { expected: u8, found: u8 },
    #[error("it was written by a newer version ({0})")]
    Version(u16),
    #[error("its checksum does not match")]
    Checksum,
    #[error("it cannot be encoded or decoded: {0}")]
    Body(String),
}

pub fn encode<T: Serialize>(kind: u8, value: &T) -> Result<Vec<u8>, CodecError> {
    let body = bincode::serde::encode_to_vec(value, config()).map_err(|error| CodecError::Body(error.to_string()))?;
    let mut bytes = Vec::with_capacity(HEADER + body.len());
    bytes.push(kind);
    bytes.extend(VERSION.to_le_bytes());
    bytes.extend(crc32c::crc32c(&body).to_le_bytes());
    bytes.extend(body);
    Ok(bytes)
}

pub fn decode<T: DeserializeOwned>(kind: u8, bytes: &[u8]) -> Result<T, CodecError> {
    let Some(([found, v0, v1, c0, c1, c2, c3], body)) = bytes.split_first_chunk::<HEADER>() else {
        return Err(CodecError::Truncated(bytes.len()));
    };
    if *found != kind {
        return Err(CodecError::Kind { expected: kind, found: *found });
    }
    let version = u16::from_le_bytes([*v0, *v1]);
    if version != VERSION {
        return Err(CodecError::Version(version));
    }
    if crc32c::crc32c(body) != u32::from_le_bytes([*c0, *c1, *c2, *c3]) {
        return Err(CodecError::Checksum);
    }
    let (value, read) = bincode::serde::decode_from_slice(body, config()).map_err(|error| CodecError::Body(error.to_string()))?;
    if read != body.len() {
        return Err(CodecError::Body(format!("{} bytes too many", body.len() - read)));
    }
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_every_flipped_bit_and_every_cut() {
        let bytes = encode(3, &("text".to_owned(), 7u64)).unwrap();
        assert_eq!(decode::<(String, u64)>(3, &bytes).unwrap(), ("text".to_owned(), 7));
        for position in 0..bytes.len() {
            let mut flipped = bytes.clone();
            flipped[position] ^= 1;
            assert!(decode::<(String, u64)>(3, &flipped).is_err(), "bit of byte {position}");
            assert!(decode::<(String, u64)>(3, &bytes[..position]).is_err(), "cut at {position}");
        }
    }
}
