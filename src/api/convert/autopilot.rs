//! Autopilot's settings and findings.

use std::time::Duration;

use crate::api::handles::ClusterHealth;
use crate::api::types::operator::{AutopilotConfiguration, AutopilotHealth, AutopilotServer};
use crate::model::autopilot::AutopilotConfig;
use crate::util::go_duration;

impl From<&AutopilotConfig> for AutopilotConfiguration {
    fn from(config: &AutopilotConfig) -> Self {
        Self {
            cleanup_dead_servers: config.cleanup_dead_servers,
            last_contact_threshold: go_duration::format(config.last_contact_threshold),
            max_trailing_logs: config.max_trailing_logs,
            min_quorum: config.min_quorum,
            server_stabilization_time: go_duration::format(config.server_stabilization),
            dead_server_threshold: go_duration::format(config.dead_after),
            enable_redundancy_zones: false,
            disable_upgrade_migration: false,
            enable_custom_upgrades: false,
            create_index: config.create_index,
            modify_index: config.modify_index,
        }
    }
}

/// The shortest time after which a server may be called dead: leaders change within it.
const LEAST_DEAD_AFTER: Duration = Duration::from_secs(5);

/// The settings a request asks for; `Err` says which makes no sense.
pub fn from_request(request: &AutopilotConfiguration) -> Result<AutopilotConfig, String> {
    let duration = |name: &str, text: &str| go_duration::parse(text).map_err(|error| format!("{name}: {error}"));
    if request.enable_redundancy_zones || request.enable_custom_upgrades {
        return Err("redundancy zones and custom upgrades are not supported".to_owned());
    }
    let config = AutopilotConfig {
        cleanup_dead_servers: request.cleanup_dead_servers,
        last_contact_threshold: duration("LastContactThreshold", &request.last_contact_threshold)?,
        max_trailing_logs: request.max_trailing_logs,
        min_quorum: request.min_quorum,
        server_stabilization: duration("ServerStabilizationTime", &request.server_stabilization_time)?,
        dead_after: duration("DeadServerThreshold", &request.dead_server_threshold)?,
        ..AutopilotConfig::default()
    };
    if config.last_contact_threshold.is_zero() {
        return Err("LastContactThreshold must be more than nothing".to_owned());
    }
    if config.dead_after < LEAST_DEAD_AFTER {
        return Err("DeadServerThreshold must be at least 5s".to_owned());
    }
    Ok(config)
}

impl From<ClusterHealth> for AutopilotHealth {
    fn from(health: ClusterHealth) -> Self {
        let leader = health.servers.iter().find(|server| server.leader).map(|server| server.id.clone());
        let voters = health.servers.iter().filter(|server| server.voter).map(|server| server.id.clone()).collect();
        let healthy = health.servers.iter().all(|server| server.healthy);
        let servers = health.servers.into_iter().map(|server| AutopilotServer {
            id: server.id,
            name: server.name,
            address: server.address,
            serf_status: if server.alive { "alive" } else { "failed" }.to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            leader: server.leader,
            last_contact: server.last_contact.map(|age| format!("{}ms", age.as_millis())).unwrap_or_default(),
            last_term: server.last_term,
            last_index: server.last_index,
            healthy: server.healthy,
            voter: server.voter,
            stable_since: server.stable_since.rfc3339(),
        });
        Self {
            healthy,
            failure_tolerance: health.failure_tolerance,
            servers: servers.collect(),
            leader: leader.unwrap_or_default(),
            voters,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_can_be_sent_back_and_nonsense_is_named() {
        let config = AutopilotConfig { min_quorum: 3, ..AutopilotConfig::default() };
        let shown = AutopilotConfiguration::from(&config);
        assert_eq!(from_request(&shown), Ok(config));
        let wrong = |change: fn(&mut AutopilotConfiguration)| {
            let mut request = AutopilotConfiguration::default();
            change(&mut request);
            from_request(&request).unwrap_err()
        };
        assert!(wrong(|request| request.last_contact_threshold = "soon".to_owned()).contains("LastContactThreshold"));
        assert!(wrong(|request| request.last_contact_threshold = "0s".to_owned()).contains("more than nothing"));
        assert!(wrong(|request| request.dead_server_threshold = "1s".to_owned()).contains("at least 5s"));
        assert!(wrong(|request| request.enable_redundancy_zones = true).contains("not supported"));
    }
}
