//! What Nomad once took, and what now only old jobspecs say. It is read, and its author is told that it means nothing.

/// Why an attribute of a stanza has no effect.
pub fn attribute(stanza: &str, name: &str) -> Option<&'static str> {
    Some(match (stanza, name) {
        ("job", "vault_token" | "consul_token") => "is not looked at: tokens do not belong into a jobspec, and pannier needs none",
        ("network", "mbits") => "is obsolete and has no effect: bandwidth is not scheduled",
        ("network", "device") => "has no effect: the node chooses the interface; see `host_network` of a port",
        ("resources", "iops") => "is obsolete and has no effect",
        ("resources", "disk") => "is obsolete and has no effect; the disk of a group is `ephemeral_disk { size = ... }`",
        ("template", "vault_grace") => "is obsolete and has no effect",
        ("group", "prevent_reschedule_on_lost") => "is obsolete and has no effect; see `disconnect { replace = false }`",
        ("service", "id") => "has no effect: a service is known by its name",
        _ => return None,
    })
}
