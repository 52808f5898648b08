//! What a plan would change in a job, as an indented tree of added, removed and edited fields.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::style::{Paint, Style, printable};

/// The difference of two jobs, as the API answers it.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct JobDiff {
    r#type: String,
    #[serde(rename = "ID")]
    id: String,
    fields: Option<Vec<FieldDiff>>,
    objects: Option<Vec<ObjectDiff>>,
    task_groups: Option<Vec<GroupDiff>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct GroupDiff {
    r#type: String,
    name: String,
    fields: Option<Vec<FieldDiff>>,
    objects: Option<Vec<ObjectDiff>>,
    tasks: Option<Vec<ObjectDiff>>,
    /// Allocations per kind of update.
    updates: Option<BTreeMap<String, u64>>,
}

/// An object, or a task, which is an object with annotations.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct ObjectDiff {
    r#type: String,
    name: String,
    fields: Option<Vec<FieldDiff>>,
    objects: Option<Vec<ObjectDiff>>,
    annotations: Option<Vec<String>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct FieldDiff {
    r#type: String,
    name: String,
    old: String,
    new: String,
    annotations: Option<Vec<String>>,
}

/// Lines of the tree; `verbose` shows unchanged parts too.
pub fn render(diff: &JobDiff, style: Style, verbose: bool) -> String {
    let mut tree = Tree { style, verbose, lines: Vec::new() };
    tree.line(0, &diff.r#type, &format!("Job: {:?}", diff.id));
    tree.fields(1, diff.fields.as_deref());
    tree.objects(1, "", diff.objects.as_deref());
    for group in diff.task_groups.iter().flatten() {
        if !tree.shows(&group.r#type) && group.updates.is_none() {
            continue;
        }
        let updates: Vec<String> = group.updates.iter().flatten().map(|(kind, count)| format!("{count} {kind}")).collect();
        let suffix = if updates.is_empty() { String::new() } else { format!(" ({})", updates.join(", ")) };
        tree.line(0, &group.r#type, &format!("Task Group: {:?}{suffix}", group.name));
        tree.fields(1, group.fields.as_deref());
        tree.objects(1, "", group.objects.as_deref());
        tree.objects(1, "Task: ", group.tasks.as_deref());
    }
    tree.lines.join("\n")
}

struct Tree {
    style: Style,
    verbose: bool,
    lines: Vec<String>,
}

impl Tree {
    fn shows(&self, change: &str) -> bool {
        self.verbose || change != "None"
    }

    fn line(&mut self, depth: usize, change: &str, text: &str) {
        let (mark, paint) = match change {
            "Added" => ("+  ", Paint::Good),
            "Deleted" => ("-  ", Paint::Bad),
            "Edited" => ("+/-", Paint::Waiting),
            _ => ("   ", Paint::Plain),
        };
        self.lines.push(format!("{} {}{}", self.style.paint(paint, mark), "  ".repeat(depth), printable(text)).trim_end().to_owned());
    }

    fn fields(&mut self, depth: usize, fields: Option<&[FieldDiff]>) {
        for field in fields.into_iter().flatten() {
            if !self.shows(&field.r#type) {
                continue;
            }
            let values = match field.r#type.as_str() {
                "Added" => format!("{:?}", field.new),
                "Deleted" => format!("{:?}", field.old),
                "Edited" => format!("{:?} => {:?}", field.old, field.new),
                _ => format!("{:?}", field.new),
            };
            self.line(depth, &field.r#type, &format!("{}: {values}{}", field.name, notes(field.annotations.as_deref())));
        }
    }

    fn objects(&mut self, depth: usize, prefix: &str, objects: Option<&[ObjectDiff]>) {
        for object in objects.into_iter().flatten() {
            let annotated = object.annotations.as_ref().is_some_and(|notes| !notes.is_empty());
            if !self.shows(&object.r#type) && !annotated {
                continue;
            }
            let name = if prefix.is_empty() { object.name.clone() } else { format!("{prefix}{:?}", object.name) };
            let opening = if prefix.is_empty() { " {" } else { "" };
            self.line(depth, &object.r#type, &format!("{name}{opening}{}", notes(object.annotations.as_deref())));
            self.fields(depth + 1, object.fields.as_deref());
            self.objects(depth + 1, "", object.objects.as_deref());
            if prefix.is_empty() {
                self.line(depth, "", "}");
            }
        }
    }
}

fn notes(annotations: Option<&[String]>) -> String {
    match annotations {
        Some(notes) if !notes.is_empty() => format!(" ({})", notes.join(", ")),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tree_shows_what_changes_and_what_that_causes() {
        let diff: JobDiff = serde_json::from_value(serde_json::json!({
            "Type": "Edited", "ID": "web", "Objects": null,
            "Fields": [{"Type": "Edited", "Name": "Priority", "Old": "50", "New": "60"}, {"Type": "None", "Name": "Region", "New": "global"}],
            "TaskGroups": [{
                "Type": "Edited", "Name": "front", "Updates": {"create": 1, "in-place update": 2},
                "Fields": [{"Type": "Edited", "Name": "Count", "Old": "2", "New": "3", "Annotations": ["forces create"]}],
                "Tasks": [{"Type": "Edited", "Name": "server", "Annotations": ["forces in-place update"],
                           "Objects": [{"Type": "Added", "Name": "Env", "Fields": [{"Type": "Added", "Name": "A", "New": "1"}]}]}],
            }],
        }))
        .unwrap();
        let expected = "\
+/- Job: \"web\"
+/-   Priority: \"50\" => \"60\"
+/- Task Group: \"front\" (1 create, 2 in-place update)
+/-   Count: \"2\" => \"3\" (forces create)
+/-   Task: \"server\" (forces in-place update)
+       Env {
+         A: \"1\"
        }";
        assert_eq!(render(&diff, Style::PLAIN, false), expected);
        assert!(render(&diff, Style::PLAIN, true).contains("Region: \"global\""));
    }
}
