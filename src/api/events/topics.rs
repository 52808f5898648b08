//! What a follower asked for: `topic=Job:web&topic=Node`.

use super::event::Event;
use crate::api::ApiError;
use crate::api::query::{Namespace, Query};

const ANY: &str = "*";

/// The wanted topics, each with a key or `*`.
#[derive(Debug)]
pub struct Topics {
    wanted: Vec<(String, String)>,
    namespace: Namespace,
}

impl Topics {
    pub fn of(query: &Query) -> Result<Self, ApiError> {
        let mut wanted = Vec::new();
        for topic in query.all("topic") {
            let (topic, key) = topic.split_once(':').unwrap_or((topic, ANY));
            if topic.is_empty() || key.is_empty() {
                return Err(ApiError::bad_request("Invalid key value pair for topic"));
            }
            wanted.push((topic.to_owned(), key.to_owned()));
        }
        if wanted.is_empty() {
            wanted.push((ANY.to_owned(), ANY.to_owned()));
        }
        Ok(Self { wanted, namespace: query.namespace() })
    }

    pub fn include(&self, event: &Event) -> bool {
        let in_namespace = event.namespace.is_empty() || self.namespace.includes(&event.namespace);
        in_namespace
            && self.wanted.iter().any(|(topic, key)| {
                (topic == ANY || topic == event.topic)
                    && (key == ANY || *key == event.key || event.filter_keys.iter().any(|other| other == key))
            })
    }
}
