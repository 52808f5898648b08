//! Rules of a group.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::{Rules, affinities, constraints, kept, plain_values, policy, spreads, task};
use crate::jobspec::json::kept::Other;
use crate::model::service::{Service, ServiceProvider};
use crate::model::{JobType, MebiBytes, NetworkMode, TaskGroup};

const LEAST_DISK: MebiBytes = MebiBytes(10);

pub fn check(rules: &mut Rules<'_>, group: &TaskGroup) {
    let job_type = rules.job.job_type;
    rules.refuse_if(group.name.is_empty(), "name", || "must not be empty".to_owned());
    rules.refuse_if(group.name.contains('\0'), "name", || "must not hold NUL".to_owned());
    rules.refuse_if(job_type == JobType::System && group.count > 1, "count", || {
        "a system job runs once per node: count is 0 or 1".to_owned()
    });
    plain_values(rules, &group.other);
    constraints(rules, &group.constraints, true);
    affinities(rules, &group.affinities);
    spreads(rules, &group.spreads);
    policies(rules, group);
    rules.refuse_if(group.ephemeral_disk.size < LEAST_DISK, "ephemeral_disk.size", || {
        format!("{} is less than {LEAST_DISK}", group.ephemeral_disk.size)
    });
    let too_long = group.max_run_duration.is_some() && !job_type.is_batch();
    rules.refuse_if(too_long, "max_run_duration", || format!("is for batch and sysbatch jobs, this is a {} job", job_type.name()));
    networks(rules, group);
    volumes(rules, group);
    let all_services = group.services.iter().chain(group.tasks.iter().flat_map(|task| &task.services));
    let providers: BTreeSet<bool> = all_services.map(|service| service.provider == ServiceProvider::Nomad).collect();
    rules.refuse_if(providers.len() > 1, "service", || "all services of a group must have the same provider".to_owned());
    services(rules, &group.services, group, &group.other);
    tasks(rules, group);
}

fn policies(rules: &mut Rules<'_>, group: &TaskGroup) {
    let job_type = rules.job.job_type;
    policy::restart(&mut rules.inside("restart"), &group.restart);
    let rescheduled = group.reschedule.unlimited || group.reschedule.attempts > 0;
    if matches!(job_type, JobType::System | JobType::SysBatch) {
        rules.refuse_if(rescheduled, "reschedule", || format!("a {} job cannot be rescheduled", job_type.name()));
    } else {
        policy::reschedule(&mut rules.inside("reschedule"), &group.reschedule);
    }
    if let Some(update) = &group.update {
        // What a group has from its job was judged there.
        if rules.job.update.as_ref() != Some(update) {
            policy::update(&mut rules.inside("update"), update);
        }
        rules.warn_if(
            update.max_parallel > group.count.max(1) && job_type == JobType::Service && group.count > 0,
            "update.max_parallel",
            || format!("{} is more than the group's count of {}: everything is replaced at once", update.max_parallel, group.count),
        );
    }
    if let Some(migrate) = &group.migrate {
        rules.refuse_if(job_type != JobType::Service, "migrate", || format!("is for service jobs, this is a {} job", job_type.name()));
        policy::migrate(&mut rules.inside("migrate"), migrate);
    }
    let disconnect = &group.disconnect;
    rules.refuse_if(disconnect.lost_after.is_some() && disconnect.stop_on_client_after.is_some(), "disconnect", || {
        "lost_after and stop_on_client_after exclude each other".to_owned()
    });
    if let Some(scaling) = &group.scaling {
        rules.refuse_if(job_type == JobType::System, "scaling", || "a system job cannot be scaled".to_owned());
        rules.refuse_if(scaling.min > scaling.max, "scaling.min", || format!("{} is more than max {}", scaling.min, scaling.max));
        let fits = (scaling.min..=scaling.max).contains(&group.count);
        rules.refuse_if(scaling.min <= scaling.max && !fits, "count", || {
            format!("{} is not within the scaling bounds {}..={}", group.count, scaling.min, scaling.max)
        });
    }
}

fn networks(rules: &mut Rules<'_>, group: &TaskGroup) {
    rules.refuse_if(group.networks.len() > 1, "network", || "a group has at most one network".to_owned());
    let mut labels = BTreeSet::new();
    let mut fixed = BTreeMap::new();
    for (index, network) in group.networks.iter().enumerate() {
        let mut here = rules.inside(&format!("network[{index}]"));
        for port in &network.ports {
            let mut at = here.inside(&format!("port[{}]", port.label));
            at.refuse_if(port.label.is_empty(), "label", || "must not be empty".to_owned());
            at.refuse_if(!labels.insert(&port.label), "label", || "there are two ports of this name".to_owned());
            at.refuse_if(!(-1..=65_535).contains(&port.to), "to", || format!("{} is not a port", port.to));
            at.refuse_if(port.ignore_collision && network.mode != NetworkMode::Host, "ignore_collision", || {
                "is for the host network".to_owned()
            });
            if let Some(number) = port.static_port {
                let taken = fixed.insert((port.host_network.clone(), number), &port.label);
                at.refuse_if(taken.is_some(), "static", || {
                    format!("port {number} is taken by {:?} already", taken.map_or("", |label| &**label))
                });
            }
        }
    }
}

fn volumes(rules: &mut Rules<'_>, group: &TaskGroup) {
    const ACCESS_MODES: [&str; 7] = [
        "single-node-reader-only",
        "single-node-writer",
        "single-node-single-writer",
        "single-node-multi-writer",
        "multi-node-reader-only",
        "multi-node-single-writer",
        "multi-node-multi-writer",
    ];
    let job_type = rules.job.job_type;
    for (name, volume) in &group.volumes {
        let mut at = rules.inside(&format!("volume[{name}]"));
        at.refuse_if(!["host", "csi"].contains(&&*volume.kind), "type", || format!("{:?} is not host or csi", volume.kind));
        at.refuse_if(volume.source.is_empty(), "source", || "is required".to_owned());
        let known = volume.access_mode.is_empty() || ACCESS_MODES.contains(&&*volume.access_mode);
        at.refuse_if(!known, "access_mode", || format!("{:?} is not one of {}", volume.access_mode, ACCESS_MODES.join(", ")));
        at.refuse_if(volume.per_alloc && volume.sticky, "per_alloc", || "excludes `sticky`".to_owned());
        let everywhere = matches!(job_type, JobType::System | JobType::SysBatch);
        at.refuse_if(volume.per_alloc && everywhere, "per_alloc", || format!("is not for {} jobs", job_type.name()));
        let canaries = group.update.as_ref().is_some_and(|update| update.canary > 0);
        at.refuse_if(volume.per_alloc && canaries, "per_alloc", || "cannot be used with canaries".to_owned());
    }
}

fn tasks(rules: &mut Rules<'_>, group: &TaskGroup) {
    // Nomad adds the task that runs a gateway's proxy.
    let gateway = (0..group.services.len()).find(|index| {
        group.other.get(format!("Services[{index}].Connect").as_str()).is_some_and(|connect| connect.get("Gateway").is_some())
    });
    match gateway {
        Some(index) if group.tasks.is_empty() => rules.refuse(
            &format!("service[{index}].connect.gateway"),
            "pannier has no Consul Connect and runs no gateway, so the group has nothing to run".to_owned(),
        ),
        _ => rules.refuse_if(group.tasks.is_empty(), "task", || "there must be at least one task".to_owned()),
    }
    let only_hooks = !group.tasks.is_empty() && !group.tasks.iter().any(crate::model::Task::is_main);
    rules.refuse_if(only_hooks, "task", || "there must be a main task, one without `lifecycle`".to_owned());
    let leaders = group.tasks.iter().filter(|task| task.leader).count();
    rules.refuse_if(leaders > 1, "task", || format!("{leaders} tasks are leaders; there is at most one"));
    let mut names = BTreeSet::new();
    for spec in &group.tasks {
        rules.refuse_if(!names.insert(&spec.name), "task", || format!("there are two tasks named {:?}", spec.name));
        let mut here = rules.inside(&format!("task[{}]", spec.name));
        task::check(&mut here, spec, group);
        services(&mut here, &spec.services, group, &spec.other);
    }
}

/// Services of a group or of a task.
fn services(rules: &mut Rules<'_>, services: &[Service], group: &TaskGroup, other: &Other) {
    let mut seen = BTreeSet::new();
    for (index, service) in services.iter().enumerate() {
        kept::service(rules, index, service, other);
        let mut at = rules.inside(&format!("service[{index}]"));
        let twice = !seen.insert((&service.name, &service.task, &service.port_label));
        at.refuse_if(twice, "name", || format!("there are two services {:?} with this task and port", service.name));
        let resolved = service.name.contains("${");
        at.refuse_if(!resolved && !service.name.is_empty() && !is_host_label(&service.name), "name", || {
            format!("{:?} is not a valid name: letters, digits and `-`, at most 63", service.name)
        });
        let labels: Vec<&str> = group.ports().map(|port| &*port.label).collect();
        port_exists(&mut at, &service.port_label, &labels);
        for (position, check) in service.checks.iter().enumerate() {
            let mut here = at.inside(&format!("check[{position}]"));
            let is_nomad = service.provider == ServiceProvider::Nomad;
            let known: &[&str] = if is_nomad { &["http", "tcp"] } else { &["http", "tcp", "grpc", "script"] };
            here.refuse_if(!known.contains(&&*check.kind), "type", || format!("{:?} is not one of {}", check.kind, known.join(", ")));
            too_short(&mut here, "interval", check.interval);
            too_short(&mut here, "timeout", check.timeout);
            here.refuse_if(&*check.kind == "http" && check.path.is_empty(), "path", || "an http check needs one".to_owned());
            here.refuse_if(&*check.kind == "script" && check.command.is_empty(), "command", || "a script check needs one".to_owned());
            port_exists(&mut here, &check.port_label, &labels);
        }
    }
}

/// Of a check, which no second has room for twice.
fn too_short(at: &mut Rules<'_>, name: &str, length: Duration) {
    if length >= Duration::from_secs(1) {
        return;
    }
    // `interval = 10`: a number without a unit.
    let nanos = length.as_nanos();
    let help = (1..10_000).contains(&nanos).then(|| format!("a number counts nanoseconds: write \"{nanos}s\""));
    let message = if length.is_zero() { "is required, and at least 1s".to_owned() } else { format!("must be at least 1s, not {length:?}") };
    at.refuse_with_help(name, message, help);
}

/// A port is a label of the group's network, or a number.
fn port_exists(at: &mut Rules<'_>, label: &str, known: &[&str]) {
    let fine = label.is_empty() || label.contains("${") || known.contains(&label) || label.parse::<u16>().is_ok();
    at.refuse_if(!fine, "port", || format!("the group's network has no port {label:?}"));
}

/// RFC 1123, and the underscore that existing services use.
fn is_host_label(name: &str) -> bool {
    let inner = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    name.len() <= 63 && name.chars().all(inner) && !name.starts_with('-') && !name.ends_with('-')
}
