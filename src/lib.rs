//! pannier: a single-binary cluster scheduler (draft map; see `agent`).

pub mod model;
pub mod rpc;
pub mod runtime;
pub mod scheduler;
pub mod util;
