//! Files, logs, restart and signal of an allocation.

use axum::http::StatusCode;
use base64::Engine as _;
use futures_util::StreamExt as _;
use serde_json::{Value, json};

use super::World;
use super::fakes::GREETING;

/// An allocation on node 1, which can be reached, and one on node 2, which cannot.
async fn placed(world: &World) -> (String, String) {
    world.node(1);
    world.node(2);
    let web = world.service("web");
    world.place(&web, 1, 1, 5);
    let api = world.service("api");
    world.place(&api, 2, 1, 6);
    (world.ids("/v1/job/web/allocations").await.remove(0), world.ids("/v1/job/api/allocations").await.remove(0))
}

#[tokio::test]
async fn files_are_listed_and_read() {
    let world = World::new();
    let (here, away) = placed(&world).await;
    assert_eq!(world.get(&format!("/v1/client/fs/ls/{here}")).await.json()[0]["Name"], "greeting");
    assert_eq!(world.get(&format!("/v1/client/fs/stat/{here}?path=alloc/greeting")).await.json()["Size"], GREETING.len());
    assert_eq!(world.get(&format!("/v1/client/fs/cat/{here}?path=alloc/greeting")).await.text, GREETING);
    assert_eq!(world.get(&format!("/v1/client/fs/readat/{here}?path=alloc/greeting&offset=7&limit=3")).await.text, "wor");
    for (path, status) in [
        (format!("/v1/client/fs/cat/{here}?path=x"), StatusCode::NOT_FOUND),
        (format!("/v1/client/fs/cat/{here}"), StatusCode::BAD_REQUEST),
        (format!("/v1/client/fs/readat/{here}?path=x"), StatusCode::BAD_REQUEST),
        (format!("/v1/client/fs/ls/{away}"), StatusCode::NOT_FOUND),
    ] {
        assert_eq!(world.get(&path).await.status, status, "{path}");
    }
    assert_eq!(world.get(&format!("/v1/client/fs/ls/{away}")).await.text, "No path to node");
}

#[tokio::test]
async fn logs_come_as_frames_or_plain() {
    let world = World::new();
    let (here, _) = placed(&world).await;
    let path = format!("/v1/client/fs/logs/{here}?task=main&type=stdout");
    let text = world.get(&path).await.text;
    let frames: Vec<Value> = serde_json::Deserializer::from_str(&text).into_iter().map(Result::unwrap).collect();
    let data: Vec<u8> = frames
        .iter()
        .flat_map(|frame| base64::engine::general_purpose::STANDARD.decode(frame["Data"].as_str().unwrap()).unwrap())
        .collect();
    assert_eq!(data, GREETING.as_bytes());
    assert_eq!(frames[1]["Offset"], GREETING.len());
    assert_eq!(world.get(&format!("{path}&plain=true")).await.text, GREETING);
    for (query, text) in [
        ("type=stdout", "must provide task name"),
        ("task=main", "must provide log type (stdout/stderr)"),
        ("task=main&type=stdout&origin=middle", "origin must be start or end"),
    ] {
        let reply = world.get(&format!("/v1/client/fs/logs/{here}?{query}")).await;
        assert_eq!((reply.status, reply.text.as_str()), (StatusCode::BAD_REQUEST, text));
    }
    assert_eq!(world.get(&format!("/v1/client/fs/logs/{here}?task=x&type=stderr")).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test(start_paused = true)]
async fn a_silent_log_sends_heartbeats_until_the_agent_stops() {
    let world = World::new();
    let (here, _) = placed(&world).await;
    let path = format!("/v1/client/fs/logs/{here}?task=main&type=stdout&follow=true");
    let response = world.respond(axum::http::Method::GET, &path, "").await;
    let mut chunks = response.into_body().into_data_stream();
    for _ in 0..2 {
        assert_ne!(&chunks.next().await.unwrap().unwrap()[..], b"{}");
    }
    for _ in 0..3 {
        assert_eq!(&chunks.next().await.unwrap().unwrap()[..], b"{}");
    }
    world.stop.send_replace(true);
    assert!(chunks.next().await.is_none());
}

#[tokio::test]
async fn tasks_are_restarted_and_signalled() {
    let world = World::new();
    let (here, _) = placed(&world).await;
    let path = format!("/v1/client/allocation/{here}");
    assert_eq!(world.put(&format!("{path}/restart"), json!({"TaskName": "main"})).await.status, StatusCode::OK);
    assert_eq!(world.put(&format!("{path}/restart"), json!({"TaskName": "x"})).await.status, StatusCode::NOT_FOUND);
    assert_eq!(world.put(&format!("{path}/restart"), json!({"TaskName": "main", "AllTasks": true})).await.status, StatusCode::BAD_REQUEST);
    assert_eq!(world.put(&format!("{path}/signal"), json!({"Signal": "SIGHUP"})).await.status, StatusCode::OK);
    assert_eq!(world.put(&format!("{path}/signal"), json!({"Signal": "SIGWHAT"})).await.status, StatusCode::BAD_REQUEST);
    assert_eq!(world.get(&format!("{path}/stats")).await.status, StatusCode::OK);
    assert_eq!(world.get("/v1/client/stats").await.json()["Uptime"], 12);
    assert_eq!(world.get("/v1/agent/monitor?plain=true").await.text, "something happened\n");
}
