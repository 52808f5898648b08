//! Lists: pages, filters, prefixes, shapes.

use axum::http::StatusCode;

use super::{World, escape};
use crate::model::{JobType, fixtures};

/// The ids that a walk over the pages meets, in order.
async fn walk(world: &World, path: &str) -> Vec<String> {
    let mut met = Vec::new();
    let mut token = None::<String>;
    loop {
        let page = match &token {
            None => path.to_owned(),
            Some(token) => format!("{path}&next_token={}", escape(token)),
        };
        let reply = world.get(&page).await;
        assert_eq!(reply.status, StatusCode::OK, "{}", reply.text);
        met.extend(reply.json().as_array().unwrap().iter().map(|row| row["ID"].as_str().unwrap().to_owned()));
        token = reply.headers.get("x-nomad-nexttoken").map(|token| String::from_utf8(token.as_bytes().to_vec()).unwrap());
        if token.is_none() {
            return met;
        }
    }
}

#[tokio::test]
async fn walking_the_pages_meets_every_row_once() {
    let world = World::new();
    for node in 1..=7 {
        world.node(node);
    }
    for ordinal in 0..7 {
        let job = world.service(&format!("jöb/{ordinal}"));
        world.place(&job, 1 + ordinal, 3, ordinal);
    }
    for (path, rows) in [("/v1/jobs", 7), ("/v1/nodes", 7), ("/v1/allocations", 21), ("/v1/evaluations", 14)] {
        let whole = world.ids(path).await;
        assert_eq!(whole.len(), rows, "{path}");
        for per_page in [1, 3, 7, 100] {
            assert_eq!(walk(&world, &format!("{path}?per_page={per_page}")).await, whole, "{path} by {per_page}");
        }
        let mut backwards = walk(&world, &format!("{path}?per_page=2&reverse=true")).await;
        backwards.reverse();
        assert_eq!(backwards, whole, "{path} backwards");
    }
    let statuses = walk(&world, "/v1/jobs/statuses?per_page=2").await;
    assert_eq!((statuses.len(), statuses[0].as_str()), (7, "jöb/6"), "newest change first");
}

#[tokio::test]
async fn lists_are_narrowed_by_prefix_filter_and_namespace() {
    let world = World::new();
    world.node(1);
    let web = world.service("web");
    world.register(fixtures::job("nightly", JobType::Batch, 1));
    world.place(&web, 1, 2, 5);
    assert_eq!(world.ids("/v1/jobs").await, ["nightly", "web"]);
    assert_eq!(world.ids("/v1/jobs?prefix=we").await, ["web"]);
    assert_eq!(world.ids(&format!("/v1/jobs?filter={}", escape("Type == \"batch\""))).await, ["nightly"]);
    assert_eq!(world.ids("/v1/jobs?namespace=*").await.len(), 2);
    assert_eq!(world.ids("/v1/jobs?namespace=other").await.len(), 0);
    assert_eq!(world.ids(&format!("/v1/allocations?filter={}", escape("JobID == web and Job.Type == service"))).await.len(), 2);
    let first = &world.ids("/v1/allocations").await[0];
    assert_eq!(world.ids(&format!("/v1/allocations?prefix={}", &first[..8])).await, std::slice::from_ref(first));
    assert_eq!(world.ids(&format!("/v1/nodes?filter={}", escape("Attributes[\"kernel.name\"] == linux"))).await.len(), 1);
    assert_eq!(world.get("/v1/evaluations/count?status=complete").await.json()["Count"], 1);
    for (path, text) in [
        ("/v1/jobs?filter=Type", "failed to read filter expression: column 5"),
        ("/v1/jobs?filter=Tipe%3D%3Dx", "failed to apply filter expression: selector \"Tipe\" names no field"),
        ("/v1/evaluations?status=complete&filter=ID%3D%3Dx", "Filter expression cannot be used with other filter parameters"),
        ("/v1/jobs?per_page=x", "Invalid per_page"),
        ("/v1/allocations?next_token=x", "invalid next_token"),
    ] {
        let reply = world.get(path).await;
        assert_eq!(reply.status, StatusCode::BAD_REQUEST, "{path}");
        assert!(reply.text.starts_with(text), "{path}: {}", reply.text);
    }
}

#[tokio::test]
async fn rows_have_the_fields_that_clients_read() {
    let world = World::new();
    world.node(1);
    let web = world.service("web");
    world.place(&web, 1, 2, 5);
    let jobs = world.get("/v1/jobs").await.json();
    assert_eq!(jobs[0]["JobSummary"]["Summary"]["web"]["Starting"], 2);
    let allocation = world.get("/v1/allocations?resources=true").await.json()[0].clone();
    assert_eq!(allocation["AllocatedResources"]["Tasks"]["main"]["Memory"]["MemoryMB"], 300);
    assert_eq!((allocation["JobType"].as_str(), allocation["Name"].as_str()), (Some("service"), Some("web.web[0]")));
    let full = world.get(&format!("/v1/allocation/{}", allocation["ID"].as_str().unwrap())).await.json();
    assert_eq!((full["Job"]["ID"].as_str(), full["NodeName"].as_str()), (Some("web"), Some("node-1")));
    let eval = world.get(&format!("/v1/evaluation/{}/allocations", full["EvalID"].as_str().unwrap())).await.json();
    assert_eq!(eval.as_array().unwrap().len(), 2);
    let node = world.get("/v1/nodes?resources=true&os=true").await.json()[0].clone();
    assert_eq!(node["NodeResources"]["Cpu"]["CpuShares"], 4_000);
    assert_eq!(world.get(&format!("/v1/node/{}/allocations", node["ID"].as_str().unwrap())).await.json().as_array().unwrap().len(), 2);
    assert_eq!(world.get("/v1/job/web/deployment").await.text, "null");
    assert_eq!(world.get("/v1/job/web/scale").await.json()["TaskGroups"]["web"]["Placed"], 2);
    let statuses = world.put("/v1/jobs/statuses", serde_json::json!({"Jobs": [{"ID": "web", "Namespace": "default"}]})).await.json();
    assert_eq!((statuses[0]["GroupCountSum"].as_u64(), statuses[0]["Allocs"].as_array().unwrap().len()), (Some(3), 2));
}

#[tokio::test]
async fn search_completes_ids_per_context() {
    let world = World::new();
    for ordinal in 0..25 {
        world.service(&format!("web-{ordinal:02}"));
    }
    let found = world.put("/v1/search", serde_json::json!({"Prefix": "web-", "Context": "jobs"})).await.json();
    assert_eq!(found["Matches"]["jobs"].as_array().unwrap().len(), 20);
    assert_eq!(found["Truncations"]["jobs"], true);
    let found = world.put("/v1/search", serde_json::json!({"Prefix": "web-24", "Context": "all"})).await.json();
    assert_eq!(found["Matches"], serde_json::json!({"jobs": ["web-24"]}));
    assert_eq!(world.put("/v1/search", serde_json::json!({"Prefix": "x", "Context": "cats"})).await.status, StatusCode::BAD_REQUEST);
}
