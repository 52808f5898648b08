//! The whole state as bytes: a header row, then the rows of each table in key order, each in an envelope of its own behind its length
//! (`u32` LE), so that no value grows with the cluster. Equal states give equal bytes, which is how replicas are compared.

use std::collections::HashMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::tables::{State, Submission, Table};
use crate::codec::{self, CodecError, Persisted};
use crate::model::autopilot::AutopilotConfig;
use crate::model::node_pool::NodePool;
use crate::model::plan::PlacementMetrics;
use crate::model::scaling::ScalingEvents;
use crate::model::scheduler_config::SchedulerConfig;
use crate::model::security::ClusterSecurity;
use crate::model::signing_key::SigningKey;
use crate::model::{Allocation, Deployment, Evaluation, Job, JobKey, Node, NodeId, Text};
use crate::util::clock::Timestamp;

/// The order of variants is their tag on disk: append only.
#[derive(Serialize, Deserialize)]
enum Row {
    Header {
        index: u64,
        table_indexes: [u64; Table::COUNT],
        scheduler_config: SchedulerConfig,
    },
    Specification(Arc<Job>),
    /// A job that is registered now, and the specification (already read) that it stands at.
    Current(JobKey, u64),
    Submission(JobKey, u64, Arc<Submission>),
    Node(Arc<Node>),
    /// With the ordinal of its metrics among those rows, which the row itself lacks.
    Allocation(u32, Arc<Allocation>),
    Evaluation(Arc<Evaluation>),
    Deployment(Arc<Deployment>),
    Request(u64, u128),
    Collection(NodeId, u64),
    /// A periodic job, and up to when its launches are settled.
    Launch(JobKey, Timestamp),
    /// Parent, idempotency token, child.
    Dispatch(JobKey, Text, JobKey),
    Security(Arc<ClusterSecurity>),
    ScalingEvents(JobKey, Arc<ScalingEvents>),
    SigningKey(u64, Arc<SigningKey>),
    /// Left out when 0.
    IndexOffset(u64),
    /// Left out as long as nobody changed it.
    Autopilot(AutopilotConfig),
    /// Id, ordinal and bytes of a piece of a snapshot that is being restored.
    Staged(u128, u32, Arc<Vec<u8>>),
    NodePool(Arc<NodePool>),
    /// Why an allocation is where it is. Those of one decision share it, and thousands of rows name it by its place among these rows.
    Metrics(Arc<PlacementMetrics>),
}

impl Persisted for Row {
    const KIND: u8 = 2;
    const VERSION: u16 = 1;
}

/// Encodes a frozen state; slow for large ones, so call it off the async workers.
pub fn encode(state: &State) -> Result<Vec<u8>, CodecError> {
    let header = Row::Header { index: state.index, table_indexes: state.table_indexes, scheduler_config: state.scheduler_config.clone() };
    let mut metrics = MetricsRows::default();
    let rows = std::iter::once(header)
        .chain(state.specifications.values().map(|row| Row::Specification(Arc::clone(row))))
        .chain(state.jobs.iter().map(|(key, job)| Row::Current(key.clone(), job.job_modify_index)))
        .chain(state.submissions.iter().map(|((key, index), row)| Row::Submission(key.clone(), *index, Arc::clone(row))))
        .chain(state.nodes.values().map(|row| Row::Node(Arc::clone(row))))
        .chain(state.allocations.values().flat_map(|row| metrics.split(row)))
        .chain(state.evaluations.values().map(|row| Row::Evaluation(Arc::clone(row))))
        .chain(state.deployments.values().map(|row| Row::Deployment(Arc::clone(row))))
        .chain(state.requests_by_index.iter().map(|(index, id)| Row::Request(*index, *id)))
        .chain(state.collections.iter().map(|(node, index)| Row::Collection(*node, *index)))
        .chain(state.launches.iter().map(|(key, settled)| Row::Launch(key.clone(), *settled)))
        .chain(state.dispatches.iter().map(|((parent, token), child)| Row::Dispatch(parent.clone(), token.clone(), child.clone())))
        // A cluster without one (a dev agent) has no such row.
        .chain(state.security.is_initialized().then(|| Row::Security(Arc::clone(&state.security))))
        .chain(state.scaling_events.iter().map(|(key, events)| Row::ScalingEvents(key.clone(), Arc::clone(events))))
        .chain(state.signing_keys.iter().map(|(index, key)| Row::SigningKey(*index, Arc::clone(key))))
        .chain((state.index_offset > 0).then_some(Row::IndexOffset(state.index_offset)))
        .chain((state.autopilot != AutopilotConfig::default()).then(|| Row::Autopilot(state.autopilot.clone())))
        .chain(state.node_pools.values().map(|pool| Row::NodePool(Arc::clone(pool))))
        .chain(state.staged_restore.parts().map(|(restore, part, bytes)| Row::Staged(restore, part, Arc::clone(bytes))));
    let mut bytes = Vec::new();
    for row in rows {
        let envelope = codec::encode(&row)?;
        let length = u32::try_from(envelope.len()).map_err(|_| CodecError::Unencodable("a row is larger than 4 GiB".to_owned()))?;
        bytes.extend_from_slice(&length.to_le_bytes());
        bytes.extend_from_slice(&envelope);
    }
    Ok(bytes)
}

/// Which metrics were written, in the order of their first row. Equal ones are one, whether or not they are shared in memory: replicas must
/// write the same bytes.
#[derive(Default)]
struct MetricsRows {
    by_value: HashMap<Vec<u8>, u32>,
    by_address: HashMap<*const PlacementMetrics, u32>,
    none: Arc<PlacementMetrics>,
}

impl MetricsRows {
    fn split(&mut self, row: &Arc<Allocation>) -> impl Iterator<Item = Row> + use<> {
        let mut fresh = None;
        let address = Arc::as_ptr(&row.metrics);
        let ordinal = self.by_address.get(&address).copied().unwrap_or_else(|| {
            // What does not encode here fails below, with the row.
            let value = codec::encode(&Row::Metrics(Arc::clone(&row.metrics))).unwrap_or_default();
            let next = self.by_value.len() as u32;
            let ordinal = *self.by_value.entry(value).or_insert_with(|| {
                fresh = Some(Row::Metrics(Arc::clone(&row.metrics)));
                next
            });
            self.by_address.insert(address, ordinal);
            ordinal
        });
        let bare = Allocation { metrics: Arc::clone(&self.none), ..Allocation::clone(row) };
        fresh.into_iter().chain([Row::Allocation(ordinal, Arc::new(bare))])
    }
}

/// The state that [`encode`] was given.
pub fn decode(bytes: &[u8]) -> Result<State, CodecError> {
    let mut state = State::default();
    let mut metrics = Vec::new();
    let mut rest = bytes;
    while let Some((length, tail)) = rest.split_first_chunk::<4>() {
        let length = u32::from_le_bytes(*length) as usize;
        let (envelope, next) = tail.split_at_checked(length).ok_or(CodecError::Truncated { length: tail.len() })?;
        insert(&mut state, &mut metrics, codec::decode(envelope)?)?;
        rest = next;
    }
    if rest.is_empty() && !bytes.is_empty() { Ok(state) } else { Err(CodecError::Truncated { length: rest.len() }) }
}

fn insert(state: &mut State, metrics: &mut Vec<Arc<PlacementMetrics>>, row: Row) -> Result<(), CodecError> {
    match row {
        Row::Header { index, table_indexes, scheduler_config } => {
            state.index = index;
            state.table_indexes = table_indexes;
            state.scheduler_config = scheduler_config;
        }
        Row::Specification(job) => {
            state.specifications.insert((job.key.clone(), job.job_modify_index), job);
        }
        Row::Current(key, index) => {
            let job = state.specifications.get(&(key.clone(), index)).cloned().ok_or_else(|| CodecError::Malformed {
                kind: Row::KIND,
                version: Row::VERSION,
                reason: format!("job {key} has no specification {index}"),
            })?;
            if let Some(parent) = job.parent() {
                state.children.insert((parent, key.clone()));
            }
            state.jobs.insert(key, job);
        }
        Row::Submission(key, index, row) => {
            state.submissions.insert((key, index), row);
        }
        Row::Node(row) => {
            let id = row.id;
            state.nodes.insert(id, row);
            state.recount_usage(id);
        }
        Row::Metrics(row) => metrics.push(row),
        Row::Allocation(ordinal, mut row) => {
            let known = metrics.get(ordinal as usize).ok_or_else(|| CodecError::Malformed {
                kind: Row::KIND,
                version: Row::VERSION,
                reason: format!("allocation {} names metrics {ordinal}, which are missing", row.id),
            })?;
            Arc::make_mut(&mut row).metrics = Arc::clone(known);
            insert_allocation(state, row);
        }
        Row::Evaluation(row) => {
            state.evaluations_by_job.insert((row.job.clone(), row.id));
            if !row.is_terminal() {
                state.open_evaluations.insert(row.id);
            }
            state.evaluations.insert(row.id, row);
        }
        Row::Deployment(row) => {
            state.deployments_by_job.insert((row.job.key.clone(), row.id));
            state.deployments.insert(row.id, row);
        }
        Row::Request(index, id) => {
            state.requests.insert(id, index);
            state.requests_by_index.insert((index, id));
        }
        Row::Collection(node, index) => {
            state.collections.insert(node, index);
        }
        Row::Launch(key, settled) => {
            state.launches.insert(key, settled);
        }
        Row::Dispatch(parent, token, child) => {
            state.dispatch_tokens.insert(child.clone(), (parent.clone(), token.clone()));
            state.dispatches.insert((parent, token), child);
        }
        Row::Security(security) => state.security = security,
        Row::ScalingEvents(key, events) => {
            state.scaling_events.insert(key, events);
        }
        Row::SigningKey(index, key) => {
            state.signing_keys.insert(index, key);
        }
        Row::IndexOffset(offset) => state.index_offset = offset,
        Row::Autopilot(config) => state.autopilot = config,
        Row::NodePool(pool) => {
            state.node_pools.insert(pool.name.clone(), pool);
        }
        Row::Staged(restore, part, bytes) => state.staged_restore.put(restore, part, bytes),
    }
    Ok(())
}

fn insert_allocation(state: &mut State, mut row: Arc<Allocation>) {
    state.share_texts(Arc::make_mut(&mut row));
    state.index_allocation(None, Some(&row));
    state.allocations.insert(row.id, row);
}
