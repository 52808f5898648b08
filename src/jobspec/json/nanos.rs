//! A duration of the API.

use std::fmt;
use std::time::Duration;

use serde::de::{self, Deserializer, Visitor};
use serde::{Deserialize, Serialize, Serializer};

use crate::util::go_duration;

/// Written as integer nanoseconds; read from those or from Go's notation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Nanos(pub Duration);

#[cfg(test)]
impl schemars::JsonSchema for Nanos {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Nanoseconds".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": ["integer", "string"], "description": "Nanoseconds; on input also text such as \"30s\"" })
    }
}

impl Serialize for Nanos {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_i64(i64::try_from(self.0.as_nanos()).unwrap_or(i64::MAX))
    }
}

impl<'de> Deserialize<'de> for Nanos {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;

        impl Visitor<'_> for Reader {
            type Value = Nanos;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a duration in nanoseconds, or as text such as \"30s\"")
            }

            fn visit_u64<E: de::Error>(self, nanos: u64) -> Result<Nanos, E> {
                Ok(Nanos(Duration::from_nanos(nanos.min(i64::MAX as u64))))
            }

            fn visit_i64<E: de::Error>(self, nanos: i64) -> Result<Nanos, E> {
                u64::try_from(nanos)
                    .map(|nanos| Nanos(Duration::from_nanos(nanos)))
                    .map_err(|_| E::custom("a duration must not be negative"))
            }

            fn visit_f64<E: de::Error>(self, nanos: f64) -> Result<Nanos, E> {
                // JavaScript writes large integers this way.
                if nanos.fract() == 0.0 && (0.0..9e18).contains(&nanos) {
                    self.visit_u64(nanos as u64)
                } else {
                    Err(E::custom("a duration is whole nanoseconds"))
                }
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Nanos, E> {
                go_duration::parse(text).map(Nanos).map_err(E::custom)
            }
        }

        deserializer.deserialize_any(Reader)
    }
}
