//! Log entries and snapshots: damaged or made up, bytes are refused, and what is read is written again as it was.
//!
//! The checksum would hold nearly every mutation off, so bodies are also tried under a right one.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pannier::codec;
use pannier::state::command::Request;
use pannier::state::snapshot;

/// Kind and version of a snapshot's row, as in every snapshot on disk.
const ROW: (u8, u16) = (2, 1);
const REQUEST: (u8, u16) = (1, 1);

fuzz_target!(|bytes: &[u8]| {
    request(bytes);
    request(&envelope(REQUEST, bytes));
    state(bytes);
    state(&snapshot_of(bytes));
});

fn request(bytes: &[u8]) {
    let Ok(request) = codec::decode::<Request>(bytes) else { return };
    let encoded = codec::encode(&request).expect("what was read can be written");
    let again = codec::decode::<Request>(&encoded).expect("what was written can be read");
    // By bytes: a number that is none (NaN) is not equal to itself.
    assert_eq!(codec::encode(&again).expect("what was read can be written"), encoded);
    assert_eq!(format!("{again:?}"), format!("{request:?}"));
}

fn state(bytes: &[u8]) {
    let Ok(state) = snapshot::decode(bytes) else { return };
    let encoded = snapshot::encode(&state).expect("what was read can be written");
    let again = snapshot::decode(&encoded).expect("what was written can be read");
    assert_eq!(snapshot::encode(&again).expect("what was read can be written"), encoded);
}

/// Rows, each behind its length (`u16` LE), as a snapshot with right checksums.
fn snapshot_of(mut rows: &[u8]) -> Vec<u8> {
    let mut snapshot = Vec::new();
    while let Some((length, rest)) = rows.split_first_chunk::<2>() {
        let (row, next) = rest.split_at(usize::from(u16::from_le_bytes(*length)).min(rest.len()));
        let row = envelope(ROW, row);
        snapshot.extend(u32::try_from(row.len()).expect("a row's length came as u16").to_le_bytes());
        snapshot.extend(row);
        rows = next;
    }
    snapshot
}

fn envelope((kind, version): (u8, u16), body: &[u8]) -> Vec<u8> {
    let mut bytes = vec![kind];
    bytes.extend(version.to_le_bytes());
    bytes.extend(crc32c::crc32c(body).to_le_bytes());
    bytes.extend(body);
    bytes
}
