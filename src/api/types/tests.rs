use serde_json::json;

use super::allocation::{Allocation, AllocationListStub};
use super::evaluation::Evaluation;
use super::event::EventBatch;
use super::files::StreamFrame;
use super::job::{JobListStub, JobPlanResponse, JobRegisterRequest};
use super::node::Node;

#[test]
fn names_are_gos() {
    let stub = serde_json::to_value(JobListStub { id: "web".into(), r#type: "service".into(), ..Default::default() }).unwrap();
    assert_eq!(stub["ID"], "web");
    assert_eq!(stub["Type"], "service");
    assert!(stub.get("ParentID").is_some() && stub.get("Meta").is_none());

    let node = serde_json::to_value(Node { http_addr: "127.0.0.1:4646".into(), ..Default::default() }).unwrap();
    assert_eq!(node["HTTPAddr"], "127.0.0.1:4646");
    assert!(node.get("TLSEnabled").is_some());

    let evaluation = serde_json::to_value(Evaluation::default()).unwrap();
    for name in ["ID", "JobID", "FailedTGAllocs", "QueuedAllocations", "DeploymentID", "StatusDescription"] {
        assert!(evaluation.get(name).is_some(), "{name}");
    }
}

#[test]
fn null_and_absence_read_as_empty() {
    let stub: AllocationListStub = serde_json::from_value(json!({
        "ID": "a", "TaskStates": null, "PreemptedAllocations": null, "FollowupEvalID": null, "Unheard": 1,
    }))
    .unwrap();
    assert_eq!(stub, AllocationListStub { id: "a".into(), ..Default::default() });

    let allocation: Allocation = serde_json::from_value(json!({
        "AllocatedResources": {"Tasks": {"main": {"Cpu": {"CpuShares": 100}, "Memory": {"MemoryMB": 64}, "Networks": null}},
                               "Shared": {"DiskMB": 300, "Ports": [{"Label": "http", "Value": 20100, "To": 80, "HostIP": "10.0.0.1"}]}},
        "TaskStates": {"main": {"State": "running", "StartedAt": "0001-01-01T00:00:00Z", "FinishedAt": null}},
    }))
    .unwrap();
    let resources = allocation.allocated_resources.unwrap();
    assert_eq!(resources.tasks["main"].memory.memory_mb, 64);
    assert_eq!((resources.shared.disk_mb, resources.shared.ports[0].host_ip.as_str()), (300, "10.0.0.1"));

    let plan: JobPlanResponse = serde_json::from_value(json!({
        "Annotations": {"DesiredTGUpdates": {"web": {"Place": 2, "InPlaceUpdate": 1}}},
        "FailedTGAllocs": {"web": {"DimensionExhausted": {"memory": 1}}},
    }))
    .unwrap();
    assert_eq!(plan.annotations.unwrap().desired_tg_updates["web"].in_place_update, 1);
    assert_eq!(plan.failed_tg_allocs["web"].dimension_exhausted["memory"], 1);
}

#[test]
fn heartbeats_are_empty_objects_and_data_is_base64() {
    assert_eq!(serde_json::to_string(&StreamFrame::default()).unwrap(), "{}");
    assert_eq!(serde_json::to_string(&EventBatch::default()).unwrap(), "{}");
    let frame = StreamFrame { offset: 3, data: b"hello".to_vec(), file: "a".into(), ..Default::default() };
    let text = serde_json::to_string(&frame).unwrap();
    assert_eq!(text, r#"{"Offset":3,"Data":"aGVsbG8=","File":"a"}"#);
    assert_eq!(serde_json::from_str::<StreamFrame>(&text).unwrap(), frame);
    assert!(serde_json::from_str::<StreamFrame>("{}").unwrap().is_heartbeat());
}

#[test]
fn optional_parts_of_a_registration_are_left_out() {
    let request = serde_json::to_value(JobRegisterRequest { job: json!({"ID": "web"}), ..Default::default() }).unwrap();
    assert!(request.get("Submission").is_none());
    assert_eq!(request["JobModifyIndex"], 0);
}
