//! Every default of a job, in one place, for jobspecs and API requests alike.
//!
//! Done on the API's form, where "left out" can still be told from "zero": the model has no such difference.

use std::collections::BTreeSet;

use serde_json::Value as Json;

use super::json::policies;
use super::json::types::{
    ApiJob, ApiLogConfig, ApiMigrate, ApiNetwork, ApiReschedule, ApiResources, ApiRestart, ApiService, ApiTask, ApiTaskGroup, ApiUpdate,
};
use super::validate::Problem;
use crate::model::JobType;
use crate::model::policy::{MigrateStrategy, ReschedulePolicy, RestartPolicy, UpdateStrategy};
use crate::model::task::LogConfig;

/// Takes a field's value from somewhere else where there is none.
macro_rules! fill {
    ($target:expr, $source:expr, $($field:ident),+) => { $( if $target.$field.is_none() { $target.$field.clone_from(&$source.$field); } )+ };
}

/// Fills in what the user left out. What stays `None` afterwards means "none" or its type's zero. Answers with what was asked for in an
/// old way: warnings where it is done in the new one, errors where it cannot be.
pub fn canonicalize(job: &mut ApiJob) -> Vec<Problem> {
    let mut problems = Vec::new();
    default_text(&mut job.name, job.id.as_deref().unwrap_or_default());
    default_text(&mut job.namespace, "default");
    default_text(&mut job.region, "global");
    default_text(&mut job.r#type, "service");
    default_text(&mut job.node_pool, "default");
    if job.priority.is_none_or(|priority| priority == 0) {
        job.priority = Some(50);
    }
    if job.datacenters.as_ref().is_none_or(Vec::is_empty) {
        job.datacenters = Some(vec!["*".to_owned()]);
    }
    if let Some(periodic) = &mut job.periodic {
        periodic.enabled.get_or_insert(true);
        default_text(&mut periodic.time_zone, "UTC");
    }
    if let Some(parameterized) = &mut job.parameterized_job {
        default_text(&mut parameterized.payload, "optional");
    }
    // An unknown type is reported later; its defaults do not matter.
    let job_type = job.r#type.as_deref().and_then(JobType::parse).unwrap_or(JobType::Service);
    let update = job.update.take();
    let reschedule = job.reschedule.take().unwrap_or_default();
    let migrate = job.migrate.take();
    for group in job.task_groups.iter_mut().flatten() {
        lift_networks(group, &mut problems);
        group_defaults(group, job_type, update.as_ref(), &reschedule, migrate.as_ref());
    }
    if rolls_out(job_type) {
        job.update = update.map(|update| complete_update(update, None));
    }
    problems
}

/// Whether jobs of a type are updated step by step.
fn rolls_out(job_type: JobType) -> bool {
    matches!(job_type, JobType::Service | JobType::System)
}

/// Tasks once asked for networks themselves (`resources { network {} }`). A group without one takes over what its tasks ask for.
fn lift_networks(group: &mut ApiTaskGroup, problems: &mut Vec<Problem>) {
    if group.networks.as_ref().is_some_and(|networks| !networks.is_empty()) {
        return;
    }
    let mut lifted: Option<ApiNetwork> = None;
    for task in group.tasks.iter_mut().flatten() {
        let networks = task.resources.as_mut().and_then(|resources| resources.networks.take()).unwrap_or_default();
        if networks.is_empty() {
            continue;
        }
        let names = (group.name.as_deref().unwrap_or_default(), task.name.as_deref().unwrap_or_default());
        let path = format!("job.group[{}].task[{}].resources.network[0]", names.0, names.1);
        problems.push(
            Problem::warning(&*path, "a network of a task is obsolete: its ports are given to the group")
                .with_help(Some("write `network { ... }` into the group".to_owned())),
        );
        for network in networks {
            let Some(first) = &mut lifted else {
                lifted = Some(network);
                continue;
            };
            for (own, others) in [(&mut first.reserved_ports, network.reserved_ports), (&mut first.dynamic_ports, network.dynamic_ports)] {
                own.get_or_insert_default().extend(others.into_iter().flatten());
            }
        }
        if let Some(label) = lifted.as_mut().and_then(take_second) {
            problems.push(
                Problem::error(format!("{path}.port[{label}]"), format!("another task of the group has a port {label:?} too"))
                    .with_help(Some("the tasks of a group share its ports: give this one a name of its own".to_owned())),
            );
        }
    }
    group.networks = lifted.map(|network| vec![network]);
}

/// Takes out the ports that have the label of one before; answers with the first such label.
fn take_second(network: &mut ApiNetwork) -> Option<String> {
    let mut labels = BTreeSet::new();
    let mut second = None;
    for ports in [&mut network.reserved_ports, &mut network.dynamic_ports] {
        ports.iter_mut().for_each(|ports| {
            ports.retain(|port| {
                let label = port.label.clone().unwrap_or_default();
                let is_new = labels.insert(label.clone());
                if !is_new {
                    second.get_or_insert(label);
                }
                is_new
            });
        });
    }
    second
}

fn group_defaults(
    group: &mut ApiTaskGroup,
    job_type: JobType,
    update: Option<&ApiUpdate>,
    reschedule: &ApiReschedule,
    migrate: Option<&ApiMigrate>,
) {
    if group.count.is_none() {
        group.count = Some(group.scaling.as_ref().and_then(|scaling| scaling.min).unwrap_or(1));
    }
    if let Some(scaling) = &mut group.scaling {
        scaling.enabled.get_or_insert(true);
        scaling.min = scaling.min.or(group.count);
    }

    let restart = group.restart_policy.get_or_insert_default();
    let standard = policies::restart_to_api(&RestartPolicy::default_for(job_type));
    fill_restart(restart, &standard);
    let restart = restart.clone();

    let policy = group.reschedule_policy.get_or_insert_default();
    let standard = policies::reschedule_to_api(&ReschedulePolicy::default_for(job_type));
    for source in [reschedule, &standard] {
        fill!(policy, source, attempts, interval, delay, delay_function, max_delay, unlimited);
    }

    group.update = rolls_out(job_type).then(|| complete_update(group.update.take().unwrap_or_default(), update));
    if job_type == JobType::Service || group.migrate.is_some() {
        let own = group.migrate.get_or_insert_default();
        let standard = policies::migrate_to_api(&MigrateStrategy::default());
        for source in migrate.into_iter().chain([&standard]) {
            fill!(own, source, max_parallel, health_check, min_healthy_time, healthy_deadline);
        }
    }

    let disconnect = group.disconnect.get_or_insert_default();
    disconnect.lost_after = disconnect.lost_after.or(group.max_client_disconnect);
    disconnect.stop_on_client_after = disconnect.stop_on_client_after.or(group.stop_after_client_disconnect);
    disconnect.replace.get_or_insert(true);
    default_text(&mut disconnect.reconcile, "best_score");

    group.ephemeral_disk.get_or_insert_default().size.get_or_insert(300);
    for volume in group.volumes.iter_mut().flatten() {
        default_text(&mut volume.1.name, volume.0);
    }
    for network in group.networks.iter_mut().flatten() {
        default_text(&mut network.mode, "host");
    }
    for service in group.services.iter_mut().flatten() {
        service_defaults(service);
    }
    for task in group.tasks.iter_mut().flatten() {
        task_defaults(task, &restart);
    }
}

fn fill_restart(restart: &mut ApiRestart, source: &ApiRestart) {
    fill!(restart, source, attempts, interval, delay, mode, render_templates);
}

fn complete_update(mut update: ApiUpdate, of_job: Option<&ApiUpdate>) -> ApiUpdate {
    let standard = policies::update_to_api(&UpdateStrategy::default());
    for source in of_job.into_iter().chain([&standard]) {
        fill!(update, source, stagger, max_parallel, health_check, min_healthy_time, healthy_deadline);
        fill!(update, source, progress_deadline, auto_revert, auto_promote, canary);
    }
    update
}

fn task_defaults(task: &mut ApiTask, restart: &ApiRestart) {
    if let Some(own) = &mut task.restart_policy {
        fill_restart(own, restart);
    }
    task.kill_timeout.get_or_insert(super::json::seconds(5));
    let standard = LogConfig::default();
    let standard = ApiLogConfig {
        max_files: Some(i64::from(standard.max_files)),
        max_file_size: Some(i64::from(standard.max_file_size)),
        disabled: Some(standard.disabled),
    };
    let logs = task.log_config.get_or_insert_default();
    fill!(logs, standard, max_files, max_file_size, disabled);
    resource_defaults(task.resources.get_or_insert_default());
    kept_defaults(task);
    for template in task.templates.iter_mut().flatten() {
        default_text(&mut template.change_mode, "restart");
        default_text(&mut template.perms, "0644");
        default_text(&mut template.left_delim, "{{");
        default_text(&mut template.right_delim, "}}");
        template.splay.get_or_insert(super::json::seconds(5));
    }
    for artifact in task.artifacts.iter_mut().flatten() {
        default_text(&mut artifact.relative_dest, "local/");
        default_text(&mut artifact.getter_mode, "any");
    }
    for mount in task.volume_mounts.iter_mut().flatten() {
        default_text(&mut mount.propagation_mode, "private");
    }
    for service in task.services.iter_mut().flatten() {
        service_defaults(service);
    }
}

/// Defaults of stanzas that are kept as JSON: they come back as Nomad would show them.
fn kept_defaults(task: &mut ApiTask) {
    let second = 1_000_000_000u64;
    fill_json(
        task.vault.as_mut(),
        &[("Env", true.into()), ("DisableFile", false.into()), ("ChangeMode", "restart".into()), ("Cluster", "default".into())],
    );
    fill_json(task.consul.as_mut(), &[("Cluster", "default".into())]);
    fill_json(
        task.csi_plugin_config.as_mut(),
        &[("MountDir", "/csi".into()), ("StagePublishBaseDir", "/local/csi".into()), ("HealthTimeout", (30 * second).into())],
    );
    for template in task.templates.iter_mut().flatten() {
        let defaults = [("Timeout", (5 * second).into()), ("FailOnError", false.into()), ("RunOnFirstRender", false.into())];
        fill_json(template.change_script.as_mut(), &defaults);
    }
}

/// Adds what a JSON object does not say.
fn fill_json(stanza: Option<&mut Json>, defaults: &[(&str, Json)]) {
    let Some(fields) = stanza.and_then(Json::as_object_mut) else { return };
    for (name, default) in defaults {
        let field = fields.entry(*name).or_insert(Json::Null);
        if field.is_null() {
            field.clone_from(default);
        }
    }
}

fn resource_defaults(resources: &mut ApiResources) {
    // Whole cores take the place of shares.
    let has_cores = resources.cores.is_some_and(|cores| cores > 0);
    resources.cpu.get_or_insert(if has_cores { 0 } else { 100 });
    resources.memory.get_or_insert(300);
    for device in resources.devices.iter_mut().flatten() {
        device.count.get_or_insert(1);
    }
}

fn service_defaults(service: &mut ApiService) {
    default_text(&mut service.provider, "consul");
    default_text(&mut service.address_mode, "auto");
    default_text(&mut service.on_update, "require_healthy");
    fill_json(service.weights.as_mut(), &[("Passing", 1.into()), ("Warning", 1.into())]);
    let shared = service.check_restart.take();
    for check in service.checks.iter_mut().flatten() {
        default_text(&mut check.on_update, service.on_update.as_deref().unwrap_or_default());
        if check.check_restart.is_none() {
            check.check_restart.clone_from(&shared);
        }
        if let Some(restart) = &mut check.check_restart {
            restart.grace.get_or_insert(super::json::seconds(1));
        }
    }
}

fn default_text(field: &mut Option<String>, default: &str) {
    if field.as_deref().is_none_or(str::is_empty) {
        *field = Some(default.to_owned());
    }
}
