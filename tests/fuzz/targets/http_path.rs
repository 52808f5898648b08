//! Paths and query strings of requests: escapes are undone the same way however they are written, and every parameter is read or refused.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pannier::api::percent;
use pannier::api::query::{MAX_WAIT, Query};
use pannier::util::go_duration;

fuzz_target!(|text: &str| {
    for plus_is_space in [false, true] {
        if let Ok(decoded) = percent::decode(text, plus_is_space) {
            assert_eq!(percent::decode(&escape(&decoded), plus_is_space).expect("an escaped text can be read"), decoded);
        }
    }
    if let Ok(duration) = go_duration::parse(text) {
        assert_eq!(go_duration::parse(&go_duration::format(duration)).expect("what was printed can be read"), duration);
    }
    let query = text.split_once('?').map_or(text, |(_, query)| query);
    let Ok(query) = Query::parse(Some(query)) else { return };
    let _ = query.index();
    let _ = query.stale();
    let _ = query.list();
    query.namespace();
    query.pretty();
    if let Ok(wait) = query.wait() {
        assert!(wait <= MAX_WAIT && !wait.is_zero());
    }
});

fn escape(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}
