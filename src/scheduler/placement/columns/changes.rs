//! Which nodes changed, for those who looked at them before.

use crate::scheduler::placement::NodeOrd;

/// The nodes with devices that changed, in order, as far back as it pays to know.
#[derive(Debug, Default)]
pub struct Changes {
    nodes: Vec<NodeOrd>,
    /// How many came before.
    forgotten: u64,
}

/// Who missed more changes looks at every node.
const MOST_CHANGES: usize = 1 << 12;

impl Changes {
    pub fn push(&mut self, ord: NodeOrd) {
        self.nodes.push(ord);
        if self.nodes.len() >= 2 * MOST_CHANGES {
            self.nodes.drain(..MOST_CHANGES);
            self.forgotten += MOST_CHANGES as u64;
        }
    }

    pub fn end(&self) -> u64 {
        self.forgotten + self.nodes.len() as u64
    }

    /// `None`: that is too long ago.
    pub fn since(&self, seen: u64) -> Option<&[NodeOrd]> {
        self.nodes.get(usize::try_from(seen.checked_sub(self.forgotten)?).ok()?..)
    }
}
