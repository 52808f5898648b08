//! Templates of a task. Those without any action are written as they are; those with one need a template engine, which this
//! node does not have, and say so.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use nix::fcntl::OFlag;
use nix::sys::stat::Mode;

use crate::model::task::Template;
use crate::node::beneath;

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

/// Writes `template` below `task_dir` and returns the variables it defines (none unless `env` is set). `destination` and
/// `source` have their references resolved already; `inside` maps directories as the task knows them to host paths.
pub fn render(
    template: &Template,
    destination: &str,
    source: &str,
    task_dir: &Path,
    inside: &[(String, PathBuf)],
) -> Result<BTreeMap<String, String>, TemplateError> {
    let failed = |source| TemplateError::Io { destination: destination.to_owned(), source };
    let content =
        if source.is_empty() { template.data.to_string() } else { read(task_dir, &below(source, task_dir, inside)?).map_err(failed)? };
    let delimiter = if template.left_delimiter.is_empty() { DEFAULT_LEFT_DELIMITER } else { &*template.left_delimiter };
    if content.contains(delimiter) {
        return Err(TemplateError::NeedsEngine(destination.to_owned()));
    }
    let mode = if template.perms.is_empty() { Ok(DEFAULT_MODE) } else { u32::from_str_radix(&template.perms, 8) };
    let mode = mode
        .ok()
        .filter(|mode| *mode <= 0o7777)
        .ok_or_else(|| TemplateError::BadPermissions { destination: destination.to_owned(), perms: template.perms.to_string() })?;
    let path = below(destination, task_dir, inside)?;
    beneath::write_beneath(task_dir, &path, content.as_bytes(), mode)
        .map_err(|source| if beneath::is_escape(&source) { TemplateError::Outside(destination.to_owned()) } else { failed(source) })?;
    if template.env { parse_env(&content, destination) } else { Ok(BTreeMap::new()) }
}

/// The path relative to the task's directory.
fn below(path: &str, task_dir: &Path, inside: &[(String, PathBuf)]) -> Result<PathBuf, TemplateError> {
    let mut host = PathBuf::from(path);
    for (seen_as, real) in inside {
        if let Ok(rest) = Path::new(path).strip_prefix(seen_as) {
            host = real.join(rest);
        }
    }
    match host.strip_prefix(task_dir) {
        Ok(relative) => Ok(relative.to_owned()),
        // Nomad takes other absolute destinations as relative to the task's directory, too.
        Err(_) => Ok(host.strip_prefix("/").map(Path::to_owned).unwrap_or(host)),
    }
    .and_then(|relative| {
        let escapes = relative.components().any(|component| component == std::path::Component::ParentDir);
        if escapes || relative.as_os_str().is_empty() { Err(TemplateError::Outside(path.to_owned())) } else { Ok(relative) }
    })
}

fn read(task_dir: &Path, path: &Path) -> io::Result<String> {
    let fd = beneath::open_beneath(task_dir, path, OFlag::O_RDONLY | OFlag::O_NONBLOCK, Mode::empty())?;
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
        let inside = [("/secrets".to_owned(), dir.path().join("secrets"))];
        let env = render(&template("# c\nA=1\nexport B=\"x = y\"\n"), "/secrets/app.env", "", dir.path(), &inside).unwrap();
        assert_eq!(env, BTreeMap::from([("A".to_owned(), "1".to_owned()), ("B".to_owned(), "x = y".to_owned())]));
        assert!(dir.path().join("secrets/app.env").is_file());
    }

    #[test]
    fn refuses_what_it_cannot_do() {
        let dir = tempfile::tempdir().unwrap();
        let refused = |data: &str, destination: &str| render(&template(data), destination, "", dir.path(), &[]).unwrap_err();
        assert!(matches!(refused("{{ key \"a\" }}", "local/x"), TemplateError::NeedsEngine(_)));
        assert!(matches!(refused("A=1", "../x"), TemplateError::Outside(_)));
        assert!(matches!(refused("A=1", "local/../../x"), TemplateError::Outside(_)));
        assert!(matches!(refused("novalue", "local/x"), TemplateError::BadEnvLine { line: 1, .. }));
        assert!(!refused("A=1", "../x").to_string().is_empty());
    }
}
