//! What agent and shim read of each other: frames on the socket, the readiness line, and the files of a run directory.
#![no_main]

use std::fmt::Debug;

use libfuzzer_sys::fuzz_target;
use pannier::runtime::driver::ExitRecord;
use pannier::runtime::shim::plan::ShimPlan;
use pannier::runtime::shim::protocol::{self, Readiness};
use pannier::runtime::shim::record::ShimState;
use serde::Serialize;
use serde::de::DeserializeOwned;

fuzz_target!(|bytes: &[u8]| {
    frames(bytes);
    if let Ok(length) = u32::try_from(bytes.len()) {
        let mut framed = length.to_be_bytes().to_vec();
        framed.extend(bytes);
        frames(&framed);
    }
    document::<ShimPlan>(bytes);
    document::<ShimState>(bytes);
    document::<ExitRecord>(bytes);
    document::<Readiness>(bytes);
});

fn frames(bytes: &[u8]) {
    if let Ok(Some((request, taken))) = protocol::decode(bytes) {
        assert!(taken <= bytes.len());
        assert!(protocol::decode(&bytes[..taken - 1]).is_ok_and(|found| found.is_none()), "a part of a frame is not a frame");
        let frame = protocol::encode(&request).expect("what was read can be written");
        let length = frame.len();
        assert_eq!(protocol::decode(&frame).expect("what was written can be read"), Some((request, length)));
    }
    if let Ok(Some((response, taken))) = protocol::decode_response(bytes) {
        assert!(taken <= bytes.len());
        if let Ok(frame) = protocol::encode(&response) {
            let length = frame.len();
            assert_eq!(protocol::decode_response(&frame).expect("what was written can be read"), Some((response, length)));
        }
    }
}

fn document<T: DeserializeOwned + Serialize + PartialEq + Debug>(bytes: &[u8]) {
    let Ok(value) = serde_json::from_slice::<T>(bytes) else { return };
    let printed = serde_json::to_vec(&value).expect("what was read can be written");
    assert_eq!(serde_json::from_slice::<T>(&printed).expect("what was written can be read"), value);
}
