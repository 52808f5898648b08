//! Which process is meant: a pid alone is reused, a pid with its start time and the boot is not.

use std::fs;

/// This boot's id.
pub fn boot_id() -> String {
    fs::read_to_string("/proc/sys/kernel/random/boot_id").map(|text| text.trim().to_owned()).unwrap_or_default()
}

/// When the process started, in clock ticks since boot; `None`: there is none, or it is a zombie.
pub fn start_time(pid: i32) -> Option<u64> {
    parse_stat(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

/// Field 22 of `/proc/<pid>/stat`. The command's name (field 2) is in parentheses and may hold anything, also parentheses.
fn parse_stat(stat: &str) -> Option<u64> {
    let mut fields = stat.get(stat.rfind(')')? + 1..)?.split_ascii_whitespace();
    let state = fields.next()?;
    if matches!(state, "Z" | "X") {
        return None;
    }
    fields.nth(18)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_parentheses_does_not_shift_the_fields() {
        let tail = "S 1 2 3 0 -1 4194560 10 11 12 13 14 15 16 17 20 0 1 0 777 1000";
        assert_eq!(parse_stat(&format!("42 (a) Z (b)) {tail}")), Some(777));
        assert_eq!(parse_stat(&format!("42 (x) {}", tail.replacen('S', "Z", 1))), None);
        assert_eq!(parse_stat("42 (x"), None);
        assert!(start_time(i32::try_from(std::process::id()).unwrap()).is_some());
    }
}
