//! The id of the API request under way. Whatever is proposed for it, and the evaluations it makes, get their ids from that: the same request
//! sent again to a new leader is carried out once, and is answered with the same ids.

use std::cell::Cell;
use std::future::Future;

use crate::model::EvalId;
use crate::util::random::{derive_u128, random_u128};

tokio::task_local! {
    static CURRENT: Scope;
}

struct Scope {
    id: u128,
    /// Ids drawn so far; a request draws them in the same order each time.
    drawn: Cell<u64>,
}

/// Runs `work` as the request with this id.
pub async fn scope<F: Future>(id: u128, work: F) -> F::Output {
    CURRENT.scope(Scope { id, drawn: Cell::new(0) }, work).await
}

/// The next id of a proposal; random outside of a request.
pub(super) fn next_proposal() -> u128 {
    // 0 would mean: not deduplicated.
    next().unwrap_or_else(random_u128).max(1)
}

/// The next id of an evaluation; random outside of a request.
pub(super) fn next_evaluation() -> EvalId {
    next().map_or_else(EvalId::random, |seed| EvalId::derive(seed, 0))
}

fn next() -> Option<u128> {
    let draw = |scope: &Scope| {
        scope.drawn.set(scope.drawn.get() + 1);
        derive_u128(scope.id, scope.drawn.get())
    };
    CURRENT.try_with(draw).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_request_sent_again_draws_the_same_ids() {
        let draw = || async { (next_evaluation(), next_proposal(), next_proposal()) };
        let first = scope(7, draw()).await;
        assert_eq!(scope(7, draw()).await, first);
        assert_ne!(scope(8, draw()).await, first);
        assert_ne!(first.1, first.2);
        assert_ne!(draw().await, draw().await);
    }
}
