//! Which host ports of a node an instance gets.

use crate::model::fit::Usage;
use crate::model::network::DYNAMIC_PORTS;

use super::demand::PortDemand;

/// The first fixed port that somebody else holds, if any. `usage` counts the operator's reserved ports as held.
pub fn first_collision(usage: &Usage, ports: &PortDemand) -> Option<u16> {
    let taken = |(port, shared): &(u16, bool)| usage.ports.contains(port) || (!shared && usage.shared_ports.contains_key(port));
    ports.fixed.iter().find(|fixed| taken(fixed)).map(|(port, _)| *port)
}

/// As many free ports of the dynamic range as are asked for, searched upwards from a place that `salt` names: a port that was
/// just given back is not handed out again at once. `None`: the range is used up.
pub fn choose_dynamic(usage: &Usage, ports: &PortDemand, salt: u64) -> Option<Vec<u16>> {
    if ports.dynamic == 0 {
        return Some(Vec::new());
    }
    let wanted = usize::from(ports.dynamic);
    let first = *DYNAMIC_PORTS.start();
    let size = u64::from(*DYNAMIC_PORTS.end() - first) + 1;
    let is_free = |port: &u16| {
        !usage.ports.contains(port) && !usage.shared_ports.contains_key(port) && !ports.fixed.iter().any(|(fixed, _)| fixed == port)
    };
    let candidates = (0..size).map(|step| first + u16::try_from((salt % size + step) % size).unwrap_or(0));
    let chosen: Vec<u16> = candidates.filter(is_free).take(wanted).collect();
    (chosen.len() == wanted).then_some(chosen)
}
