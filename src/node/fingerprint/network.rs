//! The address that tasks' ports are reached at.

use std::net::IpAddr;

use nix::ifaddrs::{InterfaceAddress, getifaddrs};
use nix::net::if_::InterfaceFlags;
use nix::sys::socket::SockaddrStorage;

use super::{Facts, read};
use crate::model::resources::NodeNetwork;
use crate::node::config::NodeConfig;

pub fn add(facts: &mut Facts, config: &NodeConfig) {
    let interfaces: Vec<InterfaceAddress> = match getifaddrs() {
        Ok(interfaces) => interfaces.collect(),
        Err(error) => {
            tracing::warn!(%error, "cannot list the network's interfaces");
            return;
        }
    };
    let wanted = config.network_interface.as_deref().map(str::to_owned).or_else(|| default_route(&read("/proc/net/route")?));
    let is_up =
        |interface: &&InterfaceAddress| interface.flags.contains(InterfaceFlags::IFF_UP) && address(interface.address.as_ref()).is_some();
    let of_wanted = || interfaces.iter().filter(is_up).filter(|interface| Some(&interface.interface_name) == wanted.as_ref());
    // A machine without a network still runs tasks, on its loopback.
    let loopback = || interfaces.iter().filter(is_up).filter(|interface| interface.flags.contains(InterfaceFlags::IFF_LOOPBACK));
    let rank = |interface: &&InterfaceAddress| rank(address(interface.address.as_ref()));
    let Some(chosen) = of_wanted().min_by_key(rank).or_else(|| loopback().min_by_key(rank)) else {
        tracing::warn!(interface = wanted, "found no network address for tasks");
        return;
    };
    let Some(ip) = address(chosen.address.as_ref()) else {
        return;
    };
    let bits = address(chosen.netmask.as_ref()).map_or(if ip.is_ipv4() { 32 } else { 128 }, prefix_length);
    facts.set("unique.network.ip-address", &ip);
    facts.resources.networks.push(NodeNetwork {
        device: chosen.interface_name.as_str().into(),
        ip: ip.to_string().into(),
        cidr: format!("{ip}/{bits}").into(),
    });
}

/// IPv4 first, link-local IPv6 last.
fn rank(ip: Option<IpAddr>) -> u8 {
    match ip {
        Some(IpAddr::V4(_)) => 0,
        Some(IpAddr::V6(v6)) if !v6.is_unicast_link_local() => 1,
        _ => 2,
    }
}

fn address(storage: Option<&SockaddrStorage>) -> Option<IpAddr> {
    let storage = storage?;
    let v4 = storage.as_sockaddr_in().map(|address| IpAddr::V4(address.ip()));
    v4.or_else(|| storage.as_sockaddr_in6().map(|address| IpAddr::V6(address.ip())))
}

fn prefix_length(mask: IpAddr) -> u32 {
    match mask {
        IpAddr::V4(mask) => mask.to_bits().count_ones(),
        IpAddr::V6(mask) => mask.to_bits().count_ones(),
    }
}

/// The interface of the default route, from `/proc/net/route`.
fn default_route(routes: &str) -> Option<String> {
    let entries = routes.lines().skip(1).map(|line| line.split_whitespace().collect::<Vec<_>>());
    entries.filter(|fields| fields.get(1) == Some(&"00000000")).find_map(|fields| fields.first().map(|name| (*name).to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_default_route() {
        let routes = "Iface\tDestination\tGateway\neth1\t0000A8C0\t00000000\neth0\t00000000\t0100A8C0\n";
        assert_eq!(default_route(routes).as_deref(), Some("eth0"));
        assert_eq!(default_route("Iface\n"), None);
    }

    #[test]
    fn counts_mask_bits() {
        assert_eq!(prefix_length("255.255.240.0".parse().unwrap()), 20);
    }
}
