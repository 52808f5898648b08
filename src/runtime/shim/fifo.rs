//! The task's output on its way to the log files.
//!
//! A FIFO in the run directory instead of a pipe: a shim that adopts the task opens it again and finds what was written meanwhile. Both ends are
//! opened for reading *and* writing: so the task never gets SIGPIPE while no shim is there (it blocks when 64 KiB are waiting), and
//! the shim never sees an end of file while a writer may still come.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use nix::libc::O_NONBLOCK;
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;

use super::complain;
use super::log_files::LogFiles;
use crate::runtime::launch::LogPlan;

/// How much one wake-up copies from one stream at most, so that a loud task does not keep the shim from its socket.
const BURST: usize = 16;

/// One stream: its FIFO's reading end and its log files.
pub struct LogStream {
    fifo: File,
    files: LogFiles,
    /// Whether the last write failed; said once, not for every write.
    dropping: bool,
}

impl LogStream {
    /// Makes the FIFO unless it is there.
    pub fn open(run_dir: &Path, plan: &LogPlan, stream: &str) -> io::Result<Self> {
        let path = run_dir.join(format!("{stream}.fifo"));
        match mkfifo(&path, Mode::S_IRUSR | Mode::S_IWUSR) {
            Ok(()) | Err(nix::errno::Errno::EEXIST) => {}
            Err(errno) => return Err(errno.into()),
        }
        let fifo = OpenOptions::new().read(true).write(true).custom_flags(O_NONBLOCK).open(&path)?;
        Ok(Self { fifo, files: LogFiles::open(plan, stream)?, dropping: false })
    }

    pub fn fd(&self) -> BorrowedFd<'_> {
        self.fifo.as_fd()
    }

    /// Copies what is waiting, up to a burst. Returns whether there may be more. Bytes that the disk does not take are dropped: a full disk
    /// must not stop the task.
    pub fn copy(&mut self, buffer: &mut [u8]) -> bool {
        for _ in 0..BURST {
            match self.fifo.read(buffer) {
                Ok(0) => return false,
                Ok(count) => {
                    let written = self.files.write(&buffer[..count]);
                    if let (Err(error), false) = (&written, self.dropping) {
                        complain(format_args!("output is dropped from here on: {error}"));
                    }
                    self.dropping = written.is_err();
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return false,
            }
        }
        true
    }
}

/// The end that the task gets.
pub fn open_for_task(run_dir: &Path, stream: &str) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).open(run_dir.join(format!("{stream}.fifo")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    fn plan(dir: &Path) -> LogPlan {
        LogPlan { dir: dir.join("logs"), task: "web".into(), max_files: 2, max_file_size: 4, disabled: false }
    }

    #[test]
    fn what_was_written_while_nobody_read_is_found_by_the_next_reader() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("logs")).unwrap();
        drop(LogStream::open(dir.path(), &plan(dir.path()), "stdout").unwrap());
        let mut task = open_for_task(dir.path(), "stdout").unwrap();
        task.write_all(b"one").unwrap();
        let mut stream = LogStream::open(dir.path(), &plan(dir.path()), "stdout").unwrap();
        assert!(!stream.copy(&mut [0; 64]));
        assert_eq!(std::fs::read_to_string(dir.path().join("logs/web.stdout.0")).unwrap(), "one");
    }

    #[test]
    fn a_disk_that_takes_nothing_does_not_stop_the_stream() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("logs")).unwrap();
        let mut stream = LogStream::open(dir.path(), &plan(dir.path()), "stdout").unwrap();
        std::fs::remove_dir_all(dir.path().join("logs")).unwrap();
        let mut task = open_for_task(dir.path(), "stdout").unwrap();
        task.write_all(b"longer than a file may be").unwrap();
        assert!(!stream.copy(&mut [0; 64]));
        assert!(stream.dropping);
        assert!(!stream.copy(&mut [0; 64]), "it was taken out of the FIFO all the same");
    }
}
