//! Stanzas that pannier understands and keeps, but cannot honour yet.

use super::schema::Kind::{Bool, Config, Duration, Int, OneOf, Text, TextMap, Texts};
use super::schema::{Stanza, attribute, labelled, one, renamed};

pub static VAULT: Stanza = Stanza::of(&[
    attribute("policies", Texts),
    attribute("role", Text),
    attribute("namespace", Text),
    attribute("cluster", Text),
    attribute("env", Bool),
    attribute("disable_file", Bool),
    attribute("change_mode", OneOf(&["restart", "signal", "noop"])),
    attribute("change_signal", Text),
    attribute("allow_token_expiration", Bool),
]);

pub static CONSUL: Stanza = Stanza::of(&[attribute("namespace", Text), attribute("cluster", Text), attribute("partition", Text)]);

pub static IDENTITY: Stanza = Stanza::of(&[
    attribute("name", Text),
    renamed("aud", "Audience", Texts),
    attribute("change_mode", OneOf(&["restart", "signal", "noop"])),
    attribute("change_signal", Text),
    attribute("env", Bool),
    attribute("file", Bool),
    attribute("filepath", Text),
    attribute("service_name", Text),
    renamed("ttl", "TTL", Duration),
    attribute("extra_claims", TextMap),
]);

pub static SECRET: Stanza =
    Stanza::of(&[attribute("provider", Text), attribute("path", Text), attribute("config", Config), attribute("env", TextMap)]);

pub static ACTION: Stanza = Stanza::of(&[attribute("command", Text), attribute("args", Texts)]).requires(&["command"]);

pub static CSI_PLUGIN: Stanza = Stanza::of(&[
    renamed("id", "ID", Text),
    attribute("type", OneOf(&["node", "controller", "monolith"])),
    attribute("mount_dir", Text),
    attribute("stage_publish_base_dir", Text),
    attribute("health_timeout", Duration),
]);

pub static SCHEDULE: Stanza = Stanza::of(&[]).with(&[one("cron", "Cron", &SCHEDULE_CRON)]);

static SCHEDULE_CRON: Stanza = Stanza::of(&[attribute("start", Text), attribute("end", Text), attribute("timezone", Text)]);

/// A group's: bounds for `count`, and a policy for an autoscaler to read.
pub static SCALING: Stanza =
    Stanza::of(&[attribute("min", Int), attribute("max", Int), attribute("enabled", Bool), attribute("policy", Config)]).requires(&["max"]);

/// A task's, for dynamic sizing.
pub static TASK_SCALING: Stanza =
    Stanza::of(&[attribute("min", Int), attribute("max", Int), attribute("enabled", Bool), attribute("policy", Config)]);

pub static UI: Stanza = Stanza::of(&[attribute("description", Text)]).with(&[super::schema::many("link", "Links", &UI_LINK)]);

static UI_LINK: Stanza = Stanza::of(&[attribute("label", Text), renamed("url", "URL", Text)]);

pub static MULTIREGION: Stanza =
    Stanza::of(&[]).with(&[one("strategy", "Strategy", &REGION_STRATEGY), labelled("region", "Regions", "Name", &REGION)]);

static REGION_STRATEGY: Stanza = Stanza::of(&[attribute("max_parallel", Int), attribute("on_failure", Text)]);

static REGION: Stanza =
    Stanza::of(&[attribute("count", Int), attribute("datacenters", Texts), attribute("node_pool", Text), attribute("meta", TextMap)]);
