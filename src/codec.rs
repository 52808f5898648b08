//! Bytes on disk and on the wire: the only user of bincode.
//!
//! Every persisted value sits in an envelope `[kind u8][version u16 LE][crc32c u32 LE][bincode bytes]`. The encoding is positional
//! (RUSTSEC-2025-0141: the crate is unmaintained but the format is frozen, and swapping it is a change to this file plus a version
//! bump), so a changed type gets a new version and a [`Persisted::migrate`] step from the one before.

use bincode::config::{Configuration, Limit, LittleEndian, Varint};
use serde::Serialize;
use serde::de::DeserializeOwned;

const HEADER: usize = 1 + 2 + 4;

/// The largest value that is read back: one log record or one table row.
const LIMIT: usize = 64 << 20;

const CONFIG: Configuration<LittleEndian, Varint, Limit<LIMIT>> =
    bincode::config::standard().with_little_endian().with_variable_int_encoding().with_limit::<LIMIT>();

/// Why bytes could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CodecError {
    #[error("record is cut short ({length} bytes)")]
    Truncated { length: usize },
    #[error("expected a record of kind {expected}, found kind {found}")]
    WrongKind { expected: u8, found: u8 },
    #[error("record of kind {kind} has version {found}; this build reads up to {newest}: it was written by a newer pannier")]
    TooNew { kind: u8, found: u16, newest: u16 },
    #[error("record of kind {kind} fails its checksum: the data is damaged")]
    Damaged { kind: u8 },
    #[error("record of kind {kind} version {version} does not decode: {reason}")]
    Malformed { kind: u8, version: u16, reason: String },
    #[error("value does not encode: {0}")]
    Unencodable(String),
}

/// A type that is written to disk or sent between nodes. `KIND` is never reused; `VERSION` grows when the type changes.
pub trait Persisted: Serialize + DeserializeOwned {
    const KIND: u8;
    const VERSION: u16;

    /// Reads a value of an older version (`version < Self::VERSION`).
    fn migrate(version: u16, bytes: &[u8]) -> Result<Self, CodecError> {
        let _ = bytes;
        Err(CodecError::Malformed { kind: Self::KIND, version, reason: "no migration from this version".to_owned() })
    }
}

/// `value` in its envelope.
pub fn encode<T: Persisted>(value: &T) -> Result<Vec<u8>, CodecError> {
    let mut bytes = vec![0; HEADER];
    bincode::serde::encode_into_std_write(value, &mut bytes, CONFIG).map_err(|error| CodecError::Unencodable(error.to_string()))?;
    let checksum = crc32c::crc32c(&bytes[HEADER..]);
    bytes[0] = T::KIND;
    bytes[1..3].copy_from_slice(&T::VERSION.to_le_bytes());
    bytes[3..7].copy_from_slice(&checksum.to_le_bytes());
    Ok(bytes)
}

/// Reads a value of this or an older version out of its envelope.
pub fn decode<T: Persisted>(bytes: &[u8]) -> Result<T, CodecError> {
    let Some((header, body)) = bytes.split_first_chunk::<HEADER>() else {
        return Err(CodecError::Truncated { length: bytes.len() });
    };
    let [kind, v0, v1, c0, c1, c2, c3] = *header;
    let version = u16::from_le_bytes([v0, v1]);
    if kind != T::KIND {
        return Err(CodecError::WrongKind { expected: T::KIND, found: kind });
    }
    if version > T::VERSION {
        return Err(CodecError::TooNew { kind, found: version, newest: T::VERSION });
    }
    if crc32c::crc32c(body) != u32::from_le_bytes([c0, c1, c2, c3]) {
        return Err(CodecError::Damaged { kind });
    }
    if version < T::VERSION { T::migrate(version, body) } else { decode_body(T::KIND, version, body) }
}

/// Decodes a bare body, for migrations.
pub fn decode_body<T: DeserializeOwned>(kind: u8, version: u16, body: &[u8]) -> Result<T, CodecError> {
    match bincode::serde::decode_from_slice(body, CONFIG) {
        Ok((value, read)) if read == body.len() => Ok(value),
        Ok((_, read)) => Err(CodecError::Malformed { kind, version, reason: format!("{} bytes are left over", body.len() - read) }),
        Err(error) => Err(CodecError::Malformed { kind, version, reason: error.to_string() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ConfigValue;
    use proptest::prelude::*;
    use serde::Deserialize;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Old {
        name: String,
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct New {
        name: String,
        size: u32,
    }

    impl Persisted for Old {
        const KIND: u8 = 200;
        const VERSION: u16 = 1;
    }

    impl Persisted for New {
        const KIND: u8 = 200;
        const VERSION: u16 = 2;

        fn migrate(version: u16, bytes: &[u8]) -> Result<Self, CodecError> {
            let old: Old = decode_body(Self::KIND, version, bytes)?;
            Ok(Self { name: old.name, size: 0 })
        }
    }

    #[test]
    fn reads_what_an_older_build_wrote_and_refuses_a_newer_ones() {
        let old = encode(&Old { name: "a".into() }).unwrap();
        assert_eq!(decode::<New>(&old).unwrap(), New { name: "a".into(), size: 0 });
        let new = encode(&New { name: "a".into(), size: 7 }).unwrap();
        assert_eq!(decode::<New>(&new).unwrap().size, 7);
        assert!(matches!(decode::<Old>(&new), Err(CodecError::TooNew { found: 2, newest: 1, .. })));
    }

    #[test]
    fn every_damaged_byte_is_noticed() {
        let bytes = encode(&New { name: "pannier".into(), size: 7 }).unwrap();
        for position in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[position] ^= 0x10;
            assert!(decode::<New>(&damaged).is_err(), "byte {position}");
        }
        for length in 0..bytes.len() {
            assert!(decode::<New>(&bytes[..length]).is_err(), "length {length}");
        }
    }

    /// On a thread with the stack of the runtime's.
    #[test]
    fn nested_values_are_bounded() {
        let nested = |depth: usize| {
            let list_of_one = [5, 1];
            let mut bytes = list_of_one.repeat(depth);
            bytes.push(0);
            decode_body::<ConfigValue>(0, 1, &bytes)
        };
        let on_a_small_stack = std::thread::Builder::new().stack_size(2 << 20).spawn(move || {
            assert!(nested(256).is_ok());
            assert!(matches!(nested(257), Err(CodecError::Malformed { .. })));
            assert!(nested(1_000_000).is_err());
            assert!(nested(256).is_ok(), "a refusal leaves nothing behind");
        });
        on_a_small_stack.unwrap().join().unwrap();
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = decode::<New>(&bytes);
        }
    }
}
