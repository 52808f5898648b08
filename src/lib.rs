//! pannier: a single-binary cluster scheduler (draft map; see `agent`).

pub mod api;
pub mod cli;
pub mod model;
pub mod rpc;
pub mod runtime;
pub mod util;
