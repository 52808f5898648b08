//! pannier: a single-binary cluster scheduler (draft map; see `agent`).

pub mod api;
pub mod codec;
pub mod model;
pub mod rpc;
pub mod runtime;
pub mod state;
pub mod util;
