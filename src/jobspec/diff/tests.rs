//! Two versions, and what a plan says of them.

use super::{DiffType, Updates, job_diff};
use crate::jobspec::{VariableSources, parse_hcl};
use crate::model::Job;

fn parse(text: &str) -> Job {
    parse_hcl(text, "x", &VariableSources::default()).unwrap().job
}

const FIRST: &str = r#"
job "x" {
  meta {
    a = "1"
    b = "1"
  }
  group "web" {
    count = 1
    task "server" {
      driver = "docker"
      config {
        image = "app:1"
        args  = ["-v", "-q"]
      }
      env {
        LEVEL = "info"
      }
    }
    task "old" {
      driver = "docker"
    }
  }
  group "same" {
    task "t" {
      driver = "docker"
    }
  }
}"#;

#[test]
fn equal_jobs_differ_in_nothing_whatever_the_cluster_says_of_them() {
    let job = parse(FIRST);
    let later = Job { version: 7, stable: true, modify_index: 99, ..job.clone() };
    let diff = job_diff(Some(&job), Some(&later));
    assert_eq!((diff.r#type, diff.fields.len(), diff.objects.len()), (DiffType::None, 0, 0));
    assert!(diff.task_groups.iter().all(|group| group.r#type == DiffType::None));
}

#[test]
fn a_plan_says_what_each_change_causes() {
    let second = FIRST.replace("count = 1", "count = 3").replace("app:1", "app:2");
    let mut diff = job_diff(Some(&parse(FIRST)), Some(&parse(&second)));
    let updates = Updates { create: 2, destructive: 1, ..Updates::default() };
    diff.annotate(&[("web".to_owned(), updates)].into());
    let web = &diff.task_groups[diff.task_groups.iter().position(|group| group.name == "web").unwrap()];
    assert_eq!(web.updates, [("create".to_owned(), 2), ("create/destroy update".to_owned(), 1)].into());
    assert_eq!(web.fields.iter().find(|field| field.name == "Count").unwrap().annotations, ["forces create"]);
    let notes = |name: &str| web.tasks.iter().find(|task| task.name == name).map(|task| task.annotations.clone()).unwrap_or_default();
    assert_eq!((notes("server"), notes("old").len()), (vec!["forces create/destroy update".to_owned()], 0));
}

#[test]
fn changes_are_found_where_they_are() {
    let second = FIRST
        .replace("b = \"1\"", "c = \"2\"")
        .replace("count = 1", "count = 3")
        .replace("app:1", "app:2")
        .replace(", \"-q\"", "")
        .replace("task \"old\"", "task \"new\"")
        .replace("LEVEL = \"info\"", "LEVEL = \"debug\"");
    let diff = job_diff(Some(&parse(FIRST)), Some(&parse(&second)));
    assert_eq!(diff.r#type, DiffType::Edited);
    let told: Vec<String> =
        diff.fields.iter().map(|field| format!("{:?} {} {:?} {:?}", field.r#type, field.name, field.old, field.new)).collect();
    assert_eq!(told, ["Deleted Meta[b] \"1\" \"\"", "Added Meta[c] \"\" \"2\""]);

    let groups: Vec<(&str, DiffType)> = diff.task_groups.iter().map(|group| (group.name.as_str(), group.r#type)).collect();
    assert_eq!(groups, [("same", DiffType::None), ("web", DiffType::Edited)]);
    let web = &diff.task_groups[1];
    assert_eq!((web.fields[0].name.as_str(), web.fields[0].old.as_str(), web.fields[0].new.as_str()), ("Count", "1", "3"));
    let tasks: Vec<(&str, DiffType)> = web.tasks.iter().map(|task| (task.name.as_str(), task.r#type)).collect();
    assert_eq!(tasks, [("new", DiffType::Added), ("old", DiffType::Deleted), ("server", DiffType::Edited)]);
    let server = &web.tasks[2];
    assert_eq!(server.fields[0].name, "Env[LEVEL]");
    let config: Vec<(&str, DiffType)> = server.objects[0].fields.iter().map(|field| (field.name.as_str(), field.r#type)).collect();
    assert_eq!(config, [("args[1]", DiffType::Deleted), ("image", DiffType::Edited)]);
}

#[test]
fn a_new_job_is_added_whole_and_speaks_the_api() {
    let diff = job_diff(None, Some(&parse(FIRST)));
    let json = serde_json::to_value(&diff).unwrap();
    assert_eq!(json["Type"], "Added");
    assert_eq!(json["ID"], "x");
    assert_eq!(json["TaskGroups"][0]["Type"], "Added");
    assert_eq!(json["TaskGroups"][1]["Tasks"][1]["Fields"][0]["Type"], "Added");
    assert_eq!(job_diff(Some(&parse(FIRST)), None).r#type, DiffType::Deleted);
}
