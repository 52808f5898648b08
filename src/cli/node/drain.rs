//! `node drain`: move a node's allocations away, and watch them go.

use std::time::Duration;

use anyhow::bail;
use clap::Args;

use super::OneNode;
use super::drain_progress::DrainProgress;
use crate::api::types::node::{DrainSpec, NodeDrainRequest};
use crate::cli::connection::{Connection, Session};
use crate::cli::exit::{Exit, Outcome};
use crate::cli::output::print;
use crate::cli::time;
use crate::util::clock::Timestamp;
use crate::util::go_duration;

/// How long one waiting query lasts.
const WAIT: Duration = Duration::from_secs(5);
const DEFAULT_DEADLINE: &str = "1h";

/// Move a node's allocations away, or stop doing so
#[derive(Args)]
#[command(after_help = "\
Services leave at the pace of their `migrate` block, batch jobs when they are done, system jobs last; what is left at the deadline is stopped.
A drained node stays ineligible for new allocations until `node eligibility -enable`.

Examples:
  pannier node drain -enable 0a1b2c3d
  pannier node drain -enable -deadline 10m -ignore-system -detach 0a1b2c3d
  pannier node drain -enable -force -self
  pannier node drain -monitor 0a1b2c3d
  pannier node drain -disable 0a1b2c3d")]
pub struct DrainArgs {
    #[command(flatten)]
    node: OneNode,
    /// Begin to drain
    #[arg(long, conflicts_with = "disable")]
    enable: bool,
    /// End a drain; the node takes new allocations again
    #[arg(long)]
    disable: bool,
    /// When what is left is stopped [default: 1h]
    #[arg(long, value_name = "DURATION", requires = "enable", conflicts_with_all = ["force", "no_deadline"])]
    deadline: Option<String>,
    /// Stop everything at once
    #[arg(long, requires = "enable", conflicts_with = "no_deadline")]
    force: bool,
    /// Wait for as long as it takes
    #[arg(long, requires = "enable")]
    no_deadline: bool,
    /// Leave system jobs where they are
    #[arg(long, requires = "enable")]
    ignore_system: bool,
    /// Keep new allocations off the node after the drain was ended
    #[arg(long, requires = "disable")]
    keep_ineligible: bool,
    /// Return as soon as the request is accepted
    #[arg(long, conflicts_with = "monitor")]
    detach: bool,
    /// Follow a drain that is under way
    #[arg(long)]
    monitor: bool,
    /// Show ids in full
    #[arg(long)]
    verbose: bool,
    /// Answer yes to questions; accepted for compatibility, as none is asked
    #[arg(long, hide = true)]
    yes: bool,
    #[command(flatten)]
    connection: Connection,
}

impl DrainArgs {
    pub async fn run(self) -> Outcome {
        if !self.enable && !self.disable && !self.monitor {
            bail!("one of -enable, -disable and -monitor must be given");
        }
        let session = self.connection.open()?;
        let id = self.node.id(&session).await?;
        if self.disable {
            let request = NodeDrainRequest { node_id: id.clone(), mark_eligible: !self.keep_ineligible, ..Default::default() };
            session.client.drain_node(&id, &request).await?;
            print(&format!("Node {id:?} is not drained any more"))?;
            return Ok(Exit::Ok);
        }
        if self.enable {
            let drain_spec = Some(DrainSpec { deadline: self.deadline_nanos()?, ignore_system_jobs: self.ignore_system });
            session.client.drain_node(&id, &NodeDrainRequest { node_id: id.clone(), drain_spec, ..Default::default() }).await?;
            print(&format!("Node {id:?} is being drained"))?;
            if self.detach {
                return Ok(Exit::Ok);
            }
        }
        follow(&session, &id, self.verbose).await
    }

    /// As the API wants it: negative is at once, 0 never.
    fn deadline_nanos(&self) -> anyhow::Result<i64> {
        if self.force {
            return Ok(-1);
        }
        if self.no_deadline {
            return Ok(0);
        }
        let deadline = go_duration::parse(self.deadline.as_deref().unwrap_or(DEFAULT_DEADLINE))?;
        if deadline.is_zero() {
            bail!("a deadline must be longer than zero: -force stops everything at once, -no-deadline waits for as long as it takes");
        }
        Ok(i64::try_from(deadline.as_nanos())?)
    }
}

/// Prints what leaves until the drain is over.
async fn follow(session: &Session, id: &str, full_ids: bool) -> Outcome {
    print(&session.style.bold(&format!("==> {}: Ctrl-C ends only the watching, not the drain", time::at(Timestamp::now().0))))?;
    let mut progress = DrainProgress::new(full_ids);
    let mut index = 0;
    loop {
        let node = session.client.node(id).await?;
        // Anything that leaves changes an allocation; the end of the drain follows within the wait.
        let rows = session.client.await_node_allocations(id, index, WAIT.min(progress.patience())).await?;
        index = rows.index;
        for line in progress.look(&node, &rows.value) {
            print(&format!("    {}: {line}", time::at(Timestamp::now().0)))?;
        }
        if node.drain_strategy.is_none() {
            print(&session.style.bold(&format!("==> {}: Node {id:?} is drained", time::at(Timestamp::now().0))))?;
            return Ok(Exit::Ok);
        }
    }
}
