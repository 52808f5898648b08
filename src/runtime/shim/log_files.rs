//! A stream's log files: `<task>.<stream>.<n>`, a new one when the last is full, the oldest deleted.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::PathBuf;

use crate::runtime::launch::LogPlan;

/// How far back from a full file's end a line break is looked for, bytes.
const LINE_SEARCH: usize = 32 * 1024;

/// The writer of one stream's files.
#[derive(Debug)]
pub struct LogFiles {
    dir: PathBuf,
    /// `<task>.<stream>.`
    prefix: String,
    max_files: u64,
    max_size: u64,
    current: File,
    index: u64,
    size: u64,
}

impl LogFiles {
    /// Goes on with the newest file there is.
    pub fn open(plan: &LogPlan, stream: &str) -> io::Result<Self> {
        let prefix = format!("{}.{stream}.", plan.task);
        let index = indexes(&plan.dir, &prefix)?.into_iter().max().unwrap_or(0);
        let current = append(&plan.dir.join(format!("{prefix}{index}")))?;
        let size = current.metadata()?.len();
        let max_files = u64::from(plan.max_files.max(1));
        Ok(Self { dir: plan.dir.clone(), prefix, max_files, max_size: plan.max_file_size.max(1), current, index, size })
    }

    /// Appends; begins new files at line breaks where there is one near the limit, so that most lines stay whole.
    pub fn write(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            if self.size >= self.max_size {
                self.rotate()?;
            }
            let room = usize::try_from(self.max_size - self.size).unwrap_or(usize::MAX);
            let (now, later) = bytes.split_at(fitting(bytes, room, self.size == 0));
            if now.is_empty() {
                self.rotate()?;
                continue;
            }
            self.current.write_all(now)?;
            self.size += now.len() as u64;
            bytes = later;
        }
        Ok(())
    }

    fn rotate(&mut self) -> io::Result<()> {
        self.index += 1;
        self.current = append(&self.dir.join(format!("{}{}", self.prefix, self.index)))?;
        self.size = self.current.metadata()?.len();
        let oldest_kept = (self.index + 1).saturating_sub(self.max_files);
        for index in indexes(&self.dir, &self.prefix)?.into_iter().filter(|index| *index < oldest_kept) {
            // Whoever deleted it first did the same.
            let _ = fs::remove_file(self.dir.join(format!("{}{index}", self.prefix)));
        }
        Ok(())
    }
}

/// How many of `bytes` go into a file with `room` bytes left: all, else up to the last line break that fits, else none, so that
/// they begin a new file; a `fresh` file takes as much as fits.
fn fitting(bytes: &[u8], room: usize, fresh: bool) -> usize {
    if bytes.len() <= room {
        return bytes.len();
    }
    let from = room.saturating_sub(LINE_SEARCH);
    bytes[from..room].iter().rposition(|byte| *byte == b'\n').map_or(if fresh { room } else { 0 }, |at| from + at + 1)
}

fn append(path: &std::path::Path) -> io::Result<File> {
    OpenOptions::new().create(true).append(true).open(path)
}

fn indexes(dir: &std::path::Path, prefix: &str) -> io::Result<Vec<u64>> {
    let names = fs::read_dir(dir)?.flatten().map(|entry| entry.file_name());
    Ok(names.filter_map(|name| name.to_str()?.strip_prefix(prefix)?.parse().ok()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(dir: &std::path::Path, max_files: u32, max_file_size: u64) -> LogPlan {
        LogPlan { dir: dir.to_path_buf(), task: "web".into(), max_files, max_file_size, disabled: false }
    }

    fn content(dir: &std::path::Path) -> Vec<(String, String)> {
        let mut files: Vec<_> = fs::read_dir(dir)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .map(|path| (path.file_name().unwrap().to_str().unwrap().to_owned(), fs::read_to_string(&path).unwrap()))
            .collect();
        files.sort();
        files
    }

    #[test]
    fn files_fill_up_at_line_breaks_and_the_oldest_goes() {
        let dir = tempfile::tempdir().unwrap();
        let mut files = LogFiles::open(&plan(dir.path(), 2, 10), "stdout").unwrap();
        files.write(b"one\ntwo\nthree\nfour\n").unwrap();
        assert_eq!(content(dir.path()), [("web.stdout.1".into(), "three\n".into()), ("web.stdout.2".into(), "four\n".into())]);
    }

    #[test]
    fn a_line_longer_than_a_file_is_cut_and_nothing_is_lost() {
        let dir = tempfile::tempdir().unwrap();
        let mut files = LogFiles::open(&plan(dir.path(), 100, 4), "stderr").unwrap();
        files.write(b"abcdefghij").unwrap();
        let texts: Vec<String> = content(dir.path()).into_iter().map(|(_, text)| text).collect();
        assert_eq!(texts, ["abcd", "efgh", "ij"]);
    }

    #[test]
    fn a_new_writer_goes_on_with_the_newest_file() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("web.stdout.9"), "old\n").unwrap();
        fs::write(dir.path().join("web.stdout.10"), "new\n").unwrap();
        fs::write(dir.path().join("web.stdout.x"), "").unwrap();
        LogFiles::open(&plan(dir.path(), 3, 100), "stdout").unwrap().write(b"more\n").unwrap();
        assert_eq!(fs::read_to_string(dir.path().join("web.stdout.10")).unwrap(), "new\nmore\n");
    }
}
