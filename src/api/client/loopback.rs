//! An agent of fixed answers on a loopback port, for tests.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use futures_util::stream;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

use super::Address;

/// Status and body of an answer; a body of several pieces is sent chunk by chunk.
pub(crate) type Answer = (u16, Vec<&'static str>);

/// Targets and tokens of the calls so far.
pub(crate) type Seen = Arc<Mutex<Vec<(String, Option<String>)>>>;

/// Answers each call with what `answer` says to its path, until the test's runtime ends.
pub(crate) async fn agent(answer: fn(&str) -> Answer) -> (Address, Seen) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address: Address = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
    let seen = Seen::default();
    let log = Arc::clone(&seen);
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            let log = Arc::clone(&log);
            let service = service_fn(move |request: Request<Incoming>| {
                let token = request.headers().get("x-nomad-token").map(|value| value.to_str().unwrap().to_owned());
                log.lock().unwrap().push((request.uri().to_string(), token));
                let response = respond(answer(request.uri().path()));
                async move { Ok::<_, Infallible>(response) }
            });
            tokio::spawn(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(socket), service));
        }
    });
    (address, seen)
}

pub(crate) fn respond((status, pieces): Answer) -> Response<BoxBody<Bytes, Infallible>> {
    let body = match pieces.as_slice() {
        [whole] => Full::new(Bytes::from_static(whole.as_bytes())).boxed(),
        _ => StreamBody::new(stream::iter(pieces.into_iter().map(|piece| Ok(Frame::data(Bytes::from_static(piece.as_bytes())))))).boxed(),
    };
    Response::builder().status(status).header("X-Nomad-Index", "42").body(body).unwrap()
}
