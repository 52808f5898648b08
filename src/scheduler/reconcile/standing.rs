//! Where one allocation stands: what its node, its state and its policy make of it.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::changes::{StopOrder, reason};
use super::reschedule::{self, Outlook};
use super::{Comparison, Context};
use crate::model::{AllocClientStatus, Allocation, EvalId, Node, NodeStatus, TaskGroup};
use crate::scheduler::view::StateView;
use crate::util::clock::Timestamp;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Over, or replaced already: it counts for nothing.
    Ignored,
    /// Finished its work; its name is taken and nothing is to do.
    Done,
    /// Wanted and where it belongs.
    Live,
    /// Failed and not placed again yet.
    Failed(Outlook),
    /// Its node is in touch again, but has not told of it yet; its replacement runs meanwhile.
    Returning,
    /// Must leave its node.
    Migrating,
    /// Its node is gone; `wanted` unless it was stopped before.
    Lost { wanted: bool, why: &'static str },
    /// Its node is out of touch until `lost_at`, or until it comes back (`None`); `marked` once it is recorded as unknown and an evaluation
    /// waits for that time, `replaced` once a replacement has a place, `holds` if there shall be none meanwhile.
    Away { lost_at: Option<Timestamp>, marked: bool, replaced: bool, holds: bool },
}

/// The standing of a service or batch allocation of a group that the job still has.
pub fn of(context: &Context<'_>, group: &TaskGroup, allocation: &Allocation, comparison: &mut Comparison<'_>) -> Standing {
    let node = context.node(allocation.node_id);
    if allocation.is_server_terminal() {
        let vanished = !allocation.is_client_terminal() && is_down(node.as_deref());
        return if vanished { Standing::Lost { wanted: false, why: reason::NODE_LOST } } else { Standing::Ignored };
    }
    match allocation.client_status {
        AllocClientStatus::Complete => completed(context, group, allocation, comparison),
        AllocClientStatus::Lost => Standing::Ignored,
        AllocClientStatus::Failed => failed(context, group, allocation, comparison),
        AllocClientStatus::Pending | AllocClientStatus::Running | AllocClientStatus::Unknown => {
            running(context, group, allocation, node.as_deref())
        }
    }
}

/// A service that ended well is started again; batch work that ended well is done until it changes.
fn completed(context: &Context<'_>, group: &TaskGroup, allocation: &Allocation, comparison: &mut Comparison<'_>) -> Standing {
    if !context.job.job_type.is_batch() || allocation.history.next.is_some() || comparison.must_run_again(&allocation.job, group) {
        return Standing::Ignored;
    }
    Standing::Done
}

/// Who starts a stopped job again wants all of its instances, also those that had used up their attempts.
fn failed(context: &Context<'_>, group: &TaskGroup, allocation: &Allocation, comparison: &mut Comparison<'_>) -> Standing {
    if allocation.history.next.is_some() || comparison.was_restarted(&allocation.job, group) {
        return Standing::Ignored;
    }
    let transition = allocation.desired_transition;
    if transition.reschedule || transition.force_reschedule {
        return Standing::Failed(Outlook::Now);
    }
    let outlook = reschedule::outlook(allocation, &group.reschedule, context.now);
    let its_time_has_come = allocation.history.follow_up_eval.is_some_and(|eval| context.due.contains(&eval));
    if its_time_has_come && outlook != Outlook::Never {
        return Standing::Failed(Outlook::Now);
    }
    Standing::Failed(outlook)
}

fn running(context: &Context<'_>, group: &TaskGroup, allocation: &Allocation, node: Option<&Node>) -> Standing {
    let transition = allocation.desired_transition;
    let must_leave = transition.migrate || transition.reschedule;
    let Some(node) = node.filter(|node| !(must_leave && node.status == NodeStatus::Down)) else {
        return Standing::Lost { wanted: allocation.history.next.is_none(), why: reason::NODE_LOST };
    };
    if matches!(node.status, NodeStatus::Down | NodeStatus::Disconnected) {
        return disconnected(context, group, allocation, node);
    }
    if must_leave {
        return Standing::Migrating;
    }
    if allocation.client_status == AllocClientStatus::Unknown && has_live_replacement(context, allocation) {
        return Standing::Returning;
    }
    Standing::Live
}

fn has_live_replacement(context: &Context<'_>, allocation: &Allocation) -> bool {
    allocation.history.next.and_then(|next| context.view.allocation(next)).is_some_and(|next| !next.is_terminal())
}

/// How long an allocation is waited for whose node cannot be reached.
///
/// With `lost_after`, until that has passed since it was marked. With `stop_on_client_after`, until its node must have stopped it by itself: only
/// then may another take its name. Without either, and with `replace = false`, until the node is back or somebody stops it. Else not at all.
fn disconnected(context: &Context<'_>, group: &TaskGroup, allocation: &Allocation, node: &Node) -> Standing {
    let replaced = allocation.history.next.is_some();
    let unknown = allocation.client_status == AllocClientStatus::Unknown;
    // Marked a second time, it was changed later than it went away; its follow-up knows the time.
    let follows_up =
        |evaluations: &BTreeSet<EvalId>| unknown && allocation.history.follow_up_eval.is_some_and(|eval| evaluations.contains(&eval));
    let policy = &group.disconnect;
    let is_down = node.status == NodeStatus::Down;
    let (lost_at, holds, why) = match (policy.lost_after, policy.stop_on_client_after) {
        (Some(_), _) if is_down => return Standing::Lost { wanted: !replaced, why: reason::NODE_LOST },
        (Some(lost_after), _) => {
            // The mark was the allocation's last change: nobody else can write it while its node is away.
            let since = if unknown { allocation.modify_time } else { context.now };
            (since + lost_after, !policy.replace, reason::DISCONNECTED_TOO_LONG)
        }
        (None, Some(stopped_after)) => (node.status_updated_at + stopped_after, true, reason::NODE_LOST),
        (None, None) if policy.replace => return Standing::Lost { wanted: !replaced, why: reason::NODE_LOST },
        (None, None) => return Standing::Away { lost_at: None, marked: unknown, replaced, holds: true },
    };
    if lost_at <= context.now || follows_up(context.due) {
        return Standing::Lost { wanted: !replaced, why };
    }
    Standing::Away { lost_at: Some(lost_at), marked: follows_up(context.waiting), replaced, holds }
}

fn is_down(node: Option<&Node>) -> bool {
    node.is_none_or(|node| node.status == NodeStatus::Down)
}

/// The stop of an allocation that is not wanted any more, if it needs one.
pub fn retire(view: &dyn StateView, allocation: &Arc<Allocation>) -> Option<StopOrder> {
    retire_because(view, allocation, reason::NOT_NEEDED)
}

pub fn retire_because(view: &dyn StateView, allocation: &Arc<Allocation>, why: &'static str) -> Option<StopOrder> {
    if allocation.is_client_terminal() {
        return None;
    }
    if is_down(view.node(allocation.node_id).as_deref()) {
        return Some(lost(allocation, reason::NODE_LOST));
    }
    (!allocation.is_server_terminal()).then(|| stop(allocation, why))
}

pub fn stop(allocation: &Allocation, description: &'static str) -> StopOrder {
    StopOrder { alloc: allocation.id, description, client_status: None }
}

pub fn lost(allocation: &Allocation, description: &'static str) -> StopOrder {
    StopOrder { alloc: allocation.id, description, client_status: Some(AllocClientStatus::Lost) }
}
