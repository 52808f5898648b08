//! How a placement was chosen, or why there was none.

use super::counts;
use crate::api::types::allocation::{AllocationMetric, NodeScoreMeta};
use crate::model::plan::PlacementMetrics;

impl From<&PlacementMetrics> for AllocationMetric {
    fn from(metrics: &PlacementMetrics) -> Self {
        Self {
            nodes_evaluated: metrics.nodes_evaluated.into(),
            nodes_filtered: metrics.nodes_filtered.into(),
            nodes_in_pool: metrics.nodes_in_pool.into(),
            nodes_available: counts(&metrics.nodes_available),
            class_filtered: counts(&metrics.class_filtered),
            constraint_filtered: counts(&metrics.constraint_filtered),
            nodes_exhausted: metrics.nodes_exhausted.into(),
            class_exhausted: counts(&metrics.class_exhausted),
            dimension_exhausted: counts(&metrics.dimension_exhausted),
            missing: metrics.missing.iter().map(Into::into).collect(),
            changes: metrics.changes.iter().map(ToString::to_string).collect(),
            score_meta_data: metrics
                .scores
                .iter()
                .map(|score| NodeScoreMeta {
                    node_id: score.node.to_string(),
                    scores: score.terms.iter().map(|(name, value)| (name.to_string(), *value)).collect(),
                    norm_score: score.total,
                })
                .collect(),
            allocation_time: super::signed(metrics.allocation_time_ns),
            coalesced_failures: metrics.coalesced_failures.into(),
            ..Self::default()
        }
    }
}
