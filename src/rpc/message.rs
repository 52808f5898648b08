//! Plain values as messages.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::codec::Persisted;

/// One value on the wire. What it means is the path's business, so all share one kind of envelope; their version is the protocol's.
#[derive(Debug, Serialize, Deserialize)]
#[serde(bound = "T: Serialize + DeserializeOwned")]
pub struct Message<T>(pub T);

impl<T: Serialize + DeserializeOwned> Persisted for Message<T> {
    const KIND: u8 = 64;
    const VERSION: u16 = 1;
}
