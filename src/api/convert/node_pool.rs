//! Node pools, both ways.

use super::scheduler::{algorithm_from, algorithm_name};
use crate::api::types::node::{NodePool, NodePoolSchedulerConfiguration};
use crate::model::node_pool::{self, ALL, DEFAULT, PoolScheduler};

impl From<&node_pool::NodePool> for NodePool {
    fn from(pool: &node_pool::NodePool) -> Self {
        let PoolScheduler { algorithm, memory_oversubscription } = pool.scheduler;
        let scheduler = NodePoolSchedulerConfiguration {
            scheduler_algorithm: algorithm.map_or("", algorithm_name).to_owned(),
            memory_oversubscription_enabled: memory_oversubscription,
        };
        Self {
            name: pool.name.to_string(),
            description: pool.description.to_string(),
            meta: Some(pool.meta.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect()),
            scheduler_configuration: (pool.scheduler != PoolScheduler::default()).then_some(scheduler),
            create_index: pool.create_index,
            modify_index: pool.modify_index,
        }
    }
}

/// A built-in pool, or one that only nodes name.
pub fn unwritten(name: &str) -> NodePool {
    let description = match name {
        ALL => "Node pool with all nodes in the cluster.",
        DEFAULT => "Default node pool.",
        _ => "",
    };
    let (name, description) = (name.to_owned(), description.to_owned());
    NodePool { name, description, create_index: 1, modify_index: 1, ..NodePool::default() }
}

/// The pool that a request asks for; `Err` holds the name of an unknown algorithm.
pub fn from_request(request: &NodePool) -> Result<node_pool::NodePool, String> {
    let scheduler = request.scheduler_configuration.clone().unwrap_or_default();
    Ok(node_pool::NodePool {
        name: request.name.as_str().into(),
        description: request.description.as_str().into(),
        meta: request.meta.iter().flatten().map(|(key, value)| (key.as_str().into(), value.as_str().into())).collect(),
        scheduler: PoolScheduler {
            algorithm: algorithm_from(&scheduler.scheduler_algorithm)?,
            memory_oversubscription: scheduler.memory_oversubscription_enabled,
        },
        create_index: 0,
        modify_index: 0,
    })
}
