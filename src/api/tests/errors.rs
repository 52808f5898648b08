//! What broken requests are told.

use axum::body::Body;
use axum::http::{Method, StatusCode};
use serde_json::json;

use super::World;
use crate::api::MAX_BODY;

#[tokio::test]
async fn unknown_things_are_named() {
    let world = World::new();
    let id = "00000000-0000-0000-0000-0000000000ff";
    for (path, text) in [
        ("/v1/job/x".to_owned(), "job not found"),
        ("/v1/job/x/summary".to_owned(), "job not found"),
        ("/v1/job/x/versions".to_owned(), "job not found"),
        (format!("/v1/allocation/{id}"), "alloc not found"),
        ("/v1/allocation/no-uuid".to_owned(), "alloc not found"),
        (format!("/v1/evaluation/{id}"), "eval not found"),
        (format!("/v1/deployment/{id}"), "deployment not found"),
        (format!("/v1/node/{id}"), "node not found"),
        ("/v1/node/pool/x".to_owned(), "node pool not found"),
        ("/v1/namespace/x".to_owned(), "Namespace not found"),
        (format!("/v1/client/fs/ls/{id}"), "Unknown allocation \"00000000-0000-0000-0000-0000000000ff\""),
    ] {
        let reply = world.get(&path).await;
        assert_eq!((reply.status, reply.text.as_str()), (StatusCode::NOT_FOUND, text), "{path}");
        assert_eq!(reply.header("content-type"), Some("text/plain; charset=utf-8"));
    }
}

#[tokio::test]
async fn bad_parameters_and_bodies_are_refused() {
    let world = World::new();
    world.service("web");
    for (path, text) in [
        ("/v1/jobs?index=x", "Invalid index"),
        ("/v1/jobs?index=1&wait=x", "Invalid wait time"),
        ("/v1/jobs?stale=x", "parameter \"stale\" is not a boolean: \"x\""),
        ("/v1/jobs?prefix=%zz", "malformed URL escape in \"%zz\""),
        ("/v1/job/web?namespace=*", "namespace \"*\" names no single object"),
    ] {
        let reply = world.get(path).await;
        assert_eq!((reply.status, reply.text.as_str()), (StatusCode::BAD_REQUEST, text), "{path}");
    }
    let region = world.get("/v1/jobs?region=mars").await;
    assert_eq!((region.status, region.text.as_str()), (StatusCode::INTERNAL_SERVER_ERROR, "No path to region"));
    for (body, text) in [
        ("", "Request body is empty"),
        (" \n", "Request body is empty"),
        ("{\n  \"Job\": }", "failed to decode the request body: expected value at line 2 column 10"),
        ("{}", "Job must be specified"),
    ] {
        let reply = world.send(Method::PUT, "/v1/jobs", body).await;
        assert_eq!((reply.status, reply.text.as_str()), (StatusCode::BAD_REQUEST, text), "{body:?}");
    }
}

#[tokio::test]
async fn bodies_are_bounded_announced_or_not() {
    let world = World::new();
    let router = world.router();
    let announced = axum::http::Request::put("/v1/jobs").header("content-length", 100_000_000).body(Body::empty()).unwrap();
    let reply = tower::ServiceExt::oneshot(router, announced).await.unwrap();
    assert_eq!(reply.status(), StatusCode::PAYLOAD_TOO_LARGE);
    let chunk = bytes::Bytes::from(vec![b' '; 1 << 20]);
    let chunks = (0..=MAX_BODY >> 20).map(move |_| Ok::<_, std::io::Error>(chunk.clone()));
    let reply = world.send(Method::PUT, "/v1/jobs", Body::from_stream(futures_util::stream::iter(chunks))).await;
    assert_eq!(reply.status, StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn unknown_fields_and_tokens_are_tolerated() {
    let world = World::new();
    world.node(1);
    let body = json!({"Eligibility": "ineligible", "Later": {"a": 1}, "NodeID": null});
    let request = axum::http::Request::put("/v1/node/00000000-0000-0000-0000-000000000001/eligibility")
        .header("x-nomad-token", "secret")
        .body(Body::from(body.to_string()))
        .unwrap();
    let reply = tower::ServiceExt::oneshot(world.router(), request).await.unwrap();
    assert_eq!(reply.status(), StatusCode::OK);
}

#[tokio::test]
async fn pretty_is_indented() {
    let world = World::new();
    assert!(world.get("/v1/agent/members?pretty").await.text.starts_with("{\n  \""));
    assert!(!world.get("/v1/agent/members?pretty=false").await.text.contains('\n'));
}
