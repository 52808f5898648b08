//! The one scheduling loop: all due evaluations of the moment, decided by priority, committed while the next ones are decided.
//!
//! [`desk`] decides, purely; [`pending`] knows what there is to decide; [`entries`] cuts plans to the size of log entries. Here is only
//! the waiting: for the feed, for commits, for time. Nothing is a queue that could lose work: a new leader finds all of it in the state.

mod desk;
mod entries;
mod pending;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use futures_util::{FutureExt as _, poll};
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};
use tracing::{debug, warn};

use self::desk::{Desk, Proposal, Step};
use self::entries::Limits;
use super::Server;
use crate::raft::ProposeError;
use crate::state::command::Request;
use crate::state::store::Publication;
use crate::state::{Command, Reply, State};
use crate::util::backoff::Backoff;
use crate::util::clock::Timestamp;
use crate::util::random::random_u128;

type Outcome = (u128, Result<Reply, ProposeError>);

/// Schedules until dropped.
pub(super) async fn run(server: &Server) {
    let feed = server.store().subscribe();
    let state = server.store().load();
    let desk = Desk::new(&state, Limits::default());
    // A plan that does not go through is decided again, but never in a hot loop.
    let backoff = Backoff::new(Duration::from_millis(5), Duration::from_secs(1));
    Loop { server, feed, state, desk, backoff, commits: FuturesUnordered::new() }.run().await;
}

struct Loop<'a> {
    server: &'a Server,
    feed: broadcast::Receiver<Publication>,
    /// Of the last publication noted: what is decided on must not be newer than what was heard.
    state: Arc<State>,
    desk: Desk,
    backoff: Backoff,
    commits: FuturesUnordered<BoxFuture<'a, Outcome>>,
}

impl Loop<'_> {
    async fn run(mut self) {
        while self.read_feed() {
            // Placing thousands takes milliseconds of pure computing: let other tasks of this worker move meanwhile.
            let now = Timestamp::now();
            let Step { decided, proposals } = tokio::task::block_in_place(|| self.desk.step(&self.state, random_u128(), now));
            if decided > 0 {
                debug!(evaluations = decided, elapsed_us = Timestamp::now().since(now).as_micros(), "decided");
            }
            let is_idle = proposals.is_empty();
            for proposal in proposals {
                self.propose(proposal).await;
            }
            if is_idle && !self.wait().await {
                return;
            }
        }
    }

    /// Takes what the feed holds; false when there will never be more.
    fn read_feed(&mut self) -> bool {
        loop {
            match self.feed.try_recv() {
                Ok(publication) => self.note(&publication),
                Err(TryRecvError::Lagged(_)) => self.start_over(),
                Err(TryRecvError::Empty) => return true,
                Err(TryRecvError::Closed) => return false,
            }
        }
    }

    fn note(&mut self, publication: &Publication) {
        self.desk.note(publication);
        if publication.state.index() > self.state.index() || publication.replaced {
            self.state = Arc::clone(&publication.state);
        }
    }

    fn start_over(&mut self) {
        self.state = self.server.store().load();
        self.desk.start_over(&self.state);
    }

    /// The first poll hands the entry over, so the log keeps the order of the proposals.
    async fn propose(&mut self, Proposal { ticket, plan }: Proposal) {
        let request = Request { id: ticket, command: Command::ApplyPlan { plan: Box::new(plan) } };
        let raft = self.server.raft();
        self.commits.push(async move { (ticket, raft.propose_request(request).await) }.boxed());
        if let std::task::Poll::Ready(Some(outcome)) = poll!(self.commits.next()) {
            self.settle(outcome).await;
        }
    }

    /// Until something changes or falls due; false when there will never be more.
    async fn wait(&mut self) -> bool {
        let is_paused = self.state.scheduler_config().pause_eval_broker;
        let next = self.desk.next_wait().filter(|_| !is_paused).map(|at| at.since(Timestamp::now()));
        tokio::select! {
            Some(outcome) = self.commits.next(), if !self.commits.is_empty() => self.settle(outcome).await,
            received = self.feed.recv() => match received {
                Ok(publication) => self.note(&publication),
                Err(RecvError::Lagged(_)) => self.start_over(),
                Err(RecvError::Closed) => return false,
            },
            () = tokio::time::sleep(next.unwrap_or(Duration::from_secs(3600))) => {}
        }
        true
    }

    async fn settle(&mut self, (ticket, outcome): Outcome) {
        // The state was published before the answer came.
        self.read_feed();
        match outcome {
            Ok(reply) if reply.dropped_placements > 0 => {
                warn!(dropped = reply.dropped_placements, "part of a plan no longer held when it was applied; deciding again");
                self.desk.applied(&self.state, ticket, reply.index, reply.dropped_placements);
                tokio::time::sleep(self.backoff.next_delay()).await;
            }
            Ok(reply) => {
                self.desk.applied(&self.state, ticket, reply.index, 0);
                self.backoff.reset();
            }
            Err(error @ (ProposeError::TooLarge { .. } | ProposeError::Unwritable(_))) => {
                warn!(%error, "a plan cannot be committed; its evaluations fail");
                let evaluations = self.desk.hopeless(&self.state, ticket, &error.to_string(), Timestamp::now());
                if let Err(error) = self.server.propose(Command::UpsertEvaluations { evaluations }).await {
                    warn!(%error, "nor could that be recorded");
                }
            }
            Err(error) => {
                warn!(%error, "a plan could not be committed; its evaluations are taken up again");
                self.wait_for_certainty().await;
                self.read_feed();
                self.desk.failed(&self.state, ticket);
            }
        }
    }

    /// An entry whose outcome is unknown is applied before a later one, or never.
    async fn wait_for_certainty(&mut self) {
        loop {
            tokio::time::sleep(self.backoff.next_delay()).await;
            match self.server.propose(Command::Noop).await {
                Ok(_) => return,
                Err(error) => debug!(%error, "still no word from consensus"),
            }
        }
    }
}
