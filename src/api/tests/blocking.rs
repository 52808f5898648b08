//! Blocking queries.

use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::poll_immediate;

use super::World;

#[tokio::test]
async fn a_waiting_list_wakes_when_its_table_changes() {
    let world = World::new();
    world.service("web");
    let first = world.get("/v1/jobs").await;
    let path = format!("/v1/jobs?index={}", first.index());
    let mut waiting = Box::pin(world.get(&path));
    assert!(poll_immediate(&mut waiting).await.is_none(), "nothing is newer yet");
    world.service("api");
    let second = waiting.await;
    assert!(second.index() > first.index());
    assert_eq!(second.json().as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn a_waiting_object_sleeps_through_changes_of_others() {
    let world = World::new();
    world.service("web");
    let first = world.get("/v1/job/web").await;
    let path = format!("/v1/job/web?index={}", first.index());
    let mut waiting = Box::pin(world.get(&path));
    assert!(poll_immediate(&mut waiting).await.is_none());
    world.service("api");
    // Woken by the table, it looks again and goes on waiting.
    for _ in 0..10 {
        tokio::task::yield_now().await;
        assert!((&mut waiting).now_or_never().is_none(), "another job's change is not this one's");
    }
    let mut changed = (*world.service("web")).clone();
    changed.priority = 70;
    world.register(changed);
    assert_eq!(waiting.await.json()["Priority"], 70);
}

#[tokio::test]
async fn a_query_for_a_job_that_comes_later_wakes() {
    let world = World::new();
    let missing = "/v1/job/later?index=1";
    let mut waiting = Box::pin(world.get(missing));
    assert!(poll_immediate(&mut waiting).await.is_none());
    world.service("later");
    assert_eq!(waiting.await.json()["ID"], "later");
}

#[tokio::test(start_paused = true)]
async fn the_wait_ends_with_the_unchanged_answer() {
    let world = World::new();
    world.service("web");
    let index = world.get("/v1/jobs").await.index();
    for (wait, at_least, at_most) in [("", 300, 319), ("&wait=10s", 10, 11), ("&wait=24h", 300, 319)] {
        let start = tokio::time::Instant::now();
        let reply = world.get(&format!("/v1/jobs?index={index}{wait}")).await;
        let took = start.elapsed();
        assert_eq!(reply.index(), index);
        assert!((Duration::from_secs(at_least)..Duration::from_secs(at_most)).contains(&took), "{wait}: {took:?}");
    }
}

#[tokio::test]
async fn a_stopping_agent_answers_waiting_queries() {
    let world = World::new();
    let mut waiting = Box::pin(world.get("/v1/nodes?index=1"));
    assert!(poll_immediate(&mut waiting).await.is_none());
    world.stop.send_replace(true);
    assert_eq!(waiting.await.text, "[]");
}

#[tokio::test]
async fn without_a_leader_only_stale_reads_are_answered() {
    let world = World::new();
    *world.server.leader.lock().unwrap() = false;
    let reply = world.get("/v1/jobs").await;
    assert_eq!((reply.status.as_u16(), reply.text.as_str()), (503, "No cluster leader"));
    let reply = world.get("/v1/jobs?stale").await;
    assert_eq!((reply.status.as_u16(), reply.header("x-nomad-knownleader")), (200, Some("false")));
    assert_eq!(reply.header("x-nomad-lastcontact"), Some("0"));
    assert_eq!(world.get("/v1/status/leader").await.status.as_u16(), 503);
    assert_eq!(world.get("/v1/agent/health?type=server").await.status.as_u16(), 500);
}
