//! A group's network and the ports that a placement assigns.

use serde::{Deserialize, Serialize};

use super::Text;

/// The dynamic port range of a node, inclusive (Nomad's default).
pub const DYNAMIC_PORTS: std::ops::RangeInclusive<u16> = 20_000..=32_000;

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Network {
    pub mode: NetworkMode,
    pub hostname: Option<Text>,
    pub dns: Option<Dns>,
    pub ports: Vec<Port>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum NetworkMode {
    #[default]
    Host,
    None,
    Bridge,
    /// `cni/<name>`.
    Cni(Text),
}

impl NetworkMode {
    pub fn name(&self) -> String {
        match self {
            Self::Host => "host".to_owned(),
            Self::None => "none".to_owned(),
            Self::Bridge => "bridge".to_owned(),
            Self::Cni(name) => format!("cni/{name}"),
        }
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dns {
    pub servers: Vec<Text>,
    pub searches: Vec<Text>,
    pub options: Vec<Text>,
}

/// A port that a group asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Port {
    pub label: Text,
    /// A fixed host port; `None` takes one from the node's dynamic range.
    pub static_port: Option<u16>,
    /// The port inside the allocation's network; 0 is "the same number is not mapped", -1 "same as the host's".
    pub to: i32,
    pub host_network: Text,
    pub ignore_collision: bool,
}

/// A port that a placement gave to an allocation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AssignedPort {
    pub label: Text,
    pub value: u16,
    pub to: u16,
    pub host_ip: Text,
    /// Several allocations may share it (`ignore_collision`).
    pub shared: bool,
}
