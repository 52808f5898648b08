//! The API's form to the model. Defaults are in place already; what is left here is types.

use std::collections::BTreeMap;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::kept::{Other, keep, to_config};
use super::types::{
    ApiArtifact, ApiDevice, ApiJob, ApiLifecycle, ApiNetwork, ApiNuma, ApiPort, ApiResources, ApiTask, ApiTaskGroup, ApiTemplate,
    ApiVolume, ApiVolumeMount,
};
use super::{policies, services};
use crate::jobspec::drivers;
use crate::jobspec::validate::MAX_PRIORITY;
use crate::model::group::{Scaling, VolumeRequest};
use crate::model::job::{Parameterized, Periodic};
use crate::model::network::Dns;
use crate::model::task::{Artifact, LogConfig, Template, VolumeMount};
use crate::model::{
    ConfigValue, EphemeralDisk, Job, JobKey, JobStatus, JobType, Lifecycle, LifecycleHook, MebiBytes, MegaHertz, Network, NetworkMode,
    Port, Task, TaskGroup, TaskResources, Text,
};
use crate::model::{DeviceAsk, DeviceShare, NumaAffinity, NumaAsk};
use crate::util::clock::Timestamp;

/// Collects values that do not exist or do not fit, with their paths.
pub struct Problems<'a> {
    list: &'a mut Vec<(String, String)>,
    path: String,
}

impl Problems<'_> {
    /// The same, one level deeper.
    pub fn inside(&mut self, part: impl AsRef<str>) -> Problems<'_> {
        Problems { path: format!("{}.{}", self.path, part.as_ref()), list: self.list }
    }

    pub fn add(&mut self, name: &str, message: String) {
        self.list.push((format!("{}.{name}", self.path), message));
    }

    /// An integer that must fit its type; left out is 0.
    pub fn integer<T: TryFrom<i64> + Default>(&mut self, name: &str, value: Option<i64>) -> T {
        let value = value.unwrap_or_default();
        T::try_from(value).unwrap_or_else(|_| {
            self.add(name, if value < 0 { format!("{value} is below 0") } else { format!("{value} is too large") });
            T::default()
        })
    }

    /// One of a set of names; the first when left out.
    pub fn variant<T: Copy>(&mut self, name: &str, value: Option<&str>, names: &[(&str, T)]) -> T {
        let value = value.filter(|value| !value.is_empty());
        let found = value.map_or(Some(names[0].1), |value| names.iter().find(|(known, _)| *known == value).map(|(_, variant)| *variant));
        found.unwrap_or_else(|| {
            let known: Vec<&str> = names.iter().map(|(known, _)| *known).collect();
            self.add(name, format!("{:?} is not one of {}", value.unwrap_or_default(), known.join(", ")));
            names[0].1
        })
    }
}

pub fn text(value: Option<String>) -> Text {
    value.unwrap_or_default().into()
}

pub fn texts(values: Option<Vec<String>>) -> Vec<Text> {
    values.unwrap_or_default().into_iter().map(Text::from).collect()
}

pub fn text_map(values: Option<BTreeMap<String, String>>) -> BTreeMap<Text, Text> {
    values.unwrap_or_default().into_iter().map(|(key, value)| (key.into(), value.into())).collect()
}

const JOB_TYPES: &[(&str, JobType)] =
    &[("service", JobType::Service), ("batch", JobType::Batch), ("system", JobType::System), ("sysbatch", JobType::SysBatch)];
const STATUSES: &[(&str, JobStatus)] = &[("pending", JobStatus::Pending), ("running", JobStatus::Running), ("dead", JobStatus::Dead)];
pub const NUMA_AFFINITIES: &[(&str, NumaAffinity)] =
    &[("none", NumaAffinity::None), ("prefer", NumaAffinity::Prefer), ("require", NumaAffinity::Require)];

const HOOKS: &[(&str, LifecycleHook)] =
    &[("prestart", LifecycleHook::Prestart), ("poststart", LifecycleHook::Poststart), ("poststop", LifecycleHook::Poststop)];

pub fn job(api: ApiJob, problems: &mut Vec<(String, String)>) -> Job {
    let mut at = Problems { list: problems, path: "job".to_owned() };
    let mut other = Other::new();
    keep(&mut other, "UI", api.ui);
    keep(&mut other, "VersionTag", api.version_tag);
    keep(&mut other, "StatusDescription", api.status_description.map(Into::into));
    if api.multiregion.is_some_and(|multiregion| multiregion.as_object().is_none_or(|fields| !fields.is_empty())) {
        at.add("multiregion", "pannier does not support it: a job runs in one region; register it in each region instead".to_owned());
    }
    let payload = api.payload.map(|encoded| STANDARD.decode(encoded)).unwrap_or(Ok(Vec::new())).unwrap_or_else(|error| {
        at.add("payload", format!("not base64: {error}"));
        Vec::new()
    });
    let mut groups = Vec::new();
    for group in api.task_groups.unwrap_or_default() {
        let mut here = at.inside(format!("group[{}]", group.name.as_deref().unwrap_or_default()));
        groups.push(task_group(group, &mut here));
    }
    Job {
        key: JobKey::new(api.namespace.unwrap_or_default(), api.id.unwrap_or_default()),
        name: text(api.name),
        parent_id: api.parent_id.filter(|id| !id.is_empty()).map(Text::from),
        region: text(api.region),
        job_type: at.variant("type", api.r#type.as_deref(), JOB_TYPES),
        priority: priority(api.priority, &mut at),
        datacenters: texts(api.datacenters),
        node_pool: text(api.node_pool),
        all_at_once: api.all_at_once.unwrap_or_default(),
        constraints: policies::constraints_to_model(api.constraints, &mut at),
        affinities: policies::affinities_to_model(api.affinities, &mut at),
        spreads: policies::spreads_to_model(api.spreads, &mut at),
        groups,
        update: api.update.and_then(|update| policies::update_to_model(&update, &mut at.inside("update"))),
        periodic: api.periodic.map(|periodic| Periodic {
            enabled: periodic.enabled.unwrap_or(true),
            specs: periodic
                .spec
                .filter(|spec| !spec.is_empty())
                .into_iter()
                .chain(periodic.specs.unwrap_or_default())
                .map(Text::from)
                .collect(),
            prohibit_overlap: periodic.prohibit_overlap.unwrap_or_default(),
            time_zone: text(periodic.time_zone),
        }),
        parameterized: api.parameterized_job.map(|parameterized| Parameterized {
            payload: text(parameterized.payload),
            meta_required: texts(parameterized.meta_required),
            meta_optional: texts(parameterized.meta_optional),
        }),
        dispatched: api.dispatched.unwrap_or_default(),
        payload,
        meta: text_map(api.meta),
        stop: api.stop.unwrap_or_default(),
        other,
        status: at.variant("status", api.status.as_deref(), STATUSES),
        version: api.version.unwrap_or_default(),
        stable: api.stable.unwrap_or_default(),
        submit_time: Timestamp(api.submit_time.unwrap_or_default()),
        create_index: api.create_index.unwrap_or_default(),
        modify_index: api.modify_index.unwrap_or_default(),
        job_modify_index: api.job_modify_index.unwrap_or_default(),
    }
}

/// Judged here where it does not even fit into the model.
fn priority(asked: Option<i64>, at: &mut Problems<'_>) -> u8 {
    let asked = asked.unwrap_or_default();
    u8::try_from(asked).unwrap_or_else(|_| {
        at.add("priority", format!("{asked} is not in 1..={MAX_PRIORITY}"));
        0
    })
}

fn task_group(api: ApiTaskGroup, at: &mut Problems<'_>) -> TaskGroup {
    let mut other = Other::new();
    keep(&mut other, "Consul", api.consul);
    let mut tasks = Vec::new();
    for task_spec in api.tasks.unwrap_or_default() {
        let mut here = at.inside(format!("task[{}]", task_spec.name.as_deref().unwrap_or_default()));
        tasks.push(task(task_spec, &mut here));
    }
    let mut volumes = BTreeMap::new();
    for (name, request) in api.volumes.unwrap_or_default() {
        keep(&mut other, format!("Volumes[{name}].MountOptions"), request.mount_options.clone());
        volumes.insert(name.into(), volume(request));
    }
    let mut networks = Vec::new();
    for (index, asked) in api.networks.unwrap_or_default().into_iter().enumerate() {
        keep(&mut other, format!("Networks[{index}].CNI"), asked.cni.clone());
        networks.push(network(asked, &mut at.inside(format!("network[{index}]"))));
    }
    let disk = api.ephemeral_disk.unwrap_or_default();
    TaskGroup {
        name: text(api.name),
        count: at.integer("count", api.count),
        tasks,
        constraints: policies::constraints_to_model(api.constraints, at),
        affinities: policies::affinities_to_model(api.affinities, at),
        spreads: policies::spreads_to_model(api.spreads, at),
        restart: policies::restart_to_model(&api.restart_policy.unwrap_or_default(), &mut at.inside("restart")),
        reschedule: policies::reschedule_to_model(&api.reschedule_policy.unwrap_or_default(), &mut at.inside("reschedule")),
        update: api.update.and_then(|update| policies::update_to_model(&update, &mut at.inside("update"))),
        migrate: api.migrate.map(|migrate| policies::migrate_to_model(&migrate, &mut at.inside("migrate"))),
        disconnect: policies::disconnect_to_model(&api.disconnect.unwrap_or_default(), &mut at.inside("disconnect")),
        ephemeral_disk: EphemeralDisk {
            size: MebiBytes(at.inside("ephemeral_disk").integer("size", disk.size)),
            sticky: disk.sticky.unwrap_or_default(),
            migrate: disk.migrate.unwrap_or_default(),
        },
        networks,
        services: services::to_model(api.services, &mut other, at),
        volumes,
        meta: text_map(api.meta),
        shutdown_delay: api.shutdown_delay.unwrap_or_default().0,
        max_run_duration: api.max_run_duration.map(|nanos| nanos.0).filter(|duration| !duration.is_zero()),
        scaling: api.scaling.map(|scaling| Scaling {
            min: at.inside("scaling").integer("min", scaling.min),
            max: at.inside("scaling").integer("max", scaling.max),
            enabled: scaling.enabled.unwrap_or(true),
            policy: scaling.policy.map(to_config).unwrap_or_default(),
        }),
        other,
    }
}

fn volume(api: ApiVolume) -> VolumeRequest {
    VolumeRequest {
        name: text(api.name),
        kind: text(api.r#type),
        source: text(api.source),
        read_only: api.read_only.unwrap_or_default(),
        sticky: api.sticky.unwrap_or_default(),
        per_alloc: api.per_alloc.unwrap_or_default(),
        access_mode: text(api.access_mode),
        attachment_mode: text(api.attachment_mode),
    }
}

fn network(api: ApiNetwork, at: &mut Problems<'_>) -> Network {
    let mode = match api.mode.as_deref().unwrap_or("host") {
        "" | "host" => NetworkMode::Host,
        "none" => NetworkMode::None,
        "bridge" => NetworkMode::Bridge,
        mode => match mode.strip_prefix("cni/") {
            Some(name) if !name.is_empty() => NetworkMode::Cni(name.into()),
            _ => {
                at.add("mode", format!("{mode:?} is not one of host, none, bridge, cni/<name>"));
                NetworkMode::Host
            }
        },
    };
    let mut ports = Vec::new();
    for (asked, fixed) in api
        .reserved_ports
        .into_iter()
        .flatten()
        .map(|port| (port, true))
        .chain(api.dynamic_ports.into_iter().flatten().map(|port| (port, false)))
    {
        ports.push(port(asked, fixed, at));
    }
    // A reserved port without a number is a dynamic one, and is shown among those.
    ports.sort_by_key(|port| port.static_port.is_none());
    let dns = api.dns.map(|dns| Dns { servers: texts(dns.servers), searches: texts(dns.searches), options: texts(dns.options) });
    Network { mode, hostname: api.hostname.filter(|name| !name.is_empty()).map(Text::from), dns, ports }
}

fn port(api: ApiPort, fixed: bool, at: &mut Problems<'_>) -> Port {
    let mut here = at.inside(format!("port[{}]", api.label.as_deref().unwrap_or_default()));
    let number: u16 = if fixed { here.integer("static", api.value) } else { 0 };
    Port {
        static_port: (number > 0).then_some(number),
        to: here.integer("to", api.to),
        label: text(api.label),
        host_network: text(api.host_network),
        ignore_collision: api.ignore_collision.unwrap_or_default(),
    }
}

fn task(api: ApiTask, at: &mut Problems<'_>) -> Task {
    let mut other = Other::new();
    for (key, value) in [
        ("Vault", api.vault),
        ("Consul", api.consul),
        ("Identity", api.identity),
        ("Identities", api.identities),
        ("Secrets", api.secrets),
        ("Actions", api.actions),
        ("ScalingPolicies", api.scaling_policies),
        ("CSIPluginConfig", api.csi_plugin_config),
        ("Schedule", api.schedule),
        ("Kind", api.kind.map(Into::into)),
    ] {
        keep(&mut other, key, value);
    }
    let resources = resources(api.resources.unwrap_or_default(), &mut other, at);
    let mut templates = Vec::new();
    for (index, mut spec) in api.templates.unwrap_or_default().into_iter().enumerate() {
        for (name, value) in
            [("Wait", spec.wait.take()), ("ChangeScript", spec.change_script.take()), ("Uid", spec.uid.take()), ("Gid", spec.gid.take())]
        {
            keep(&mut other, format!("Templates[{index}].{name}"), value);
        }
        templates.push(template(spec));
    }
    let mut artifacts = Vec::new();
    for (index, mut spec) in api.artifacts.unwrap_or_default().into_iter().enumerate() {
        keep(&mut other, format!("Artifacts[{index}].Chown"), spec.chown.take());
        artifacts.push(artifact(spec));
    }
    let mut volume_mounts = Vec::new();
    for (index, mut spec) in api.volume_mounts.unwrap_or_default().into_iter().enumerate() {
        keep(&mut other, format!("VolumeMounts[{index}].SELinuxLabel"), spec.selinux_label.take());
        volume_mounts.push(volume_mount(spec));
    }
    let mut config = api.config.map(to_config).unwrap_or_else(|| ConfigValue::Map(BTreeMap::new()));
    drivers::conform(api.driver.as_deref().unwrap_or_default(), &mut config);
    let logs = api.log_config.unwrap_or_default();
    Task {
        name: text(api.name),
        driver: text(api.driver),
        config,
        user: text(api.user),
        env: text_map(api.env),
        meta: text_map(api.meta),
        resources,
        restart: api.restart_policy.map(|policy| policies::restart_to_model(&policy, &mut at.inside("restart"))),
        lifecycle: api.lifecycle.and_then(|spec| lifecycle(&spec, at)),
        leader: api.leader.unwrap_or_default(),
        kill_timeout: api.kill_timeout.map_or(Duration::ZERO, |nanos| nanos.0),
        kill_signal: text(api.kill_signal),
        shutdown_delay: api.shutdown_delay.unwrap_or_default().0,
        logs: LogConfig {
            max_files: at.inside("logs").integer("max_files", logs.max_files),
            max_file_size: at.inside("logs").integer("max_file_size", logs.max_file_size),
            disabled: logs.disabled.unwrap_or_default(),
        },
        constraints: policies::constraints_to_model(api.constraints, at),
        affinities: policies::affinities_to_model(api.affinities, at),
        services: services::to_model(api.services, &mut other, at),
        templates,
        artifacts,
        volume_mounts,
        dispatch_payload_file: api.dispatch_payload.and_then(|payload| payload.file).filter(|file| !file.is_empty()).map(Text::from),
        other,
    }
}

/// An empty hook is no lifecycle at all.
fn lifecycle(api: &ApiLifecycle, at: &mut Problems<'_>) -> Option<Lifecycle> {
    let hook = api.hook.as_deref().filter(|hook| !hook.is_empty())?;
    Some(Lifecycle { hook: at.inside("lifecycle").variant("hook", Some(hook), HOOKS), sidecar: api.sidecar.unwrap_or_default() })
}

fn resources(api: ApiResources, other: &mut Other, at: &mut Problems<'_>) -> TaskResources {
    keep(other, "Resources.SecretsMB", api.secrets.map(Into::into));
    keep(other, "Resources.IOPS", api.iops.map(Into::into));
    keep(other, "Resources.DiskMB", api.disk.map(Into::into));
    let mut here = at.inside("resources");
    if api.networks.is_some_and(|networks| !networks.is_empty()) {
        here.add("network", "a task has no network of its own; move it into the group".to_owned());
    }
    let mut devices = Vec::new();
    for device in api.devices.unwrap_or_default() {
        devices.push(device_ask(device, &mut here));
    }
    TaskResources {
        cpu: MegaHertz(here.integer("cpu", api.cpu)),
        cores: here.integer("cores", api.cores),
        memory: MebiBytes(here.integer("memory", api.memory)),
        memory_max: match api.memory_max {
            Some(-1) => MebiBytes::UNLIMITED,
            other => MebiBytes(here.integer("memory_max", other)),
        },
        devices,
        numa: numa(api.numa.unwrap_or_default(), &mut here),
    }
}

fn numa(api: ApiNuma, at: &mut Problems<'_>) -> NumaAsk {
    let mut here = at.inside("numa");
    NumaAsk {
        affinity: here.variant("affinity", api.affinity.as_deref(), NUMA_AFFINITIES),
        devices: api.devices.unwrap_or_default().into_iter().map(Text::from).collect(),
    }
}

fn device_ask(api: ApiDevice, at: &mut Problems<'_>) -> DeviceAsk {
    let mut here = at.inside(format!("device[{}]", api.name.as_deref().unwrap_or_default()));
    DeviceAsk {
        name: text(api.name),
        count: api.count.unwrap_or(1),
        share: device_share(api.share, &mut here),
        constraints: policies::constraints_to_model(api.constraints, &mut here),
        affinities: policies::affinities_to_model(api.affinities, &mut here),
    }
}

/// In thousandths. Finer parts are refused rather than rounded: what a job asks for is what is counted.
fn device_share(share: Option<f64>, at: &mut Problems<'_>) -> DeviceShare {
    let Some(share) = share else { return DeviceShare::WHOLE };
    let thousandths = (share * 1000.0).round();
    let is_whole = (share * 1000.0 - thousandths).abs() < 1e-6;
    if !(is_whole && (1.0..=1000.0).contains(&thousandths)) {
        at.add("share", format!("{share} is not a part of a device: above 0 and up to 1, in thousandths"));
        return DeviceShare::WHOLE;
    }
    DeviceShare(thousandths as u16)
}

fn template(api: ApiTemplate) -> Template {
    Template {
        source: text(api.source_path),
        destination: text(api.dest_path),
        data: text(api.embedded_tmpl),
        change_mode: text(api.change_mode),
        change_signal: text(api.change_signal),
        perms: text(api.perms),
        left_delimiter: text(api.left_delim),
        right_delimiter: text(api.right_delim),
        splay: api.splay.unwrap_or_default().0,
        env: api.envvars.unwrap_or_default(),
        once: api.once.unwrap_or_default(),
        error_on_missing_key: api.err_missing_key.unwrap_or_default(),
    }
}

fn artifact(api: ApiArtifact) -> Artifact {
    Artifact {
        source: text(api.getter_source),
        destination: text(api.relative_dest),
        mode: text(api.getter_mode),
        options: text_map(api.getter_options),
        headers: text_map(api.getter_headers),
        insecure: api.getter_insecure.unwrap_or_default(),
    }
}

fn volume_mount(api: ApiVolumeMount) -> VolumeMount {
    VolumeMount {
        volume: text(api.volume),
        destination: text(api.destination),
        read_only: api.read_only.unwrap_or_default(),
        propagation_mode: text(api.propagation_mode),
    }
}
