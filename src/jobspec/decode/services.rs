//! Stanzas of services and their checks.

use super::connect::CONNECT;
use super::kept::IDENTITY;
use super::schema::Kind::{Bool, Duration, Int, OneOf, Text, TextMap, Texts, TextsMap};
use super::schema::{Stanza, attribute, many, one, renamed};

pub static SERVICE: Stanza = Stanza::of(&[
    attribute("name", Text),
    renamed("id", "Id", Text),
    attribute("provider", OneOf(&["consul", "nomad"])),
    renamed("port", "PortLabel", Text),
    attribute("tags", Texts),
    attribute("canary_tags", Texts),
    attribute("meta", TextMap),
    attribute("canary_meta", TextMap),
    attribute("enable_tag_override", Bool),
    attribute("address_mode", OneOf(&["auto", "alloc", "alloc_ipv6", "driver", "host"])),
    attribute("address", Text),
    attribute("tagged_addresses", TextMap),
    renamed("task", "TaskName", Text),
    attribute("on_update", OneOf(&["require_healthy", "ignore_warnings", "ignore"])),
    attribute("cluster", Text),
    attribute("kind", Text),
])
.with(&[
    many("check", "Checks", &CHECK),
    one("check_restart", "CheckRestart", &CHECK_RESTART),
    one("weights", "Weights", &WEIGHTS),
    one("identity", "Identity", &IDENTITY),
    one("connect", "Connect", &CONNECT),
]);

static CHECK: Stanza = Stanza::of(&[
    attribute("name", Text),
    attribute("type", OneOf(&["http", "tcp", "grpc", "script"])),
    attribute("path", Text),
    attribute("method", Text),
    renamed("port", "PortLabel", Text),
    attribute("protocol", Text),
    attribute("interval", Duration),
    attribute("timeout", Duration),
    attribute("header", TextsMap),
    attribute("body", Text),
    attribute("args", Texts),
    attribute("command", Text),
    renamed("task", "TaskName", Text),
    attribute("address_mode", Text),
    attribute("expose", Bool),
    attribute("initial_status", Text),
    renamed("tls_skip_verify", "TLSSkipVerify", Bool),
    renamed("tls_server_name", "TLSServerName", Text),
    renamed("grpc_service", "GRPCService", Text),
    renamed("grpc_use_tls", "GRPCUseTLS", Bool),
    attribute("success_before_passing", Int),
    attribute("failures_before_critical", Int),
    attribute("failures_before_warning", Int),
    attribute("on_update", OneOf(&["require_healthy", "ignore_warnings", "ignore"])),
    attribute("notes", Text),
])
.with(&[one("check_restart", "CheckRestart", &CHECK_RESTART)])
.requires(&["type"]);

static CHECK_RESTART: Stanza = Stanza::of(&[attribute("limit", Int), attribute("grace", Duration), attribute("ignore_warnings", Bool)]);

static WEIGHTS: Stanza = Stanza::of(&[attribute("passing", Int), attribute("warning", Int)]);
