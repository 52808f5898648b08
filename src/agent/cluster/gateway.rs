//! Any agent takes any request of the HTTP API and has it answered where it belongs.
//!
//! | request | answered by |
//! |---|---|
//! | about a node's files, logs, usage (`/v1/client/...`) | that node, through whichever server it is attached to |
//! | a write, and the servers' health | the leader; handed on at most once, and again to the next leader under the same id when the first one goes |
//! | a read | this server: the API asks the leader how new the state must be, unless the read is `stale` |
//! | anything, on an agent that is no server | its own node if it is about that, else a server |

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderValue, Method, Request, Response, StatusCode};
use tokio::time::Instant;
use tower::ServiceExt as _;

use super::forward::{self, FORWARDED, HEAD_TIMEOUT, NOT_LEADER, Whole, no_leader};
use super::tunnels::Tunnels;
use crate::api::body_limit;
use crate::model::{AllocId, NodeId};
use crate::raft::LEADER_WAIT;
use crate::rpc::{RemoteLink, RpcError};
use crate::server::{Server, request_id};

const RETRY: Duration = Duration::from_millis(50);

/// Where requests go from here.
pub struct Gateway {
    /// This agent's own API.
    pub router: axum::Router,
    pub local_node: Option<NodeId>,
    pub place: Place,
}

/// What this agent is in the cluster.
pub enum Place {
    Server { server: Arc<Server>, tunnels: Arc<Tunnels> },
    Client { link: Arc<RemoteLink> },
}

impl Gateway {
    /// Answers a request whose sender may ask for it.
    pub async fn serve(&self, request: Request<Body>) -> Response<Body> {
        match &self.place {
            Place::Client { link } => self.serve_on_client(link, request).await,
            Place::Server { server, tunnels } => {
                let path = request.uri().path();
                if path.starts_with("/v1/client/") {
                    return self.serve_node_request(server, tunnels, request).await;
                }
                let is_read = matches!(*request.method(), Method::GET | Method::HEAD) && !is_known_to_the_leader_alone(path);
                if is_read || is_answered_anywhere(path) { self.local(request).await } else { self.write(server, request).await }
            }
        }
    }

    async fn local(&self, request: Request<Body>) -> Response<Body> {
        match self.router.clone().oneshot(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        }
    }

    /// For at most [`LEADER_WAIT`] without a leader.
    async fn write(&self, server: &Arc<Server>, request: Request<Body>) -> Response<Body> {
        let raft = server.raft();
        let was_forwarded = request.headers().contains_key(FORWARDED);
        let limit = body_limit(request.uri().path());
        let whole = match Whole::read(request, limit).await {
            Ok(whole) => whole,
            Err(refusal) => return refusal,
        };
        let deadline = Instant::now() + LEADER_WAIT;
        loop {
            if raft.is_leader() {
                let work = request_id::scope(whole.id(), self.local(whole.to_request()));
                tokio::select! {
                    response = work => return response,
                    // It was leading alone: whether its last proposals hold is for the next leader to say.
                    () = raft.quorum_is_lost() => return no_leader(),
                }
            }
            if was_forwarded {
                return no_leader();
            }
            if let Some((id, address)) = raft.leader()
                && let Some(channel) = raft.channel_to(id, &address)
            {
                tokio::select! {
                    sent = forward::send(&channel, whole.to_request(), true) => match sent {
                        Ok(response) if !response.headers().contains_key(NOT_LEADER) => return response,
                        Ok(_) | Err(RpcError::Unreachable(_) | RpcError::Timeout(_)) => {}
                        Err(error) => return forward::answer(StatusCode::BAD_GATEWAY, error.to_string()),
                    },
                    // The same id goes to the next one.
                    () = raft.leader_is_gone(id) => {}
                }
            }
            if Instant::now() >= deadline {
                return no_leader();
            }
            tokio::time::sleep(RETRY).await;
        }
    }

    async fn serve_node_request(&self, server: &Arc<Server>, tunnels: &Tunnels, request: Request<Body>) -> Response<Body> {
        let Some(node) = self.node_of(server, &request) else { return self.local(request).await };
        if self.local_node == Some(node) {
            return self.local(request).await;
        }
        if let Some(channel) = tunnels.get(node) {
            return handed_on(forward::send(&channel, request, true)).await;
        }
        if request.headers().contains_key(FORWARDED) {
            return no_path();
        }
        let limit = body_limit(request.uri().path());
        let whole = match Whole::read(request, limit).await {
            Ok(whole) => whole,
            Err(refusal) => return refusal,
        };
        let raft = server.raft();
        for member in raft.members() {
            let Some(channel) = raft.channel_to(member.id, &member.address) else { continue };
            let response = handed_on(forward::send(&channel, whole.to_request(), true)).await;
            if !is_no_path(&response) {
                return response;
            }
        }
        no_path()
    }

    /// The node that a request below `/v1/client/` is about: of the allocation in its path, or named in its query.
    fn node_of(&self, server: &Server, request: &Request<Body>) -> Option<NodeId> {
        let query = request.uri().query().unwrap_or_default();
        let named = query.split('&').find_map(|pair| pair.strip_prefix("node_id=")).and_then(|id| id.parse().ok());
        named.or_else(|| Some(server.store().load().allocation(allocation_of(request.uri().path())?)?.node_id))
    }

    async fn serve_on_client(&self, link: &RemoteLink, request: Request<Body>) -> Response<Body> {
        let path = request.uri().path();
        let is_about_this_agent = path.starts_with("/v1/agent/") || path == "/v1/metrics" || path == "/v1/openapi.json";
        if is_about_this_agent || request.headers().contains_key(FORWARDED) {
            return self.local(request).await;
        }
        let is_about_this_node = path == "/v1/client/stats" && request.uri().query().is_none_or(|query| !query.contains("node_id="));
        if is_about_this_node {
            return self.local(request).await;
        }
        let limit = body_limit(request.uri().path());
        let whole = match Whole::read(request, limit).await {
            Ok(whole) => whole,
            Err(refusal) => return refusal,
        };
        if whole.uri.path().starts_with("/v1/client/") {
            let own = self.local(whole.to_request()).await;
            // Not here: the servers know where.
            if own.status() != StatusCode::NOT_FOUND {
                return own;
            }
        }
        let channel = link.channel();
        match tokio::time::timeout(HEAD_TIMEOUT, forward::send(&channel, whole.to_request(), false)).await {
            Ok(Ok(response)) => response,
            failed => {
                link.move_on(&channel);
                let reason = failed
                    .map_or_else(|_| "no answer in time".to_owned(), |sent| sent.err().map_or_else(String::new, |error| error.to_string()));
                forward::answer(StatusCode::BAD_GATEWAY, format!("no server can be reached: {reason}"))
            }
        }
    }
}

/// Reads of what is in no state that servers share.
fn is_known_to_the_leader_alone(path: &str) -> bool {
    path == "/v1/operator/autopilot/health"
}

/// POST requests that change nothing.
fn is_answered_anywhere(path: &str) -> bool {
    (path.starts_with("/v1/agent/") && path != "/v1/agent/force-leave")
        || path.starts_with("/v1/search")
        || matches!(path, "/v1/jobs/parse" | "/v1/validate/job" | "/v1/jobs/statuses")
}

fn allocation_of(path: &str) -> Option<AllocId> {
    path.split('/').find_map(|segment| segment.parse().ok())
}

/// An answer, or the text that clients know for having no way to the node.
async fn handed_on(sending: impl Future<Output = Result<Response<Body>, RpcError>>) -> Response<Body> {
    match tokio::time::timeout(HEAD_TIMEOUT, sending).await {
        Ok(Ok(response)) => response,
        _ => no_path(),
    }
}

fn no_path() -> Response<Body> {
    let mut response = forward::answer(StatusCode::NOT_FOUND, "No path to node");
    response.headers_mut().insert(NO_PATH, HeaderValue::from_static("1"));
    response
}

/// Tells "not attached here" from a node's own 404.
const NO_PATH: axum::http::HeaderName = axum::http::HeaderName::from_static("x-pannier-no-path");

fn is_no_path(response: &Response<Body>) -> bool {
    response.headers().contains_key(NO_PATH)
}

/// A node's side of a tunnel: its API, for what servers hand on.
pub async fn answer_tunnel(gateway: Arc<Gateway>, request: hyper::Request<hyper::body::Incoming>) -> Response<crate::rpc::Body> {
    match forward::from_wire(request) {
        Some(request) if request.uri().path().starts_with("/v1/client/") => forward::to_wire(gateway.local(request).await),
        _ => crate::rpc::refusal(&RpcError::Forbidden("a node answers for its allocations only".to_owned())),
    }
}
