//! The kinds of tasks, by name.

pub mod config;
pub mod mock;
pub mod raw_exec;
mod resources;

use std::collections::BTreeMap;
use std::sync::Arc;

use self::mock::MockDriver;
use self::raw_exec::RawExecDriver;
use super::driver::TaskDriver;

/// What the operator says of the drivers.
#[derive(Clone, Debug, Default)]
pub struct DriversConfig {
    /// Processes without isolation are for those who want them.
    pub raw_exec: bool,
    /// Environment variables that `raw_exec` tasks never get; a trailing `*` stands for any rest.
    pub raw_exec_denied_envvars: Vec<String>,
    /// For tests and simulations.
    pub mock: bool,
    /// The speed of one core, for `cpu_hard_limit`; zero: unknown.
    pub core_mhz: u64,
}

/// The drivers of a node.
#[derive(Clone, Default)]
pub struct DriverRegistry {
    drivers: BTreeMap<&'static str, Arc<dyn TaskDriver>>,
}

impl DriverRegistry {
    /// Adds a driver under its own name, replacing one of the same name.
    pub fn register(&mut self, driver: Arc<dyn TaskDriver>) {
        self.drivers.insert(driver.name(), driver);
    }

    pub fn get(&self, name: &str) -> Option<&Arc<dyn TaskDriver>> {
        self.drivers.get(name)
    }

    /// By name.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<dyn TaskDriver>> {
        self.drivers.values()
    }
}

/// Every driver of this binary; those that are switched off say so in their fingerprints.
pub fn builtin(config: &DriversConfig) -> DriverRegistry {
    let mut registry = DriverRegistry::default();
    registry.register(Arc::new(RawExecDriver::new(config)));
    if config.mock {
        registry.register(Arc::new(MockDriver));
    }
    registry
}
