//! The public keys of identities, and answers that are compressed.

use std::sync::Arc;

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use serde_json::json;
use tower::ServiceExt as _;

use super::World;
use super::fakes::FakeAgent;
use crate::auth::key;
use crate::state::Command;
use crate::util::clock::Timestamp;

#[tokio::test]
async fn public_keys_are_published_and_private_ones_are_not() {
    let mut world = World::new();
    assert_eq!(world.get("/.well-known/jwks.json").await.json(), json!({ "keys": [] }));
    let (first, second) = (key::generate(Timestamp(1)).unwrap(), key::generate(Timestamp(2)).unwrap());
    for key in [&first, &second] {
        world.apply(Command::AddSigningKey { key: Box::new(key.clone()) });
    }
    let reply = world.get("/.well-known/jwks.json").await;
    assert_eq!(reply.header("cache-control"), Some("public, max-age=900"));
    let keys = reply.json()["keys"].as_array().unwrap().clone();
    assert_eq!(keys.iter().map(|key| key["kid"].clone()).collect::<Vec<_>>(), [first.id.to_string(), second.id.to_string()]);
    assert!(keys.iter().all(|key| key.get("d").is_none() && key.as_object().unwrap().len() == 6), "{keys:?}");

    let discovery = "/.well-known/openid-configuration";
    assert_eq!(world.get(discovery).await.status, StatusCode::NOT_FOUND, "nobody is told of an issuer that is not configured");
    world.context.agent = Arc::new(FakeAgent { oidc_issuer: Some("https://cluster.example.org/".into()) });
    let document = world.get(discovery).await.json();
    assert_eq!(document["issuer"], "https://cluster.example.org/");
    assert_eq!(document["jwks_uri"], "https://cluster.example.org/.well-known/jwks.json");
}

#[tokio::test]
async fn large_answers_are_compressed_for_those_who_ask() {
    let world = World::new();
    for id in 0..50 {
        world.service(&format!("job-{id}"));
    }
    let ask = async |path: &str| {
        let request = Request::builder().uri(path).header(header::ACCEPT_ENCODING, "gzip").body(Body::empty()).unwrap();
        let response = world.router().oneshot(request).await.unwrap();
        response.headers().get(header::CONTENT_ENCODING).map(|value| value.to_str().unwrap().to_owned())
    };
    assert_eq!(ask("/v1/jobs").await.as_deref(), Some("gzip"));
    assert_eq!(ask("/v1/regions").await, None, "not worth it");
    assert_eq!(ask("/v1/event/stream").await, None, "must leave as it comes");
    assert_eq!(world.get("/v1/jobs").await.header("content-encoding"), None, "nobody asked");
}
