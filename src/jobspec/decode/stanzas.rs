//! Every stanza of a jobspec but those of services (`services`) and those pannier only keeps (`kept`).

use super::kept::{ACTION, CONSUL, CSI_PLUGIN, IDENTITY, MULTIREGION, SCALING, SCHEDULE, SECRET, TASK_SCALING, UI, VAULT};
use super::schema::Kind::{Bool, Config, Duration, Float, Int, OneOf, Text, TextMap, Texts};
use super::schema::{Child, Finish, Shape, Stanza, attribute, labelled, many, one, renamed};
use super::services::SERVICE;

pub static JOB: Stanza = Stanza::of(&[
    renamed("id", "ID", Text),
    attribute("name", Text),
    attribute("namespace", Text),
    attribute("region", Text),
    attribute("type", OneOf(&["service", "batch", "system", "sysbatch"])),
    attribute("priority", Int),
    attribute("datacenters", Texts),
    attribute("node_pool", Text),
    attribute("all_at_once", Bool),
    attribute("meta", TextMap),
    attribute("vault_token", Text),
    attribute("consul_token", Text),
])
.with(&[
    many("constraint", "Constraints", &CONSTRAINT),
    many("affinity", "Affinities", &AFFINITY),
    many("spread", "Spreads", &SPREAD),
    one("update", "Update", &UPDATE),
    one("reschedule", "Reschedule", &RESCHEDULE),
    one("migrate", "Migrate", &MIGRATE),
    one("periodic", "Periodic", &PERIODIC),
    one("parameterized", "ParameterizedJob", &PARAMETERIZED),
    one("ui", "UI", &UI),
    Child {
        name: "multiregion",
        field: "Multiregion",
        shape: Shape::One,
        stanza: &MULTIREGION,
        refused: Some("a job runs in one region; register it in each region instead"),
    },
    one("vault", "Vault", &VAULT),
    labelled("group", "TaskGroups", "Name", &GROUP),
    labelled("task", "Tasks", "Name", &TASK),
])
.finished_by(Finish::Job);

pub static GROUP: Stanza = Stanza::of(&[
    attribute("count", Int),
    attribute("meta", TextMap),
    attribute("shutdown_delay", Duration),
    attribute("max_run_duration", Duration),
    attribute("max_client_disconnect", Duration),
    attribute("stop_after_client_disconnect", Duration),
    attribute("prevent_reschedule_on_lost", Bool),
])
.with(&[
    many("constraint", "Constraints", &CONSTRAINT),
    many("affinity", "Affinities", &AFFINITY),
    many("spread", "Spreads", &SPREAD),
    one("restart", "RestartPolicy", &RESTART),
    one("reschedule", "ReschedulePolicy", &RESCHEDULE),
    one("update", "Update", &UPDATE),
    one("migrate", "Migrate", &MIGRATE),
    one("disconnect", "Disconnect", &DISCONNECT),
    one("ephemeral_disk", "EphemeralDisk", &EPHEMERAL_DISK),
    many("network", "Networks", &NETWORK),
    many("service", "Services", &SERVICE),
    Child { name: "volume", field: "Volumes", shape: Shape::Keyed, stanza: &VOLUME, refused: None },
    one("scaling", "Scaling", &SCALING),
    one("consul", "Consul", &CONSUL),
    one("vault", "Vault", &VAULT),
    labelled("task", "Tasks", "Name", &TASK),
])
.finished_by(Finish::Group);

pub static TASK: Stanza = Stanza::of(&[
    attribute("driver", Text),
    attribute("user", Text),
    attribute("kind", Text),
    attribute("config", Config),
    attribute("env", TextMap),
    attribute("meta", TextMap),
    attribute("leader", Bool),
    attribute("kill_timeout", Duration),
    attribute("kill_signal", Text),
    attribute("shutdown_delay", Duration),
])
.with(&[
    one("resources", "Resources", &RESOURCES),
    one("logs", "LogConfig", &LOGS),
    one("lifecycle", "Lifecycle", &LIFECYCLE),
    one("restart", "RestartPolicy", &RESTART),
    many("constraint", "Constraints", &CONSTRAINT),
    many("affinity", "Affinities", &AFFINITY),
    many("artifact", "Artifacts", &ARTIFACT),
    many("template", "Templates", &TEMPLATE),
    many("service", "Services", &SERVICE),
    many("volume_mount", "VolumeMounts", &VOLUME_MOUNT),
    one("dispatch_payload", "DispatchPayload", &DISPATCH_PAYLOAD),
    one("vault", "Vault", &VAULT),
    one("consul", "Consul", &CONSUL),
    many("identity", "Identities", &IDENTITY),
    labelled("secret", "Secrets", "Name", &SECRET),
    labelled("action", "Actions", "Name", &ACTION),
    labelled("scaling", "ScalingPolicies", "Type", &TASK_SCALING),
    one("csi_plugin", "CSIPluginConfig", &CSI_PLUGIN),
    one("schedule", "Schedule", &SCHEDULE),
]);

static CONSTRAINT: Stanza =
    Stanza::of(&[renamed("attribute", "LTarget", Text), renamed("operator", "Operand", Text), renamed("value", "RTarget", Text)])
        .finished_by(Finish::Comparison);

static AFFINITY: Stanza = Stanza::of(&[
    renamed("attribute", "LTarget", Text),
    renamed("operator", "Operand", Text),
    renamed("value", "RTarget", Text),
    attribute("weight", Int),
])
.finished_by(Finish::Comparison);

static SPREAD: Stanza = Stanza::of(&[attribute("attribute", Text), attribute("weight", Int)]).requires(&["attribute"]).with(&[labelled(
    "target",
    "SpreadTarget",
    "Value",
    &SPREAD_TARGET,
)]);

static SPREAD_TARGET: Stanza = Stanza::of(&[attribute("percent", Int)]);

const HEALTH_CHECKS: &[&str] = &["checks", "task_states", "manual"];

static UPDATE: Stanza = Stanza::of(&[
    attribute("stagger", Duration),
    attribute("max_parallel", Int),
    attribute("health_check", OneOf(HEALTH_CHECKS)),
    attribute("min_healthy_time", Duration),
    attribute("healthy_deadline", Duration),
    attribute("progress_deadline", Duration),
    attribute("auto_revert", Bool),
    attribute("auto_promote", Bool),
    attribute("canary", Int),
]);

static MIGRATE: Stanza = Stanza::of(&[
    attribute("max_parallel", Int),
    attribute("health_check", OneOf(HEALTH_CHECKS)),
    attribute("min_healthy_time", Duration),
    attribute("healthy_deadline", Duration),
]);

static RESTART: Stanza = Stanza::of(&[
    attribute("attempts", Int),
    attribute("interval", Duration),
    attribute("delay", Duration),
    attribute("mode", OneOf(&["fail", "delay"])),
    attribute("render_templates", Bool),
]);

static RESCHEDULE: Stanza = Stanza::of(&[
    attribute("attempts", Int),
    attribute("interval", Duration),
    attribute("delay", Duration),
    attribute("delay_function", OneOf(&["constant", "exponential", "fibonacci"])),
    attribute("max_delay", Duration),
    attribute("unlimited", Bool),
]);

static DISCONNECT: Stanza = Stanza::of(&[
    attribute("lost_after", Duration),
    attribute("stop_on_client_after", Duration),
    attribute("replace", Bool),
    attribute("reconcile", OneOf(&["best_score", "longest_running", "keep_original", "keep_replacement"])),
]);

static PERIODIC: Stanza = Stanza::of(&[
    attribute("enabled", Bool),
    renamed("cron", "Spec", Text),
    renamed("crons", "Specs", Texts),
    attribute("prohibit_overlap", Bool),
    attribute("time_zone", Text),
])
.finished_by(Finish::Periodic);

static PARAMETERIZED: Stanza = Stanza::of(&[
    attribute("payload", OneOf(&["optional", "required", "forbidden"])),
    attribute("meta_required", Texts),
    attribute("meta_optional", Texts),
]);

static EPHEMERAL_DISK: Stanza = Stanza::of(&[renamed("size", "SizeMB", Int), attribute("sticky", Bool), attribute("migrate", Bool)]);

static NETWORK: Stanza =
    Stanza::of(&[attribute("mode", Text), attribute("hostname", Text), renamed("mbits", "MBits", Int), attribute("device", Text)])
        .with(&[one("dns", "DNS", &DNS), one("cni", "CNI", &CNI), labelled("port", "Ports", "Label", &PORT)])
        .finished_by(Finish::Network);

static DNS: Stanza = Stanza::of(&[attribute("servers", Texts), attribute("searches", Texts), attribute("options", Texts)]);

static CNI: Stanza = Stanza::of(&[attribute("args", TextMap)]);

static PORT: Stanza = Stanza::of(&[
    renamed("static", "Value", Int),
    attribute("to", Int),
    attribute("host_network", Text),
    attribute("ignore_collision", Bool),
]);

static VOLUME: Stanza = Stanza::of(&[
    attribute("type", OneOf(&["host", "csi"])),
    attribute("source", Text),
    attribute("read_only", Bool),
    attribute("sticky", Bool),
    attribute("per_alloc", Bool),
    attribute("access_mode", Text),
    attribute("attachment_mode", Text),
])
.requires(&["type"])
.with(&[one("mount_options", "MountOptions", &MOUNT_OPTIONS)]);

static MOUNT_OPTIONS: Stanza = Stanza::of(&[renamed("fs_type", "FSType", Text), attribute("mount_flags", Texts)]);

static VOLUME_MOUNT: Stanza = Stanza::of(&[
    attribute("volume", Text),
    attribute("destination", Text),
    attribute("read_only", Bool),
    renamed("propagation_mode", "PropagationMode", OneOf(&["private", "host-to-task", "bidirectional"])),
    renamed("selinux_label", "SELinuxLabel", Text),
])
.requires(&["volume", "destination"]);

static RESOURCES: Stanza = Stanza::of(&[
    renamed("cpu", "CPU", Int),
    attribute("cores", Int),
    renamed("memory", "MemoryMB", Int),
    renamed("memory_max", "MemoryMaxMB", Int),
    renamed("disk", "DiskMB", Int),
    renamed("iops", "IOPS", Int),
    renamed("secrets", "SecretsMB", Int),
])
.with(&[many("network", "Networks", &NETWORK), labelled("device", "Devices", "Name", &DEVICE), one("numa", "NUMA", &NUMA)]);

static DEVICE: Stanza = Stanza::of(&[attribute("count", Int), attribute("share", Float)])
    .with(&[many("constraint", "Constraints", &CONSTRAINT), many("affinity", "Affinities", &AFFINITY)]);

static NUMA: Stanza = Stanza::of(&[attribute("affinity", OneOf(&["none", "prefer", "require"])), attribute("devices", Texts)]);

static LOGS: Stanza =
    Stanza::of(&[attribute("max_files", Int), renamed("max_file_size", "MaxFileSizeMB", Int), attribute("disabled", Bool)]);

static LIFECYCLE: Stanza =
    Stanza::of(&[attribute("hook", OneOf(&["prestart", "poststart", "poststop"])), attribute("sidecar", Bool)]).requires(&["hook"]);

static DISPATCH_PAYLOAD: Stanza = Stanza::of(&[attribute("file", Text)]).requires(&["file"]);

static ARTIFACT: Stanza = Stanza::of(&[
    renamed("source", "GetterSource", Text),
    renamed("destination", "RelativeDest", Text),
    renamed("mode", "GetterMode", OneOf(&["any", "file", "dir"])),
    renamed("options", "GetterOptions", TextMap),
    renamed("headers", "GetterHeaders", TextMap),
    renamed("insecure", "GetterInsecure", Bool),
    attribute("chown", Bool),
])
.requires(&["source"]);

static TEMPLATE: Stanza = Stanza::of(&[
    renamed("source", "SourcePath", Text),
    renamed("destination", "DestPath", Text),
    renamed("data", "EmbeddedTmpl", Text),
    attribute("change_mode", OneOf(&["restart", "signal", "noop", "script"])),
    attribute("change_signal", Text),
    attribute("splay", Duration),
    attribute("perms", Text),
    attribute("uid", Int),
    attribute("gid", Int),
    renamed("env", "Envvars", Bool),
    attribute("once", Bool),
    renamed("left_delimiter", "LeftDelim", Text),
    renamed("right_delimiter", "RightDelim", Text),
    renamed("error_on_missing_key", "ErrMissingKey", Bool),
    attribute("vault_grace", Duration),
])
.with(&[one("wait", "Wait", &WAIT), one("change_script", "ChangeScript", &CHANGE_SCRIPT)])
.requires(&["destination"]);

static WAIT: Stanza = Stanza::of(&[attribute("min", Duration), attribute("max", Duration)]);

static CHANGE_SCRIPT: Stanza = Stanza::of(&[
    attribute("command", Text),
    attribute("args", Texts),
    attribute("timeout", Duration),
    attribute("fail_on_error", Bool),
    attribute("run_on_first_render", Bool),
]);
