//! One connection to a shim.

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd as _;
use std::path::Path;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;

use crate::runtime::driver::ExitRecord;
use crate::runtime::shim::protocol::{self, Command, Request, Response, SOCKET};

pub(super) struct Connection {
    stream: UnixStream,
    received: Vec<u8>,
}

impl Connection {
    /// Connects to the shim of a run directory, through a descriptor of the directory: its path may be longer than a socket's address.
    pub async fn open(run_dir: &Path) -> io::Result<Self> {
        let dir = File::open(run_dir)?;
        let stream = UnixStream::connect(format!("/proc/self/fd/{}/{SOCKET}", dir.as_raw_fd())).await?;
        Ok(Self { stream, received: Vec::new() })
    }

    /// Sends a command and reads its response. [`Command::Wait`] takes as long as the task does.
    pub async fn call(&mut self, command: Command) -> io::Result<Response> {
        let frame = protocol::encode(&Request::new(command)).map_err(io::Error::other)?;
        self.stream.write_all(&frame).await?;
        loop {
            if let Some((response, length)) = protocol::decode_response(&self.received).map_err(io::Error::other)? {
                self.received.drain(..length);
                return Ok(response);
            }
            if self.stream.read_buf(&mut self.received).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }

    /// [`Command::Status`] or [`Command::Wait`].
    pub async fn status(&mut self, command: Command) -> io::Result<(i32, Option<ExitRecord>)> {
        match self.call(command).await? {
            Response::Status { pid, exit } => Ok((pid, exit)),
            other => Err(io::Error::other(format!("unexpected response {other:?}"))),
        }
    }
}
