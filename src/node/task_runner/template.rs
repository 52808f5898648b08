//! Templates of a task. Those without any action are written as they are; those with one need a template engine, which this
//! node does not have, and say so.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};

use nix::fcntl::OFlag;
use nix::sys::stat::Mode;

use crate::model::task::Template;
use crate::node::alloc_dir::SHARED;
use crate::node::beneath;
use crate::runtime::shim::plan::Credentials;

const DEFAULT_LEFT_DELIMITER: &str = "{{";
const DEFAULT_MODE: u32 = 0o644;

#[derive(Debug, thiserror::Error)]
pub enum TemplateError {
    #[error("template for {0:?} uses template functions, which are not supported yet")]
    NeedsEngine(String),
    #[error("template for {destination:?}: permissions {perms:?} are not an octal mode")]
    BadPermissions { destination: String, perms: String },
    #[error("template destination {0:?} is outside of the task's directory")]
    Outside(String),
    #[error("template for {destination:?}: {source}")]
    Io { destination: String, source: io::Error },
    #[error("template for {destination:?}, line {line}: not KEY=VALUE: {text:?}")]
    BadEnvLine { destination: String, line: usize, text: String },
}

impl TemplateError {
    /// Whether another try could go better.
    pub fn is_permanent(&self) -> bool {
        !matches!(self, Self::Io { .. })
    }
}

/// Where a task's template may read and write: its own directory and the shared one.
pub struct Places<'a> {
    pub alloc_dir: &'a Path,
    pub task: &'a str,
    /// Whose the files in the task's `secrets` are; `None`: the agent's own user's.
    pub owner: Option<&'a Credentials>,
}

impl Places<'_> {
    /// `path`, as the task or the host knows it, relative to the allocation's directory.
    fn below(&self, path: &str) -> Result<PathBuf, TemplateError> {
        let outside = || TemplateError::Outside(path.to_owned());
        let path = Path::new(path);
        let relative = if let Ok(below) = path.strip_prefix(self.alloc_dir) {
            if !below.starts_with(SHARED) && !below.starts_with(self.task) {
                return Err(outside());
            }
            below.to_owned()
        } else if let Ok(below) = path.strip_prefix(Path::new("/").join(SHARED)) {
            Path::new(SHARED).join(below)
        } else {
            // As Nomad does, other absolute paths are taken as relative to the task's directory, too.
            Path::new(self.task).join(path.strip_prefix("/").unwrap_or(path))
        };
        let climbs = relative.components().any(|component| component == Component::ParentDir);
        if climbs { Err(outside()) } else { Ok(relative) }
    }
}

/// Writes `template` and returns the variables it defines (none unless `env` is set). `destination` and `source` have their
/// references resolved already.
pub fn render(
    template: &Template,
    destination: &str,
    source: &str,
    places: &Places<'_>,
) -> Result<BTreeMap<String, String>, TemplateError> {
    let failed = |source| TemplateError::Io { destination: destination.to_owned(), source };
    let content =
        if source.is_empty() { template.data.to_string() } else { read(places.alloc_dir, &places.below(source)?).map_err(failed)? };
    let delimiter = if template.left_delimiter.is_empty() { DEFAULT_LEFT_DELIMITER } else { &*template.left_delimiter };
    if content.contains(delimiter) {
        return Err(TemplateError::NeedsEngine(destination.to_owned()));
    }
    let mode = if template.perms.is_empty() { Ok(DEFAULT_MODE) } else { u32::from_str_radix(&template.perms, 8) };
    let mode = mode
        .ok()
        .filter(|mode| *mode <= 0o7777)
        .ok_or_else(|| TemplateError::BadPermissions { destination: destination.to_owned(), perms: template.perms.to_string() })?;
    let path = places.below(destination)?;
    let owner = places.owner.filter(|_| path.starts_with(Path::new(places.task).join("secrets")));
    beneath::write_beneath(places.alloc_dir, &path, content.as_bytes(), mode, owner)
        .map_err(|source| if beneath::is_escape(&source) { TemplateError::Outside(destination.to_owned()) } else { failed(source) })?;
    if template.env { parse_env(&content, destination) } else { Ok(BTreeMap::new()) }
}

fn read(alloc_dir: &Path, path: &Path) -> io::Result<String> {
    let fd = beneath::open_beneath(alloc_dir, path, OFlag::O_RDONLY | OFlag::O_NONBLOCK, Mode::empty())?;
    let mut content = String::new();
    File::from(fd).read_to_string(&mut content)?;
    Ok(content)
}

/// Lines of `KEY=VALUE`; empty lines and comments are skipped, quotes around a value are taken off.
fn parse_env(content: &str, destination: &str) -> Result<BTreeMap<String, String>, TemplateError> {
    let mut env = BTreeMap::new();
    for (index, line) in content.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let assignment = line.strip_prefix("export ").unwrap_or(line).split_once('=');
        let Some((key, value)) = assignment.filter(|(key, _)| !key.trim().is_empty()) else {
            return Err(TemplateError::BadEnvLine { destination: destination.to_owned(), line: index + 1, text: line.to_owned() });
        };
        let value = value.trim();
        let unquoted = ['"', '\''].iter().find_map(|quote| value.strip_prefix(*quote)?.strip_suffix(*quote));
        env.insert(key.trim().to_owned(), unquoted.unwrap_or(value).to_owned());
    }
    Ok(env)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn template(data: &str) -> Template {
        Template {
            source: "".into(),
            destination: "local/x".into(),
            data: data.into(),
            change_mode: "restart".into(),
            change_signal: "".into(),
            perms: "0600".into(),
            left_delimiter: "".into(),
            right_delimiter: "".into(),
            splay: std::time::Duration::ZERO,
            env: true,
            once: false,
            error_on_missing_key: false,
        }
    }

    #[test]
    fn writes_plain_data_and_reads_its_variables() {
        let dir = tempfile::tempdir().unwrap();
        let places = Places { alloc_dir: dir.path(), task: "web", owner: None };
        let env = render(&template("# c\nA=1\nexport B=\"x = y\"\n"), "/secrets/app.env", "", &places).unwrap();
        assert_eq!(env, BTreeMap::from([("A".to_owned(), "1".to_owned()), ("B".to_owned(), "x = y".to_owned())]));
        assert!(dir.path().join("web/secrets/app.env").is_file());
        for destination in ["/alloc/data/x".to_owned(), dir.path().join("alloc/data/y").display().to_string()] {
            render(&template(""), &destination, "", &places).unwrap();
        }
        assert!(dir.path().join("alloc/data/x").is_file() && dir.path().join("alloc/data/y").is_file());
    }

    #[test]
    fn refuses_what_it_cannot_do() {
        let dir = tempfile::tempdir().unwrap();
        let refused = |data: &str, destination: &str| {
            render(&template(data), destination, "", &Places { alloc_dir: dir.path(), task: "web", owner: None }).unwrap_err()
        };
        assert!(matches!(refused("{{ key \"a\" }}", "local/x"), TemplateError::NeedsEngine(_)));
        assert!(matches!(refused("A=1", "../x"), TemplateError::Outside(_)));
        assert!(matches!(refused("A=1", "local/../../x"), TemplateError::Outside(_)));
        let sibling = dir.path().join("db/local/x").display().to_string();
        assert!(matches!(refused("A=1", &sibling), TemplateError::Outside(_)));
        assert!(matches!(refused("novalue", "local/x"), TemplateError::BadEnvLine { line: 1, .. }));
        assert!(!refused("A=1", "../x").to_string().is_empty());
    }
}
