//! What a `${...}` reference of a constraint, affinity or spread stands for on a node.

use std::borrow::Cow;

use super::Node;

/// The node's value for `target`, which is either literal text or one `${...}` reference. `None`: the node has no such fact.
pub fn resolve<'a>(node: &'a Node, target: &'a str) -> Option<Cow<'a, str>> {
    let Some(name) = target.strip_prefix("${").and_then(|rest| rest.strip_suffix('}')) else {
        return Some(Cow::Borrowed(target));
    };
    match name {
        "node.unique.id" => return Some(Cow::Owned(node.id.to_string())),
        "node.datacenter" => return Some(Cow::Borrowed(&node.datacenter)),
        "node.unique.name" => return Some(Cow::Borrowed(&node.name)),
        "node.class" => return Some(Cow::Borrowed(&node.class)),
        "node.pool" => return Some(Cow::Borrowed(&node.pool)),
        "node.region" => return Some(Cow::Borrowed("global")),
        _ => {}
    }
    if let Some(attribute) = name.strip_prefix("attr.") {
        return node.attributes.get(attribute).map(|value| Cow::Borrowed(&**value));
    }
    let meta = name.strip_prefix("meta.")?;
    node.meta.get(meta).map(|value| Cow::Borrowed(&**value))
}
