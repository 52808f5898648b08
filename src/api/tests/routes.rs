//! The list of routes against the router.

use axum::body::Body;
use axum::http::{Method, StatusCode};

use super::World;
use crate::api::routes::{ROUTES, Verb};

fn method_of(verb: Verb) -> Method {
    match verb {
        Verb::Get => Method::GET,
        Verb::Put => Method::PUT,
        Verb::Delete => Method::DELETE,
    }
}

fn example(template: &str) -> String {
    template.replace("{id}", "some%2Fthing").replace("{alloc}", "a1").replace("{name}", "default")
}

#[tokio::test]
async fn every_listed_route_is_served_and_every_other_method_refused() {
    let world = World::new();
    for route in ROUTES {
        let path = example(route.template);
        // Streams never end: their head is enough.
        let served = world.respond(method_of(route.verb), &path, Body::empty()).await;
        assert_ne!(served.status(), StatusCode::METHOD_NOT_ALLOWED, "{path}");
        assert_ne!(served.status(), StatusCode::NOT_IMPLEMENTED, "{path}");
        if served.status() == StatusCode::NOT_FOUND {
            let text = axum::body::to_bytes(served.into_body(), 1000).await.unwrap();
            assert!(!text.starts_with(b"no such endpoint"), "{path}");
        }
        let verbs: Vec<Verb> = ROUTES.iter().filter(|other| other.template == route.template).map(|other| other.verb).collect();
        for verb in [Verb::Get, Verb::Put, Verb::Delete].into_iter().filter(|verb| !verbs.contains(verb)) {
            let refused = world.send(method_of(verb), &path, Body::empty()).await;
            assert_eq!((refused.status, refused.text.as_str()), (StatusCode::METHOD_NOT_ALLOWED, "Invalid method"), "{verb:?} {path}");
        }
        assert_eq!(world.send(Method::PATCH, &path, Body::empty()).await.status, StatusCode::METHOD_NOT_ALLOWED, "{path}");
    }
}

#[tokio::test]
async fn what_is_not_listed_is_refused_by_name() {
    let world = World::new();
    for (path, status, text) in [
        ("/v1/nothing", StatusCode::NOT_FOUND, "no such endpoint: GET /v1/nothing"),
        ("/v1/node/1/nothing", StatusCode::NOT_FOUND, "no such endpoint: GET /v1/node/1/nothing"),
        ("/v1/job/web/nothing", StatusCode::NOT_FOUND, "job not found"),
        ("/v1/job/", StatusCode::NOT_FOUND, "no such endpoint: GET /v1/job/"),
        ("/v1/sentinel/policies", StatusCode::NOT_IMPLEMENTED, "Nomad Enterprise only endpoint"),
        ("/v1/quotas", StatusCode::NOT_IMPLEMENTED, "Nomad Enterprise only endpoint"),
        ("/v1/acl/tokens", StatusCode::NOT_IMPLEMENTED, "this version does not serve /v1/acl/tokens"),
        ("/v1/job/a/b/actions", StatusCode::NOT_IMPLEMENTED, "this version does not serve /v1/job/a/b/actions"),
    ] {
        let reply = world.get(path).await;
        assert_eq!((reply.status, reply.text.as_str()), (status, text), "{path}");
    }
}

#[tokio::test]
async fn job_ids_may_hold_slashes_and_the_names_of_suffixes() {
    let world = World::new();
    for id in ["batch/nightly-1", "plan", "a/summary/b", "ünï"] {
        world.service(id);
    }
    for (path, id) in [
        ("/v1/job/batch%2Fnightly-1", "batch/nightly-1"),
        ("/v1/job/batch/nightly-1", "batch/nightly-1"),
        ("/v1/job/plan", "plan"),
        ("/v1/job/a%2Fsummary%2Fb", "a/summary/b"),
        ("/v1/job/%C3%BCn%C3%AF", "ünï"),
    ] {
        assert_eq!(world.get(path).await.json()["ID"], id, "{path}");
    }
    assert_eq!(world.get("/v1/job/batch%2Fnightly-1/summary").await.json()["JobID"], "batch/nightly-1");
    assert_eq!(world.get("/v1/job/plan/summary").await.json()["JobID"], "plan");
}

#[tokio::test]
async fn the_document_lists_the_routes() {
    let document = World::new().get("/v1/openapi.json").await.json();
    for route in ROUTES {
        assert!(document["paths"][route.template].is_object(), "{}", route.template);
    }
}

#[tokio::test]
async fn head_is_get_without_a_body() {
    let world = World::new();
    let reply = world.send(Method::HEAD, "/v1/jobs", Body::empty()).await;
    assert_eq!((reply.status, reply.text.as_str()), (StatusCode::OK, ""));
    assert_eq!(reply.index(), 1);
}

/// What the document says an answer is.
#[tokio::test]
async fn answers_have_the_type_that_the_list_of_routes_names() {
    let world = World::new();
    world.node(1);
    let job = world.service("web");
    world.place(&job, 1, 1, 7);
    let (node, allocation) = (world.ids("/v1/nodes").await.remove(0), world.ids("/v1/allocations").await.remove(0));
    let mut checked = 0;
    for route in ROUTES.iter().filter(|route| route.verb == Verb::Get) {
        let Some(shape) = route.documented.answer else { continue };
        let id = if route.template.starts_with("/v1/node/") {
            &node
        } else if route.template.starts_with("/v1/allocation/") {
            &allocation
        } else {
            "web"
        };
        let reply = world.get(&route.template.replace("{id}", id).replace("{name}", "default")).await;
        if reply.status == StatusCode::OK {
            let answer = reply.json();
            assert_eq!((shape.again)(answer.clone()).unwrap(), answer, "{}", route.template);
            checked += 1;
        }
    }
    assert!(checked >= 25, "only {checked} routes answered");
}
