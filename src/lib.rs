//! pannier: a single-binary cluster scheduler (draft map; see `agent`).

pub mod codec;
pub mod model;
pub mod raft;
pub mod rpc;
pub mod runtime;
pub mod state;
pub mod util;
