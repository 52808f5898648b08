//! Bodies that arrive over time: raw bytes (plain logs) and JSON objects one after another (frames, events).

use std::marker::PhantomData;

use bytes::{Buf, Bytes, BytesMut};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use serde::de::DeserializeOwned;

use super::address::Address;
use super::error::ClientError;

/// One record may not be larger; a frame carries 64 KiB of file.
const MAX_RECORD_BYTES: usize = 16 << 20;

/// The body of an answer, piece by piece.
pub struct ByteStream {
    body: Incoming,
    address: Address,
}

impl ByteStream {
    pub(super) fn new(body: Incoming, address: Address) -> Self {
        Self { body, address }
    }

    /// The next piece, or none at the end.
    ///
    /// # Errors
    /// When the connection breaks.
    pub async fn next(&mut self) -> Result<Option<Bytes>, ClientError> {
        while let Some(frame) = self.body.frame().await {
            let frame = frame.map_err(|source| ClientError::Transport { address: self.address.clone(), source: source.into() })?;
            // A frame without data carries trailers.
            if let Ok(bytes) = frame.into_data() {
                return Ok(Some(bytes));
            }
        }
        Ok(None)
    }
}

/// JSON values one after another, with or without line breaks between them.
pub struct JsonStream<T> {
    bytes: ByteStream,
    buffer: BytesMut,
    path: String,
    item: PhantomData<fn() -> T>,
}

impl<T: DeserializeOwned> JsonStream<T> {
    pub(super) fn new(bytes: ByteStream, path: String) -> Self {
        Self { bytes, buffer: BytesMut::new(), path, item: PhantomData }
    }

    /// The next value, or none when the agent closed the stream.
    ///
    /// # Errors
    /// When the connection breaks, or the stream holds something else than the values expected.
    pub async fn next(&mut self) -> Result<Option<T>, ClientError> {
        loop {
            if let Some(value) = self.take_buffered()? {
                return Ok(Some(value));
            }
            if self.buffer.len() > MAX_RECORD_BYTES {
                return Err(ClientError::OversizedRecord { path: self.path.clone(), limit: MAX_RECORD_BYTES });
            }
            match self.bytes.next().await? {
                Some(bytes) => self.buffer.extend_from_slice(&bytes),
                None => return Ok(None),
            }
        }
    }

    fn take_buffered(&mut self) -> Result<Option<T>, ClientError> {
        let mut values = serde_json::Deserializer::from_slice(&self.buffer).into_iter::<T>();
        match values.next() {
            Some(Ok(value)) => {
                let consumed = values.byte_offset();
                self.buffer.advance(consumed);
                Ok(Some(value))
            }
            Some(Err(error)) if !error.is_eof() => Err(ClientError::Decode { path: self.path.clone(), source: error }),
            Some(Err(_)) | None => Ok(None),
        }
    }
}
