//! Consul's service mesh. pannier has none: these blocks are read, so that slips are found and the JSON is Nomad's, and kept.

use super::schema::Kind::{Bool, Config, Duration, Int, Ints, OneOf, Text, TextMap, Texts};
use super::schema::{Child, Shape, Stanza, attribute, many, one, renamed};
use super::stanzas::{LOGS, RESOURCES, VOLUME_MOUNT};

pub static CONNECT: Stanza = Stanza::of(&[attribute("native", Bool)]).with(&[
    one("sidecar_service", "SidecarService", &SIDECAR_SERVICE),
    one("sidecar_task", "SidecarTask", &SIDECAR_TASK),
    one("gateway", "Gateway", &GATEWAY),
]);

static SIDECAR_SERVICE: Stanza = Stanza::of(&[
    attribute("tags", Texts),
    attribute("port", Text),
    attribute("meta", TextMap),
    renamed("disable_default_tcp_check", "DisableDefaultTCPCheck", Bool),
])
.with(&[one("proxy", "Proxy", &PROXY)]);

static PROXY: Stanza =
    Stanza::of(&[attribute("local_service_address", Text), attribute("local_service_port", Int), attribute("config", Config)]).with(&[
        many("upstreams", "Upstreams", &UPSTREAM),
        one("expose", "Expose", &EXPOSE),
        one("transparent_proxy", "TransparentProxy", &TRANSPARENT_PROXY),
    ]);

static UPSTREAM: Stanza = Stanza::of(&[
    attribute("destination_name", Text),
    attribute("destination_type", Text),
    attribute("destination_namespace", Text),
    attribute("destination_partition", Text),
    attribute("destination_peer", Text),
    attribute("local_bind_port", Int),
    attribute("local_bind_address", Text),
    attribute("local_bind_socket_path", Text),
    attribute("local_bind_socket_mode", Text),
    attribute("datacenter", Text),
    attribute("config", Config),
])
.with(&[one("mesh_gateway", "MeshGateway", &MESH_GATEWAY)]);

static MESH_GATEWAY: Stanza = Stanza::of(&[attribute("mode", OneOf(&["none", "local", "remote"]))]);

static EXPOSE: Stanza = Stanza::of(&[]).with(&[many("path", "Paths", &EXPOSE_PATH)]);

static EXPOSE_PATH: Stanza = Stanza::of(&[
    attribute("path", Text),
    attribute("protocol", Text),
    attribute("local_path_port", Int),
    attribute("listener_port", Text),
]);

static TRANSPARENT_PROXY: Stanza = Stanza::of(&[
    renamed("uid", "UID", Text),
    attribute("outbound_port", Int),
    attribute("exclude_inbound_ports", Texts),
    attribute("exclude_outbound_ports", Ints),
    renamed("exclude_outbound_cidrs", "ExcludeOutboundCIDRs", Texts),
    renamed("exclude_uids", "ExcludeUIDs", Texts),
    renamed("no_dns", "NoDNS", Bool),
]);

static SIDECAR_TASK: Stanza = Stanza::of(&[
    attribute("name", Text),
    attribute("driver", Text),
    attribute("user", Text),
    attribute("config", Config),
    attribute("env", TextMap),
    attribute("meta", TextMap),
    attribute("kill_timeout", Duration),
    attribute("kill_signal", Text),
    attribute("shutdown_delay", Duration),
])
.with(&[one("resources", "Resources", &RESOURCES), one("logs", "LogConfig", &LOGS), many("volume_mount", "VolumeMounts", &VOLUME_MOUNT)]);

static GATEWAY: Stanza = Stanza::of(&[]).with(&[
    one("proxy", "Proxy", &GATEWAY_PROXY),
    one("ingress", "Ingress", &INGRESS),
    one("terminating", "Terminating", &TERMINATING),
    one("mesh", "Mesh", &MESH),
]);

static MESH: Stanza = Stanza::of(&[]);

static GATEWAY_PROXY: Stanza = Stanza::of(&[
    attribute("connect_timeout", Duration),
    attribute("envoy_gateway_bind_tagged_addresses", Bool),
    attribute("envoy_gateway_no_default_bind", Bool),
    renamed("envoy_dns_discovery_type", "EnvoyDNSDiscoveryType", Text),
    attribute("config", Config),
])
.with(&[Child {
    name: "envoy_gateway_bind_addresses",
    field: "EnvoyGatewayBindAddresses",
    shape: Shape::Keyed,
    stanza: &BIND_ADDRESS,
    refused: None,
}]);

static BIND_ADDRESS: Stanza = Stanza::of(&[attribute("address", Text), attribute("port", Int)]);

static INGRESS: Stanza = Stanza::of(&[]).with(&[one("tls", "TLS", &GATEWAY_TLS), many("listener", "Listeners", &LISTENER)]);

static GATEWAY_TLS: Stanza = Stanza::of(&[
    attribute("enabled", Bool),
    renamed("tls_min_version", "TLSMinVersion", Text),
    renamed("tls_max_version", "TLSMaxVersion", Text),
    attribute("cipher_suites", Texts),
]);

static LISTENER: Stanza = Stanza::of(&[attribute("port", Int), attribute("protocol", OneOf(&["tcp", "http", "http2", "grpc"]))])
    .with(&[many("service", "Services", &INGRESS_SERVICE)]);

static INGRESS_SERVICE: Stanza = Stanza::of(&[
    attribute("name", Text),
    attribute("hosts", Texts),
    attribute("max_connections", Int),
    attribute("max_pending_requests", Int),
    attribute("max_concurrent_requests", Int),
])
.with(&[
    one("tls", "TLS", &GATEWAY_TLS),
    one("request_headers", "RequestHeaders", &HEADERS),
    one("response_headers", "ResponseHeaders", &HEADERS),
]);

static HEADERS: Stanza = Stanza::of(&[attribute("add", TextMap), attribute("set", TextMap), attribute("remove", Texts)]);

static TERMINATING: Stanza = Stanza::of(&[]).with(&[many("service", "Services", &LINKED_SERVICE)]);

static LINKED_SERVICE: Stanza = Stanza::of(&[
    attribute("name", Text),
    renamed("ca_file", "CAFile", Text),
    renamed("cert_file", "CertFile", Text),
    attribute("key_file", Text),
    renamed("sni", "SNI", Text),
]);
