//! What agent and shim say to each other: frames of a big-endian `u32` length and that many bytes of JSON.
//!
//! A shim may be older than the agent (it keeps the binary it was started from), so every request carries its version and
//! an agent speaks the version before its own, too. Within a version, fields are only added.

use serde::{Deserialize, Serialize};

use crate::runtime::driver::ExitRecord;

pub const VERSION: u32 = 1;

/// Where a shim listens, in its run directory.
pub const SOCKET: &str = "shim.sock";

/// The largest frame's body in bytes; everything said here is far smaller.
pub const MAX_FRAME: usize = 16 * 1024;

const HEADER: usize = 4;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    pub version: u32,
    pub command: Command,
}

impl Request {
    pub fn new(command: Command) -> Self {
        Self { version: VERSION, command }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    /// Answered at once with [`Response::Status`].
    Status,
    /// Answered with [`Response::Status`] when the task has ended.
    Wait,
    /// Sends a signal, by number, to the main process.
    Signal(i32),
    /// SIGKILL to everything in the group.
    Kill,
    /// The end was noted: the shim may go. Refused while the task runs.
    Release,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Response {
    Done,
    Status { pid: i32, exit: Option<ExitRecord> },
    Error { message: String },
}

/// The one line that a starting shim writes to its standard output.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Readiness {
    Started { pid: i32 },
    Failed { message: String, permanent: bool },
}

/// A frame that cannot be one; the connection is closed.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    #[error("a frame of {0} bytes is longer than {MAX_FRAME}")]
    TooLong(usize),
    #[error("a frame is not understood: {0}")]
    Malformed(#[from] serde_json::Error),
}

/// Takes one request off the front of `buffer`: the request and how many bytes it took, or `None` while it is not complete.
/// Total for every input.
pub fn decode(buffer: &[u8]) -> Result<Option<(Request, usize)>, FrameError> {
    decode_frame(buffer)
}

/// [`decode`] for the other direction.
pub fn decode_response(buffer: &[u8]) -> Result<Option<(Response, usize)>, FrameError> {
    decode_frame(buffer)
}

/// The frame of a request or a response.
pub fn encode<T: Serialize>(message: &T) -> Result<Vec<u8>, FrameError> {
    let body = serde_json::to_vec(message)?;
    let length = u32::try_from(body.len()).ok().filter(|_| body.len() <= MAX_FRAME).ok_or(FrameError::TooLong(body.len()))?;
    let mut frame = length.to_be_bytes().to_vec();
    frame.extend(body);
    Ok(frame)
}

fn decode_frame<'a, T: Deserialize<'a>>(buffer: &'a [u8]) -> Result<Option<(T, usize)>, FrameError> {
    let Some((header, rest)) = buffer.split_first_chunk::<HEADER>() else { return Ok(None) };
    let length = u32::from_be_bytes(*header) as usize;
    if length > MAX_FRAME {
        return Err(FrameError::TooLong(length));
    }
    let Some(body) = rest.get(..length) else { return Ok(None) };
    Ok(Some((serde_json::from_slice(body)?, HEADER + length)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn frames_are_taken_one_by_one_and_only_whole() {
        let mut buffer = encode(&Request::new(Command::Signal(15))).unwrap();
        let first = buffer.len();
        buffer.extend(encode(&Request::new(Command::Wait)).unwrap());
        for cut in 0..first {
            assert!(decode(&buffer[..cut]).unwrap().is_none(), "{cut} bytes");
        }
        assert_eq!(decode(&buffer).unwrap(), Some((Request::new(Command::Signal(15)), first)));
        assert_eq!(decode(&buffer[first..]).unwrap().unwrap().0.command, Command::Wait);
    }

    #[test]
    fn a_huge_length_is_refused_before_its_bytes_come() {
        assert!(matches!(decode(&u32::MAX.to_be_bytes()), Err(FrameError::TooLong(_))));
        assert!(matches!(decode(&[0, 0, 0, 2, b'{', b'!']), Err(FrameError::Malformed(_))));
        assert!(encode(&Response::Error { message: "x".repeat(MAX_FRAME) }).is_err());
    }

    proptest! {
        #[test]
        fn any_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..200), body in "\\PC{0,80}") {
            let _ = decode(&bytes);
            let mut framed = u32::try_from(body.len()).unwrap().to_be_bytes().to_vec();
            framed.extend(body.as_bytes());
            let _ = decode(&framed);
            let _ = decode_response(&framed);
        }
    }
}
