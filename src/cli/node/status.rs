//! `node status`: the machines of the cluster, or one of them.

use clap::Args;

use crate::api::types::allocation::Allocation;
use crate::api::types::node::{Node, NodeListStub};
use crate::cli::connection::{Connection, Session};
use crate::cli::exit::{Exit, Outcome};
use crate::cli::output::{print, print_json};
use crate::cli::progress::short;
use crate::cli::style::Style;
use crate::cli::table::{Cell, Pairs, Table, section};
use crate::cli::{resolve, time};
use crate::util::clock::Timestamp;

/// List nodes, or show one with its resources and allocations
#[derive(Args)]
#[command(after_help = "\
Examples:
  pannier node status
  pannier node status 0a1b2c3d
  pannier node status -self -verbose
  pannier node status -json 0a1b2c3d")]
pub struct StatusArgs {
    /// Id of the node, or the beginning of it; all nodes without it
    #[arg(value_name = "NODE")]
    pub node: Option<String>,
    /// Show the node of the agent that is asked
    #[arg(long = "self", conflicts_with = "node")]
    pub own: bool,
    /// Leave out events, drivers and allocations
    #[arg(long)]
    pub short: bool,
    /// Show ids in full, and attributes
    #[arg(long)]
    pub verbose: bool,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub connection: Connection,
}

impl StatusArgs {
    pub async fn run(self) -> Outcome {
        let session = self.connection.open()?;
        let id = match &self.node {
            _ if self.own => resolve::own_node(&session.client).await?,
            Some(prefix) => resolve::node(&session, prefix).await?,
            None => return self.list(&session).await,
        };
        self.show(&session, &id).await
    }

    async fn list(&self, session: &Session) -> Outcome {
        let nodes = session.client.list_nodes("").await?;
        if self.json {
            print_json(&nodes)?;
        } else if nodes.is_empty() {
            print("No nodes registered")?;
        } else {
            print(&node_table(&nodes, self.verbose).render(session.style))?;
        }
        Ok(Exit::Ok)
    }

    pub async fn show(&self, session: &Session, id: &str) -> Outcome {
        let node = resolve::or_missing("node", id, session.client.node(id).await)?;
        if self.json {
            print_json(&node)?;
            return Ok(Exit::Ok);
        }
        let allocations = session.client.node_allocations(&node.id).await?;
        print(&self.render(&node, &allocations, session.style, Timestamp::now()))?;
        Ok(Exit::Ok)
    }

    fn render(&self, node: &Node, allocations: &[Allocation], style: Style, now: Timestamp) -> String {
        let mut text = format!("{}\n", self.facts(node).render(style));
        text.push_str(&section(style, "Allocated Resources", &resource_table(node, allocations).render(style)));
        if self.short {
            return text;
        }
        if !node.events.is_empty() {
            let mut table = Table::new(["Time", "Subsystem", "Message"]);
            for event in node.events.iter().rev() {
                table.row([time::at_text(event.timestamp.as_deref()).into(), (&event.subsystem).into(), (&event.message).into()]);
            }
            text.push_str(&section(style, "Node Events", &table.render(style)));
        }
        if self.verbose {
            let attributes: Vec<String> = node.attributes.iter().map(|(name, value)| format!("{name} = {value}")).collect();
            text.push_str(&section(style, "Attributes", &attributes.join("\n")));
            let meta: Vec<String> = node.meta.iter().map(|(name, value)| format!("{name} = {value}")).collect();
            text.push_str(&section(style, "Meta", &meta.join("\n")));
        }
        let mut table = Table::new(["ID", "Job ID", "Task Group", "Desired", "Status", "Created", "Modified"]);
        for row in allocations {
            table.row([
                self.id(&row.id).into(),
                (&row.job_id).into(),
                (&row.task_group).into(),
                (&row.desired_status).into(),
                Cell::status(&row.client_status),
                time::ago(row.create_time, now).into(),
                time::ago(row.modify_time, now).into(),
            ]);
        }
        let allocations = if table.is_empty() { "No allocations placed".to_owned() } else { table.render(style) };
        text.push_str(&section(style, "Allocations", &allocations));
        text
    }

    fn id<'a>(&self, id: &'a str) -> &'a str {
        if self.verbose { id } else { short(id) }
    }

    fn facts(&self, node: &Node) -> Pairs {
        let drivers: Vec<String> = node
            .drivers
            .iter()
            .filter(|(_, driver)| driver.detected)
            .map(|(name, driver)| if driver.healthy { name.clone() } else { format!("{name} (unhealthy: {})", driver.health_description) })
            .collect();
        let mut facts = Pairs::default();
        facts.add("ID", &node.id);
        facts.add("Name", &node.name);
        facts.add("Node Pool", &node.node_pool);
        facts.add("Class", &node.node_class);
        facts.add("DC", &node.datacenter);
        facts.add("Address", &node.http_addr);
        facts.add("Drain", node.drain || node.drain_strategy.is_some());
        facts.add("Eligibility", Cell::status(&node.scheduling_eligibility));
        facts.add("Status", Cell::status(&node.status));
        facts.add_some("Status Description", &node.status_description);
        facts.add("Drivers", drivers.join(", "));
        facts.add("Host Volumes", node.host_volumes.keys().cloned().collect::<Vec<_>>().join(", "));
        facts
    }
}

fn node_table(nodes: &[NodeListStub], verbose: bool) -> Table {
    let mut table = Table::new(["ID", "Node Pool", "DC", "Name", "Class", "Address", "Drain", "Eligibility", "Status"]);
    for node in nodes {
        table.row([
            if verbose { (&node.id).into() } else { short(&node.id).into() },
            (&node.node_pool).into(),
            (&node.datacenter).into(),
            (&node.name).into(),
            if node.node_class.is_empty() { "<none>".into() } else { (&node.node_class).into() },
            (&node.address).into(),
            node.drain.into(),
            Cell::status(&node.scheduling_eligibility),
            Cell::status(&node.status),
        ]);
    }
    table
}

/// What the allocations that are not over were given, of what the node has beyond what it keeps for itself.
fn resource_table(node: &Node, allocations: &[Allocation]) -> Table {
    let has = node.node_resources.clone().unwrap_or_default();
    let keeps = node.reserved_resources.clone().unwrap_or_default();
    let (mut cpu, mut memory, mut disk) = (0, 0, 0);
    let current = allocations.iter().filter(|row| matches!(row.client_status.as_str(), "pending" | "running" | "unknown"));
    for resources in current.filter_map(|row| row.allocated_resources.as_ref()) {
        cpu += resources.tasks.values().map(|task| task.cpu.cpu_shares).sum::<i64>();
        memory += resources.tasks.values().map(|task| task.memory.memory_mb).sum::<i64>();
        disk += resources.shared.disk_mb;
    }
    let kept_cpu = i64::try_from(keeps.cpu.cpu_shares).unwrap_or(i64::MAX);
    let mut table = Table::new(["CPU", "Memory", "Disk"]);
    table.row([
        format!("{cpu}/{} MHz", has.cpu.cpu_shares.saturating_sub(kept_cpu)).into(),
        format!("{memory}/{} MiB", has.memory.memory_mb - keeps.memory.memory_mb).into(),
        format!("{disk}/{} MiB", has.disk.disk_mb - keeps.disk.disk_mb).into(),
    ]);
    table
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_node_is_shown_with_what_it_gave_away() {
        let node: Node = serde_json::from_value(json!({
            "ID": "n1", "Name": "alpha", "Status": "ready", "SchedulingEligibility": "eligible", "Attributes": {"kernel.name": "linux"},
            "Drivers": {"raw_exec": {"Detected": true, "Healthy": true}, "podman": {"Detected": false}},
            "NodeResources": {"Cpu": {"CpuShares": 4000}, "Memory": {"MemoryMB": 8000}, "Disk": {"DiskMB": 10000}},
            "ReservedResources": {"Cpu": {"CpuShares": 500}, "Memory": {"MemoryMB": 1000}},
        }))
        .unwrap();
        let given = json!({"Tasks": {"a": {"Cpu": {"CpuShares": 100}, "Memory": {"MemoryMB": 64}}}, "Shared": {"DiskMB": 300}});
        let allocations: Vec<Allocation> = serde_json::from_value(json!([
            {"ID": "aaaaaaaa-1", "JobID": "web", "ClientStatus": "running", "AllocatedResources": given.clone()},
            {"ID": "bbbbbbbb-1", "JobID": "web", "ClientStatus": "complete", "AllocatedResources": given},
        ]))
        .unwrap();
        let args = StatusArgs { node: None, own: false, short: false, verbose: false, json: false, connection: Connection::default() };
        let text = args.render(&node, &allocations, Style::PLAIN, Timestamp(0));
        for part in ["Drivers      = raw_exec\n", "100/3500 MHz  64/7000 MiB  300/10000 MiB", "aaaaaaaa  web", "bbbbbbbb  web"] {
            assert!(text.contains(part), "{part:?} in\n{text}");
        }
        assert!(!text.contains("kernel.name"));
    }
}
