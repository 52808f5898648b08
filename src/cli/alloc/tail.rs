//! The last lines or bytes of a stream, then the stream itself.

use std::time::Duration;

use clap::Args;

use crate::api::client::JsonStream;
use crate::api::types::files::StreamFrame;
use crate::cli::output::print_bytes;

const DEFAULT_LINES: usize = 10;
/// Room to ask for per line wanted, so that lines of ordinary length are found in it.
const BYTES_PER_LINE: u64 = 512;
/// A stream that says nothing for so long has sent all that was there already.
const QUIET: Duration = Duration::from_millis(300);

/// Which part of a file or a log is printed.
#[derive(Args)]
pub struct Window {
    /// Keep printing as more is written
    #[arg(short = 'f')]
    pub follow: bool,
    /// Begin with the last lines, ten unless -n says otherwise
    #[arg(long)]
    tail: bool,
    /// Begin with so many lines before the end
    #[arg(short = 'n', value_name = "LINES")]
    lines: Option<usize>,
    /// Begin so many bytes before the end
    #[arg(short = 'c', value_name = "BYTES")]
    bytes: Option<u64>,
}

impl Window {
    /// Either number means `-tail`.
    pub fn from(&self) -> From {
        match (self.bytes, self.lines) {
            (Some(bytes), _) => From::LastBytes(bytes),
            (None, Some(lines)) => From::LastLines(lines),
            (None, None) if self.tail => From::LastLines(DEFAULT_LINES),
            (None, None) => From::Start,
        }
    }
}

/// Where to begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum From {
    Start,
    LastLines(usize),
    LastBytes(u64),
}

impl From {
    /// How far before the end the stream has to begin; none is its start.
    pub fn bytes_from_end(self) -> Option<u64> {
        match self {
            Self::Start => None,
            Self::LastLines(lines) => Some((lines as u64).saturating_mul(BYTES_PER_LINE)),
            Self::LastBytes(bytes) => Some(bytes),
        }
    }
}

/// Prints the frames until the stream ends.
///
/// # Errors
/// When the stream breaks, or nobody reads the output any more.
pub async fn print_frames(frames: &mut JsonStream<StreamFrame>, from: From) -> anyhow::Result<()> {
    if let From::LastLines(lines) = from {
        let (backlog, ended) = read_backlog(frames).await?;
        print_bytes(last_lines(&backlog, lines))?;
        if ended {
            return Ok(());
        }
    }
    while let Some(frame) = frames.next().await? {
        print_bytes(&frame.data)?;
    }
    Ok(())
}

/// What the stream holds already, up to its first rest; true when it ended.
async fn read_backlog(frames: &mut JsonStream<StreamFrame>) -> anyhow::Result<(Vec<u8>, bool)> {
    let mut backlog = Vec::new();
    loop {
        // Cancelling `next` loses nothing: what was read stays in the stream's buffer.
        let Ok(frame) = tokio::time::timeout(QUIET, frames.next()).await else {
            if backlog.is_empty() {
                continue;
            }
            return Ok((backlog, false));
        };
        match frame? {
            None => return Ok((backlog, true)),
            Some(frame) if frame.is_heartbeat() => return Ok((backlog, false)),
            Some(frame) => backlog.extend_from_slice(&frame.data),
        }
    }
}

/// The last `count` lines; an unfinished one counts.
fn last_lines(bytes: &[u8], count: usize) -> &[u8] {
    if count == 0 {
        return &[];
    }
    let body = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    let breaks = body.iter().enumerate().rev().filter(|(_, byte)| **byte == b'\n');
    match breaks.map(|(at, _)| at).nth(count - 1) {
        Some(at) => &bytes[at + 1..],
        None => bytes,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_counted_from_the_end() {
        assert_eq!(last_lines(b"a\nb\nc\n", 2), b"b\nc\n");
        assert_eq!(last_lines(b"a\nb\nc", 2), b"b\nc");
        assert_eq!(last_lines(b"a\n", 5), b"a\n");
        assert_eq!(last_lines(b"a\n", 0), b"");
        assert_eq!(last_lines(b"a\n\n", 1), b"\n");
        assert_eq!(last_lines(b"", 1), b"");
    }

    #[test]
    fn a_number_means_tail() {
        let from = |tail, lines, bytes| Window { follow: false, tail, lines, bytes }.from();
        assert_eq!(from(false, None, None), From::Start);
        assert_eq!(from(true, None, None), From::LastLines(10));
        assert_eq!(from(false, Some(3), None).bytes_from_end(), Some(1536));
        assert_eq!(from(true, Some(3), Some(7)), From::LastBytes(7));
    }
}
