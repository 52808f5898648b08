//! Every documented endpoint, in one list. The router and `/v1/openapi.json` are both made of it.

use futures_util::future::BoxFuture;

use super::call::{Answer, Call};
use super::{
    agent, allocations, authorities, autopilot, deployments, evaluations, events, jobs, members, metrics, namespaces, node_pools,
    node_requests, nodes, openapi, operator,
};
use super::{search, snapshots, status, system};

/// What a route is called with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verb {
    Get,
    /// PUT and POST mean the same everywhere.
    Put,
    Delete,
}

/// A handler as a plain function pointer.
pub type Handler = fn(Call) -> BoxFuture<'static, Answer>;

/// One endpoint. A template's variable (`{id}`) stands for one segment of the path, or, in job routes, for several.
#[derive(Clone, Copy)]
pub struct Route {
    pub verb: Verb,
    pub template: &'static str,
    pub summary: &'static str,
    pub handler: Handler,
}

macro_rules! routes {
    ($($verb:ident $template:literal $handler:path => $summary:literal;)*) => {
        &[$(Route { verb: Verb::$verb, template: $template, summary: $summary, handler: |call| Box::pin($handler(call)) }),*]
    };
}

/// The endpoints, by noun.
pub static ROUTES: &[Route] = routes! {
    Get "/v1/jobs" jobs::list::list => "List jobs";
    Put "/v1/jobs" jobs::register::register => "Register a job";
    Put "/v1/jobs/parse" jobs::parse::parse => "Parse a job's HCL into its JSON";
    Get "/v1/jobs/statuses" jobs::statuses::statuses => "State of jobs and their allocations, newest change first";
    Put "/v1/jobs/statuses" jobs::statuses::statuses => "State of the jobs named in the body";
    Put "/v1/validate/job" jobs::parse::validate => "Check a job without registering it";
    Get "/v1/job/{id}" jobs::read::read => "Read a job";
    Put "/v1/job/{id}" jobs::register::update => "Update a job";
    Delete "/v1/job/{id}" jobs::register::deregister => "Stop a job, or forget it with purge=true";
    Put "/v1/job/{id}/evaluate" jobs::register::evaluate => "Evaluate a job again";
    Get "/v1/job/{id}/allocations" jobs::read::allocations => "List a job's allocations";
    Get "/v1/job/{id}/evaluations" jobs::read::evaluations => "List a job's evaluations";
    Get "/v1/job/{id}/deployments" jobs::read::deployments => "List a job's deployments";
    Get "/v1/job/{id}/deployment" jobs::read::latest_deployment => "Read a job's latest deployment";
    Get "/v1/job/{id}/summary" jobs::read::summary => "Count a job's allocations by state";
    Put "/v1/job/{id}/dispatch" jobs::launch::dispatch => "Run a parameterized job once";
    Put "/v1/job/{id}/dispatch/payload" jobs::launch::dispatch_payload => "Run a parameterized job once, with the body as its payload";
    Put "/v1/job/{id}/periodic/force" jobs::launch::force_periodic => "Launch a periodic job now";
    Put "/v1/job/{id}/plan" jobs::plan::plan => "Say what registering a job would do";
    Get "/v1/job/{id}/explain" jobs::explain::explain => "Say why a job's instances are where they are, or nowhere";
    Get "/v1/job/{id}/versions" jobs::versions::versions => "List a job's versions, newest first";
    Put "/v1/job/{id}/revert" jobs::versions::revert => "Go back to an earlier version";
    Put "/v1/job/{id}/stable" jobs::versions::stable => "Mark a version as stable";
    Get "/v1/job/{id}/submission" jobs::versions::submission => "Read the text a job was submitted as";
    Get "/v1/job/{id}/scale" jobs::scale::status => "Read the counts of a job's groups";
    Put "/v1/job/{id}/scale" jobs::scale::scale => "Change the count of a group";

    Get "/v1/nodes" nodes::list => "List nodes";
    Get "/v1/node/{id}" nodes::read => "Read a node";
    Get "/v1/node/{id}/allocations" nodes::allocations => "List a node's allocations in full";
    Put "/v1/node/{id}/evaluate" nodes::evaluate => "Evaluate every job on a node again";
    Put "/v1/node/{id}/eligibility" nodes::set_eligibility => "Let new allocations onto a node, or keep them off";
    Put "/v1/node/{id}/drain" nodes::drain => "Move a node's allocations away, or stop doing so";
    Put "/v1/node/{id}/purge" nodes::purge => "Forget a node";
    Get "/v1/node/pools" node_pools::list => "List node pools";
    Get "/v1/node/pool/{name}" node_pools::read => "Read a node pool";
    Get "/v1/node/pool/{name}/nodes" node_pools::nodes => "List the nodes of a pool";

    Get "/v1/allocations" allocations::list => "List allocations";
    Get "/v1/allocation/{id}" allocations::read => "Read an allocation with its job";
    Put "/v1/allocation/{id}/stop" allocations::stop => "Stop an allocation and place another";

    Get "/v1/evaluations" evaluations::list => "List evaluations";
    Get "/v1/evaluations/count" evaluations::count => "Count evaluations";
    Get "/v1/evaluation/{id}" evaluations::read => "Read an evaluation";
    Get "/v1/evaluation/{id}/allocations" evaluations::allocations => "List the allocations an evaluation placed";

    Get "/v1/deployments" deployments::list => "List deployments";
    Get "/v1/deployment/{id}" deployments::read => "Read a deployment";
    Get "/v1/deployment/allocations/{id}" deployments::allocations => "List a deployment's allocations";
    Put "/v1/deployment/fail/{id}" deployments::fail => "Fail a deployment";
    Put "/v1/deployment/pause/{id}" deployments::pause => "Hold a deployment up, or let it go on";
    Put "/v1/deployment/promote/{id}" deployments::promote => "Let canaries go on as ordinary allocations";
    Put "/v1/deployment/allocation-health/{id}" deployments::set_health => "Say which allocations of a deployment are healthy";
    Put "/v1/deployment/unblock/{id}" deployments::unblock => "Refused: only deployments of several regions block";

    Get "/v1/namespaces" namespaces::list => "List namespaces";
    Get "/v1/namespace/{name}" namespaces::read => "Read a namespace";

    Put "/v1/search" search::search => "Find objects by the beginning of their id";
    Get "/v1/event/stream" events::stream::stream => "Follow the cluster's changes as lines of JSON";

    Get "/v1/client/fs/ls/{alloc}" node_requests::files::list => "List a directory of an allocation";
    Get "/v1/client/fs/stat/{alloc}" node_requests::files::stat => "Describe a file of an allocation";
    Get "/v1/client/fs/cat/{alloc}" node_requests::files::cat => "Read a file of an allocation";
    Get "/v1/client/fs/readat/{alloc}" node_requests::files::read_at => "Read a part of a file of an allocation";
    Get "/v1/client/fs/stream/{alloc}" node_requests::files::follow => "Follow a file of an allocation";
    Get "/v1/client/fs/logs/{alloc}" node_requests::files::logs => "Read or follow a task's output";
    Get "/v1/client/stats" node_requests::node_stats => "Usage of a node";
    Get "/v1/client/allocation/{id}/stats" node_requests::allocation_stats => "Usage of an allocation";
    Put "/v1/client/allocation/{id}/restart" node_requests::restart => "Restart tasks of an allocation in place";
    Put "/v1/client/allocation/{id}/signal" node_requests::signal => "Send a signal to tasks of an allocation";

    Get "/v1/agent/self" agent::own => "The agent's configuration, member and statistics";
    Get "/v1/agent/members" agent::members => "The servers as this agent knows them";
    Get "/v1/agent/servers" agent::servers => "Addresses of the servers";
    Get "/v1/agent/health" agent::health => "Whether the agent's halves work";
    Get "/v1/agent/host" agent::host => "Facts of the machine the agent runs on";
    Get "/v1/agent/monitor" agent::monitor::monitor => "Follow the agent's log";
    Get "/v1/metrics" metrics::read => "The agent's metrics, as JSON or with format=prometheus";

    Get "/v1/status/leader" status::leader => "Address of the leader";
    Get "/v1/status/peers" status::peers => "Addresses of the servers that vote";
    Get "/v1/regions" status::regions => "Names of the known regions";
    Get "/v1/operator/raft/configuration" operator::raft_configuration => "Members of the Raft group";
    Delete "/v1/operator/raft/peer" members::remove_peer => "Take a server out of the Raft group";
    Put "/v1/operator/raft/transfer-leadership" members::transfer_leadership => "Let another server lead";
    Put "/v1/agent/force-leave" members::force_leave => "Take a server or a node out of the cluster and cut it off";
    Get "/v1/operator/join-tokens" members::join_tokens => "List the tokens that let machines join";
    Put "/v1/operator/join-tokens" members::create_join_token => "Make a token that lets machines join";
    Delete "/v1/operator/join-token/{id}" members::revoke_join_token => "Revoke a join token";
    Get "/v1/operator/autopilot/configuration" autopilot::read => "Read the settings of the servers' upkeep";
    Put "/v1/operator/autopilot/configuration" autopilot::set => "Change the settings of the servers' upkeep, with cas=N if unchanged";
    Get "/v1/operator/autopilot/health" autopilot::health => "Whether the servers are well; 429 if not";
    Put "/v1/operator/ca/rotate" authorities::rotate => "Do the next step of replacing the certificate authority";
    Get "/v1/operator/snapshot" snapshots::save => "Save the state as an archive";
    Put "/v1/operator/snapshot" snapshots::restore => "Replace the state by that of an archive";
    Get "/v1/operator/scheduler/configuration" operator::read_scheduler => "Read the scheduler's settings";
    Put "/v1/operator/scheduler/configuration" operator::set_scheduler => "Change the scheduler's settings, with cas=N if unchanged";
    Put "/v1/system/gc" system::collect_garbage => "Collect what is over now";

    Get "/v1/openapi.json" openapi::document => "This list as an OpenAPI document";
    Get "/.well-known/jwks.json" system::key_set => "Public keys of workload identities";
    Get "/.well-known/openid-configuration" system::openid_configuration => "OpenID Connect discovery, when an issuer is configured";
};
