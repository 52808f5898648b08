//! The event stream.

use axum::body::BodyDataStream;
use axum::http::Method;
use futures_util::StreamExt as _;
use serde_json::Value;

use super::World;

/// A follower's lines.
struct Lines(BodyDataStream);

impl Lines {
    async fn open(world: &World, query: &str) -> Self {
        let response = world.respond(Method::GET, &format!("/v1/event/stream{query}"), "").await;
        let mut lines = Self(response.into_body().into_data_stream());
        assert_eq!(lines.next().await, Some(serde_json::json!({})), "the first line tells that the stream is open");
        lines
    }

    async fn next(&mut self) -> Option<Value> {
        let line = self.0.next().await?.unwrap();
        assert_eq!(line.last(), Some(&b'\n'));
        Some(serde_json::from_slice(&line).unwrap())
    }
}

#[tokio::test]
async fn followers_see_every_index_once_in_order() {
    let world = World::new();
    let mut lines = Lines::open(&world, "").await;
    for ordinal in 0..20 {
        world.service(&format!("job-{ordinal}"));
    }
    let mut last = 0;
    for ordinal in 0..20 {
        let line = lines.next().await.unwrap();
        let index = line["Index"].as_u64().unwrap();
        assert!(index > last);
        last = index;
        let events = line["Events"].as_array().unwrap();
        let topics: Vec<_> = events.iter().map(|event| event["Topic"].as_str().unwrap()).collect();
        assert!(topics.contains(&"Job") && topics.contains(&"Evaluation"), "{topics:?}");
        let job = events.iter().find(|event| event["Topic"] == "Job").unwrap();
        assert_eq!((job["Type"].as_str(), job["Index"].as_u64()), (Some("JobRegistered"), Some(index)));
        assert_eq!(job["Payload"]["Job"]["ID"], format!("job-{ordinal}"));
    }
}

#[tokio::test]
async fn topics_keys_and_namespaces_narrow_the_stream() {
    let world = World::new();
    let mut lines = Lines::open(&world, "?topic=Job:web&topic=Allocation:web&topic=Node").await;
    let mut elsewhere = Lines::open(&world, "?topic=Job&topic=Node&namespace=elsewhere").await;
    world.service("api");
    world.node(1);
    let web = world.service("web");
    world.place(&web, 1, 1, 5);
    assert_eq!(lines.next().await.unwrap()["Events"][0]["Type"], "NodeRegistration");
    let line = lines.next().await.unwrap();
    assert_eq!(line["Events"].as_array().unwrap().len(), 1, "the evaluation was not asked for");
    assert_eq!(line["Events"][0]["Key"], "web");
    let placed = lines.next().await.unwrap()["Events"][0].clone();
    assert_eq!((placed["Topic"].as_str(), placed["Type"].as_str()), (Some("Allocation"), Some("AllocationCreated")));
    assert_eq!(placed["FilterKeys"][0], "web");
    assert!(placed["Payload"]["Allocation"]["Job"].is_null());
    assert_eq!(elsewhere.next().await.unwrap()["Events"][0]["Topic"], "Node", "nodes belong to no namespace");
}

#[tokio::test]
async fn a_follower_can_start_in_the_past() {
    let world = World::new();
    let mut watch = Lines::open(&world, "?topic=Job").await;
    let mut indexes = Vec::new();
    for ordinal in 0..110 {
        world.service(&format!("job-{ordinal}"));
        indexes.push(watch.next().await.unwrap()["Index"].as_u64().unwrap());
    }
    let mut recent = Lines::open(&world, &format!("?topic=Job&index={}", indexes[107])).await;
    assert_eq!(recent.next().await.unwrap()["Index"], indexes[107]);
    assert_eq!(recent.next().await.unwrap()["Index"], indexes[108]);
    let mut too_old = Lines::open(&world, "?topic=Job&index=1").await;
    assert_eq!(too_old.next().await.unwrap()["Index"], indexes[10], "a hundred are kept");
}

#[tokio::test]
async fn slow_followers_are_told_and_dropped() {
    let world = World::new();
    let mut slow = Lines::open(&world, "?topic=Node").await;
    let mut quick = Lines::open(&world, "?topic=Job").await;
    for ordinal in 0..1_100 {
        world.service(&format!("job-{ordinal}"));
        quick.next().await.unwrap();
    }
    assert_eq!(slow.next().await.unwrap()["Error"], "subscription closed by server: the client did not keep up");
    assert_eq!(slow.next().await, None);
}

#[tokio::test]
async fn a_replaced_state_ends_the_streams() {
    let world = World::new();
    let mut lines = Lines::open(&world, "").await;
    let store = crate::api::handles::ServerHandle::store(&*world.server);
    store.publish(store.load(), Vec::new(), true);
    assert_eq!(lines.next().await.unwrap()["Error"], "the state was replaced by a snapshot");
    assert_eq!(lines.next().await, None);
}

#[tokio::test(start_paused = true)]
async fn silence_is_filled_with_heartbeats() {
    let world = World::new();
    let mut lines = Lines::open(&world, "").await;
    assert_eq!(lines.next().await, Some(serde_json::json!({})));
    world.stop.send_replace(true);
    assert_eq!(lines.next().await, None);
}
