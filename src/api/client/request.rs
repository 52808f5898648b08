//! A call to the API before it is sent: method, path, query and body.

use std::time::Duration;

use bytes::Bytes;
use hyper::Method;
use serde::Serialize;

use crate::util::go_duration;

/// A call under construction. Path segments and query values are escaped here, so callers pass them as they are.
#[derive(Debug, Clone)]
pub struct ApiRequest {
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) query: String,
    pub(super) body: Bytes,
    pub(super) headers: Vec<(String, String)>,
}

impl ApiRequest {
    /// `segments` follow `/v1/`.
    pub fn new(method: Method, segments: &[&str]) -> Self {
        let mut path = "/v1".to_owned();
        for segment in segments {
            path.push('/');
            escape_into(&mut path, segment);
        }
        Self::raw(method, path)
    }

    pub fn get(segments: &[&str]) -> Self {
        Self::new(Method::GET, segments)
    }

    /// A call with a path that is already escaped and may carry a query of its own.
    pub fn raw(method: Method, path: impl Into<String>) -> Self {
        let path = path.into();
        let (path, query) = match path.split_once('?') {
            Some((path, query)) => (path.to_owned(), query.to_owned()),
            None => (path, String::new()),
        };
        Self { method, path, query, body: Bytes::new(), headers: Vec::new() }
    }

    pub fn query(mut self, name: &str, value: impl AsRef<str>) -> Self {
        if !self.query.is_empty() {
            self.query.push('&');
        }
        escape_into(&mut self.query, name);
        self.query.push('=');
        escape_into(&mut self.query, value.as_ref());
        self
    }

    /// Adds `name=true` when `value` is.
    pub fn flag(self, name: &str, value: bool) -> Self {
        if value { self.query(name, "true") } else { self }
    }

    /// Makes the call wait until its result is newer than `index`; 0 does not wait.
    pub fn wait_beyond(self, index: u64, wait: Duration) -> Self {
        if index == 0 {
            return self;
        }
        self.query("index", index.to_string()).query("wait", go_duration::format(wait))
    }

    pub fn bytes(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }

    /// # Errors
    /// When the value has no JSON form (a map with keys that are no text).
    pub fn json(self, body: &impl Serialize) -> Result<Self, serde_json::Error> {
        let bytes = serde_json::to_vec(body)?;
        Ok(self.bytes(bytes))
    }

    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(super) fn has_query(&self, name: &str) -> bool {
        self.query.split('&').any(|pair| pair.split('=').next() == Some(name))
    }

    pub(super) fn target(&self) -> String {
        if self.query.is_empty() { self.path.clone() } else { format!("{}?{}", self.path, self.query) }
    }
}

/// Percent-encodes everything but the unreserved characters of RFC 3986.
fn escape_into(target: &mut String, text: &str) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            target.push(char::from(byte));
        } else {
            target.push('%');
            target.push(char::from(HEX[usize::from(byte >> 4)]));
            target.push(char::from(HEX[usize::from(byte & 15)]));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_and_values_are_escaped() {
        let request = ApiRequest::get(&["job", "batch/periodic-1", "plan"]).query("namespace", "*").flag("purge", false);
        assert_eq!(request.target(), "/v1/job/batch%2Fperiodic-1/plan?namespace=%2A");
        assert!(request.has_query("namespace") && !request.has_query("name"));
    }

    #[test]
    fn waiting_starts_with_a_known_index() {
        let wait = Duration::from_secs(60);
        assert_eq!(ApiRequest::get(&["jobs"]).wait_beyond(0, wait).target(), "/v1/jobs");
        assert_eq!(ApiRequest::get(&["jobs"]).wait_beyond(7, wait).target(), "/v1/jobs?index=7&wait=1m0s");
    }

    #[test]
    fn raw_paths_keep_their_query() {
        let request = ApiRequest::raw(Method::GET, "/v1/jobs?prefix=a%20b").query("stale", "true");
        assert_eq!(request.target(), "/v1/jobs?prefix=a%20b&stale=true");
    }
}
