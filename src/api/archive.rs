//! A saved state as a file: a gzipped tar of `meta.json`, `state.bin` and `SHA256SUMS`, the layout of Nomad's archives (what is in
//! `state.bin` is pannier's own).

use std::collections::BTreeMap;
use std::io::{Read, Write};

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

const META: &str = "meta.json";
const STATE: &str = "state.bin";
const SUMS: &str = "SHA256SUMS";

/// The archive's layout.
const VERSION: u32 = 1;

/// What an archive says about itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ArchiveMeta {
    pub version: u32,
    /// `term-index-milliseconds`.
    #[serde(rename = "ID")]
    pub id: String,
    pub index: u64,
    pub term: u64,
    /// Of the state, in bytes.
    pub size: u64,
    /// RFC 3339.
    pub created: String,
    /// Of the pannier that wrote it.
    pub build: String,
}

/// Why a file is no archive to go by.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    #[error("it is no snapshot archive, or it is cut short: {0}")]
    Unreadable(#[from] std::io::Error),
    #[error("the archive lacks {0}")]
    Missing(&'static str),
    #[error("the archive is damaged: {0} does not match its checksum")]
    Damaged(String),
    #[error("the archive has layout {found}, this build reads up to {VERSION}: it was written by a newer pannier")]
    TooNew { found: u32 },
    #[error("the archive's description makes no sense: {0}")]
    BadMeta(#[from] serde_json::Error),
}

/// Makes an archive. Slow for a large state: call it off the async workers.
pub fn pack(meta: &ArchiveMeta, state: &[u8]) -> Result<Vec<u8>, ArchiveError> {
    let meta = ArchiveMeta { version: VERSION, size: state.len() as u64, ..meta.clone() };
    let meta = serde_json::to_vec_pretty(&meta)?;
    let sums = format!("{}  {META}\n{}  {STATE}\n", hex(&Sha256::digest(&meta)), hex(&Sha256::digest(state)));
    let mut archive = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    for (name, contents) in [(META, meta.as_slice()), (STATE, state), (SUMS, sums.as_bytes())] {
        let mut header = tar::Header::new_gnu();
        header.set_size(contents.len() as u64);
        header.set_mode(0o600);
        archive.append_data(&mut header, name, contents)?;
    }
    let mut compressed = archive.into_inner()?;
    compressed.flush()?;
    Ok(compressed.finish()?)
}

/// Reads an archive and checks every part of it; gives its description and the state's bytes.
pub fn unpack(bytes: &[u8]) -> Result<(ArchiveMeta, Vec<u8>), ArchiveError> {
    let mut parts: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    let mut archive = tar::Archive::new(GzDecoder::new(bytes));
    for entry in archive.entries()? {
        let mut entry = entry?;
        let name = entry.path()?.to_string_lossy().into_owned();
        let mut contents = Vec::new();
        entry.read_to_end(&mut contents)?;
        parts.insert(name, contents);
    }
    // The checksum at the end of the stream is looked at only by whoever reads up to there.
    std::io::copy(&mut archive.into_inner(), &mut std::io::sink())?;
    let mut take = |name: &'static str| parts.remove(name).ok_or(ArchiveError::Missing(name));
    let (sums, meta, state) = (take(SUMS)?, take(META)?, take(STATE)?);
    let sums = String::from_utf8_lossy(&sums);
    for (name, contents) in [(META, &meta), (STATE, &state)] {
        let digest = hex(&Sha256::digest(contents));
        let is_listed = sums.lines().any(|line| line.split_once("  ") == Some((digest.as_str(), name)));
        if !is_listed {
            return Err(ArchiveError::Damaged(name.to_owned()));
        }
    }
    let meta: ArchiveMeta = serde_json::from_slice(&meta)?;
    if meta.version > VERSION {
        return Err(ArchiveError::TooNew { found: meta.version });
    }
    Ok((meta, state))
}

/// How many rows of each kind the state in an archive has.
pub fn contents(state: &[u8]) -> Result<Vec<(&'static str, usize)>, String> {
    let state = crate::state::snapshot::decode(state).map_err(|error| error.to_string())?;
    Ok(vec![
        ("Jobs", state.jobs().count()),
        ("Allocations", state.allocations().count()),
        ("Evaluations", state.evaluations().count()),
        ("Deployments", state.deployments().count()),
        ("Nodes", state.nodes().count()),
    ])
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_packed_comes_out() {
        let meta = ArchiveMeta { id: "2-7-1".into(), index: 7, term: 2, ..ArchiveMeta::default() };
        let (found, state) = unpack(&pack(&meta, b"the state").unwrap()).unwrap();
        assert_eq!(state, b"the state");
        assert_eq!((found.version, found.size, found.index, found.id.as_str()), (VERSION, 9, 7, "2-7-1"));
    }

    #[test]
    fn a_damaged_byte_changes_nothing_or_is_noticed_and_so_is_every_cut() {
        let state: Vec<u8> = (0..600_u32).flat_map(|number| (number.wrapping_mul(2_654_435_761)).to_le_bytes()).collect();
        let archive = pack(&ArchiveMeta::default(), &state).unwrap();
        for position in 0..archive.len() {
            let mut damaged = archive.clone();
            damaged[position] ^= 0x40;
            // gzip has bytes that mean nothing (time, system), and several ways to say the same.
            if let Ok((_, found)) = unpack(&damaged) {
                assert!(found == state, "byte {position}");
            }
            assert!(unpack(&archive[..position]).is_err(), "length {position}");
        }
    }

    #[test]
    fn an_archive_of_another_kind_is_refused_with_its_reason() {
        assert!(matches!(unpack(b"not gzip at all"), Err(ArchiveError::Unreadable(_))));
        let mut archive = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
        let mut header = tar::Header::new_gnu();
        header.set_size(1);
        archive.append_data(&mut header, "other", b"x".as_slice()).unwrap();
        let bytes = archive.into_inner().unwrap().finish().unwrap();
        assert_eq!(unpack(&bytes).unwrap_err().to_string(), "the archive lacks SHA256SUMS");
    }
}
