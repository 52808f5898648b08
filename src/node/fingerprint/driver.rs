//! Which kinds of tasks this machine can run.

use std::sync::Arc;

use super::Facts;
use crate::runtime::driver::TaskDriver;

pub fn add(facts: &mut Facts, drivers: &[Arc<dyn TaskDriver>]) {
    for driver in drivers {
        let info = driver.fingerprint();
        if info.detected {
            facts.attributes.extend(info.attributes.clone());
            facts.set(&format!("driver.{}", driver.name()), &1);
        }
        facts.drivers.insert(driver.name().into(), info);
    }
}
