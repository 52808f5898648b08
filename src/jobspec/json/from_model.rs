//! The model to the API's form: every field is there, absent lists and maps are null.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::kept::{give_back, to_json};
use super::nanos::Nanos;
use super::types::{
    ApiArtifact, ApiDevice, ApiDispatchPayload, ApiDns, ApiEphemeralDisk, ApiJob, ApiLifecycle, ApiLogConfig, ApiNetwork, ApiNuma,
    ApiParameterized, ApiPeriodic, ApiPort, ApiResources, ApiScaling, ApiTask, ApiTaskGroup, ApiTemplate, ApiUpdate, ApiVolume,
    ApiVolumeMount,
};
use super::{policies, services};
use crate::model::job::Periodic;
use crate::model::task::{Artifact, Template};
use crate::model::{DeviceShare, Job, JobType, MebiBytes, Network, NumaAsk, Port, Task, TaskGroup, Text};

pub fn text(value: &Text) -> Option<String> {
    Some(value.to_string())
}

pub fn list(values: &[Text]) -> Option<Vec<String>> {
    (!values.is_empty()).then(|| values.iter().map(ToString::to_string).collect())
}

pub fn map(values: &BTreeMap<Text, Text>) -> Option<BTreeMap<String, String>> {
    (!values.is_empty()).then(|| values.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect())
}

fn each<T, U>(items: &[T], convert: impl Fn(&T) -> U) -> Option<Vec<U>> {
    (!items.is_empty()).then(|| items.iter().map(convert).collect())
}

pub fn job(job: &Job) -> ApiJob {
    let rolls_out = matches!(job.job_type, JobType::Service | JobType::System);
    ApiJob {
        id: text(&job.key.id),
        name: text(&job.name),
        parent_id: Some(job.parent_id.as_deref().unwrap_or_default().to_owned()),
        namespace: text(&job.key.namespace),
        region: text(&job.region),
        r#type: Some(job.job_type.name().to_owned()),
        priority: Some(i64::from(job.priority)),
        all_at_once: Some(job.all_at_once),
        datacenters: list(&job.datacenters),
        node_pool: text(&job.node_pool),
        constraints: each(&job.constraints, policies::constraint_to_api),
        affinities: each(&job.affinities, policies::affinity_to_api),
        spreads: each(&job.spreads, policies::spread_to_api),
        task_groups: each(&job.groups, |spec| group(spec, rolls_out)),
        update: job.update.as_ref().map(policies::update_to_api),
        reschedule: None,
        migrate: None,
        multiregion: None,
        ui: give_back(&job.other, "UI"),
        periodic: job.periodic.as_ref().map(periodic),
        parameterized_job: job.parameterized.as_ref().map(|parameterized| ApiParameterized {
            payload: text(&parameterized.payload),
            meta_required: list(&parameterized.meta_required),
            meta_optional: list(&parameterized.meta_optional),
        }),
        dispatched: Some(job.dispatched),
        payload: (!job.payload.is_empty()).then(|| STANDARD.encode(&job.payload)),
        meta: map(&job.meta),
        version_tag: give_back(&job.other, "VersionTag"),
        status: Some(job.status.name().to_owned()),
        status_description: Some(job.other.get("StatusDescription").and_then(|value| value.as_str()).unwrap_or_default().to_owned()),
        stop: Some(job.stop),
        stable: Some(job.stable),
        version: Some(job.version),
        submit_time: Some(job.submit_time.0),
        create_index: Some(job.create_index),
        modify_index: Some(job.modify_index),
        job_modify_index: Some(job.job_modify_index),
    }
}

fn periodic(periodic: &Periodic) -> ApiPeriodic {
    let (spec, specs) = match periodic.specs.as_slice() {
        [single] => (single.to_string(), None),
        several => (String::new(), list(several)),
    };
    ApiPeriodic {
        enabled: Some(periodic.enabled),
        spec: Some(spec),
        specs,
        spec_type: Some("cron".to_owned()),
        prohibit_overlap: Some(periodic.prohibit_overlap),
        time_zone: text(&periodic.time_zone),
    }
}

fn group(group: &TaskGroup, rolls_out: bool) -> ApiTaskGroup {
    let update = match &group.update {
        Some(update) => Some(policies::update_to_api(update)),
        // Said explicitly: left out it would become the default.
        None if rolls_out => Some(ApiUpdate { max_parallel: Some(0), ..ApiUpdate::default() }),
        None => None,
    };
    let networks: Vec<ApiNetwork> = group
        .networks
        .iter()
        .enumerate()
        .map(|(index, spec)| ApiNetwork { cni: give_back(&group.other, &format!("Networks[{index}].CNI")), ..network(spec) })
        .collect();
    ApiTaskGroup {
        name: text(&group.name),
        count: Some(i64::from(group.count)),
        constraints: each(&group.constraints, policies::constraint_to_api),
        affinities: each(&group.affinities, policies::affinity_to_api),
        spreads: each(&group.spreads, policies::spread_to_api),
        restart_policy: Some(policies::restart_to_api(&group.restart)),
        reschedule_policy: Some(policies::reschedule_to_api(&group.reschedule)),
        update,
        migrate: group.migrate.as_ref().map(policies::migrate_to_api),
        disconnect: Some(policies::disconnect_to_api(&group.disconnect)),
        ephemeral_disk: Some(ApiEphemeralDisk {
            size: i64::try_from(group.ephemeral_disk.size.0).ok(),
            sticky: Some(group.ephemeral_disk.sticky),
            migrate: Some(group.ephemeral_disk.migrate),
        }),
        networks: (!networks.is_empty()).then_some(networks),
        services: services::to_api(&group.services, &group.other),
        volumes: (!group.volumes.is_empty()).then(|| volumes(group)),
        tasks: each(&group.tasks, task),
        meta: map(&group.meta),
        shutdown_delay: Some(Nanos(group.shutdown_delay)),
        max_run_duration: group.max_run_duration.map(Nanos),
        scaling: group.scaling.as_ref().map(|scaling| ApiScaling {
            min: Some(i64::from(scaling.min)),
            max: Some(i64::from(scaling.max)),
            enabled: Some(scaling.enabled),
            policy: Some(to_json(&scaling.policy)),
        }),
        consul: give_back(&group.other, "Consul"),
        max_client_disconnect: None,
        stop_after_client_disconnect: None,
        prevent_reschedule_on_lost: None,
    }
}

fn volumes(group: &TaskGroup) -> BTreeMap<String, ApiVolume> {
    let volume = |(key, volume): (&Text, &crate::model::group::VolumeRequest)| {
        let api = ApiVolume {
            name: text(&volume.name),
            r#type: text(&volume.kind),
            source: text(&volume.source),
            read_only: Some(volume.read_only),
            sticky: Some(volume.sticky),
            per_alloc: Some(volume.per_alloc),
            access_mode: text(&volume.access_mode),
            attachment_mode: text(&volume.attachment_mode),
            mount_options: give_back(&group.other, &format!("Volumes[{key}].MountOptions")),
        };
        (key.to_string(), api)
    };
    group.volumes.iter().map(volume).collect()
}

fn network(network: &Network) -> ApiNetwork {
    let ports = |fixed: bool| {
        let ports: Vec<ApiPort> = network.ports.iter().filter(|port| port.static_port.is_some() == fixed).map(port_to_api).collect();
        (!ports.is_empty()).then_some(ports)
    };
    ApiNetwork {
        mode: Some(network.mode.name()),
        hostname: Some(network.hostname.as_deref().unwrap_or_default().to_owned()),
        dns: network.dns.as_ref().map(|dns| ApiDns {
            servers: list(&dns.servers),
            searches: list(&dns.searches),
            options: list(&dns.options),
        }),
        reserved_ports: ports(true),
        dynamic_ports: ports(false),
        cni: None,
    }
}

fn port_to_api(port: &Port) -> ApiPort {
    ApiPort {
        label: text(&port.label),
        value: Some(i64::from(port.static_port.unwrap_or_default())),
        to: Some(i64::from(port.to)),
        host_network: text(&port.host_network),
        ignore_collision: Some(port.ignore_collision),
    }
}

fn task(task: &Task) -> ApiTask {
    let kept = |key: &str| give_back(&task.other, key);
    let templates =
        task.templates.iter().enumerate().map(|(index, spec)| template(spec, |name| kept(&format!("Templates[{index}].{name}"))));
    let artifacts = task
        .artifacts
        .iter()
        .enumerate()
        .map(|(index, spec)| ApiArtifact { chown: kept(&format!("Artifacts[{index}].Chown")), ..artifact(spec) });
    let mounts = task.volume_mounts.iter().enumerate().map(|(index, mount)| ApiVolumeMount {
        volume: text(&mount.volume),
        destination: text(&mount.destination),
        read_only: Some(mount.read_only),
        propagation_mode: text(&mount.propagation_mode),
        selinux_label: kept(&format!("VolumeMounts[{index}].SELinuxLabel")),
    });
    ApiTask {
        name: text(&task.name),
        driver: text(&task.driver),
        user: text(&task.user),
        kind: Some(task.other.get("Kind").and_then(|kind| kind.as_str()).unwrap_or_default().to_owned()),
        config: Some(to_json(&task.config)),
        env: map(&task.env),
        meta: map(&task.meta),
        resources: Some(resources(task)),
        restart_policy: task.restart.as_ref().map(policies::restart_to_api),
        lifecycle: task
            .lifecycle
            .as_ref()
            .map(|lifecycle| ApiLifecycle { hook: Some(lifecycle.hook.name().to_owned()), sidecar: Some(lifecycle.sidecar) }),
        leader: Some(task.leader),
        kill_timeout: Some(Nanos(task.kill_timeout)),
        kill_signal: text(&task.kill_signal),
        shutdown_delay: Some(Nanos(task.shutdown_delay)),
        log_config: Some(ApiLogConfig {
            max_files: Some(i64::from(task.logs.max_files)),
            max_file_size: Some(i64::from(task.logs.max_file_size)),
            disabled: Some(task.logs.disabled),
        }),
        constraints: each(&task.constraints, policies::constraint_to_api),
        affinities: each(&task.affinities, policies::affinity_to_api),
        services: services::to_api(&task.services, &task.other),
        templates: (!task.templates.is_empty()).then(|| templates.collect()),
        artifacts: (!task.artifacts.is_empty()).then(|| artifacts.collect()),
        volume_mounts: (!task.volume_mounts.is_empty()).then(|| mounts.collect()),
        dispatch_payload: task.dispatch_payload_file.as_ref().map(|file| ApiDispatchPayload { file: text(file) }),
        vault: kept("Vault"),
        consul: kept("Consul"),
        identity: kept("Identity"),
        identities: kept("Identities"),
        secrets: kept("Secrets"),
        actions: kept("Actions"),
        scaling_policies: kept("ScalingPolicies"),
        csi_plugin_config: kept("CSIPluginConfig"),
        schedule: kept("Schedule"),
    }
}

fn signed(size: MebiBytes) -> i64 {
    i64::try_from(size.0).unwrap_or(i64::MAX)
}

fn resources(task: &Task) -> ApiResources {
    let resources = &task.resources;
    let integer = |key: &str| give_back(&task.other, key).and_then(|value| value.as_i64()).or(Some(0));
    ApiResources {
        cpu: i64::try_from(resources.cpu.0).ok(),
        cores: Some(i64::from(resources.cores)),
        memory: i64::try_from(resources.memory.0).ok(),
        memory_max: Some(if resources.memory_max == MebiBytes::UNLIMITED { -1 } else { signed(resources.memory_max) }),
        disk: integer("Resources.DiskMB"),
        iops: integer("Resources.IOPS"),
        networks: None,
        devices: each(&resources.devices, |device| ApiDevice {
            name: text(&device.name),
            count: Some(device.count),
            share: (device.share != DeviceShare::WHOLE).then(|| f64::from(device.share.0) / 1000.0),
            constraints: each(&device.constraints, policies::constraint_to_api),
            affinities: each(&device.affinities, policies::affinity_to_api),
        }),
        numa: (resources.numa != NumaAsk::default()).then(|| ApiNuma {
            affinity: policies::name_of(super::into_model::NUMA_AFFINITIES, resources.numa.affinity),
            devices: (!resources.numa.devices.is_empty()).then(|| resources.numa.devices.iter().map(ToString::to_string).collect()),
        }),
        secrets: integer("Resources.SecretsMB"),
    }
}

fn template(template: &Template, kept: impl Fn(&str) -> Option<serde_json::Value>) -> ApiTemplate {
    ApiTemplate {
        source_path: text(&template.source),
        dest_path: text(&template.destination),
        embedded_tmpl: text(&template.data),
        change_mode: text(&template.change_mode),
        change_signal: text(&template.change_signal),
        change_script: kept("ChangeScript"),
        splay: Some(Nanos(template.splay)),
        perms: text(&template.perms),
        uid: kept("Uid"),
        gid: kept("Gid"),
        left_delim: text(&template.left_delimiter),
        right_delim: text(&template.right_delimiter),
        envvars: Some(template.env),
        once: Some(template.once),
        wait: kept("Wait"),
        err_missing_key: Some(template.error_on_missing_key),
    }
}

fn artifact(artifact: &Artifact) -> ApiArtifact {
    ApiArtifact {
        getter_source: text(&artifact.source),
        relative_dest: text(&artifact.destination),
        getter_mode: text(&artifact.mode),
        getter_options: map(&artifact.options),
        getter_headers: map(&artifact.headers),
        getter_insecure: Some(artifact.insecure),
        chown: None,
    }
}
