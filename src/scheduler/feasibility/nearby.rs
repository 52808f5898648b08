//! Conditions on the instances of another job near a node.

use super::check::Check;
use crate::model::{Affinity, Constraint, Job, JobKey, Operand, Text, neighbours};

/// A constraint or affinity whose left side refers to a job, compiled.
#[derive(Debug)]
pub struct NearbyCheck {
    pub job: JobKey,
    /// Nodes with the same value of this fact are near each other.
    pub around: Text,
    check: Check,
    operand: Operand,
}

impl NearbyCheck {
    /// `None`: the constraint refers to no job.
    pub fn of(job: &Job, constraint: &Constraint) -> Option<Self> {
        let reference = neighbours::parse(&constraint.left)?.ok()?;
        let key = JobKey { namespace: job.key.namespace.clone(), id: reference.job };
        Some(Self { job: key, around: reference.around, check: Check::from(constraint), operand: constraint.operand })
    }

    pub fn of_affinity(job: &Job, affinity: &Affinity) -> Option<Self> {
        Self::of(job, &Constraint { left: affinity.left.clone(), operand: affinity.operand, right: affinity.right.clone() })
    }

    pub fn text(&self) -> &Text {
        self.check.text()
    }

    /// Whether a node will do that has `count` instances near it.
    pub fn holds_with(&self, count: u32) -> bool {
        let is_asked_for_presence = matches!(self.operand, Operand::IsSet | Operand::IsNotSet);
        let count = (count > 0 || !is_asked_for_presence).then(|| count.to_string());
        let (_, right) = self.check.sides();
        self.check.judge(count.as_deref(), Some(right))
    }

    /// How many instances of the job itself may be near each other, when that is what the condition comes down to.
    pub fn limit_of_own(&self) -> Option<u32> {
        let (_, right) = self.check.sides();
        match self.operand {
            Operand::IsNotSet => Some(1),
            Operand::Less => right.trim().parse().ok(),
            Operand::LessOrEqual => right.trim().parse::<u32>().ok()?.checked_add(1),
            _ => None,
        }
    }
}
