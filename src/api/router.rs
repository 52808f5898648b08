//! From a request to its handler.
//!
//! Most templates are the router's own. Job ids may hold slashes, which such templates cannot express, so everything below `/v1/job/`
//! is one wildcard: the part of the template behind the id is looked for at the end of the *raw* path, and what is left is the id.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use axum::body::Body;
use axum::extract::{RawPathParams, Request, State as Shared};
use axum::http::{Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use http_body_util::LengthLimitError;
use tower_http::CompressionLevel;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::{CompressionLayer, Predicate};

use super::call::{Answer, Call};
use super::query::Query;
use super::routes::{Handler, ROUTES, Verb};
use super::{ApiContext, ApiError, percent, unserved};

/// The largest request body, in bytes.
pub const MAX_BODY: usize = 32 << 20;

/// The same for an archive of the whole state.
pub const MAX_SNAPSHOT: usize = 4 << 30;

/// The largest body of a request for `path`, in bytes.
pub fn body_limit(path: &str) -> usize {
    if path == "/v1/operator/snapshot" { MAX_SNAPSHOT } else { MAX_BODY }
}

const JOB_PREFIX: &str = "/v1/job/";
const JOB_TEMPLATE: &str = "/v1/job/{id}";

/// What one path answers to.
type Verbs = BTreeMap<Verb, Handler>;

/// Every endpoint of the API.
pub fn router(context: ApiContext) -> axum::Router {
    let mut plain: BTreeMap<&'static str, Verbs> = BTreeMap::new();
    let mut jobs: Vec<(&'static str, Verbs)> = Vec::new();
    for route in ROUTES {
        let verbs = match route.template.strip_prefix(JOB_TEMPLATE) {
            None => plain.entry(route.template).or_default(),
            Some(suffix) => match jobs.iter().position(|(known, _)| *known == suffix) {
                Some(at) => &mut jobs[at].1,
                None => &mut jobs.push_mut((suffix, Verbs::new())).1,
            },
        };
        verbs.insert(route.verb, route.handler);
    }
    // The longest suffix wins; the empty one, which fits every path, comes last.
    jobs.sort_by_key(|(suffix, _)| std::cmp::Reverse(suffix.len()));

    let mut router = axum::Router::new();
    for (template, verbs) in plain {
        let verbs = Arc::new(verbs);
        router = router.route(
            template,
            any(move |Shared(context): Shared<ApiContext>, parameters: RawPathParams, request: Request| async move {
                let parameters = parameters.iter().map(|(_, value)| value.to_owned()).collect();
                answer(context, &verbs, parameters, request).await
            }),
        );
    }
    let jobs: Arc<[(&'static str, Verbs)]> = jobs.into();
    router
        .route(
            "/v1/job/{*path}",
            any(move |Shared(context): Shared<ApiContext>, request: Request| async move { answer_job(context, &jobs, request).await }),
        )
        .fallback(|request: Request| async move { unserved::answer(request.method(), request.uri().path()) })
        .layer(compression())
        .layer(CatchPanicLayer::custom(|_: Box<dyn std::any::Any + Send>| {
            ApiError::internal("the request met a defect of the agent; its log says more").into_response()
        }))
        .layer(axum::middleware::from_fn(log_request))
        .with_state(context)
}

/// Smaller answers are not worth the work: they fit into one packet.
const LEAST_COMPRESSED: u64 = 1400;

/// Gzip for clients that ask for it, and for answers that are known in full: what is streamed must leave as it comes.
fn compression() -> CompressionLayer<WholeAndLarge> {
    CompressionLayer::new().gzip(true).quality(CompressionLevel::Fastest).compress_when(WholeAndLarge)
}

#[derive(Clone, Copy)]
struct WholeAndLarge;

impl Predicate for WholeAndLarge {
    fn should_compress<B: hyper::body::Body>(&self, response: &hyper::Response<B>) -> bool {
        response.body().size_hint().exact().is_some_and(|length| length >= LEAST_COMPRESSED)
    }
}

/// One line per request. Neither query nor headers nor body are in it: any of them may hold a secret.
async fn log_request(request: Request, next: Next) -> Response {
    if !tracing::enabled!(tracing::Level::DEBUG) {
        return next.run(request).await;
    }
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    let begin = Instant::now();
    let response = next.run(request).await;
    tracing::debug!(%method, path, status = response.status().as_u16(), milliseconds = begin.elapsed().as_millis(), "request");
    response
}

async fn answer_job(context: ApiContext, jobs: &[(&'static str, Verbs)], request: Request) -> Response {
    let path = request.uri().path();
    if let Some(refusal) = unserved::below_a_job(path) {
        return refusal.into_response();
    }
    let rest = path.strip_prefix(JOB_PREFIX).unwrap_or_default();
    let found = jobs.iter().find_map(|(suffix, verbs)| {
        let id = rest.strip_suffix(suffix)?;
        (!id.is_empty()).then_some((id, verbs))
    });
    let Some((id, verbs)) = found else { return ApiError::not_found("job not found").into_response() };
    match percent::decode(id, false) {
        Ok(id) => answer(context, verbs, vec![id], request).await,
        Err(error) => error.into_response(),
    }
}

async fn answer(context: ApiContext, verbs: &Verbs, parameters: Vec<String>, request: Request) -> Response {
    let head = request.method() == Method::HEAD;
    match run(context, verbs, parameters, request).await {
        Ok(response) if head => response.map(|_| Body::empty()),
        Ok(response) => response,
        Err(error) => error.into_response(),
    }
}

async fn run(context: ApiContext, verbs: &Verbs, parameters: Vec<String>, request: Request) -> Answer {
    let verb = match *request.method() {
        Method::GET | Method::HEAD => Verb::Get,
        Method::PUT | Method::POST => Verb::Put,
        Method::DELETE => Verb::Delete,
        _ => return Err(ApiError::invalid_method()),
    };
    let handler = verbs.get(&verb).ok_or_else(ApiError::invalid_method)?;
    let query = Query::parse(request.uri().query())?;
    let region = context.agent.description().region;
    if query.get("region").is_some_and(|asked| !asked.is_empty() && asked != region) {
        return Err(ApiError::internal("No path to region"));
    }
    let method = request.method().clone();
    let body = read_body(request).await?;
    handler(Call { api: context, method, query, parameters, body }).await
}

/// The whole body, refused as soon as it is known to be too large.
async fn read_body(request: Request) -> Result<bytes::Bytes, ApiError> {
    let limit = body_limit(request.uri().path());
    let too_large = || ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, format!("the request body is larger than {limit} bytes"));
    let announced = request.headers().get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|length| length > limit) {
        return Err(too_large());
    }
    axum::body::to_bytes(request.into_body(), limit).await.map_err(|error| {
        let source = std::error::Error::source(&error);
        if source.is_some_and(<dyn std::error::Error>::is::<LengthLimitError>) {
            too_large()
        } else {
            ApiError::bad_request(format!("the request body could not be read: {error}"))
        }
    })
}
