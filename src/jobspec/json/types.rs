//! A job as the API writes it. Every field may be missing or null on input; fields that are not here are ignored.
//!
//! Stanzas without a room in the model are kept as JSON.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value as Json;

use super::nanos::Nanos;

/// Declares structs whose fields are all optional and Go-cased. They are read from objects only: what serde derives would take an
/// array, too, its items for the fields in the order they stand here.
macro_rules! api {
    ($($(#[$doc:meta])* $name:ident { $($(#[$attr:meta])* $field:ident: $kind:ty,)* })*) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
            #[cfg_attr(test, derive(schemars::JsonSchema))]
            #[serde(rename_all = "PascalCase", default, remote = "Self")]
            pub struct $name { $($(#[$attr])* pub $field: Option<$kind>,)* }

            impl Serialize for $name {
                fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                    Self::serialize(self, serializer)
                }
            }

            impl<'de> Deserialize<'de> for $name {
                fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                    struct Fields;

                    impl<'de> Visitor<'de> for Fields {
                        type Value = $name;

                        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                            f.write_str("an object")
                        }

                        fn visit_map<A: MapAccess<'de>>(self, fields: A) -> Result<$name, A::Error> {
                            $name::deserialize(MapAccessDeserializer::new(fields))
                        }
                    }

                    deserializer.deserialize_map(Fields)
                }
            }
        )*
    };
}

api! {
    ApiJob {
        #[serde(rename = "ID")] id: String,
        name: String,
        #[serde(rename = "ParentID")] parent_id: String,
        namespace: String,
        region: String,
        r#type: String,
        priority: i64,
        all_at_once: bool,
        datacenters: Vec<String>,
        node_pool: String,
        constraints: Vec<ApiConstraint>,
        affinities: Vec<ApiAffinity>,
        spreads: Vec<ApiSpread>,
        task_groups: Vec<ApiTaskGroup>,
        update: ApiUpdate,
        // Only on input: they are merged into the groups.
        #[serde(skip_serializing)] reschedule: ApiReschedule,
        #[serde(skip_serializing)] migrate: ApiMigrate,
        multiregion: Json,
        #[serde(rename = "UI")] ui: Json,
        periodic: ApiPeriodic,
        parameterized_job: ApiParameterized,
        dispatched: bool,
        /// Base64.
        payload: String,
        meta: BTreeMap<String, String>,
        version_tag: Json,
        status: String,
        status_description: String,
        stop: bool,
        stable: bool,
        version: u64,
        submit_time: i64,
        create_index: u64,
        modify_index: u64,
        job_modify_index: u64,
    }
    ApiConstraint {
        #[serde(rename = "LTarget")] left: String,
        #[serde(rename = "RTarget")] right: String,
        operand: String,
        /// Set by the jobspec for `distinct_hosts = false`: it asks for nothing.
        #[serde(skip_serializing)] ignored: bool,
    }
    ApiAffinity {
        #[serde(rename = "LTarget")] left: String,
        #[serde(rename = "RTarget")] right: String,
        operand: String,
        weight: i64,
    }
    ApiSpread {
        attribute: String,
        weight: i64,
        spread_target: Vec<ApiSpreadTarget>,
    }
    ApiSpreadTarget {
        value: String,
        percent: i64,
    }
    ApiPeriodic {
        enabled: bool,
        spec: String,
        specs: Vec<String>,
        spec_type: String,
        prohibit_overlap: bool,
        time_zone: String,
    }
    ApiParameterized {
        payload: String,
        meta_required: Vec<String>,
        meta_optional: Vec<String>,
    }
    ApiUpdate {
        stagger: Nanos,
        max_parallel: i64,
        health_check: String,
        min_healthy_time: Nanos,
        healthy_deadline: Nanos,
        progress_deadline: Nanos,
        auto_revert: bool,
        auto_promote: bool,
        canary: i64,
    }
    ApiMigrate {
        max_parallel: i64,
        health_check: String,
        min_healthy_time: Nanos,
        healthy_deadline: Nanos,
    }
    ApiRestart {
        attempts: i64,
        interval: Nanos,
        delay: Nanos,
        mode: String,
        render_templates: bool,
    }
    ApiReschedule {
        attempts: i64,
        interval: Nanos,
        delay: Nanos,
        delay_function: String,
        max_delay: Nanos,
        unlimited: bool,
    }
    ApiDisconnect {
        lost_after: Nanos,
        stop_on_client_after: Nanos,
        replace: bool,
        reconcile: String,
    }
    ApiTaskGroup {
        name: String,
        count: i64,
        constraints: Vec<ApiConstraint>,
        affinities: Vec<ApiAffinity>,
        spreads: Vec<ApiSpread>,
        restart_policy: ApiRestart,
        reschedule_policy: ApiReschedule,
        update: ApiUpdate,
        migrate: ApiMigrate,
        disconnect: ApiDisconnect,
        ephemeral_disk: ApiEphemeralDisk,
        networks: Vec<ApiNetwork>,
        services: Vec<ApiService>,
        volumes: BTreeMap<String, ApiVolume>,
        tasks: Vec<ApiTask>,
        meta: BTreeMap<String, String>,
        shutdown_delay: Nanos,
        max_run_duration: Nanos,
        scaling: ApiScaling,
        consul: Json,
        max_client_disconnect: Nanos,
        stop_after_client_disconnect: Nanos,
        prevent_reschedule_on_lost: bool,
    }
    ApiEphemeralDisk {
        #[serde(rename = "SizeMB")] size: i64,
        sticky: bool,
        migrate: bool,
    }
    ApiScaling {
        min: i64,
        max: i64,
        enabled: bool,
        policy: Json,
    }
    ApiVolume {
        name: String,
        r#type: String,
        source: String,
        read_only: bool,
        sticky: bool,
        per_alloc: bool,
        access_mode: String,
        attachment_mode: String,
        mount_options: Json,
    }
    ApiNetwork {
        mode: String,
        hostname: String,
        #[serde(rename = "DNS")] dns: ApiDns,
        reserved_ports: Vec<ApiPort>,
        dynamic_ports: Vec<ApiPort>,
        #[serde(rename = "CNI")] cni: Json,
    }
    ApiDns {
        servers: Vec<String>,
        searches: Vec<String>,
        options: Vec<String>,
    }
    ApiPort {
        label: String,
        value: i64,
        to: i64,
        host_network: String,
        ignore_collision: bool,
    }
    ApiTask {
        name: String,
        driver: String,
        user: String,
        kind: String,
        config: Json,
        env: BTreeMap<String, String>,
        meta: BTreeMap<String, String>,
        resources: ApiResources,
        restart_policy: ApiRestart,
        lifecycle: ApiLifecycle,
        leader: bool,
        kill_timeout: Nanos,
        kill_signal: String,
        shutdown_delay: Nanos,
        log_config: ApiLogConfig,
        constraints: Vec<ApiConstraint>,
        affinities: Vec<ApiAffinity>,
        services: Vec<ApiService>,
        templates: Vec<ApiTemplate>,
        artifacts: Vec<ApiArtifact>,
        volume_mounts: Vec<ApiVolumeMount>,
        dispatch_payload: ApiDispatchPayload,
        vault: Json,
        consul: Json,
        identity: Json,
        identities: Json,
        secrets: Json,
        actions: Json,
        scaling_policies: Json,
        #[serde(rename = "CSIPluginConfig")] csi_plugin_config: Json,
        schedule: Json,
    }
    ApiResources {
        #[serde(rename = "CPU")] cpu: i64,
        cores: i64,
        #[serde(rename = "MemoryMB")] memory: i64,
        #[serde(rename = "MemoryMaxMB")] memory_max: i64,
        #[serde(rename = "DiskMB")] disk: i64,
        #[serde(rename = "IOPS")] iops: i64,
        networks: Vec<ApiNetwork>,
        devices: Vec<ApiDevice>,
        #[serde(rename = "NUMA")] numa: ApiNuma,
        #[serde(rename = "SecretsMB")] secrets: i64,
    }
    ApiNuma {
        affinity: String,
        devices: Vec<String>,
    }
    ApiDevice {
        name: String,
        count: u64,
        /// Of each device, above 0 and up to 1 (pannier's own).
        share: f64,
        constraints: Vec<ApiConstraint>,
        affinities: Vec<ApiAffinity>,
    }
    ApiLifecycle {
        hook: String,
        sidecar: bool,
    }
    ApiLogConfig {
        max_files: i64,
        #[serde(rename = "MaxFileSizeMB")] max_file_size: i64,
        disabled: bool,
    }
    ApiTemplate {
        source_path: String,
        dest_path: String,
        embedded_tmpl: String,
        change_mode: String,
        change_signal: String,
        change_script: Json,
        splay: Nanos,
        perms: String,
        uid: Json,
        gid: Json,
        left_delim: String,
        right_delim: String,
        envvars: bool,
        once: bool,
        wait: Json,
        err_missing_key: bool,
    }
    ApiArtifact {
        getter_source: String,
        relative_dest: String,
        getter_mode: String,
        getter_options: BTreeMap<String, String>,
        getter_headers: BTreeMap<String, String>,
        getter_insecure: bool,
        chown: Json,
    }
    ApiVolumeMount {
        volume: String,
        destination: String,
        read_only: bool,
        propagation_mode: String,
        #[serde(rename = "SELinuxLabel")] selinux_label: Json,
    }
    ApiDispatchPayload {
        file: String,
    }
    ApiService {
        name: String,
        provider: String,
        port_label: String,
        tags: Vec<String>,
        canary_tags: Vec<String>,
        meta: BTreeMap<String, String>,
        canary_meta: BTreeMap<String, String>,
        address_mode: String,
        address: String,
        task_name: String,
        on_update: String,
        checks: Vec<ApiCheck>,
        #[serde(skip_serializing)] check_restart: ApiCheckRestart,
        enable_tag_override: Json,
        tagged_addresses: Json,
        weights: Json,
        identity: Json,
        connect: Json,
        cluster: Json,
        kind: Json,
    }
    ApiCheck {
        name: String,
        r#type: String,
        path: String,
        method: String,
        protocol: String,
        port_label: String,
        command: String,
        args: Vec<String>,
        header: BTreeMap<String, Vec<String>>,
        body: String,
        task_name: String,
        interval: Nanos,
        timeout: Nanos,
        on_update: String,
        initial_status: String,
        #[serde(rename = "TLSSkipVerify")] tls_skip_verify: bool,
        check_restart: ApiCheckRestart,
        address_mode: Json,
        expose: Json,
        #[serde(rename = "TLSServerName")] tls_server_name: Json,
        #[serde(rename = "GRPCService")] grpc_service: Json,
        #[serde(rename = "GRPCUseTLS")] grpc_use_tls: Json,
        success_before_passing: Json,
        failures_before_critical: Json,
        failures_before_warning: Json,
        notes: Json,
    }
    ApiCheckRestart {
        limit: i64,
        grace: Nanos,
        ignore_warnings: bool,
    }
}
