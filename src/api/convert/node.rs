//! Nodes, as rows of a list and in full.

use std::collections::BTreeMap;

use super::{nanoseconds, strings};
use crate::api::types::node::{DrainStrategy, DriverInfo, Node, NodeListStub};
use crate::model::{self, Text};

/// What a list shows beside the row itself.
#[derive(Clone, Copy, Debug)]
pub struct StubFields {
    pub resources: bool,
    /// Facts about the operating system.
    pub os: bool,
}

/// A row of a list.
pub fn stub(node: &model::Node, fields: StubFields) -> NodeListStub {
    let os_facts = node.attributes.iter().filter(|(name, _)| fields.os && name.starts_with("os."));
    NodeListStub {
        address: host_of(&node.http_address).to_owned(),
        id: node.id.to_string(),
        attributes: os_facts.map(|(name, value)| (name.to_string(), value.to_string())).collect(),
        datacenter: node.datacenter.to_string(),
        name: node.name.to_string(),
        node_class: node.class.to_string(),
        node_pool: node.pool.to_string(),
        version: node.version.to_string(),
        drain: node.drain.is_some(),
        scheduling_eligibility: node.eligibility.name().to_owned(),
        status: node.status.name().to_owned(),
        status_description: node.status_description.to_string(),
        drivers: drivers(&node.drivers),
        node_resources: fields.resources.then(|| (&node.resources).into()),
        reserved_resources: fields.resources.then(|| (&node.resources).into()),
        last_drain: None,
        create_index: node.create_index,
        modify_index: node.modify_index,
    }
}

impl From<&model::Node> for Node {
    fn from(node: &model::Node) -> Self {
        Self {
            id: node.id.to_string(),
            datacenter: node.datacenter.to_string(),
            name: node.name.to_string(),
            http_addr: node.http_address.to_string(),
            attributes: strings(&node.attributes),
            node_resources: Some((&node.resources).into()),
            reserved_resources: Some((&node.resources).into()),
            meta: strings(&node.meta),
            node_class: node.class.to_string(),
            node_pool: node.pool.to_string(),
            drain: node.drain.is_some(),
            drain_strategy: node.drain.as_ref().map(Into::into),
            scheduling_eligibility: node.eligibility.name().to_owned(),
            status: node.status.name().to_owned(),
            status_description: node.status_description.to_string(),
            status_updated_at: node.status_updated_at.seconds(),
            drivers: drivers(&node.drivers),
            create_index: node.create_index,
            modify_index: node.modify_index,
            ..Self::default()
        }
    }
}

impl From<&model::node::DrainStrategy> for DrainStrategy {
    fn from(drain: &model::node::DrainStrategy) -> Self {
        Self {
            deadline: drain.force_at.map_or(0, |at| nanoseconds(at.since(drain.started_at))),
            ignore_system_jobs: drain.ignore_system_jobs,
            force_deadline: Some(super::time_or_never(drain.force_at)),
            started_at: Some(drain.started_at.rfc3339()),
        }
    }
}

fn drivers(drivers: &BTreeMap<Text, model::DriverInfo>) -> BTreeMap<String, DriverInfo> {
    let shown = drivers.iter().map(|(name, info)| {
        let info = DriverInfo {
            attributes: strings(&info.attributes),
            detected: info.detected,
            healthy: info.healthy,
            health_description: info.description.to_string(),
            update_time: None,
        };
        (name.to_string(), info)
    });
    shown.collect()
}

/// The host of `host:port`, brackets of an IPv6 address taken off.
fn host_of(address: &str) -> &str {
    let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
    host.trim_start_matches('[').trim_end_matches(']')
}
