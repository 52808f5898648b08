//! The published state: the newest frozen value for readers, and the change feed for listeners.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use tokio::sync::{broadcast, watch};

use super::changes::AllocationChange;
use super::{Change, Changes, State, Table};
use crate::model::NodeId;

/// How many publications a slow listener may lag behind before it is told so.
const FEED_CAPACITY: usize = 4096;

/// A batch of applied entries with the state after the last of them.
#[derive(Clone)]
pub struct Publication {
    pub state: Arc<State>,
    pub changes: Arc<[Changes]>,
    /// The state was replaced as a whole (a snapshot was installed): `changes` does not tell what differs.
    pub replaced: bool,
}

/// Written by the Raft state machine alone, once per applied batch; read by everyone.
pub struct Store {
    current: ArcSwap<State>,
    feed: broadcast::Sender<Publication>,
    table_indexes: [watch::Sender<u64>; Table::COUNT],
    applied: watch::Sender<u64>,
    /// How often the state was replaced as a whole.
    replacements: watch::Sender<u64>,
    /// For those who wait for what one node must act on.
    nodes: Mutex<BTreeMap<NodeId, watch::Sender<()>>>,
}

impl Store {
    pub fn new(state: State) -> Arc<Self> {
        let (feed, _) = broadcast::channel(FEED_CAPACITY);
        Arc::new(Self {
            table_indexes: Table::ALL.map(|table| watch::Sender::new(state.table_index(table))),
            applied: watch::Sender::new(state.index()),
            replacements: watch::Sender::new(0),
            current: ArcSwap::from_pointee(state),
            feed,
            nodes: Mutex::default(),
        })
    }

    /// The newest published state.
    pub fn load(&self) -> Arc<State> {
        self.current.load_full()
    }

    /// Every later publication, in order. Lagging behind is an error the listener must handle by starting over from [`Self::load`].
    pub fn subscribe(&self) -> broadcast::Receiver<Publication> {
        self.feed.subscribe()
    }

    /// The index of the last change of `table`, as something to wait on.
    pub fn watch_table(&self, table: Table) -> watch::Receiver<u64> {
        self.table_indexes[table as usize].subscribe()
    }

    /// The last applied index, as something to wait on.
    pub fn watch_applied(&self) -> watch::Receiver<u64> {
        self.applied.subscribe()
    }

    /// Changes whenever the state is replaced as a whole.
    pub fn watch_replacements(&self) -> watch::Receiver<u64> {
        self.replacements.subscribe()
    }

    /// Changes whenever something changed that this node must act on: a plan, an operator, garbage collection, not its own reports.
    pub fn watch_node(&self, node: NodeId) -> watch::Receiver<()> {
        let mut nodes = self.nodes.lock().unwrap_or_else(PoisonError::into_inner);
        nodes.entry(node).or_insert_with(|| watch::Sender::new(())).subscribe()
    }

    fn wake_nodes(&self, changes: &[Changes], replaced: bool) {
        let mut nodes = self.nodes.lock().unwrap_or_else(PoisonError::into_inner);
        if replaced {
            nodes.values().for_each(|sender| sender.send_modify(|()| {}));
            return;
        }
        let concerned = changes.iter().flat_map(|entry| &entry.changes).filter_map(|change| match change {
            Change::Allocation { source: AllocationChange::Client, .. } => None,
            Change::Allocation { before, after, .. } => after.as_ref().or(before.as_ref()).map(|row| row.node_id),
            _ => None,
        });
        for node in concerned.collect::<BTreeSet<NodeId>>() {
            // Nobody listens: the node is here no more.
            if nodes.get(&node).is_some_and(|sender| sender.send(()).is_err()) {
                nodes.remove(&node);
            }
        }
    }

    /// Publishes the state after a batch of entries.
    pub fn publish(&self, state: Arc<State>, changes: Vec<Changes>, replaced: bool) {
        self.current.store(Arc::clone(&state));
        self.wake_nodes(&changes, replaced);
        // No listener is no error.
        let _ = self.feed.send(Publication { state: Arc::clone(&state), changes: changes.into(), replaced });
        if replaced {
            self.replacements.send_modify(|count| *count += 1);
        }
        for table in Table::ALL {
            let index = state.table_index(table);
            self.table_indexes[table as usize].send_if_modified(|current| std::mem::replace(current, index) != index);
        }
        self.applied.send_if_modified(|current| std::mem::replace(current, state.index()) != state.index());
    }
}
