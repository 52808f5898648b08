//! `alloc status`: an allocation, its tasks and what happened to them.

use std::collections::BTreeMap;

use clap::Args;

use super::fs::human_size;
use crate::api::types::allocation::{Allocation, AllocationMetric};
use crate::api::types::resources::{AllocatedResources, AllocatedTaskResources};
use crate::api::types::stats::{AllocResourceUsage, ResourceUsage};
use crate::api::types::task::TaskState;
use crate::cli::connection::{Connection, Session};
use crate::cli::exit::{Exit, Outcome};
use crate::cli::output::{print, print_json};
use crate::cli::progress::short;
use crate::cli::style::Style;
use crate::cli::table::{Cell, Pairs, Table, section};
use crate::cli::{failures, resolve, time};
use crate::util::clock::Timestamp;

/// Events shown per task unless -verbose asks for all of them.
const RECENT_EVENTS: usize = 10;

/// Show an allocation, its tasks and their recent events
#[derive(Args)]
#[command(after_help = "\
Examples:
  pannier alloc status 0a1b2c3d
  pannier alloc status -verbose 0a1b2c3d
  pannier alloc status -json 0a1b2c3d")]
pub struct StatusArgs {
    /// Id of the allocation, or the beginning of it
    #[arg(value_name = "ALLOCATION")]
    pub allocation: String,
    /// Show only the state of the tasks
    #[arg(long)]
    pub short: bool,
    /// Show ids in full, all events, and how the node was chosen
    #[arg(long)]
    pub verbose: bool,
    /// Show what the tasks use
    #[arg(long)]
    pub stats: bool,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub connection: Connection,
}

impl StatusArgs {
    pub async fn run(self) -> Outcome {
        let session = self.connection.open()?;
        self.show(&session).await
    }

    pub async fn show(&self, session: &Session) -> Outcome {
        let id = resolve::allocation(session, &self.allocation).await?;
        let allocation = resolve::or_missing("allocation", &id, session.client.allocation(&id).await)?;
        if self.json {
            print_json(&allocation)?;
            return Ok(Exit::Ok);
        }
        let usage = if self.stats { Some(session.client.allocation_stats(&id).await?) } else { None };
        print(&self.render(&allocation, usage.as_ref(), session.style, Timestamp::now()))?;
        Ok(Exit::Ok)
    }

    fn render(&self, allocation: &Allocation, usage: Option<&AllocResourceUsage>, style: Style, now: Timestamp) -> String {
        let mut text = format!("{}\n", self.facts(allocation, now).render(style));
        if self.short {
            text.push_str(&section(style, "Tasks", &task_table(&allocation.task_states).render(style)));
            return text;
        }
        let resources = allocation.allocated_resources.clone().unwrap_or_default();
        if let Some(ports) = port_table(&resources) {
            text.push_str(&section(style, "Allocation Addresses", &ports.render(style)));
        }
        for (name, state) in &allocation.task_states {
            let given = resources.tasks.get(name).cloned().unwrap_or_default();
            let used = usage.and_then(|usage| usage.tasks.get(name)).map(|task| &task.resource_usage);
            text.push_str(&section(style, &format!("Task {name:?}"), &self.task(state, &given, used, resources.shared.disk_mb, style)));
        }
        if let Some(metrics) = &allocation.metrics {
            if self.verbose {
                text.push_str(&section(style, "Placement Metrics", &placement(metrics, style)));
            } else if allocation.node_id.is_empty() {
                text.push_str(&section(style, "Placement Failure", &failures::reasons(metrics).join("\n")));
            }
        }
        text
    }

    fn id<'a>(&self, id: &'a str) -> &'a str {
        if self.verbose { id } else { short(id) }
    }

    fn facts(&self, allocation: &Allocation, now: Timestamp) -> Pairs {
        let version = allocation.job.as_ref().and_then(|job| job.get("Version")).and_then(serde_json::Value::as_u64).unwrap_or(0);
        let moment = |nanos| if self.verbose { time::at(nanos) } else { time::ago(nanos, now) };
        let mut facts = Pairs::default();
        facts.add("ID", &allocation.id);
        facts.add("Eval ID", self.id(&allocation.eval_id));
        facts.add("Name", &allocation.name);
        facts.add("Node ID", self.id(&allocation.node_id));
        facts.add("Node Name", &allocation.node_name);
        facts.add("Job ID", &allocation.job_id);
        facts.add("Job Version", version);
        facts.add("Client Status", Cell::status(&allocation.client_status));
        facts.add("Client Description", &allocation.client_description);
        facts.add("Desired Status", &allocation.desired_status);
        facts.add("Desired Description", &allocation.desired_description);
        facts.add("Created", moment(allocation.create_time));
        facts.add("Modified", moment(allocation.modify_time));
        if let Some(status) = &allocation.deployment_status {
            facts.add("Deployment ID", self.id(&allocation.deployment_id));
            facts.add("Deployment Health", status.healthy.map_or("unset", |healthy| if healthy { "healthy" } else { "unhealthy" }));
            if status.canary {
                facts.add("Canary", true);
            }
        }
        facts.add_some("Previous Allocation", self.id(&allocation.previous_allocation));
        facts.add_some("Replacement Alloc ID", self.id(&allocation.next_allocation));
        facts.add_some("Followup Eval ID", self.id(&allocation.followup_eval_id));
        facts.add_some("Preempted By", self.id(&allocation.preempted_by_allocation));
        if let Some(tracker) = allocation.reschedule_tracker.as_ref().filter(|tracker| !tracker.events.is_empty()) {
            facts.add("Reschedule Attempts", tracker.events.len() as u64);
        }
        facts
    }

    fn task(&self, state: &TaskState, given: &AllocatedTaskResources, used: Option<&ResourceUsage>, disk_mb: i64, style: Style) -> String {
        let mut facts = Pairs::default();
        facts.add("State", Cell::status(&state.state));
        facts.add("Failed", state.failed);
        facts.add(
            "CPU",
            match used {
                Some(used) => format!("{:.0}/{} MHz", used.cpu_stats.total_ticks, given.cpu.cpu_shares),
                None => format!("{} MHz", given.cpu.cpu_shares),
            },
        );
        let memory_max = if given.memory.memory_max_mb > 0 { format!(" (max {} MiB)", given.memory.memory_max_mb) } else { String::new() };
        facts.add(
            "Memory",
            match used {
                Some(used) => {
                    format!("{}/{} MiB{memory_max}", human_size(used.memory_stats.usage.max(used.memory_stats.rss)), given.memory.memory_mb)
                }
                None => format!("{} MiB{memory_max}", given.memory.memory_mb),
            },
        );
        facts.add("Disk", format!("{disk_mb} MiB"));
        facts.add("Started At", time::at_text(state.started_at.as_deref()));
        facts.add("Finished At", time::at_text(state.finished_at.as_deref()));
        facts.add("Total Restarts", state.restarts);
        facts.add("Last Restart", time::at_text(state.last_restart.as_deref()));
        format!("{}\n\n{}\n{}", facts.render(style), style.bold("Recent Events:"), self.event_table(state).render(style))
    }

    /// Newest first.
    fn event_table(&self, state: &TaskState) -> Table {
        let shown = if self.verbose { state.events.len() } else { RECENT_EVENTS };
        let mut table = Table::new(["Time", "Type", "Description"]);
        for event in state.events.iter().rev().take(shown) {
            let description = if event.display_message.is_empty() { &event.message } else { &event.display_message };
            table.row([time::at(event.time).into(), (&event.r#type).into(), description.into()]);
        }
        table
    }
}

fn task_table(states: &BTreeMap<String, TaskState>) -> Table {
    let mut table = Table::new(["Name", "State", "Last Event", "Time"]);
    for (name, state) in states {
        let (last, moment) = state.events.last().map_or((String::new(), 0), |event| (event.r#type.clone(), event.time));
        table.row([name.into(), Cell::status(&state.state), last.into(), time::at(moment).into()]);
    }
    table
}

fn port_table(resources: &AllocatedResources) -> Option<Table> {
    let mut table = Table::new(["Label", "Dynamic", "Address"]);
    let reserved: Vec<&str> =
        resources.shared.networks.iter().flat_map(|network| &network.reserved_ports).map(|port| port.label.as_str()).collect();
    for port in &resources.shared.ports {
        let inside = if port.to > 0 && port.to != i32::from(port.value) { format!(" -> {}", port.to) } else { String::new() };
        let dynamic = if reserved.contains(&port.label.as_str()) { "no" } else { "yes" };
        table.row([(&port.label).into(), dynamic.into(), format!("{}:{}{inside}", port.host_ip, port.value).into()]);
    }
    (!table.is_empty()).then_some(table)
}

fn placement(metrics: &AllocationMetric, style: Style) -> String {
    let mut facts = Pairs::default();
    facts.add("Nodes Evaluated", metrics.nodes_evaluated);
    facts.add("Nodes Filtered", metrics.nodes_filtered);
    facts.add("Nodes Exhausted", metrics.nodes_exhausted);
    let mut text = facts.render(style);
    for (constraint, nodes) in &metrics.constraint_filtered {
        text.push_str(&format!("\n* Constraint {constraint:?}: {nodes} node{} excluded by filter", failures::plural(*nodes)));
    }
    if metrics.score_meta_data.is_empty() {
        return text;
    }
    let mut table = Table::new(["Node", "Final Score", "Scores"]);
    for candidate in &metrics.score_meta_data {
        let scores: Vec<String> = candidate.scores.iter().map(|(name, score)| format!("{name} {score:.3}")).collect();
        table.row([(&candidate.node_id).into(), format!("{:.3}", candidate.norm_score).into(), scores.join(", ").into()]);
    }
    format!("{text}\n\n{}", table.render(style))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn allocation() -> Allocation {
        serde_json::from_value(json!({
            "ID": "0a1b2c3d-0000-0000-0000-000000000001", "EvalID": "eeeeeeee-0", "Name": "web.front[0]", "NodeID": "ffffffff-0", "JobID": "web",
            "ClientStatus": "running", "DesiredStatus": "run", "Job": {"Version": 3}, "CreateTime": 1_000_000_000_i64,
            "DeploymentID": "dddddddd-0", "DeploymentStatus": {"Healthy": true},
            "AllocatedResources": {
                "Tasks": {"server": {"Cpu": {"CpuShares": 500}, "Memory": {"MemoryMB": 256, "MemoryMaxMB": 512}}},
                "Shared": {"DiskMB": 300, "Ports": [{"Label": "http", "Value": 22000, "To": 8080, "HostIP": "10.0.0.5"}]},
            },
            "TaskStates": {"server": {
                "State": "running", "Restarts": 2, "StartedAt": "2023-11-14T22:13:20.5Z", "FinishedAt": "0001-01-01T00:00:00Z",
                "Events": [
                    {"Type": "Received", "Time": 1_700_000_000_000_000_000_i64, "DisplayMessage": "Task received by client"},
                    {"Type": "Started", "Time": 1_700_000_001_000_000_000_i64, "DisplayMessage": "Task started by client"},
                ],
            }},
            "Metrics": {"NodesEvaluated": 4, "ScoreMetaData": [{"NodeID": "ffffffff-0", "Scores": {"binpack": 0.5}, "NormScore": 0.5}]},
        }))
        .unwrap()
    }

    fn args() -> StatusArgs {
        StatusArgs { allocation: String::new(), short: false, verbose: false, stats: false, json: false, connection: Connection::default() }
    }

    #[test]
    fn tasks_ports_and_events_are_shown() {
        let text = args().render(&allocation(), None, Style::PLAIN, Timestamp(61_000_000_000));
        for part in [
            "Job Version         = 3",
            "Deployment Health   = healthy",
            "Created             = 1m ago",
            "Label  Dynamic  Address\nhttp   yes      10.0.0.5:22000 -> 8080",
            "Task \"server\"\nState          = running",
            "Memory         = 256 MiB (max 512 MiB)",
            "Started At     = 2023-11-14T22:13:20Z\nFinished At    = N/A",
            "2023-11-14T22:13:21Z  Started   Task started by client\n2023-11-14T22:13:20Z  Received  Task received by client",
        ] {
            assert!(text.contains(part), "{part:?} in\n{text}");
        }
        assert!(!text.contains("Placement Metrics"));
    }

    #[test]
    fn verbosity_and_brevity() {
        let verbose = StatusArgs { verbose: true, ..args() }.render(&allocation(), None, Style::PLAIN, Timestamp(0));
        assert!(verbose.contains("Placement Metrics") && verbose.contains("ffffffff-0  0.500        binpack 0.500"), "{verbose}");
        let brief = StatusArgs { short: true, ..args() }.render(&allocation(), None, Style::PLAIN, Timestamp(0));
        assert!(brief.contains("server  running  Started") && !brief.contains("Recent Events"), "{brief}");
    }
}
