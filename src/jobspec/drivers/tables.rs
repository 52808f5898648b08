//! The keys of each driver.

use super::Kind::{Blocks, Bool, Duration, Integer, Map, Text, TextMap, Texts};
use super::{Driver, Key, key};

pub static DRIVERS: [Driver; 6] = [
    Driver { name: "docker", keys: DOCKER, required: &[&["image"]] },
    Driver { name: "exec", keys: EXEC, required: &[&["command"]] },
    Driver { name: "java", keys: JAVA, required: &[&["jar_path", "class"]] },
    Driver { name: "mock_driver", keys: MOCK, required: &[] },
    Driver { name: "qemu", keys: QEMU, required: &[&["image_path"]] },
    Driver { name: "raw_exec", keys: RAW_EXEC, required: &[&["command"]] },
];

const RAW_EXEC: &[Key] = &[
    key("command", Text),
    key("args", Texts),
    key("work_dir", Text),
    key("oom_score_adj", Integer),
    key("cpu_hard_limit", Bool),
    key("denied_envvars", Texts),
    key("cgroup_v1_override", Map),
    key("cgroup_v2_override", Text),
];

const EXEC: &[Key] = &[
    key("command", Text),
    key("args", Texts),
    key("pid_mode", Text),
    key("ipc_mode", Text),
    key("cap_add", Texts),
    key("cap_drop", Texts),
    key("work_dir", Text),
];

const JAVA: &[Key] = &[
    key("class", Text),
    key("class_path", Text),
    key("jar_path", Text),
    key("jvm_options", Texts),
    key("args", Texts),
    key("pid_mode", Text),
    key("ipc_mode", Text),
    key("cap_add", Texts),
    key("cap_drop", Texts),
    key("work_dir", Text),
];

const QEMU: &[Key] = &[
    key("image_path", Text),
    key("accelerator", Text),
    key("args", Texts),
    key("drive_interface", Text),
    key("emulator", Text),
    key("graceful_shutdown", Bool),
    key("guest_agent", Bool),
    key("machine_type", Text),
    key("port_map", Map),
];

const MOCK: &[Key] = &[
    key("run_for", Duration),
    key("exit_code", Integer),
    key("exit_signal", Integer),
    key("exit_err_msg", Text),
    key("start_error", Text),
    key("start_error_recoverable", Bool),
    key("start_block_for", Duration),
    key("kill_after", Duration),
    key("stdout_string", Text),
    key("stdout_repeat", Integer),
    key("stdout_repeat_duration", Duration),
    key("signal_error", Text),
];

const DOCKER: &[Key] = &[
    key("image", Text),
    key("advertise_ipv6_address", Bool),
    key("args", Texts),
    key("auth", Blocks(AUTH)),
    key("auth_soft_fail", Bool),
    key("cap_add", Texts),
    key("cap_drop", Texts),
    key("cgroupns", Text),
    key("command", Text),
    key("container_exists_attempts", Integer),
    key("cpu_cfs_period", Integer),
    key("cpu_hard_limit", Bool),
    key("cpuset_cpus", Text),
    key("devices", Blocks(DEVICE)),
    key("dns_options", Texts),
    key("dns_search_domains", Texts),
    key("dns_servers", Texts),
    key("entrypoint", Texts),
    key("extra_hosts", Texts),
    key("force_pull", Bool),
    key("group_add", Texts),
    key("healthchecks", Blocks(&[key("disable", Bool)])),
    key("hostname", Text),
    key("image_pull_timeout", Duration),
    key("init", Bool),
    key("interactive", Bool),
    key("ipc_mode", Text),
    key("ipv4_address", Text),
    key("ipv6_address", Text),
    key("isolation", Text),
    key("labels", TextMap),
    key("load", Text),
    key("logging", Blocks(&[key("type", Text), key("driver", Text), key("config", TextMap)])),
    key("mac_address", Text),
    key("memory_hard_limit", Integer),
    key("mount", Blocks(MOUNT)),
    key("mounts", Blocks(MOUNT)),
    key("network_aliases", Texts),
    key("network_mode", Text),
    key("oom_score_adj", Integer),
    key("pid_mode", Text),
    key("pids_limit", Integer),
    key("port_map", Map),
    key("ports", Texts),
    key("privileged", Bool),
    key("readonly_rootfs", Bool),
    key("runtime", Text),
    key("security_opt", Texts),
    key("shm_size", Integer),
    key("storage_opt", TextMap),
    key("sysctl", TextMap),
    key("tty", Bool),
    key("ulimit", TextMap),
    key("userns_mode", Text),
    key("uts_mode", Text),
    key("volume_driver", Text),
    key("volumes", Texts),
    key("work_dir", Text),
];

const AUTH: &[Key] = &[key("username", Text), key("password", Text), key("email", Text), key("server_address", Text)];

const DEVICE: &[Key] = &[key("host_path", Text), key("container_path", Text), key("cgroup_permissions", Text)];

const MOUNT: &[Key] = &[
    key("type", Text),
    key("target", Text),
    key("source", Text),
    key("readonly", Bool),
    key("bind_options", Blocks(&[key("propagation", Text)])),
    key("tmpfs_options", Blocks(&[key("size", Integer), key("mode", Integer)])),
    key("volume_options", Blocks(VOLUME_OPTIONS)),
];

const VOLUME_OPTIONS: &[Key] = &[
    key("no_copy", Bool),
    key("labels", TextMap),
    key("subpath", Text),
    key("driver_config", Blocks(&[key("name", Text), key("options", TextMap)])),
];
