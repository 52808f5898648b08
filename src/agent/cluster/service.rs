//! What comes over mTLS: who may ask for what, and where it is answered.

use std::sync::Arc;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use hyper::body::Incoming;
use hyper::{Method, Request, Response};

use super::edge;
use super::forward::{self, FORWARDED};
use super::gateway::Gateway;
use super::membership::Membership;
use super::messages::{ANNOUNCE, API_PREFIX, AUTHORITIES, JOIN, RENEW, SERVERS};
use super::tunnels::Tunnels;
use crate::model::NodeId;
use crate::model::security::Identity;
use crate::rpc::node_link::path::PREFIX as NODE_PREFIX;
use crate::rpc::{self, Body, Caller, Handler, RpcError};
use crate::server::node_link::LocalLink;

const RAFT_PREFIX: &str = "/v1/raft/";

/// Messages without a payload to speak of; a certificate request fits.
const SMALL: usize = 64 * 1024;

/// A server's answers.
pub struct ClusterService {
    pub membership: Arc<Membership>,
    pub link: LocalLink,
    pub tunnels: Arc<Tunnels>,
    pub gateway: Arc<Gateway>,
}

impl Handler for ClusterService {
    fn handle(self: Arc<Self>, caller: Caller, request: Request<Incoming>) -> BoxFuture<'static, Response<Body>> {
        async move {
            let path = request.uri().path();
            if path == JOIN {
                return rpc::answer(request, SMALL, |join| self.membership.join(caller, join)).await;
            }
            let Some(identity) = caller.identity else {
                return rpc::refusal(&RpcError::Forbidden("a certificate of this cluster is needed: join first".to_owned()));
            };
            if !self.membership.server.store().load().security().admits(&identity) {
                return rpc::refusal(&RpcError::Forbidden("this member was revoked".to_owned()));
            }
            self.handle_member(caller, identity, request).await
        }
        .boxed()
    }
}

impl ClusterService {
    async fn handle_member(self: Arc<Self>, caller: Caller, identity: Identity, request: Request<Incoming>) -> Response<Body> {
        let path = request.uri().path();
        if request.method() == Method::CONNECT {
            return match identity.node() {
                Some(node) => self.attach(node, request),
                None => rpc::refusal(&RpcError::Forbidden("only nodes attach".to_owned())),
            };
        }
        if path.starts_with(NODE_PREFIX) {
            return self.link.handle(identity, request).await;
        }
        if path.starts_with(API_PREFIX) {
            return self.handle_api(identity, request).await;
        }
        match path {
            RENEW => rpc::answer(request, SMALL, |renew| async move { self.membership.renew(caller, &renew) }).await,
            AUTHORITIES => rpc::answer(request, SMALL, |(): ()| async move { Ok(self.membership.authorities()) }).await,
            SERVERS => rpc::answer(request, SMALL, |(): ()| async move { Ok(self.membership.servers()) }).await,
            _ if !identity.is_server() => {
                rpc::refusal(&RpcError::Forbidden(format!("{path} is for servers, this is the certificate of {identity}")))
            }
            ANNOUNCE => rpc::answer(request, SMALL, |announcement| self.membership.announce(caller, announcement)).await,
            _ if path.starts_with(RAFT_PREFIX) => self.membership.server.raft().handle(request).await,
            other => rpc::refusal(&RpcError::Unknown(other.to_owned())),
        }
    }

    fn attach(self: Arc<Self>, node: NodeId, request: Request<Incoming>) -> Response<Body> {
        let (response, upgrading) = rpc::tunnel_of(request);
        tokio::spawn(async move {
            let attached = match upgrading.await {
                Ok(stream) => rpc::tunnel_channel(stream, format!("node {node}")).await.map_err(|error| error.to_string()),
                Err(error) => Err(error.to_string()),
            };
            match attached {
                Ok(channel) => self.tunnels.insert(node, channel),
                Err(error) => tracing::debug!(%node, error, "a node could not attach"),
            }
        });
        response
    }

    /// What another server hands on was looked at there. What comes from a node is its users', and needs a token as on any other way in.
    async fn handle_api(&self, identity: Identity, request: Request<Incoming>) -> Response<Body> {
        let Some(mut request) = forward::from_wire(request) else {
            return rpc::refusal(&RpcError::Protocol("bad path".to_owned()));
        };
        if !identity.is_server() {
            request.headers_mut().remove(FORWARDED);
            let state = self.membership.server.store().load();
            if !edge::has_token(state.security(), request.headers()) {
                return forward::to_wire(edge::permission_denied());
            }
        }
        forward::to_wire(self.gateway.serve(request).await)
    }
}
