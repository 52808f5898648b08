//! From files and flags to the effective configuration. Files are HCL or JSON with Nomad's names; a directory stands for its `.hcl` and `.json`
//! files in order of their names. Later ones win, flags win over all.

use std::fs;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::AgentError;
use super::config::{AgentConfig, DEFAULT_RPC_PORT, Device};
use crate::auth::JoinTokenText;
use crate::cli::AgentArgs;
use crate::model::security::Role;
use crate::util::go_duration;

/// Defaults, then files in order, then flags.
pub fn load(args: &AgentArgs) -> Result<AgentConfig, AgentError> {
    let mut config = if args.dev { AgentConfig::dev() } else { AgentConfig::default() };
    for path in args.config.iter().map(|path| files_of(path)).collect::<Result<Vec<_>, _>>()?.into_iter().flatten() {
        let file = read(&path)?;
        apply_file(&mut config, file).map_err(|problem| wrong(&path, &problem))?;
    }
    apply_flags(&mut config, args)?;
    Ok(config)
}

fn wrong(path: &Path, problem: &str) -> AgentError {
    AgentError::Configuration(vec![format!("{}: {problem}", path.display())])
}

fn files_of(path: &Path) -> Result<Vec<PathBuf>, AgentError> {
    let metadata = fs::metadata(path).map_err(|error| wrong(path, &error.to_string()))?;
    if !metadata.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let entries = fs::read_dir(path).map_err(|error| wrong(path, &error.to_string()))?;
    let mut files: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|file| file.extension().is_some_and(|extension| extension == "hcl" || extension == "json"))
        .collect();
    files.sort();
    Ok(files)
}

fn read(path: &Path) -> Result<File, AgentError> {
    let text = fs::read_to_string(path).map_err(|error| wrong(path, &error.to_string()))?;
    let value = if path.extension().is_some_and(|extension| extension == "json") {
        serde_json::from_str(&text).map_err(|error| wrong(path, &error.to_string()))?
    } else {
        crate::jobspec::config_from_hcl(&text, &path.display().to_string())
            .map_err(|problems| AgentError::Configuration(problems.iter().map(|problem| problem.render(false)).collect()))?
    };
    serde_json::from_value(value).map_err(|error| wrong(path, &error.to_string()))
}

/// What a file may say. Blocks of Nomad's that change nothing here are accepted and named in the log; unknown names are errors.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct File {
    region: Option<String>,
    datacenter: Option<String>,
    name: Option<String>,
    data_dir: Option<PathBuf>,
    bind_addr: Option<String>,
    log_level: Option<String>,
    log_json: Option<bool>,
    ports: Ports,
    server: Server,
    client: Client,
    /// Plugin configuration by plugin name: `plugin "raw_exec" { config { enabled = true } }`.
    plugin: Map<String, Value>,
    advertise: Advertise,
    tls: Tls,
    acl: Map<String, Value>,
    telemetry: Map<String, Value>,
    ui: Map<String, Value>,
    leave_on_interrupt: Option<bool>,
    leave_on_terminate: Option<bool>,
    enable_debug: Option<bool>,
    disable_update_check: Option<bool>,
}

/// `ip` or `ip:port`, as others reach this agent. Only the RPC's matters here.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Advertise {
    http: Option<String>,
    rpc: Option<String>,
    serf: Option<String>,
}

/// Keys and certificates are made and renewed by the cluster itself; what is left to say is where TLS is not wanted.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Tls {
    http: Option<bool>,
    rpc: Option<bool>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct ServerJoin {
    retry_join: Vec<String>,
    start_join: Vec<String>,
    retry_interval: Option<String>,
    retry_max: Option<u32>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Ports {
    http: Option<u16>,
    rpc: Option<u16>,
    serf: Option<u16>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Server {
    enabled: Option<bool>,
    bootstrap_expect: Option<u32>,
    server_join: ServerJoin,
    retry_join: Vec<String>,
    heartbeat_grace: Option<String>,
    min_heartbeat_ttl: Option<String>,
    failover_heartbeat_ttl: Option<String>,
    eval_gc_threshold: Option<String>,
    batch_eval_gc_threshold: Option<String>,
    job_gc_threshold: Option<String>,
    job_gc_interval: Option<String>,
    node_gc_threshold: Option<String>,
    deployment_gc_threshold: Option<String>,
    oidc_issuer: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Client {
    enabled: Option<bool>,
    node_class: Option<String>,
    node_pool: Option<String>,
    meta: Option<std::collections::BTreeMap<String, String>>,
    cpu_total_compute: Option<u64>,
    memory_total_mb: Option<u64>,
    disk_total_mb: Option<u64>,
    reserved: Reserved,
    max_kill_timeout: Option<String>,
    cgroup_parent: Option<String>,
    servers: Vec<String>,
    server_join: ServerJoin,
    /// `device "vendor/type/model" { ids = [...] attributes { ... } }`: pannier's own.
    device: Map<String, Value>,
    /// `driver.raw_exec.enable` and the like, from before plugin blocks.
    options: std::collections::BTreeMap<String, String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Reserved {
    cpu: Option<u64>,
    memory: Option<u64>,
    disk: Option<u64>,
    /// `22,80,8500-8600`.
    reserved_ports: Option<String>,
}

fn apply_file(config: &mut AgentConfig, file: File) -> Result<(), String> {
    if file.acl.get("enabled").and_then(Value::as_bool) == Some(true) {
        return Err("acl.enabled: access control lists are not supported yet".to_owned());
    }
    set(&mut config.region, file.region);
    set(&mut config.datacenter, file.datacenter);
    set(&mut config.name, file.name);
    config.data_dir = file.data_dir.or(config.data_dir.take());
    if let Some(address) = file.bind_addr {
        config.bind_addr = parse_address(&address)?;
    }
    set(&mut config.log_level, file.log_level);
    set(&mut config.log_json, file.log_json);
    set(&mut config.http_port, file.ports.http);
    config.rpc_port = file.ports.rpc.or(config.rpc_port);
    if let Some(text) = file.advertise.rpc {
        config.advertise_rpc = Some(parse_advertised(&text, config.rpc_port)?);
    }
    if file.tls.rpc == Some(false) {
        return Err("tls.rpc = false: what agents say to each other is always encrypted".to_owned());
    }
    config.cluster.plain_http = file.tls.http.map_or(config.cluster.plain_http, |tls| !tls);
    config.cluster.no_token = file.acl.get("enabled").and_then(Value::as_bool).map_or(config.cluster.no_token, |enabled| !enabled);
    let joins =
        [file.server.server_join, file.client.server_join].into_iter().flat_map(|join| join.retry_join.into_iter().chain(join.start_join));
    config.cluster.join.extend(joins.chain(file.server.retry_join).chain(file.client.servers));

    let server = &mut config.server;
    set(&mut server.enabled, file.server.enabled);
    set(&mut server.bootstrap_expect, file.server.bootstrap_expect);
    set_duration(&mut server.heartbeat_grace, "server.heartbeat_grace", file.server.heartbeat_grace)?;
    set_duration(&mut server.min_heartbeat_ttl, "server.min_heartbeat_ttl", file.server.min_heartbeat_ttl)?;
    if let Some(text) = file.server.failover_heartbeat_ttl {
        let ttl = go_duration::parse(&text).map_err(|error| format!("server.failover_heartbeat_ttl: {error}"))?;
        server.failover_heartbeat_ttl = Some(ttl);
    }
    set_duration(&mut server.eval_gc_threshold, "server.eval_gc_threshold", file.server.eval_gc_threshold)?;
    set_duration(&mut server.batch_eval_gc_threshold, "server.batch_eval_gc_threshold", file.server.batch_eval_gc_threshold)?;
    set_duration(&mut server.job_gc_threshold, "server.job_gc_threshold", file.server.job_gc_threshold)?;
    set_duration(&mut server.job_gc_interval, "server.job_gc_interval", file.server.job_gc_interval)?;
    set_duration(&mut server.node_gc_threshold, "server.node_gc_threshold", file.server.node_gc_threshold)?;
    set_duration(&mut server.deployment_gc_threshold, "server.deployment_gc_threshold", file.server.deployment_gc_threshold)?;

    if let Some(issuer) = file.server.oidc_issuer {
        server.oidc_issuer = Some(parse_issuer(issuer)?);
    }

    let client = &mut config.client;
    set(&mut client.enabled, file.client.enabled);
    set(&mut client.node_class, file.client.node_class);
    set(&mut client.node_pool, file.client.node_pool);
    set(&mut client.meta, file.client.meta);
    client.cpu_total_compute = file.client.cpu_total_compute.or(client.cpu_total_compute);
    client.memory_total_mb = file.client.memory_total_mb.or(client.memory_total_mb);
    client.disk_total_mb = file.client.disk_total_mb.or(client.disk_total_mb);
    set(&mut client.reserved.cpu, file.client.reserved.cpu);
    set(&mut client.reserved.memory, file.client.reserved.memory);
    set(&mut client.reserved.disk, file.client.reserved.disk);
    if let Some(ports) = file.client.reserved.reserved_ports {
        client.reserved.ports = parse_ports(&ports)?;
    }
    set_duration(&mut client.max_kill_timeout, "client.max_kill_timeout", file.client.max_kill_timeout)?;
    set(&mut client.cgroup_parent, file.client.cgroup_parent);
    for (name, block) in file.client.device {
        client.devices.push(device(&name, block)?);
    }
    let enabled_by_option = |name: &str| file.client.options.get(name).map(|value| value == "1" || value == "true");
    set(&mut client.raw_exec, enabled_by_option("driver.raw_exec.enable").or(plugin_enabled(&file.plugin, "raw_exec")));
    set(&mut client.mock_driver, plugin_enabled(&file.plugin, "mock_driver"));
    Ok(())
}

/// A block as an object: HCL gives a list of blocks where JSON may give one.
fn first(value: &Value) -> Value {
    match value {
        Value::Array(items) => items.first().cloned().unwrap_or_default(),
        other => other.clone(),
    }
}

fn device(name: &str, block: Value) -> Result<Device, String> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Block {
        ids: Vec<String>,
        #[serde(default)]
        attributes: Value,
    }
    let at = format!("client.device {name:?}");
    let [vendor, kind, model] = name.split('/').collect::<Vec<_>>()[..] else {
        return Err(format!("{at}: the label must be \"vendor/type/model\", such as \"nvidia/gpu/A100\""));
    };
    if [vendor, kind, model].contains(&"") {
        return Err(format!("{at}: vendor, type and model must not be empty"));
    }
    if block.as_array().is_some_and(|blocks| blocks.len() > 1) {
        return Err(format!("{at}: there are two blocks of this name; list all ids in one"));
    }
    let block: Block = serde_json::from_value(first(&block)).map_err(|error| format!("{at}: {error}"))?;
    let distinct: std::collections::BTreeSet<_> = block.ids.iter().collect();
    if distinct.is_empty() || distinct.len() != block.ids.len() || block.ids.iter().any(String::is_empty) {
        return Err(format!("{at}: ids must name every device once, such as [\"0\", \"1\"]"));
    }
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let attributes = match first(&block.attributes) {
        Value::Null => Default::default(),
        Value::Object(items) => items.iter().map(|(key, value)| (key.clone(), text(value))).collect(),
        _ => return Err(format!("{at}: attributes must be a map, such as {{ memory = \"40 GiB\" }}")),
    };
    Ok(Device { vendor: vendor.to_owned(), kind: kind.to_owned(), model: model.to_owned(), ids: block.ids, attributes })
}

/// `config.enabled` of a plugin block.
fn plugin_enabled(plugins: &Map<String, Value>, name: &str) -> Option<bool> {
    let plugin = first(plugins.get(name)?);
    first(plugin.get("config")?).get("enabled")?.as_bool()
}

fn apply_flags(config: &mut AgentConfig, args: &AgentArgs) -> Result<(), AgentError> {
    let wrong = |problem: String| AgentError::Configuration(vec![problem]);
    config.server.enabled |= args.server;
    config.client.enabled |= args.client;
    if let Some(dir) = &args.data_dir {
        let absolute = std::path::absolute(dir).map_err(|error| wrong(format!("-data-dir {}: {error}", dir.display())))?;
        config.data_dir = Some(absolute);
    }
    if let Some(address) = &args.bind {
        config.bind_addr = parse_address(address).map_err(wrong)?;
    }
    set(&mut config.http_port, args.http_port);
    set(&mut config.name, args.node.clone());
    set(&mut config.region, args.region.clone());
    set(&mut config.datacenter, args.dc.clone());
    set(&mut config.log_level, args.log_level.clone());
    config.log_json |= args.log_json;
    set(&mut config.server.bootstrap_expect, args.bootstrap_expect);
    set(&mut config.client.node_class, args.node_class.clone());
    set(&mut config.client.node_pool, args.node_pool.clone());
    set(&mut config.client.cgroup_parent, args.cgroup_parent.clone());
    config.client.memory_total_mb = args.memory_total_mb.or(config.client.memory_total_mb);
    for pair in &args.meta {
        let (key, value) = pair.split_once('=').ok_or_else(|| wrong(format!("-meta {pair:?}: expected NAME=VALUE")))?;
        config.client.meta.insert(key.to_owned(), value.to_owned());
    }
    config.rpc_port = args.rpc_port.or(config.rpc_port);
    if let Some(text) = &args.advertise {
        config.advertise_rpc = Some(parse_advertised(text, config.rpc_port).map_err(wrong)?);
    }
    config.cluster.bootstrap |= args.bootstrap;
    config.cluster.join.extend(args.retry_join.iter().chain(&args.servers).cloned());
    if let Some(token) = join_token(args)? {
        let token: JoinTokenText = token.parse().map_err(|error| wrong(format!("-token: {error}")))?;
        // `-join` and `-token` alone say what this agent is to be.
        if !config.server.enabled && !config.client.enabled {
            match token.role {
                Role::Server => config.server.enabled = true,
                Role::Client => config.client.enabled = true,
            }
        }
        config.cluster.join_token = Some(token);
    }
    Ok(())
}

/// The token itself, or what the file holds that `@path` names: a command line can be read by every user of the machine.
fn join_token(args: &AgentArgs) -> Result<Option<String>, AgentError> {
    let Some(text) =
        args.token.as_ref().map(|text| text.0.clone()).or_else(|| std::env::var("PANNIER_JOIN_TOKEN").ok()).filter(|text| !text.is_empty())
    else {
        return Ok(None);
    };
    let Some(path) = text.strip_prefix('@') else { return Ok(Some(text)) };
    let read = fs::read_to_string(path).map_err(|error| AgentError::Configuration(vec![format!("-token @{path}: {error}")]))?;
    Ok(Some(read.trim().to_owned()))
}

fn parse_advertised(text: &str, port: Option<u16>) -> Result<SocketAddr, String> {
    let with_port = || Some(SocketAddr::new(text.parse().ok()?, port.unwrap_or(DEFAULT_RPC_PORT)));
    text.parse().ok().or_else(with_port).ok_or_else(|| format!("advertised address {text:?} is no IP address, with or without a port"))
}

fn set<T>(target: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *target = value;
    }
}

fn set_duration(target: &mut Duration, name: &str, text: Option<String>) -> Result<(), String> {
    if let Some(text) = text {
        *target = go_duration::parse(&text).map_err(|error| format!("{name}: {error}"))?;
    }
    Ok(())
}

fn parse_address(text: &str) -> Result<IpAddr, String> {
    text.parse().map_err(|_| format!("bind address {text:?} is not an IP address, such as 127.0.0.1"))
}

fn parse_issuer(address: String) -> Result<String, String> {
    if address.starts_with("https://") || address.starts_with("http://") {
        return Ok(address);
    }
    Err(format!("server.oidc_issuer: {address:?} is not an address such as https://cluster.example.org"))
}

fn parse_ports(text: &str) -> Result<Vec<u16>, String> {
    let problem = |part: &str| format!("client.reserved.reserved_ports: {part:?} is neither a port nor a range such as 8500-8600");
    let mut ports = Vec::new();
    for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last): (u16, u16) = (first.parse().map_err(|_| problem(part))?, last.parse().map_err(|_| problem(part))?);
        if first > last {
            return Err(problem(part));
        }
        ports.extend(first..=last);
    }
    Ok(ports)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_single_or_ranges() {
        assert_eq!(parse_ports("22, 80,8500-8502").unwrap(), [22, 80, 8500, 8501, 8502]);
        assert!(parse_ports("9-3").is_err() && parse_ports("http").is_err());
    }

    #[test]
    fn later_files_win_and_unknown_names_are_errors() {
        let mut config = AgentConfig::default();
        let parse = |text: &str| serde_json::from_str::<File>(text);
        apply_file(&mut config, parse(r#"{"datacenter": "a", "client": {"enabled": true, "reserved": {"memory": 64}}}"#).unwrap()).unwrap();
        apply_file(&mut config, parse(r#"{"datacenter": "b", "server": {"heartbeat_grace": "3s"}}"#).unwrap()).unwrap();
        assert_eq!((config.datacenter.as_str(), config.client.enabled, config.client.reserved.memory), ("b", true, 64));
        assert_eq!(config.server.heartbeat_grace, Duration::from_secs(3));
        assert!(apply_file(&mut config, parse(r#"{"server": {"oidc_issuer": "cluster"}}"#).unwrap()).is_err());
        assert!(parse(r#"{"datacentre": "a"}"#).unwrap_err().to_string().contains("datacentre"));
        let plugin = parse(r#"{"plugin": {"raw_exec": [{"config": [{"enabled": true}]}]}}"#).unwrap();
        apply_file(&mut config, plugin).unwrap();
        assert!(config.client.raw_exec);
        let device =
            |block: &str| apply_file(&mut AgentConfig::default(), parse(&format!(r#"{{"client": {{"device": {block}}}}}"#)).unwrap());
        let listed = r#"{"client": {"device": {"acme/fpga/X1": [{"ids": ["0", "1"], "attributes": [{"memory": "8 GiB", "lanes": 16}]}]}}}"#;
        apply_file(&mut config, parse(listed).unwrap()).unwrap();
        let found = &config.client.devices[0];
        assert_eq!((found.kind.as_str(), found.ids.len(), found.attributes["lanes"].as_str()), ("fpga", 2, "16"));
        for (block, wanted) in [
            (r#"{"fpga": {"ids": ["0"]}}"#, "vendor/type/model"),
            (r#"{"acme/fpga/": {"ids": ["0"]}}"#, "must not be empty"),
            (r#"{"acme/fpga/X1": {"ids": []}}"#, "name every device once"),
            (r#"{"acme/fpga/X1": {"ids": ["0", "0"]}}"#, "name every device once"),
            (r#"{"acme/fpga/X1": {"idz": ["0"]}}"#, "idz"),
            (r#"{"acme/fpga/X1": {"ids": ["0"], "attributes": 3}}"#, "must be a map"),
        ] {
            let problem = device(block).unwrap_err();
            assert!(problem.contains(wanted), "{block}: {problem}");
        }
        assert!(apply_file(&mut config, parse(r#"{"acl": {"enabled": true}}"#).unwrap()).is_err());
    }
}
