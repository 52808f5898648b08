//! Jobs in the API's JSON.

use serde_json::json;

use crate::jobspec::json::{job_from_slice, job_from_value, job_to_value};
use crate::jobspec::{Parsed, Problem, validate};
use crate::model::{ConfigValue, JobType};

#[test]
fn little_is_enough_and_the_rest_is_tolerated() {
    let job = job_from_value(json!({
        "Job": {
            "ID": "x", "Type": "batch", "Unknown": {"a": 1}, "Constraints": null,
            "TaskGroups": [{"Name": "g", "Count": null, "Tasks": [{"Name": "t", "Driver": "exec", "KillTimeout": "7s", "ShutdownDelay": 1e9}]}]
        },
        "EnforceIndex": true
    }))
    .unwrap()
    .job;
    assert_eq!((&*job.key.id, &*job.name, job.job_type, job.groups[0].count), ("x", "x", JobType::Batch, 1));
    let task = &job.groups[0].tasks[0];
    assert_eq!((task.kill_timeout.as_secs(), task.shutdown_delay.as_secs()), (7, 1));
}

#[test]
fn an_array_is_no_object() {
    for text in [
        r#"["x"]"#,
        "[[]]",
        r#"[{"ID": "x"}]"#,
        r#"{"Job": ["x"]}"#,
        r#"{"ID": "x", "TaskGroups": [["g", 1]]}"#,
        r#"{"ID": "x", "Update": [1]}"#,
    ] {
        assert!(job_from_slice(text.as_bytes()).is_err(), "{text}");
        assert!(job_from_value(serde_json::from_str(text).unwrap()).is_err(), "{text}");
    }
    let problems = job_from_slice(b"{\"ID\": \"x\",\n\"Update\": [1]}").unwrap_err();
    assert_eq!(problems[0].message, "invalid type: sequence, expected an object");
    assert_eq!(problems[0].position.as_ref().unwrap().line, 2);
}

/// An answer of the API shows a job with more around it, and must be readable still.
#[test]
fn values_that_no_reader_would_follow_are_refused() {
    let nested = |levels: usize| {
        let config = (1..levels).fold(json!({}), |inner, _| json!({ "a": inner }));
        let job = json!({"ID": "x", "UI": config, "TaskGroups": [{"Name": "g", "Tasks": [{"Name": "t", "Driver": "of-somebody-else", "Config": config}]}]});
        let job = job_from_value(job).unwrap().job;
        validate(&job).into_iter().filter(Problem::is_error).map(|problem| problem.path).collect::<Vec<_>>()
    };
    assert_eq!(nested(64), [""; 0]);
    assert_eq!(nested(65), ["job.UI", "job.group[g].task[t].config"]);
}

/// Each of these takes milliseconds to compile, and a megabyte of them would take a minute.
#[test]
fn regular_expressions_are_counted() {
    let judged = |count: usize| {
        let constraints = vec![json!({"LTarget": "a", "RTarget": "\\pL{9}", "Operand": "regexp"}); count];
        let tasks =
            json!([{"Name": "t", "Driver": "of-somebody-else", "Constraints": [{"LTarget": "a", "RTarget": "x", "Operand": "regexp"}]}]);
        let job =
            job_from_value(json!({"ID": "x", "Constraints": constraints, "TaskGroups": [{"Name": "g", "Tasks": tasks}]})).unwrap().job;
        validate(&job).into_iter().filter(Problem::is_error).map(|problem| problem.path).collect::<Vec<_>>()
    };
    assert_eq!(judged(99), [""; 0]);
    assert_eq!(judged(100), ["job.group[g].task[t].constraint[0].value"]);
    assert_eq!(judged(10_000), ["job.constraint[100].value"]);
}

#[test]
fn a_reserved_port_without_a_number_is_a_dynamic_one() {
    let networks = json!([{"ReservedPorts": [{"Label": "a"}, {"Label": "b", "Value": 9100}], "DynamicPorts": [{"Label": "c"}]}]);
    let tasks = json!([{"Name": "t", "Driver": "exec"}]);
    let job = job_from_value(json!({"ID": "x", "TaskGroups": [{"Name": "g", "Networks": networks, "Tasks": tasks}]})).unwrap().job;
    let ports: Vec<_> = job.groups[0].networks[0].ports.iter().map(|port| (&*port.label, port.static_port)).collect();
    assert_eq!(ports, [("b", Some(9100)), ("a", None), ("c", None)]);
    assert_eq!(job_from_value(job_to_value(&job)).unwrap().job, job);
}

/// Read to the nearest but one, such a number would make a job differ from itself on every registration.
#[test]
fn numbers_are_read_as_they_were_printed() {
    let number = 6.411_111_111_111_111e48;
    let config = json!({"n": number});
    let job = json!({"ID": "x", "TaskGroups": [{"Name": "g", "Tasks": [{"Name": "t", "Driver": "exec", "Config": config}]}]});
    let job = job_from_value(job).unwrap().job;
    let again = job_from_slice(job_to_value(&job).to_string().as_bytes()).unwrap().job;
    assert_eq!(again, job);
    assert_eq!(again.groups[0].tasks[0].config.get("n"), Some(&ConfigValue::Float(number)));
}

#[test]
fn output_has_the_fields_that_clients_read() {
    let job = job_from_value(json!({"ID": "x", "TaskGroups": [{"Name": "g", "Tasks": [{"Name": "t", "Driver": "exec"}]}]})).unwrap().job;
    let json = job_to_value(&job);
    for field in [
        "ID",
        "ParentID",
        "Name",
        "Namespace",
        "Region",
        "Type",
        "Priority",
        "AllAtOnce",
        "Datacenters",
        "NodePool",
        "Constraints",
        "Affinities",
        "Spreads",
        "TaskGroups",
        "Update",
        "Periodic",
        "ParameterizedJob",
        "Dispatched",
        "Payload",
        "Meta",
        "Status",
        "StatusDescription",
        "Stable",
        "Stop",
        "Version",
        "SubmitTime",
        "CreateIndex",
        "ModifyIndex",
        "JobModifyIndex",
        "Multiregion",
    ] {
        assert!(json.get(field).is_some(), "{field}");
    }
    let group = &json["TaskGroups"][0];
    assert_eq!(group["RestartPolicy"]["Interval"], 1_800_000_000_000_i64);
    assert_eq!(group["EphemeralDisk"]["SizeMB"], 300);
    assert_eq!(group["Networks"], json!(null));
    let task = &group["Tasks"][0];
    assert_eq!(task["Resources"]["MemoryMB"], 300);
    assert_eq!(task["LogConfig"]["MaxFileSizeMB"], 10);
    assert_eq!(task["Config"], json!({}));
}

#[test]
fn parts_of_parts_that_the_model_lacks_survive() {
    let spec = json!({"ID": "x", "TaskGroups": [{
        "Name": "g",
        "Volumes": {"v": {"Type": "csi", "Source": "s", "MountOptions": {"FSType": "ext4"}}},
        "Networks": [{"Mode": "bridge", "CNI": {"Args": {"a": "b"}}}],
        "Services": [{"Name": "s", "Connect": {"Native": true}, "Checks": [{"Type": "tcp", "Notes": "n"}]}],
        "Tasks": [{"Name": "t", "Driver": "exec", "Kind": "k", "Resources": {"SecretsMB": 3},
            "Templates": [{"DestPath": "a", "ChangeScript": {"Command": "/x"}}], "Artifacts": [{"GetterSource": "s", "Chown": true}]}]
    }]});
    let parsed = job_from_value(spec).unwrap();
    let json = job_to_value(&parsed.job);
    let group = &json["TaskGroups"][0];
    assert_eq!(group["Volumes"]["v"]["MountOptions"]["FSType"], "ext4");
    assert_eq!(group["Networks"][0]["CNI"]["Args"]["a"], "b");
    assert_eq!(group["Services"][0]["Connect"]["Native"], true);
    assert_eq!(group["Services"][0]["Checks"][0]["Notes"], "n");
    let task = &group["Tasks"][0];
    assert_eq!((&task["Kind"], &task["Resources"]["SecretsMB"]), (&json!("k"), &json!(3)));
    assert_eq!(task["Templates"][0]["ChangeScript"]["Command"], "/x");
    assert_eq!(task["Artifacts"][0]["Chown"], true);
    assert_eq!(parsed.warnings.len(), 8);
    assert_eq!(job_from_value(json).unwrap().job, parsed.job);
}

#[test]
fn errors_have_a_place() {
    let errors = job_from_slice(b"{\n  \"ID\": \"x\",\n  \"Priority\": \"high\"\n}").unwrap_err();
    assert_eq!(errors[0].position.as_ref().unwrap().line, 3);
    assert!(errors[0].message.contains("expected i64"), "{}", errors[0].message);
    assert_eq!(job_from_slice(b"{\"ID\": ").unwrap_err()[0].code, "json");
    let errors =
        job_from_slice(b"{\"Type\": \"sevice\", \"TaskGroups\": [{\"Name\": \"g\", \"Count\": -1, \"RestartPolicy\": {\"Mode\": \"x\"}}]}")
            .unwrap_err();
    let messages: Vec<&str> = errors.iter().map(|error| error.message.as_str()).collect();
    assert_eq!(
        messages,
        [
            "job.group[g].count: -1 is below 0",
            "job.group[g].restart.mode: \"x\" is not one of fail, delay",
            "job.type: \"sevice\" is not one of service, batch, system, sysbatch",
            "job.id: must not be empty",
            "job.group[g].task: there must be at least one task"
        ]
    );
}

#[test]
fn fields_that_nothing_reads_are_named_and_empty_ones_are_not() {
    let value = serde_json::json!({ "Job": {
        "ID": "j", "Colour": "red", "VaultToken": "", "Future": null,
        "TaskGroups": [{ "Name": "g", "Cuont": 2, "Tasks": [{ "Name": "t", "Driver": "mock_driver", "Resources": { "Cpu": 5 }, "Vault": { "New": 1 } }] }],
    }});
    let warned = |parsed: Parsed| -> Vec<String> {
        parsed.warnings.into_iter().map(|warning| warning.message).filter(|message| message.contains("ignored")).collect()
    };
    let expected = ["job.Colour", "job.TaskGroups[0].Cuont", "job.TaskGroups[0].Tasks[0].Resources.Cpu"]
        .map(|path| format!("{path}: is not a field that pannier knows, and is ignored"));
    assert_eq!(warned(job_from_value(value.clone()).unwrap()), expected);
    assert_eq!(warned(job_from_slice(value.to_string().as_bytes()).unwrap()), expected);
}
