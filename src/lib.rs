//! pannier: a single-binary cluster scheduler (draft map; see `agent`).

pub mod model;
pub mod node;
pub mod rpc;
pub mod runtime;
pub mod util;
