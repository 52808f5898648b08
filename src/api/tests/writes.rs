//! Changes: jobs, nodes, allocations, the scheduler's settings.

use axum::body::Body;
use axum::http::{Method, StatusCode};
use serde_json::{Value, json};

use super::World;
use crate::api::job_json;
use crate::model::{JobType, fixtures};

fn job(id: &str, count: u32) -> Value {
    job_json::to_value(&fixtures::job(id, JobType::Service, count))
}

#[tokio::test]
async fn a_job_is_registered_read_changed_and_stopped() {
    let world = World::new();
    let body = json!({"Job": job("web", 2), "Submission": {"Source": "job \"web\" {}", "Format": "hcl2"}});
    let reply = world.put("/v1/jobs", body).await;
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.text);
    let registered = reply.json();
    assert_eq!(registered["JobModifyIndex"], reply.index());
    let eval = world.get(&format!("/v1/evaluation/{}", registered["EvalID"].as_str().unwrap())).await.json();
    assert_eq!((eval["JobID"].as_str(), eval["TriggeredBy"].as_str()), (Some("web"), Some("job-register")));
    assert_eq!(world.get("/v1/job/web/submission").await.json()["Source"], "job \"web\" {}");

    let conflict = world.put("/v1/jobs", json!({"Job": job("web", 3), "EnforceIndex": true, "JobModifyIndex": 0})).await;
    assert_eq!(conflict.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert!(conflict.text.starts_with("Enforcing job modify index 0: job already exists"), "{}", conflict.text);
    assert_eq!(world.put("/v1/job/other", json!({"Job": job("web", 3)})).await.text, "Job ID does not match");
    let scaled = world.put("/v1/job/web/scale", json!({"Count": 5, "Target": {"Group": "web"}})).await;
    assert_eq!(scaled.status, StatusCode::OK, "{}", scaled.text);
    assert_eq!(world.get("/v1/job/web").await.json()["TaskGroups"][0]["Count"], 5);
    let note = json!({"Target": {"Group": "web"}, "Message": "too slow", "Error": true, "Meta": {"load": [0.5, "high"]}});
    assert_eq!(world.put("/v1/job/web/scale", note).await.status, StatusCode::OK);
    let events = world.get("/v1/job/web/scale").await.json()["TaskGroups"]["web"]["Events"].clone();
    assert_eq!((&events[0]["Count"], &events[0]["Message"], &events[0]["Error"]), (&json!(null), &json!("too slow"), &json!(true)));
    assert_eq!(events[0]["Meta"], json!({"load": [0.5, "high"]}));
    assert_eq!((&events[1]["Count"], &events[1]["PreviousCount"], &events[1]["Meta"]), (&json!(5), &json!(2), &json!(null)));
    let huge = json!({"Target": {"Group": "web"}, "Message": "x".repeat(70_000)});
    assert_eq!(world.put("/v1/job/web/scale", huge).await.status, StatusCode::BAD_REQUEST);
    let versions = world.get("/v1/job/web/versions").await.json();
    assert_eq!(versions["Versions"].as_array().unwrap().len(), 2);
    assert_eq!(versions["Versions"][0]["Version"], 1);
    assert_eq!(world.get("/v1/job/web/submission").await.status, StatusCode::NOT_FOUND);
    assert_eq!(world.get("/v1/job/web/submission?version=0").await.status, StatusCode::OK);

    let stopped = world.send(Method::DELETE, "/v1/job/web", Body::empty()).await;
    assert_eq!(stopped.status, StatusCode::OK);
    assert_eq!(world.get("/v1/job/web").await.json()["Stop"], true);
    world.send(Method::DELETE, "/v1/job/web?purge=true", Body::empty()).await;
    assert_eq!(world.get("/v1/job/web").await.status, StatusCode::NOT_FOUND);
    assert_eq!(world.send(Method::DELETE, "/v1/job/web", Body::empty()).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn memory_max_counts_only_where_it_is_allowed() {
    let world = World::new();
    let mut wanted = fixtures::job("web", JobType::Service, 1);
    wanted.groups[0].tasks[0].resources.memory_max = crate::model::MebiBytes(900);
    let register = async || world.put("/v1/jobs", json!({"Job": job_json::to_value(&wanted)})).await.json();
    let kept = async || world.get("/v1/job/web").await.json()["TaskGroups"][0]["Tasks"][0]["Resources"]["MemoryMaxMB"].clone();
    let warnings = register().await["Warnings"].clone();
    assert!(warnings.as_str().unwrap().contains("job.group[web].task[main].resources.memory_max: has no effect"), "{warnings}");
    assert_eq!(kept().await, 0);
    world.put("/v1/operator/scheduler/configuration", json!({"MemoryOversubscriptionEnabled": true})).await;
    assert_eq!(register().await["Warnings"], "");
    assert_eq!(kept().await, 900);
}

#[tokio::test]
async fn children_are_dispatched_and_forced() {
    let world = World::new();
    let body = json!({"Payload": "aGVsbG8=", "IdPrefixTemplate": "p", "Meta": {"a": "b"}, "Priority": 60});
    let reply = world.put("/v1/job/a%2Fb/dispatch", body.clone()).await;
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.text);
    let answer = reply.json();
    assert_eq!((answer["DispatchedJobID"].as_str(), answer["JobCreateIndex"].as_u64()), (Some("a/b/p/hello"), Some(7)));
    assert_ne!(answer["EvalID"], "");
    // The token may be in the query or in the body.
    assert_eq!(world.put("/v1/job/a/dispatch?idempotency_token=x", body).await.json()["EvalID"], "");
    assert_eq!(world.put("/v1/job/a/dispatch", json!({"IdempotencyToken": "x"})).await.json()["EvalID"], "");
    let raw = world.send(Method::POST, "/v1/job/a/dispatch/payload", Body::from("as it is")).await;
    assert_eq!(raw.json()["DispatchedJobID"], "a//as it is", "{}", raw.text);
    assert_eq!(world.send(Method::PUT, "/v1/job/a/dispatch", Body::empty()).await.status, StatusCode::OK);
    for (path, body) in [
        ("/v1/job/a/dispatch", json!({"JobID": "b"})),
        ("/v1/job/a/dispatch", json!({"Payload": "no base64!"})),
        ("/v1/job/a/dispatch", json!({"Priority": 101})),
    ] {
        let reply = world.put(path, body).await;
        assert_eq!(reply.status, StatusCode::BAD_REQUEST, "{}", reply.text);
    }
    let forced = world.send(Method::PUT, "/v1/job/a/periodic/force", Body::empty()).await;
    assert_eq!(forced.json()["EvalCreateIndex"], 7, "{}", forced.text);
}

#[tokio::test]
async fn jobs_are_parsed_planned_and_validated_without_a_trace() {
    let world = World::new();
    let hcl = "job \"web\" {\n  group \"web\" {\n    count = 4\n    task \"main\" {\n      driver = \"raw_exec\"\n      config { command = \"/bin/true\" }\n    }\n  }\n}\n";
    let parsed = world.put("/v1/jobs/parse", json!({"JobHCL": hcl, "Canonicalize": true})).await;
    assert_eq!(parsed.status, StatusCode::OK, "{}", parsed.text);
    let parsed = parsed.json();
    assert_eq!((parsed["ID"].as_str(), parsed["TaskGroups"][0]["Count"].as_u64()), (Some("web"), Some(4)));
    let plan = world.put("/v1/job/web/plan", json!({"Job": parsed, "Diff": true})).await;
    assert_eq!(plan.json()["Annotations"]["DesiredTGUpdates"]["web"]["Place"], 4, "{}", plan.text);
    let diff = &plan.json()["Diff"];
    assert_eq!((diff["Type"].as_str(), diff["TaskGroups"][0]["Updates"]["create"].as_u64()), (Some("Added"), Some(4)), "{diff}");
    assert_eq!(diff["TaskGroups"][0]["Tasks"][0]["Annotations"][0], "forces create");
    assert_eq!(world.put("/v1/validate/job", json!({"Job": parsed})).await.json()["Error"], "");
    let mut driven = parsed.clone();
    driven["TaskGroups"][0]["Tasks"][0]["Driver"] = json!("docker");
    driven["TaskGroups"][0]["Tasks"][0]["Config"] = json!({"image": "x"});
    let refused = world.put("/v1/validate/job", json!({"Job": driven})).await.json();
    assert_eq!((&refused["Error"], &refused["DriverConfigValidated"]), (&json!("no driver docker"), &json!(false)), "{refused}");
    let mut wrong = parsed.clone();
    wrong["Type"] = json!("circus");
    assert_ne!(world.put("/v1/validate/job", json!({"Job": wrong})).await.json()["Error"], "");
    assert_eq!(world.put("/v1/jobs", json!({"Job": wrong})).await.status, StatusCode::BAD_REQUEST);
    let broken = world.put("/v1/jobs/parse", json!({"JobHCL": "job \"web\" {\n  group\n"})).await;
    assert_eq!(broken.status, StatusCode::BAD_REQUEST);
    let broken = world.put("/v1/jobs/parse?diagnostics=true", json!({"JobHCL": "job \"web\" {\n  cuont = 1\n}\n"})).await;
    assert_eq!((broken.status, broken.json()["Diagnostics"][0]["position"]["line"].as_u64()), (StatusCode::BAD_REQUEST, Some(2)));
    assert_eq!(world.ids("/v1/jobs").await.len(), 0);
}

#[tokio::test]
async fn nodes_are_drained_kept_off_and_forgotten() {
    let world = World::new();
    world.node(1);
    let path = "/v1/node/00000000-0000-0000-0000-000000000001";
    let drained = world.put(&format!("{path}/drain"), json!({"DrainSpec": {"Deadline": 60_000_000_000u64}})).await.json();
    assert!(drained["NodeModifyIndex"].as_u64().unwrap() > 1);
    let node = world.get(path).await.json();
    assert_eq!((node["Drain"].as_bool(), node["DrainStrategy"]["Deadline"].as_u64()), (Some(true), Some(60_000_000_000)));
    world.put(&format!("{path}/drain"), json!({"DrainSpec": null})).await;
    assert_eq!(world.get(path).await.json()["Drain"], false);
    assert_eq!(world.put(&format!("{path}/eligibility"), json!({"Eligibility": "maybe"})).await.status, StatusCode::BAD_REQUEST);
    assert_eq!(world.put(&format!("{path}/evaluate"), json!({})).await.json()["EvalIDs"].as_array().unwrap().len(), 1);
    world.put(&format!("{path}/purge"), json!({})).await;
    assert_eq!(world.get(path).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn node_pools_are_written_read_and_deleted() {
    let world = World::new();
    let body = json!({"Name": "gpu", "Description": "cards", "SchedulerConfiguration": {"SchedulerAlgorithm": "spread", "MemoryOversubscriptionEnabled": true}});
    assert_eq!(world.put("/v1/node/pools", body).await.status, StatusCode::OK);
    let pool = world.get("/v1/node/pool/gpu").await.json();
    assert_eq!(
        (pool["Description"].as_str(), pool["SchedulerConfiguration"]["SchedulerAlgorithm"].as_str()),
        (Some("cards"), Some("spread"))
    );
    let names = world.get("/v1/node/pools").await.json();
    let names: Vec<_> = names.as_array().unwrap().iter().filter_map(|pool| pool["Name"].as_str()).collect();
    assert_eq!(names, ["all", "default", "gpu"]);
    assert_eq!(world.get("/v1/node/pool/gpu/jobs").await.json(), json!([]));
    for (path, body) in [
        ("/v1/node/pools", json!({"Name": "no spaces"})),
        ("/v1/node/pools", json!({})),
        ("/v1/node/pools", json!({"Name": "default"})),
        ("/v1/node/pool/gpu", json!({"Name": "other"})),
        ("/v1/node/pool/gpu", json!({"SchedulerConfiguration": {"SchedulerAlgorithm": "dice"}})),
    ] {
        assert_eq!(world.put(path, body.clone()).await.status, StatusCode::BAD_REQUEST, "{path} {body}");
    }
    assert_eq!(world.send(Method::DELETE, "/v1/node/pool/gpu", "").await.status, StatusCode::OK);
    assert_eq!(world.get("/v1/node/pool/gpu").await.status, StatusCode::NOT_FOUND);
    assert_eq!(world.send(Method::DELETE, "/v1/node/pool/default", "").await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn the_scheduler_is_configured_if_unchanged() {
    let world = World::new();
    let path = "/v1/operator/scheduler/configuration";
    let before = world.get(path).await.json();
    assert_eq!(before["SchedulerConfig"]["SchedulerAlgorithm"], "binpack");
    let index = before["SchedulerConfig"]["ModifyIndex"].as_u64().unwrap();
    let body = json!({"SchedulerAlgorithm": "spread", "PreemptionConfig": {"BatchSchedulerEnabled": true}});
    let set = world.put(&format!("{path}?cas={index}"), body.clone()).await.json();
    assert_eq!(set["Updated"], true);
    let after = world.get(path).await.json()["SchedulerConfig"].clone();
    assert_eq!((after["SchedulerAlgorithm"].as_str(), &after["PreemptionConfig"]["BatchSchedulerEnabled"]), (Some("spread"), &json!(true)));
    assert_eq!(world.put(&format!("{path}?cas={index}"), body).await.json()["Updated"], false);
    assert_eq!(world.put(path, json!({"SchedulerAlgorithm": "dice"})).await.status, StatusCode::BAD_REQUEST);
}
