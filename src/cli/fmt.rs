//! `fmt`: job files in the canonical layout.

use std::fmt::Write as _;
use std::io::{IsTerminal as _, Read as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::{ArgAction, Args};

use super::exit::{Exit, Outcome};
use super::output::print;
use crate::jobspec::format::format;

const ENDINGS: [&str; 3] = ["hcl", "nomad", "pannier"];

/// Rewrite job files in the canonical layout
#[derive(Args)]
#[command(after_help = "\
Exit codes:
  0    everything is in the canonical layout now
  1    an error; with -check: a file is not in it

Examples:
  pannier fmt web.nomad.hcl
  pannier fmt -check -recursive .
  pannier fmt -write=false -diff web.nomad.hcl
  cat web.nomad.hcl | pannier fmt -")]
pub struct FmtArgs {
    /// Files and directories, `-` for standard input; the current directory by default
    #[arg(value_name = "PATH", default_value = ".")]
    paths: Vec<String>,
    /// Change nothing; fail when a file is not in the canonical layout
    #[arg(long)]
    check: bool,
    /// Print the names of files that are not in the canonical layout
    #[arg(long, value_name = "BOOL", action = ArgAction::Set, num_args = 0..=1, require_equals = true, default_value_t = true, default_missing_value = "true")]
    list: bool,
    /// Rewrite the files
    #[arg(long, value_name = "BOOL", action = ArgAction::Set, num_args = 0..=1, require_equals = true, default_value_t = true, default_missing_value = "true")]
    write: bool,
    /// Print the lines that change
    #[arg(long)]
    diff: bool,
    /// Look into directories of directories too
    #[arg(long)]
    recursive: bool,
}

impl FmtArgs {
    pub fn run(self) -> Outcome {
        if self.paths == ["-"] {
            return self.standard_input();
        }
        let mut changed = 0;
        let mut problems = Vec::new();
        for file in self.files()? {
            match self.file(&file) {
                Ok(is_changed) => changed += usize::from(is_changed),
                Err(error) => problems.push(error.to_string()),
            }
        }
        if !problems.is_empty() {
            bail!("{}", problems.join("\n"));
        }
        self.verdict(changed)
    }

    fn verdict(&self, changed: usize) -> Outcome {
        match changed {
            1 if self.check => bail!("1 file is not in the canonical layout"),
            2.. if self.check => bail!("{changed} files are not in the canonical layout"),
            _ => Ok(Exit::Ok),
        }
    }

    fn standard_input(&self) -> Outcome {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text).context("cannot read standard input")?;
        let formatted = formatted(&text, "<stdin>")?;
        if self.check {
            return self.verdict(usize::from(formatted != text));
        }
        print(if self.diff { difference(&text, &formatted) } else { formatted }.as_str())?;
        Ok(Exit::Ok)
    }

    /// Whether the file is not, or was not, in the canonical layout.
    fn file(&self, path: &Path) -> anyhow::Result<bool> {
        let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {:?}", path.display()))?;
        let formatted = formatted(&text, &path.display().to_string())?;
        if formatted == text {
            return Ok(false);
        }
        if self.list {
            print(&path.display().to_string())?;
        }
        if self.diff {
            print(&difference(&text, &formatted))?;
        }
        if self.write && !self.check {
            std::fs::write(path, formatted).with_context(|| format!("cannot write {:?}", path.display()))?;
        }
        Ok(true)
    }

    /// Files that were named, and job files of directories that were, in order.
    fn files(&self) -> anyhow::Result<Vec<PathBuf>> {
        let mut found = Vec::new();
        let mut waiting: Vec<PathBuf> = Vec::new();
        for path in self.paths.iter().map(PathBuf::from) {
            if path.is_dir() {
                waiting.push(path);
            } else {
                found.push(path);
            }
        }
        while let Some(directory) = waiting.pop() {
            for entry in std::fs::read_dir(&directory).with_context(|| format!("cannot read {:?}", directory.display()))? {
                let entry = entry?;
                let is_hidden = entry.file_name().to_string_lossy().starts_with('.');
                if entry.file_type()?.is_dir() {
                    if self.recursive && !is_hidden {
                        waiting.push(entry.path());
                    }
                } else if entry.path().extension().is_some_and(|ending| ENDINGS.iter().any(|known| ending == *known)) {
                    found.push(entry.path());
                }
            }
        }
        found.sort();
        Ok(found)
    }
}

fn formatted(text: &str, name: &str) -> anyhow::Result<String> {
    let colour = std::io::stderr().is_terminal();
    format(text, name).map_err(|problems| anyhow::anyhow!(problems.iter().map(|problem| problem.render(colour)).collect::<String>()))
}

/// Layout never adds or removes lines but at the end, so that line by line is a difference.
fn difference(old: &str, new: &str) -> String {
    let mut text = String::new();
    let mut new_lines = new.lines();
    for (index, old) in old.lines().enumerate() {
        match new_lines.next() {
            Some(new) if new == old => {}
            Some(new) => {
                let _ = writeln!(text, "@@ {} @@\n-{old}\n+{new}", index + 1);
            }
            None => {
                let _ = writeln!(text, "@@ {} @@\n-{old}", index + 1);
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(path: &Path) -> FmtArgs {
        let paths = vec![path.to_str().unwrap().to_owned()];
        FmtArgs { paths, check: false, list: false, write: true, diff: false, recursive: false }
    }

    #[test]
    fn checks_write_nothing_and_directories_are_walked_when_asked() {
        let directory = tempfile::tempdir().unwrap();
        let inner = directory.path().join("inner");
        std::fs::create_dir(&inner).unwrap();
        let (tidy, messy, other) = (directory.path().join("a.hcl"), inner.join("b.nomad"), inner.join("c.txt"));
        std::fs::write(&tidy, "a = 1\n").unwrap();
        std::fs::write(&messy, "a=1").unwrap();
        std::fs::write(&other, "a=1").unwrap();
        assert!(FmtArgs { check: true, ..args(directory.path()) }.run().is_ok());
        let check = || FmtArgs { check: true, recursive: true, ..args(directory.path()) }.run();
        assert!(check().unwrap_err().to_string().contains("1 file is not"));
        assert_eq!(std::fs::read_to_string(&messy).unwrap(), "a=1");
        FmtArgs { recursive: true, ..args(directory.path()) }.run().unwrap();
        assert_eq!(std::fs::read_to_string(&messy).unwrap(), "a = 1\n");
        assert_eq!(std::fs::read_to_string(&other).unwrap(), "a=1");
        assert!(check().is_ok());
        std::fs::write(&messy, "a = {").unwrap();
        assert!(args(&messy).run().unwrap_err().to_string().contains("b.nomad:1:"));
    }

    #[test]
    fn a_difference_names_its_lines() {
        assert_eq!(difference("a=1\nb = 2\n", "a = 1\nb = 2\n"), "@@ 1 @@\n-a=1\n+a = 1\n");
    }
}
