//! Standard input, read where it does not keep Ctrl-C from being noticed.

use std::io::{self, Read as _};

/// Everything up to the end of standard input.
///
/// # Errors
/// When it cannot be read.
pub async fn read_to_end() -> io::Result<Vec<u8>> {
    let reading = tokio::task::spawn_blocking(|| {
        let mut bytes = Vec::new();
        io::stdin().read_to_end(&mut bytes).map(|_| bytes)
    });
    reading.await.map_err(io::Error::other)?
}
