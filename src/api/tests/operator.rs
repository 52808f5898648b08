//! Upkeep of the servers, and the state as an archive.

use axum::body::Body;
use axum::http::{Method, StatusCode};
use serde_json::json;

use super::World;
use crate::api::archive;

#[tokio::test]
async fn settings_of_the_upkeep_are_changed_only_when_they_are_what_was_seen() {
    let world = World::new();
    let mut config = world.get("/v1/operator/autopilot/configuration").await.json();
    assert_eq!((&config["CleanupDeadServers"], &config["LastContactThreshold"]), (&json!(true), &json!("1s")));
    config["CleanupDeadServers"] = json!(false);
    let path = |cas: u64| format!("/v1/operator/autopilot/configuration?cas={cas}");
    assert_eq!(world.put(&path(99), config.clone()).await.text, "false");
    assert_eq!(world.put(&path(1), config.clone()).await.text, "true");
    let changed = world.get("/v1/operator/autopilot/configuration").await.json();
    assert_eq!(changed["CleanupDeadServers"], json!(false));
    assert!(changed["ModifyIndex"].as_u64() > Some(1));
    config["LastContactThreshold"] = json!("soon");
    let refused = world.put("/v1/operator/autopilot/configuration", config).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    assert!(refused.text.contains("LastContactThreshold"), "{}", refused.text);
}

#[tokio::test]
async fn health_has_nomads_shape_and_a_status_for_probes() {
    let world = World::new();
    let well = world.get("/v1/operator/autopilot/health").await;
    assert_eq!(well.status, StatusCode::OK, "{}", well.text);
    let health = well.json();
    assert_eq!((&health["Healthy"], &health["Leader"], &health["Voters"]), (&json!(true), &json!("1"), &json!(["1", "2"])));
    let server = &health["Servers"][0];
    assert_eq!((&server["SerfStatus"], &server["LastContact"], &server["LastIndex"]), (&json!("alive"), &json!("31ms"), &json!(9)));
    *world.server.leader.lock().unwrap() = false;
    let unwell = world.get("/v1/operator/autopilot/health").await;
    assert_eq!((unwell.status, &unwell.json()["Healthy"]), (StatusCode::TOO_MANY_REQUESTS, &json!(false)));
}

#[tokio::test]
async fn an_archive_brings_the_state_back_and_a_damaged_one_changes_nothing() {
    let world = World::new();
    world.service("kept");
    let response = world.respond(Method::GET, "/v1/operator/snapshot", Body::empty()).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert!(response.headers()["digest"].to_str().unwrap().starts_with("sha-256="));
    let archive = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
    let (meta, _) = archive::unpack(&archive).unwrap();
    let before = world.service("later").job_modify_index;
    assert!(meta.index < before);

    let mut damaged = archive.to_vec();
    let middle = damaged.len() / 2;
    damaged[middle] ^= 1;
    for (body, reason) in [(damaged, "failed to restore"), (b"junk".to_vec(), "no snapshot archive"), (Vec::new(), "body is empty")] {
        let refused = world.send(Method::PUT, "/v1/operator/snapshot", body).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST);
        assert!(refused.text.contains(reason), "{}", refused.text);
    }
    assert_eq!(world.ids("/v1/jobs").await, ["kept", "later"]);

    let restored = world.send(Method::PUT, "/v1/operator/snapshot", archive.to_vec()).await;
    assert_eq!(restored.status, StatusCode::OK, "{}", restored.text);
    assert!(restored.index() > before, "indexes never go back");
    assert_eq!(world.ids("/v1/jobs").await, ["kept"]);
}
