//! What an operator can say about a node.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use crate::model::{DeviceGroup, MebiBytes, MegaHertz, Text};

#[derive(Clone, Debug)]
pub struct NodeConfig {
    /// Holds `client/` (id, journal, run directories) and, unless `alloc_dir` says otherwise, `alloc/`.
    pub data_dir: PathBuf,
    /// `None`: `<data_dir>/alloc`.
    pub alloc_dir: Option<PathBuf>,
    /// `None`: the host's name.
    pub name: Option<Text>,
    pub region: Text,
    pub datacenter: Text,
    pub class: Text,
    pub pool: Text,
    pub meta: BTreeMap<Text, Text>,
    /// `ip:port` at which this node's HTTP API is reached.
    pub http_address: Text,
    /// The interface whose address tasks are told; `None`: the one with the default route.
    pub network_interface: Option<Text>,
    pub reserved: Reserved,
    /// Listed instead of found.
    pub devices: Vec<DeviceGroup>,
    /// Said instead of measured.
    pub cpu_total_compute: Option<MegaHertz>,
    pub memory_total: Option<MebiBytes>,
    pub disk_total: Option<MebiBytes>,
    /// No task's `kill_timeout` counts beyond this.
    pub max_kill_timeout: Duration,
}

/// What of the node is not for tasks.
#[derive(Clone, Debug, Default)]
pub struct Reserved {
    pub cpu: MegaHertz,
    pub memory: MebiBytes,
    pub disk: MebiBytes,
    pub ports: Vec<u16>,
    /// Ids of cores that are not reserved whole for tasks.
    pub cores: Vec<u16>,
}

impl NodeConfig {
    /// Nomad's defaults.
    pub fn new(data_dir: PathBuf) -> Self {
        Self {
            data_dir,
            alloc_dir: None,
            name: None,
            region: "global".into(),
            datacenter: "dc1".into(),
            class: "".into(),
            pool: "default".into(),
            meta: BTreeMap::new(),
            http_address: "127.0.0.1:4646".into(),
            network_interface: None,
            reserved: Reserved::default(),
            devices: Vec::new(),
            cpu_total_compute: None,
            memory_total: None,
            disk_total: None,
            max_kill_timeout: Duration::from_secs(30),
        }
    }

    /// Id, journal and run directories.
    pub fn client_dir(&self) -> PathBuf {
        self.data_dir.join("client")
    }

    /// Run directories hold sockets, whose paths the kernel limits to 107 bytes: this one is kept short.
    pub fn run_root(&self) -> PathBuf {
        self.client_dir().join("run")
    }

    pub fn alloc_root(&self) -> PathBuf {
        self.alloc_dir.clone().unwrap_or_else(|| self.data_dir.join("alloc"))
    }
}
