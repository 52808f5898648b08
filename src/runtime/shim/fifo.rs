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

use super::log_files::LogFiles;
use crate::runtime::launch::LogPlan;

/// How much one wake-up copies from one stream at most, so that a loud task does not keep the shim from its socket.
const BURST: usize = 16;

/// One stream: its FIFO's reading end and its log files.
pub struct LogStream {
    fifo: File,
    files: LogFiles,
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
        Ok(Self { fifo, files: LogFiles::open(plan, stream)? })
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
                    if let Err(error) = self.files.write(&buffer[..count]) {
                        eprintln!("{count} bytes of log dropped: {error}");
                    }
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
