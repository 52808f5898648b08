//! Deployments over HTTP.

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::World;
use crate::api::handles::ServerHandle;
use crate::model::{Deployment, DeploymentId, DeploymentStatus, JobType, NodeId, fixtures};
use crate::state::Command;
use crate::util::clock::Timestamp;

/// A cluster with one running deployment of one instance.
fn deployed() -> (World, String, String) {
    let world = World::new();
    let apply = |command| world.apply(command);
    apply(Command::RegisterNode { node: Box::new(fixtures::node(1)), evaluations: Vec::new(), at: Timestamp(1) });
    let job = std::sync::Arc::new(fixtures::job("web", JobType::Service, 1));
    let key = job.key.clone();
    apply(Command::RegisterJob { job, submission: None, enforce_index: None, evaluation: None, at: Timestamp(1) });
    let job = world.server.store().load().job(&key).unwrap().clone();
    let id = DeploymentId(7);
    let mut plan = fixtures::placing(&job, NodeId(1), 0, 1, 42);
    plan.placements[0].deployment = Some(id);
    plan.placements[0].canary = true;
    plan.new_deployments.push(Deployment {
        id,
        job: job.reference(),
        job_create_index: job.create_index,
        groups: [("web".into(), crate::model::DeploymentGroup { desired_total: 1, desired_canaries: 1, ..Default::default() })].into(),
        status: DeploymentStatus::Running,
        status_description: "Deployment is running".into(),
        create_index: 0,
        modify_index: 0,
        create_time: Timestamp(1),
        modify_time: Timestamp(1),
    });
    apply(Command::ApplyPlan { plan: Box::new(plan) });
    let alloc = world.server.store().load().allocations().next().unwrap().id.to_string();
    (world, id.to_string(), alloc)
}

#[tokio::test]
async fn a_deployment_is_read_judged_promoted_and_failed() {
    let (world, id, alloc) = deployed();
    let read = || async { world.get(&format!("/v1/deployment/{id}")).await.json() };
    assert_eq!(read().await["TaskGroups"]["web"]["PlacedCanaries"], json!([alloc]));
    assert_eq!(world.get("/v1/deployments").await.json()[0]["ID"], *id);
    assert_eq!(world.get("/v1/job/web/deployment").await.json()["Status"], "running");
    let row = &world.get(&format!("/v1/deployment/allocations/{id}")).await.json()[0];
    assert_eq!((&row["DeploymentStatus"]["Canary"], &row["DeploymentStatus"]["Healthy"]), (&json!(true), &Value::Null));

    let verdict = json!({"DeploymentID": id, "HealthyAllocationIDs": [alloc]});
    let reply = world.put(&format!("/v1/deployment/allocation-health/{id}"), verdict).await;
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.text);
    assert_eq!(reply.json()["DeploymentModifyIndex"], reply.index());
    assert_eq!(read().await["TaskGroups"]["web"]["HealthyAllocs"], 1);
    let row = world.get(&format!("/v1/allocation/{alloc}")).await.json();
    assert_eq!(row["DeploymentStatus"]["Healthy"], true);

    let reply = world.put(&format!("/v1/deployment/promote/{id}"), json!({"DeploymentID": id, "Groups": ["web"]})).await;
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.text);
    assert_eq!(read().await["TaskGroups"]["web"]["Promoted"], true);
    world.put(&format!("/v1/deployment/pause/{id}"), json!({"DeploymentID": id, "Pause": true})).await;
    assert_eq!(read().await["Status"], "paused");
    world.put(&format!("/v1/deployment/fail/{id}"), json!({})).await;
    assert_eq!(read().await["Status"], "failed");
    let over = world.put(&format!("/v1/deployment/pause/{id}"), json!({"Pause": false})).await;
    assert_eq!((over.status, over.text.as_str()), (StatusCode::BAD_REQUEST, "deployment is terminal"));
}

#[tokio::test]
async fn what_cannot_be_meant_is_refused() {
    let (world, id, alloc) = deployed();
    for (path, body, status) in [
        (format!("/v1/deployment/promote/{id}"), json!({"DeploymentID": "other", "All": true}), StatusCode::BAD_REQUEST),
        (format!("/v1/deployment/promote/{id}"), json!({}), StatusCode::BAD_REQUEST),
        (format!("/v1/deployment/promote/{id}"), json!({"All": true, "Groups": ["web"]}), StatusCode::BAD_REQUEST),
        (format!("/v1/deployment/allocation-health/{id}"), json!({}), StatusCode::BAD_REQUEST),
        (format!("/v1/deployment/allocation-health/{id}"), json!({"HealthyAllocationIDs": ["x"]}), StatusCode::BAD_REQUEST),
        (
            format!("/v1/deployment/allocation-health/{id}"),
            json!({"HealthyAllocationIDs": [alloc], "UnhealthyAllocationIDs": [alloc]}),
            StatusCode::BAD_REQUEST,
        ),
        (format!("/v1/deployment/unblock/{id}"), json!({}), StatusCode::BAD_REQUEST),
        ("/v1/deployment/fail/00000000-0000-4000-8000-000000000404".to_owned(), json!({}), StatusCode::NOT_FOUND),
        ("/v1/deployment/fail/nonsense".to_owned(), json!({}), StatusCode::NOT_FOUND),
    ] {
        let reply = world.put(&path, body.clone()).await;
        assert_eq!(reply.status, status, "{path} {body}: {}", reply.text);
    }
    assert_eq!(world.get(&format!("/v1/deployment/{id}")).await.json()["Status"], "running");
}
