//! The client of the HTTP API that the command line uses: typed calls, blocking queries, streams.
//!
//! One file per noun adds its calls to [`Client`]; this file holds what they share: sending, errors, paging of
//! waiting queries.

mod address;
mod agent;
mod allocations;
mod connector;
mod deployments;
mod error;
mod evaluations;
mod files;
mod jobs;
mod nodes;
mod operator;
mod request;
mod stream;
mod tls;

#[cfg(test)]
pub(crate) mod loopback;
#[cfg(test)]
mod tests;

use std::fmt;
use std::io;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::header::{self, HeaderName, HeaderValue};
use hyper::http::uri::{PathAndQuery, Scheme};
use hyper::{HeaderMap, Method, Request, Response, StatusCode, Uri};
use hyper_util::client::legacy::Client as HttpClient;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use serde::Serialize;
use serde::de::DeserializeOwned;

pub use address::Address;
pub use error::ClientError;
pub use files::LogRequest;
pub use jobs::StopOptions;
pub use request::ApiRequest;
pub use stream::{ByteStream, JsonStream};
pub use tls::{Tls, TlsOptions};

use connector::Connector;

const TOKEN_HEADER: HeaderName = HeaderName::from_static("x-nomad-token");
const INDEX_HEADER: HeaderName = HeaderName::from_static("x-nomad-index");

/// A secret that neither `Debug` nor an error message shows.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl Token {
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(..)")
    }
}

/// Which agent to talk to, and as whom.
#[derive(Debug, Clone)]
pub struct ClientOptions {
    pub address: Address,
    pub token: Option<Token>,
    pub namespace: Option<String>,
    pub region: Option<String>,
    /// For `https` addresses.
    pub tls: Option<Tls>,
}

/// The result of a query with the index it is valid for.
#[derive(Debug, Clone)]
pub struct Indexed<T> {
    /// Pass it to the next query to wait for a change.
    pub index: u64,
    pub value: T,
}

/// Typed access to one agent's HTTP API. Cheap to clone; connections are shared.
#[derive(Clone)]
pub struct Client {
    http: HttpClient<Connector, Full<Bytes>>,
    options: ClientOptions,
}

impl Client {
    pub fn new(options: ClientOptions) -> Self {
        let connector = Connector::new(options.address.clone(), options.tls.clone());
        let http = HttpClient::builder(TokioExecutor::new()).pool_timer(TokioTimer::new()).build(connector);
        Self { http, options }
    }

    pub fn address(&self) -> &Address {
        &self.options.address
    }

    /// The same client for objects of one namespace.
    pub fn in_namespace(&self, namespace: &str) -> Self {
        let options = ClientOptions { namespace: Some(namespace.to_owned()), ..self.options.clone() };
        Self { http: self.http.clone(), options }
    }

    /// The namespace asked for, none when it is left to the agent or the job.
    pub fn namespace(&self) -> Option<&str> {
        self.options.namespace.as_deref()
    }

    /// Sends a call and hands back the answer, whatever its status.
    ///
    /// # Errors
    /// When the agent cannot be reached or the call cannot be expressed in HTTP.
    pub async fn send(&self, request: ApiRequest) -> Result<Response<Incoming>, ClientError> {
        let request = self.to_http(request)?;
        self.http.request(request).await.map_err(|error| self.transport_error(error))
    }

    /// Sends a call and decodes its JSON answer.
    ///
    /// # Errors
    /// [`ClientError::Status`] when the agent refuses; [`ClientError::Decode`] when the answer is not a `T`.
    pub async fn fetch<T: DeserializeOwned>(&self, request: ApiRequest) -> Result<T, ClientError> {
        Ok(self.fetch_indexed(request).await?.value)
    }

    /// As [`Client::fetch`] for a list; `null` is an empty one.
    async fn fetch_list<T: DeserializeOwned>(&self, request: ApiRequest) -> Result<Vec<T>, ClientError> {
        Ok(self.fetch::<Option<Vec<T>>>(request).await?.unwrap_or_default())
    }

    /// As [`Client::fetch`], with the index of the answer.
    pub async fn fetch_indexed<T: DeserializeOwned>(&self, request: ApiRequest) -> Result<Indexed<T>, ClientError> {
        let path = request.path.clone();
        let response = self.send_checked(request).await?;
        let index = index_of(response.headers());
        let body = self.collect(response).await?;
        let value = serde_json::from_slice(&body).map_err(|source| ClientError::Decode { path, source })?;
        Ok(Indexed { index, value })
    }

    /// Sends a call whose answer's body does not matter.
    pub async fn execute(&self, request: ApiRequest) -> Result<(), ClientError> {
        let response = self.send_checked(request).await?;
        self.collect(response).await.map(drop)
    }

    /// Sends a call and hands back its body as it arrives.
    pub async fn open(&self, request: ApiRequest) -> Result<ByteStream, ClientError> {
        let response = self.send_checked(request).await?;
        Ok(ByteStream::new(response.into_body(), self.options.address.clone()))
    }

    /// Sends a call and hands back the JSON values of its body as they arrive.
    pub async fn open_json<T: DeserializeOwned>(&self, request: ApiRequest) -> Result<JsonStream<T>, ClientError> {
        let path = request.path.clone();
        Ok(JsonStream::new(self.open(request).await?, path))
    }

    async fn put<B: Serialize, T: DeserializeOwned>(&self, request: ApiRequest, body: &B) -> Result<T, ClientError> {
        let path = request.path.clone();
        let request = request.json(body).map_err(|source| ClientError::Decode { path, source })?;
        self.fetch(request).await
    }

    /// As `put`, for calls that answer nothing of interest.
    async fn submit<B: Serialize>(&self, request: ApiRequest, body: &B) -> Result<(), ClientError> {
        let path = request.path.clone();
        let request = request.json(body).map_err(|source| ClientError::Decode { path, source })?;
        self.execute(request).await
    }

    async fn send_checked(&self, request: ApiRequest) -> Result<Response<Incoming>, ClientError> {
        let response = self.send(request).await?;
        if response.status().is_success() {
            return Ok(response);
        }
        let status = response.status();
        let body = self.collect(response).await.unwrap_or_default();
        Err(ClientError::Status { code: status.as_u16(), message: status_text(status, &body) })
    }

    async fn collect(&self, response: Response<Incoming>) -> Result<Bytes, ClientError> {
        let collected = response.into_body().collect().await;
        Ok(collected.map_err(|source| self.broken(source))?.to_bytes())
    }

    fn broken(&self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> ClientError {
        ClientError::Transport { address: self.options.address.clone(), source: source.into() }
    }

    fn transport_error(&self, error: hyper_util::client::legacy::Error) -> ClientError {
        if !error.is_connect() {
            return self.broken(error);
        }
        let mut cause = std::error::Error::source(&error);
        while let Some(inner) = cause {
            if let Some(reason) = inner.downcast_ref::<io::Error>() {
                let reason = io::Error::new(reason.kind(), reason.to_string());
                return ClientError::Connect { address: self.options.address.clone(), reason };
            }
            cause = inner.source();
        }
        self.broken(error)
    }

    fn to_http(&self, mut call: ApiRequest) -> Result<Request<Full<Bytes>>, ClientError> {
        for (name, value) in [("namespace", &self.options.namespace), ("region", &self.options.region)] {
            if let Some(value) = value
                && !call.has_query(name)
            {
                call = call.query(name, value);
            }
        }
        let target = call.target();
        let invalid_path = || ClientError::InvalidPath { path: target.clone() };
        let path_and_query: PathAndQuery = target.parse().map_err(|_| invalid_path())?;
        let uri = Uri::builder().scheme(Scheme::HTTP).authority(self.options.address.authority()).path_and_query(path_and_query);
        let has_body = !call.body.is_empty() || call.method == Method::PUT || call.method == Method::POST;
        let mut request = Request::new(Full::new(call.body));
        *request.method_mut() = call.method;
        *request.uri_mut() = uri.build().map_err(|_| invalid_path())?;
        let headers = request.headers_mut();
        headers.insert(header::USER_AGENT, HeaderValue::from_static(concat!("pannier/", env!("CARGO_PKG_VERSION"))));
        if has_body {
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        if let Some(Token(token)) = &self.options.token {
            let mut value = HeaderValue::from_str(token).map_err(|_| ClientError::InvalidHeader { what: "token" })?;
            value.set_sensitive(true);
            headers.insert(TOKEN_HEADER, value);
        }
        for (name, value) in call.headers {
            let name: HeaderName = name.parse().map_err(|_| ClientError::InvalidHeader { what: "header name" })?;
            headers.insert(name, HeaderValue::from_str(&value).map_err(|_| ClientError::InvalidHeader { what: "header value" })?);
        }
        Ok(request)
    }
}

fn index_of(headers: &HeaderMap) -> u64 {
    headers.get(INDEX_HEADER).and_then(|value| value.to_str().ok()).and_then(|text| text.parse().ok()).unwrap_or(0)
}

fn status_text(status: StatusCode, body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    if text.trim().is_empty() {
        return status.canonical_reason().unwrap_or("no reason given").to_owned();
    }
    text.into_owned()
}
