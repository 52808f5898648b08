//! What blocks and attributes mean, and what they are when they are left out. `prose.txt` says it; tests hold it against the tables.

use std::collections::BTreeMap;

/// An entry of the list.
pub struct Entry {
    pub text: &'static str,
    /// As a jobspec would write it; empty: none.
    pub default: &'static str,
}

/// Entries by `block` and `block.attribute`.
pub fn entries() -> BTreeMap<&'static str, Entry> {
    let lines = include_str!("prose.txt").lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines
        .filter_map(|line| {
            let mut parts = line.splitn(3, '|').map(str::trim);
            let (name, second) = (parts.next()?, parts.next()?);
            Some(match parts.next() {
                Some(text) => (name, Entry { text, default: second }),
                None => (name, Entry { text: second, default: "" }),
            })
        })
        .collect()
}

/// What the keys of the drivers' `config` mean, by `driver.key` and `driver.block.key`.
pub fn of_drivers() -> BTreeMap<&'static str, &'static str> {
    let lines = include_str!("driver_prose.txt").lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.filter_map(|line| line.split_once('|')).map(|(name, text)| (name.trim(), text.trim())).collect()
}
