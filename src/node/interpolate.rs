//! `${...}` references of a task: its environment and its node's facts.

use std::collections::BTreeMap;

use crate::model::{ConfigValue, Node, attributes};

/// Resolves `${NAME}` and `${env["NAME"]}` from a task's environment, `${attr.x}`, `${node.x}` and `${meta.x}` from its node.
/// What resolves to nothing stays as written: it may be meant for a shell.
pub struct Interpolation<'a> {
    pub env: &'a BTreeMap<String, String>,
    pub node: &'a Node,
    pub region: &'a str,
}

impl Interpolation<'_> {
    pub fn text(&self, text: &str) -> String {
        let mut result = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(start) = rest.find("${") {
            let Some(length) = rest[start..].find('}') else {
                break;
            };
            let end = start + length + 1;
            result += &rest[..start];
            match self.reference(&rest[start + 2..end - 1]) {
                Some(value) => result += &value,
                None => result += &rest[start..end],
            }
            rest = &rest[end..];
        }
        result + rest
    }

    pub fn config(&self, value: &ConfigValue) -> ConfigValue {
        match value {
            ConfigValue::String(text) => ConfigValue::String(self.text(text)),
            ConfigValue::List(items) => ConfigValue::List(items.iter().map(|item| self.config(item)).collect()),
            ConfigValue::Map(map) => ConfigValue::Map(map.iter().map(|(key, item)| (self.text(key), self.config(item))).collect()),
            ConfigValue::Null | ConfigValue::Bool(_) | ConfigValue::Int(_) | ConfigValue::Float(_) => value.clone(),
        }
    }

    fn reference(&self, name: &str) -> Option<String> {
        let name = name.trim();
        let quoted = name.strip_prefix("env[\"").and_then(|rest| rest.strip_suffix("\"]"));
        if let Some(variable) = quoted.or_else(|| name.strip_prefix("env.")) {
            return self.env.get(variable).cloned();
        }
        if let Some(value) = self.env.get(name) {
            return Some(value.clone());
        }
        if name == "node.region" {
            return Some(self.region.to_owned());
        }
        let is_fact = ["attr.", "node.", "meta."].iter().any(|prefix| name.starts_with(prefix));
        if !is_fact {
            return None;
        }
        attributes::resolve(self.node, &format!("${{{name}}}")).map(std::borrow::Cow::into_owned)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::node::testing;

    #[test]
    fn resolves_what_it_knows_and_leaves_the_rest() {
        let mut node = testing::node();
        node.attributes.insert("kernel.name".into(), "linux".into());
        node.meta.insert("rack".into(), "r7".into());
        let env = BTreeMap::from([("NOMAD_PORT_http".to_owned(), "8080".to_owned())]);
        let interpolation = Interpolation { env: &env, node: &node, region: "eu" };
        for (text, expected) in [
            ("-p ${NOMAD_PORT_http}!", "-p 8080!"),
            ("${env[\"NOMAD_PORT_http\"]}", "8080"),
            ("${attr.kernel.name}/${meta.rack}/${node.datacenter}/${node.region}", "linux/r7/dc1/eu"),
            ("${HOME} ${attr.gone} ${1} $HOME ${open", "${HOME} ${attr.gone} ${1} $HOME ${open"),
            ("ä${NOMAD_PORT_http}ö", "ä8080ö"),
        ] {
            assert_eq!(interpolation.text(text), expected);
        }
        let config = ConfigValue::Map(BTreeMap::from([(
            "args".to_owned(),
            ConfigValue::List(vec![ConfigValue::String("${NOMAD_PORT_http}".to_owned()), ConfigValue::Int(1)]),
        )]));
        let ConfigValue::Map(map) = interpolation.config(&config) else { panic!("a map stays a map") };
        assert_eq!(map["args"], ConfigValue::List(vec![ConfigValue::String("8080".to_owned()), ConfigValue::Int(1)]));
    }
}
