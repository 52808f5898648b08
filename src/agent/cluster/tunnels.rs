//! The nodes that are attached to this server, and the way to each.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use crate::model::NodeId;
use crate::rpc::Channel;

/// One channel per attached node; the newest wins when a node attaches again.
#[derive(Default)]
pub struct Tunnels {
    channels: Mutex<BTreeMap<NodeId, Channel>>,
}

impl Tunnels {
    pub fn insert(&self, node: NodeId, channel: Channel) {
        let mut channels = self.channels.lock().unwrap_or_else(PoisonError::into_inner);
        channels.retain(|_, channel| !channel.is_broken());
        channels.insert(node, channel);
    }

    pub fn get(&self, node: NodeId) -> Option<Channel> {
        let mut channels = self.channels.lock().unwrap_or_else(PoisonError::into_inner);
        if channels.get(&node)?.is_broken() {
            channels.remove(&node);
            return None;
        }
        channels.get(&node).cloned()
    }
}
