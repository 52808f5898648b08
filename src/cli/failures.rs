//! Why allocations found no place, in sentences.

use std::collections::BTreeMap;

use crate::api::types::allocation::AllocationMetric;

/// One paragraph per group, its reasons indented under it.
pub fn render(failed: &BTreeMap<String, AllocationMetric>) -> String {
    let mut lines = Vec::new();
    for (group, metric) in failed {
        let count = metric.coalesced_failures + 1;
        lines.push(format!("Task Group {group:?} (failed to place {count} allocation{}):", plural(count)));
        lines.extend(reasons(metric).into_iter().map(|reason| format!("  * {reason}")));
        if !metric.changes.is_empty() {
            lines.push("  What would help:".to_owned());
            lines.extend(metric.changes.iter().map(|change| format!("  - {change}")));
        }
    }
    lines.join("\n")
}

/// The reasons of one group, most telling first.
pub fn reasons(metric: &AllocationMetric) -> Vec<String> {
    let mut reasons = Vec::new();
    if metric.nodes_evaluated == 0 {
        let pool = if metric.node_pool.is_empty() { String::new() } else { format!(" in node pool {:?}", metric.node_pool) };
        reasons.push(format!("No nodes were eligible for evaluation{pool}"));
    }
    for (datacenter, available) in &metric.nodes_available {
        if *available == 0 {
            reasons.push(format!("No nodes are available in datacenter {datacenter:?}"));
        }
    }
    for (class, nodes) in &metric.class_filtered {
        reasons.push(format!("Class {class:?}: {nodes} node{} excluded by filter", plural(*nodes)));
    }
    for (constraint, nodes) in &metric.constraint_filtered {
        reasons.push(format!("Constraint {constraint:?}: {nodes} node{} excluded by filter", plural(*nodes)));
    }
    if metric.nodes_exhausted > 0 {
        reasons.push(format!("Resources exhausted on {} node{}", metric.nodes_exhausted, plural(metric.nodes_exhausted)));
    }
    for (class, nodes) in &metric.class_exhausted {
        reasons.push(format!("Class {class:?} exhausted on {nodes} node{}", plural(*nodes)));
    }
    for (dimension, nodes) in &metric.dimension_exhausted {
        reasons.push(format!("Dimension {dimension:?} exhausted on {nodes} node{}", plural(*nodes)));
    }
    for quota in &metric.quota_exhausted {
        reasons.push(format!("Quota limit hit {quota:?}"));
    }
    reasons
}

/// `s` unless there is exactly one.
pub fn plural(count: u64) -> &'static str {
    if count == 1 { "" } else { "s" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_dimension_and_constraint_is_named() {
        let metric: AllocationMetric = serde_json::from_value(serde_json::json!({
            "NodesEvaluated": 3, "NodesExhausted": 1, "CoalescedFailures": 1,
            "ConstraintFiltered": {"${attr.kernel.name} = windows": 2},
            "DimensionExhausted": {"memory": 1},
            "NodesAvailable": {"dc1": 3, "dc2": 0},
            "Changes": ["ask for at most 10 MiB of memory"],
        }))
        .unwrap();
        assert_eq!(
            render(&BTreeMap::from([("web".to_owned(), metric)])),
            "Task Group \"web\" (failed to place 2 allocations):\n\
             \x20 * No nodes are available in datacenter \"dc2\"\n\
             \x20 * Constraint \"${attr.kernel.name} = windows\": 2 nodes excluded by filter\n\
             \x20 * Resources exhausted on 1 node\n\
             \x20 * Dimension \"memory\" exhausted on 1 node\n\
             \x20 What would help:\n\
             \x20 - ask for at most 10 MiB of memory"
        );
        assert_eq!(reasons(&AllocationMetric::default()), ["No nodes were eligible for evaluation"]);
    }
}
