//! Blocking queries: a read that names an index waits until its result is newer.

use futures_util::future::select_all;
use tokio::sync::watch;
use tokio::time::{Duration, Instant};

use super::ApiError;
use super::call::{Call, View};
use crate::state::{State, Table};
use crate::util::random::random_u128;

impl Call {
    /// The state to answer from. `tables` are those whose change may move the result, `index_of` is the result's index in a state.
    /// With `index=N` this waits until that is above N, or `wait` is over, or the agent stops; the answer is then as it is.
    pub async fn view(&self, tables: &[Table], index_of: impl Fn(&State) -> u64 + Send + Sync) -> Result<View, ApiError> {
        let seen = self.query.index()?;
        let wait = self.query.wait()?;
        if !self.query.stale()? {
            self.api.server.read_barrier(self.query.flag("consistent", false)?).await?;
        }
        let store = self.api.server.store();
        // Watched before the first look: a change in between is not missed.
        let mut changed: Vec<_> = tables.iter().map(|table| store.watch_table(*table)).collect();
        let deadline = Instant::now() + wait + jitter(wait);
        loop {
            for table in &mut changed {
                table.mark_unchanged();
            }
            let state = store.load();
            let index = index_of(&state).max(1);
            if seen == 0 || index > seen {
                return Ok(View { state, index });
            }
            tokio::select! {
                () = any_changed(&mut changed) => {}
                () = tokio::time::sleep_until(deadline) => return Ok(View { state, index }),
                () = self.api.stopped() => return Ok(View { state, index }),
            }
        }
    }

    /// The state to answer from when the result moves with whole tables.
    pub async fn view_of_tables(&self, tables: &[Table]) -> Result<View, ApiError> {
        self.view(tables, |state| newest(state, tables)).await
    }
}

/// The index of the last change of any of the tables.
pub fn newest(state: &State, tables: &[Table]) -> u64 {
    tables.iter().map(|table| state.table_index(*table)).max().unwrap_or(1)
}

async fn any_changed(tables: &mut [watch::Receiver<u64>]) {
    if tables.is_empty() {
        return std::future::pending().await;
    }
    // An error means that the store is gone, and then nothing changes any more: the caller looks once more and waits for its deadline.
    let (result, _, _) = select_all(tables.iter_mut().map(|table| Box::pin(table.changed()))).await;
    if result.is_err() {
        std::future::pending::<()>().await;
    }
}

/// Up to a sixteenth of the wait, so that clients which were answered together do not come back together.
fn jitter(wait: Duration) -> Duration {
    let fraction = (random_u128() % 1024) as u32;
    wait / 16 * fraction / 1024
}
