//! One snapshot as a file.
//!
//! ```text
//! magic "pannsnap"  format u16  meta length u32  meta (envelope)  data length u64  data crc32c u32  data      integers little-endian
//! ```
//!
//! The data is what [`crate::state::snapshot`] makes of the state; the checksum here covers it as a whole, so that a file cut at a row's
//! end is noticed too.

use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;

use super::records::SnapshotMetaRecord;
use super::types::SnapshotMeta;
use crate::codec::{self, CodecError};

const MAGIC: &[u8; 8] = b"pannsnap";
const FORMAT: u16 = 1;

/// Magic, format and the meta's length.
const HEAD: usize = 8 + 2 + 4;

/// Why a file is no usable snapshot.
#[derive(Debug, thiserror::Error)]
pub(super) enum SnapshotFileError {
    #[error("it has snapshot format {found}, this build reads up to {FORMAT}: it was written by a newer pannier")]
    TooNew { found: u16 },
    #[error("it is not a snapshot")]
    WrongMagic,
    #[error("it is cut short")]
    Truncated,
    #[error("its data fails the checksum")]
    Damaged,
    #[error(transparent)]
    Codec(#[from] CodecError),
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl SnapshotFileError {
    /// Nothing is wrong with the file; this build is too old for it.
    pub(super) fn is_too_new(&self) -> bool {
        matches!(self, Self::TooNew { .. } | Self::Codec(CodecError::TooNew { .. }))
    }
}

/// An open snapshot: it stays readable when its name is removed, so a slow transfer never loses it.
#[derive(Clone, Debug)]
pub(super) struct SnapshotFile {
    pub path: PathBuf,
    file: Arc<File>,
}

/// A whole file, checked.
pub(super) struct SnapshotContents {
    pub meta: SnapshotMeta,
    bytes: Vec<u8>,
    data_at: usize,
}

impl SnapshotContents {
    /// The encoded state.
    pub(super) fn data(&self) -> &[u8] {
        &self.bytes[self.data_at..]
    }
}

impl SnapshotFile {
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        Ok(Self { path: path.to_owned(), file: Arc::new(File::open(path)?) })
    }

    /// Reads only what the file says about itself; the data stays unchecked. Blocks.
    pub(super) fn read_meta(&self) -> Result<SnapshotMeta, SnapshotFileError> {
        let mut head = vec![0; HEAD];
        self.file.read_exact_at(&mut head, 0)?;
        let meta_length = parse_head(&mut head.as_slice())?;
        let available = self.file.metadata()?.len().saturating_sub(HEAD as u64);
        if meta_length as u64 > available {
            return Err(SnapshotFileError::Truncated);
        }
        let mut meta = vec![0; meta_length];
        self.file.read_exact_at(&mut meta, HEAD as u64)?;
        Ok(codec::decode::<SnapshotMetaRecord>(&meta)?.try_into()?)
    }

    /// Blocks.
    pub(super) fn length(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.len())
    }

    /// At most `limit` bytes from `offset`; none at the end. Blocks.
    pub(super) fn read_piece(&self, offset: u64, limit: usize) -> io::Result<Bytes> {
        let mut piece = vec![0; limit];
        let length = self.file.read_at(&mut piece, offset)?;
        piece.truncate(length);
        Ok(piece.into())
    }

    /// Reads and checks everything. Blocks.
    pub(super) fn read(&self) -> Result<SnapshotContents, SnapshotFileError> {
        let length = usize::try_from(self.file.metadata()?.len()).map_err(|_| SnapshotFileError::Truncated)?;
        let mut bytes = vec![0; length];
        self.file.read_exact_at(&mut bytes, 0)?;
        parse(bytes)
    }
}

/// Writes a snapshot of `data`.
pub(super) fn write(file: &mut File, meta: &SnapshotMeta, data: &[u8]) -> Result<(), SnapshotFileError> {
    let meta = codec::encode(&SnapshotMetaRecord::from(meta))?;
    let meta_length = u32::try_from(meta.len()).map_err(|_| CodecError::Unencodable("membership is larger than 4 GiB".to_owned()))?;
    let mut head = Vec::with_capacity(meta.len() + 32);
    head.extend_from_slice(MAGIC);
    head.extend_from_slice(&FORMAT.to_le_bytes());
    head.extend_from_slice(&meta_length.to_le_bytes());
    head.extend_from_slice(&meta);
    head.extend_from_slice(&(data.len() as u64).to_le_bytes());
    head.extend_from_slice(&crc32c::crc32c(data).to_le_bytes());
    file.write_all(&head)?;
    file.write_all(data)?;
    Ok(())
}

fn parse(bytes: Vec<u8>) -> Result<SnapshotContents, SnapshotFileError> {
    let mut rest = bytes.as_slice();
    let meta_length = parse_head(&mut rest)?;
    let (meta, mut rest) = rest.split_at_checked(meta_length).ok_or(SnapshotFileError::Truncated)?;
    let meta = SnapshotMeta::try_from(codec::decode::<SnapshotMetaRecord>(meta)?)?;
    let data_length = u64::from_le_bytes(take(&mut rest)?);
    let checksum = u32::from_le_bytes(take(&mut rest)?);
    if rest.len() as u64 != data_length {
        return Err(SnapshotFileError::Truncated);
    }
    if crc32c::crc32c(rest) != checksum {
        return Err(SnapshotFileError::Damaged);
    }
    let data_at = bytes.len() - rest.len();
    Ok(SnapshotContents { meta, data_at, bytes })
}

/// Checks magic and format; returns the meta's length.
fn parse_head(rest: &mut &[u8]) -> Result<usize, SnapshotFileError> {
    if take::<8>(rest)? != *MAGIC {
        return Err(SnapshotFileError::WrongMagic);
    }
    let found = u16::from_le_bytes(take(rest)?);
    if found > FORMAT {
        return Err(SnapshotFileError::TooNew { found });
    }
    Ok(u32::from_le_bytes(take(rest)?) as usize)
}

fn take<const N: usize>(rest: &mut &[u8]) -> Result<[u8; N], SnapshotFileError> {
    let (head, tail) = rest.split_first_chunk::<N>().ok_or(SnapshotFileError::Truncated)?;
    *rest = tail;
    Ok(*head)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_damaged_byte_and_every_cut_is_noticed() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("1-1.snap");
        write(&mut File::create(&path).unwrap(), &SnapshotMeta::default(), b"state").unwrap();
        let contents = SnapshotFile::open(&path).unwrap().read().unwrap();
        assert_eq!((contents.meta.clone(), contents.data()), (SnapshotMeta::default(), b"state".as_slice()));
        assert_eq!(SnapshotFile::open(&path).unwrap().read_meta().unwrap(), contents.meta);
        let whole = std::fs::read(&path).unwrap();
        for position in 0..whole.len() {
            let mut damaged = whole.clone();
            damaged[position] ^= 0x40;
            assert!(parse(damaged).is_err(), "byte {position}");
            assert!(parse(whole[..position].to_vec()).is_err(), "length {position}");
        }
    }
}
