//! Which host ports and which cores of a node an instance gets.

use crate::model::fit::Usage;
use crate::model::network::DYNAMIC_PORTS;
use crate::model::{Node, NodeResources};

use super::demand::PortDemand;

/// The first fixed port that somebody else holds, if any.
pub fn first_collision(node: &Node, usage: &Usage, ports: &PortDemand) -> Option<u16> {
    let taken = |(port, shared): &(u16, bool)| {
        usage.ports.contains(port) || node.resources.reserved_ports.contains(port) || (!shared && usage.shared_ports.contains(port))
    };
    ports.fixed.iter().find(|fixed| taken(fixed)).map(|(port, _)| *port)
}

/// `count` free ports of the dynamic range, searched upwards from a place that `salt` names: a port that was just given
/// back is not handed out again at once. `None`: the range is used up.
pub fn choose_dynamic(node: &Node, usage: &Usage, ports: &PortDemand, salt: u64) -> Option<Vec<u16>> {
    let wanted = usize::from(ports.dynamic);
    if wanted == 0 {
        return Some(Vec::new());
    }
    let first = *DYNAMIC_PORTS.start();
    let size = u64::from(*DYNAMIC_PORTS.end() - first) + 1;
    let start = salt % size;
    let mut chosen = Vec::with_capacity(wanted);
    for step in 0..size {
        let port = first + u16::try_from((start + step) % size).unwrap_or(0);
        let taken = usage.ports.contains(&port)
            || usage.shared_ports.contains(&port)
            || node.resources.reserved_ports.contains(&port)
            || ports.fixed.iter().any(|(fixed, _)| *fixed == port);
        if !taken {
            chosen.push(port);
            if chosen.len() == wanted {
                return Some(chosen);
            }
        }
    }
    None
}

/// The `count` lowest cores that nobody holds. `None`: there are fewer.
pub fn choose_cores(resources: &NodeResources, usage: &Usage, count: u16) -> Option<Vec<u16>> {
    let free = resources.reservable_cores.iter().copied().filter(|core| !usage.cores.contains(core));
    let chosen: Vec<u16> = free.take(usize::from(count)).collect();
    (chosen.len() == usize::from(count)).then_some(chosen)
}
