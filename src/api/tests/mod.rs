//! The API against a state that real commands filled and handles that only pretend.

mod blocking;
mod deployments;
mod errors;
mod events;
mod fakes;
mod key_set;
mod lists;
mod node_requests;
mod operator;
mod routes;
mod serving;
mod writes;

use axum::body::Body;
use axum::http::{HeaderMap, Method, Request, StatusCode};
use axum::response::Response;
use serde_json::Value;
use tower::ServiceExt as _;

use fakes::World;

/// A complete answer.
struct Reply {
    status: StatusCode,
    headers: HeaderMap,
    text: String,
}

impl Reply {
    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {} {}", self.status, self.text))
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    fn index(&self) -> u64 {
        self.header("x-nomad-index").unwrap().parse().unwrap()
    }
}

impl World {
    async fn respond(&self, method: Method, path: &str, body: impl Into<Body>) -> Response {
        let request = Request::builder().method(method).uri(path).body(body.into()).unwrap();
        self.router().oneshot(request).await.unwrap()
    }

    async fn send(&self, method: Method, path: &str, body: impl Into<Body>) -> Reply {
        let response = self.respond(method, path, body).await;
        let (head, body) = response.into_parts();
        let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        Reply { status: head.status, headers: head.headers, text: String::from_utf8(bytes.to_vec()).unwrap() }
    }

    async fn get(&self, path: &str) -> Reply {
        self.send(Method::GET, path, Body::empty()).await
    }

    async fn put(&self, path: &str, body: Value) -> Reply {
        self.send(Method::PUT, path, body.to_string()).await
    }

    /// The ids of a list's rows.
    async fn ids(&self, path: &str) -> Vec<String> {
        let reply = self.get(path).await;
        let rows = reply.json();
        rows.as_array().unwrap().iter().map(|row| row["ID"].as_str().unwrap().to_owned()).collect()
    }
}

/// Percent-encodes a filter for a query string.
fn escape(text: &str) -> String {
    text.bytes().map(|byte| if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}
