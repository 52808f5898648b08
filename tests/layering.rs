//! The rooms of `src/` and who may use whom (the table of the plan of the house). Reads every `crate::` path outside of comments and fails
//! on an edge that the table forbids, and on crates that belong to one room only.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Room, and the rooms it may use beside itself.
const TABLE: &[(&str, &[&str])] = &[
    ("util", &[]),
    ("model", &["util"]),
    ("codec", &["util", "model"]),
    ("jobspec", &["util", "model"]),
    ("state", &["util", "model", "codec"]),
    ("scheduler", &["util", "model"]),
    ("tls", &["util", "model"]),
    ("auth", &["util", "model"]),
    ("rpc", &["util", "model", "codec", "tls"]),
    ("raft", &["util", "model", "codec", "state", "rpc"]),
    ("server", &["util", "model", "codec", "state", "scheduler", "auth", "raft", "rpc"]),
    ("runtime", &["util", "model"]),
    ("node", &["util", "model", "codec", "rpc", "runtime"]),
    ("api", &["util", "model", "jobspec", "state", "scheduler", "auth"]),
    ("cli", &["util", "model", "jobspec", "api"]),
    (
        "agent",
        &[
            "util",
            "model",
            "codec",
            "jobspec",
            "state",
            "scheduler",
            "tls",
            "auth",
            "rpc",
            "raft",
            "server",
            "runtime",
            "node",
            "api",
            "cli",
        ],
    ),
    ("lib", &[]),
    ("main", &["agent", "cli", "runtime"]),
];

/// Crates that only one room (or file) may name.
const OWNED_CRATES: &[(&str, &[&str])] = &[
    ("openraft::", &["raft"]),
    ("bincode::", &["codec"]),
    ("rocksdb::", &["raft", "node"]),
    ("hcl_edit::", &["jobspec"]),
    ("ring::", &["auth", "tls"]),
    ("rcgen::", &["tls"]),
];

#[test]
fn rooms_use_only_what_the_plan_allows() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let allowed: BTreeMap<&str, BTreeSet<&str>> = TABLE.iter().map(|(room, uses)| (*room, uses.iter().copied().collect())).collect();
    let mut problems = Vec::new();
    let files = rust_files(&source);
    assert!(files.len() > 50, "only {} source files found under {}", files.len(), source.display());
    for file in files {
        let room = room_of(&source, &file);
        let Some(uses) = allowed.get(room.as_str()) else {
            problems.push(format!("{}: room {room} is not in the table", file.display()));
            continue;
        };
        let text = fs::read_to_string(&file).expect("source files are readable");
        for (number, line) in code_lines(&text) {
            for used in mentioned_rooms(line) {
                let is_room = allowed.contains_key(used.as_str());
                if is_room && used != room && !uses.contains(used.as_str()) {
                    problems.push(format!("{}:{number}: {room} must not use {used}: {}", file.display(), line.trim()));
                }
            }
            for (name, owners) in OWNED_CRATES {
                if names_crate(line, name) && !owners.contains(&room.as_str()) {
                    problems.push(format!("{}:{number}: only {owners:?} may name {name}: {}", file.display(), line.trim()));
                }
            }
        }
    }
    assert!(problems.is_empty(), "\n{}", problems.join("\n"));
}

#[test]
fn files_stay_small() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let large: Vec<String> = rust_files(&source)
        .into_iter()
        .filter_map(|file| {
            let lines = fs::read_to_string(&file).expect("source files are readable").lines().count();
            (lines > 1_000).then(|| format!("{}: {lines} lines", file.display()))
        })
        .collect();
    assert!(large.is_empty(), "over 1,000 lines is a defect:\n{}", large.join("\n"));
}

#[test]
fn a_forbidden_edge_is_seen() {
    assert_eq!(mentioned_rooms("use crate::{model::Job, raft::Raft};"), ["model", "raft"]);
    assert_eq!(mentioned_rooms("    crate::state::Store::new(x)"), ["state"]);
    assert!(names_crate("ring::rand", "ring::") && !names_crate("Ordering::Relaxed", "ring::"));
    assert_eq!(code_lines("// crate::raft\n/// crate::api\nlet x = 1;").count(), 1);
}

fn rust_files(dir: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(dir).expect("src is readable") {
        let path = entry.expect("src is readable").path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files.sort();
    files
}

/// Whether `line` holds the path `name`, and not as the end of a longer word (`Ordering::` is not `ring::`).
fn names_crate(line: &str, name: &str) -> bool {
    line.match_indices(name).any(|(at, _)| !line[..at].ends_with(|c: char| c.is_ascii_alphanumeric() || c == '_'))
}

fn room_of(source: &Path, file: &Path) -> String {
    let relative = file.strip_prefix(source).expect("files are below src");
    let first = relative.components().next().expect("files have a name").as_os_str().to_string_lossy().into_owned();
    first.trim_end_matches(".rs").to_owned()
}

fn code_lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines().enumerate().map(|(index, line)| (index + 1, line)).filter(|(_, line)| !line.trim_start().starts_with("//"))
}

/// First path segments after every `crate::`, those of a `crate::{a, b}` group included.
fn mentioned_rooms(line: &str) -> Vec<String> {
    let identifier = |text: &str| text.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect::<String>();
    let mut rooms = Vec::new();
    for (position, matched) in line.match_indices("crate::") {
        // `$crate::` in macros and `my_crate::` are other things.
        if line[..position].ends_with(|c: char| c.is_ascii_alphanumeric() || c == '_' || c == '$') {
            continue;
        }
        let rest = &line[position + matched.len()..];
        match rest.strip_prefix('{') {
            None => rooms.push(identifier(rest)),
            Some(group) => {
                let mut depth = 0usize;
                let mut start = true;
                for (offset, c) in group.char_indices() {
                    match c {
                        '{' => depth += 1,
                        '}' if depth == 0 => break,
                        '}' => depth -= 1,
                        ',' if depth == 0 => start = true,
                        c if start && !c.is_whitespace() => {
                            rooms.push(identifier(&group[offset..]));
                            start = false;
                        }
                        _ => {}
                    }
                }
            }
        }
    }
    rooms.retain(|room| !room.is_empty());
    rooms
}
