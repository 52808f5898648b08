//! What keeps a group from its places, node class by node class, and which single change would help.
//!
//! A change is offered only if it helps by itself: a node that lacks two things is no argument for either.

use std::collections::BTreeMap;

use super::GroupRequest;
use crate::model::device::DeviceUsage;
use crate::model::fit::Dimension;
use crate::model::plan::Missing;
use crate::model::{Ask, Node, NodeStatus, Operand, Text};
use crate::scheduler::feasibility::{NearbyCheck, Verdict};
use crate::scheduler::placement::{NodeOrd, Obstacle, Packer};

/// So many lines are kept of each kind.
const MOST_LINES: usize = 12;
/// Names of nodes in one line.
const MOST_NAMES: usize = 3;

/// What the nodes lack, most widespread first, and what would help.
pub fn analyse(
    packer: &Packer<'_>,
    request: &GroupRequest<'_>,
    filtered: &[(NodeOrd, Text)],
    distinct_names: &[Text],
    queued: u32,
) -> (Vec<Missing>, Vec<Text>) {
    let mut analysis = Analysis { packer, request, queued, lacks: BTreeMap::new(), only: BTreeMap::new(), shrink: BTreeMap::new() };
    analysis.classes();
    for (ord, reason) in filtered {
        analysis.lack(packer.fleet().node(*ord), reason, None);
        *analysis.only.entry(reason.clone()).or_default() += 1;
    }
    for (ord, obstacle) in packer.obstacles() {
        analysis.obstacle(ord, obstacle, distinct_names);
    }
    let changes = analysis.changes();
    (analysis.missing(), changes)
}

/// How many nodes lack something, and the most that one of them has free of it where it is an amount.
#[derive(Default)]
struct Lack {
    nodes: u32,
    largest: Option<(Dimension, u64)>,
}

struct Analysis<'a> {
    packer: &'a Packer<'a>,
    request: &'a GroupRequest<'a>,
    queued: u32,
    /// By node class and reason.
    lacks: BTreeMap<(Text, Text), Lack>,
    /// Nodes to which nothing but this is missing.
    only: BTreeMap<Text, u32>,
    /// By dimension: nodes that are short of nothing else, and the most that one of them has free.
    shrink: BTreeMap<Dimension, (u32, u64)>,
}

impl Analysis<'_> {
    fn lack(&mut self, node: &Node, reason: &Text, free: Option<(Dimension, u64)>) {
        let lack = self.lacks.entry((node.class.clone(), reason.clone())).or_default();
        lack.nodes += 1;
        lack.largest = lack.largest.max(free);
    }

    /// What whole classes of nodes lack.
    fn classes(&mut self) {
        let profile = self.request.profile;
        for (class, node, nodes) in self.packer.fleet().classes().placeable() {
            if matches!(profile.class_verdict(class), Verdict::OtherPool | Verdict::Feasible) {
                continue;
            }
            let unmet = profile.requirements.unmet(node);
            for reason in &unmet {
                self.lacks.entry((node.class.clone(), reason.clone())).or_default().nodes += nodes;
            }
            if let [reason] = &unmet[..] {
                *self.only.entry(reason.clone()).or_default() += nodes;
            }
        }
    }

    fn obstacle(&mut self, ord: NodeOrd, obstacle: Obstacle, distinct_names: &[Text]) {
        let node = self.packer.fleet().node(ord);
        let reason: Text = match obstacle {
            Obstacle::Exhausted(dimension) => {
                let short = self.short(ord);
                for (dimension, free) in &short {
                    self.lack(node, &dimension.to_string().into(), Some((*dimension, *free)));
                }
                if let [(dimension, free)] = short[..] {
                    let (nodes, largest) = self.shrink.entry(dimension).or_default();
                    *nodes += 1;
                    *largest = free.max(*largest);
                }
                if !short.is_empty() {
                    return;
                }
                dimension.to_string().into()
            }
            Obstacle::NoDynamicPort => "network: no free dynamic port".into(),
            Obstacle::DistinctHosts => Operand::DistinctHosts.name().into(),
            Obstacle::DistinctProperty(axis) => distinct_names[axis].clone(),
        };
        self.lack(node, &reason, None);
        *self.only.entry(reason).or_default() += 1;
    }

    /// The amounts that a node is short of, with what it has free.
    fn short(&self, ord: NodeOrd) -> Vec<(Dimension, u64)> {
        let ask = self.packer.ask_on(ord);
        let (available, used) = (self.packer.fleet().available(ord), self.packer.fleet().usage(ord).ask);
        let free = crate::model::fit::subtract(available, used);
        let amounts = [Dimension::Cpu, Dimension::Cores, Dimension::Memory, Dimension::Disk];
        amounts.into_iter().filter(|dimension| amount(free, *dimension) < amount(ask, *dimension)).map(|d| (d, amount(free, d))).collect()
    }

    fn missing(self) -> Vec<Missing> {
        let ask = self.request.group.ask();
        let mut lines: Vec<Missing> = self
            .lacks
            .into_iter()
            .map(|((class, reason), Lack { nodes, largest })| {
                let what = match largest {
                    Some((dimension, free)) => {
                        let asked = quantity(dimension, amount(ask, dimension));
                        format!("{dimension}: largest free {}, asked {asked}", quantity(dimension, free)).into()
                    }
                    None => reason,
                };
                Missing { class, nodes, what }
            })
            .collect();
        lines.sort_by(|a, b| b.nodes.cmp(&a.nodes).then_with(|| (&a.class, &a.what).cmp(&(&b.class, &b.what))));
        lines.truncate(MOST_LINES);
        lines
    }

    fn changes(&self) -> Vec<Text> {
        let mut changes: Vec<String> = Vec::new();
        changes.extend(self.waiting_nodes());
        let ask = self.request.group.ask();
        for (dimension, (nodes, free)) in &self.shrink {
            if *free > 0 {
                let (most, asked) = (quantity(*dimension, *free), quantity(*dimension, amount(ask, *dimension)));
                changes.push(format!(
                    "ask for at most {most} of {dimension} instead of {asked} ({nodes} {} short of nothing else)",
                    are(*nodes)
                ));
            }
        }
        if self.would_a_copy_do() {
            changes.extend(self.more_nodes());
        }
        for (reason, nodes) in &self.only {
            let reason = &**reason;
            let change = if let Some(datacenter) = reason.strip_prefix("datacenter ") {
                format!("add {datacenter} to the job's datacenters: {}", nodes_would_do(*nodes))
            } else if reason.starts_with("driver.") || reason.starts_with("device ") {
                let wanted = self.queued.min(*nodes);
                format!("{wanted} more {} with {reason} ({nodes} lack nothing else)", plural(wanted, "node"))
            } else if let Some(check) = self.company(reason) {
                let near = if *nodes == 1 { "the node that lacks".to_owned() } else { format!("one of the {nodes} nodes that lack") };
                format!("run {} near {near} nothing else", check.job.id)
            } else if reason.contains("${") || reason.starts_with("distinct_") {
                format!("without the constraint `{reason}`: {}", nodes_would_do(*nodes))
            } else if reason.starts_with("network: ") || reason.starts_with("devices: ") || reason.starts_with("cores: ") {
                continue;
            } else {
                format!("{reason}: {}", nodes_would_do(*nodes))
            };
            changes.push(change);
        }
        if changes.is_empty() {
            changes.extend(self.nobody_there());
        }
        changes.truncate(MOST_LINES);
        changes.into_iter().map(Text::from).collect()
    }

    /// Nodes that would do, but take nothing new at the moment.
    fn waiting_nodes(&self) -> Vec<String> {
        let fleet = self.packer.fleet();
        let mut by_reason: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for ord in fleet.unplaceable() {
            let node = fleet.node(ord);
            if !self.request.profile.allows(fleet, ord) || self.capacity(ord, 1) == 0 {
                continue;
            }
            let reason = match node.status {
                NodeStatus::Ready if node.drain.is_some() => "end the drain of",
                NodeStatus::Ready => "make eligible again",
                NodeStatus::Initializing | NodeStatus::Down | NodeStatus::Disconnected => "bring back",
            };
            by_reason.entry(reason).or_default().push(&node.name);
        }
        let line = |(reason, names): (&str, Vec<&str>)| {
            let shown = names[..names.len().min(MOST_NAMES)].join(", ");
            let more = names.len().saturating_sub(MOST_NAMES);
            if more > 0 { format!("{reason} {shown} or one of {more} more") } else { format!("{reason} {shown}") }
        };
        by_reason.into_iter().map(line).collect()
    }

    /// The condition by this text, if it is on another job's instances and nobody near does not do.
    fn company(&self, reason: &str) -> Option<&NearbyCheck> {
        self.request.profile.requirements.nearby().iter().find(|check| **check.text() == *reason && !check.holds_with(0))
    }

    /// Whether a new node that looks like one of the fleet may take the group: not if it wants company that is not there yet, nor if every
    /// node was refused for what it is by itself.
    fn would_a_copy_do(&self) -> bool {
        let is_refused = self.only.keys().any(|reason| **reason != *Operand::DistinctHosts.name());
        let wants_company = self.request.profile.requirements.nearby().iter().any(|check| !check.holds_with(0));
        !wants_company && (self.packer.candidates() > 0 || !is_refused)
    }

    /// So many more of the roomiest nodes that the group may run on.
    fn more_nodes(&self) -> Option<String> {
        let fleet = self.packer.fleet();
        let feasible = fleet.classes().placeable().filter(|(class, ..)| *self.request.profile.class_verdict(*class) == Verdict::Feasible);
        let of_classes = feasible.filter_map(|(_, node, _)| fleet.ord(node.id));
        let rated = of_classes.map(|ord| (self.capacity(ord, self.queued), ord));
        let (capacity, ord) = rated.max_by_key(|(capacity, ord)| (*capacity, std::cmp::Reverse(*ord)))?;
        if capacity == 0 {
            let node = fleet.node(ord);
            return Some(format!("a larger node than {}: the largest of them is too small even when it is empty", node.name));
        }
        let wanted = self.queued.div_ceil(capacity);
        let node = fleet.node(ord);
        let class = if node.class.is_empty() { String::new() } else { format!(" of class {}", node.class) };
        Some(format!("{wanted} more {}{class} like {}", plural(wanted, "node"), node.name))
    }

    /// How many instances an empty node of this kind holds, up to `most`.
    fn capacity(&self, ord: NodeOrd, most: u32) -> u32 {
        let (available, ask) = (self.packer.fleet().available(ord), self.packer.ask_on(ord));
        let amounts = [Dimension::Cpu, Dimension::Cores, Dimension::Memory, Dimension::Disk].into_iter();
        let fit = amounts.filter(|dimension| amount(ask, *dimension) > 0).map(|d| amount(available, d) / amount(ask, d)).min();
        let most = if self.packer.is_alone_on_its_node() { most.min(1) } else { most };
        let fit = u32::try_from(fit.unwrap_or(u64::MAX)).unwrap_or(u32::MAX).min(most);
        self.packer.most_by_devices(ord, &DeviceUsage::default(), fit)
    }

    fn nobody_there(&self) -> Option<String> {
        let (pool, datacenters) = (&self.request.job.node_pool, self.request.profile.requirements.datacenters());
        let is_empty = self.packer.candidates() == 0;
        is_empty.then(|| format!("a node in pool {pool} and datacenter {}", datacenters.join(" or ")))
    }
}

fn amount(ask: Ask, dimension: Dimension) -> u64 {
    match dimension {
        Dimension::Cpu => ask.cpu.0,
        Dimension::Cores => ask.cores.into(),
        Dimension::Memory => ask.memory.0,
        Dimension::Disk => ask.disk.0,
        Dimension::Numa | Dimension::Port(_) | Dimension::Devices => 0,
    }
}

/// `3,120 MiB`.
fn quantity(dimension: Dimension, amount: u64) -> String {
    let unit = match dimension {
        Dimension::Cpu => " MHz",
        Dimension::Memory | Dimension::Disk => " MiB",
        Dimension::Cores | Dimension::Numa | Dimension::Port(_) | Dimension::Devices => "",
    };
    let digits = amount.to_string();
    let mut grouped = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped + unit
}

fn nodes_would_do(nodes: u32) -> String {
    format!("{nodes} more {} would do", plural(nodes, "node"))
}

fn are(nodes: u32) -> &'static str {
    if nodes == 1 { "node is" } else { "nodes are" }
}

fn plural(count: u32, noun: &str) -> String {
    if count == 1 { noun.to_owned() } else { format!("{noun}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_grouped_by_thousands() {
        assert_eq!(quantity(Dimension::Memory, 3120), "3,120 MiB");
        assert_eq!(quantity(Dimension::Cpu, 1_234_567), "1,234,567 MHz");
        assert_eq!(quantity(Dimension::Cores, 12), "12");
    }
}
