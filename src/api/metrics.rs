//! `GET /v1/metrics`: what the agent counted, and the cluster's state in numbers.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse as _;

use super::ApiError;
use super::call::{Answer, Call};
use super::types::operator::{GaugeValue, MetricsSummary, SampledValue};
use crate::model::EvalStatus;
use crate::state::State;
use crate::util::clock::Timestamp;
use crate::util::metrics::{Distribution, MetricKey, Registry};

/// JSON, or text for Prometheus with `format=prometheus`.
pub async fn read(call: Call) -> Answer {
    let state = call.api.server.store().load();
    match call.query.get("format") {
        None | Some("") => call.plain(&summary(&call.api.metrics, &state)),
        Some("prometheus") => {
            let text = prometheus(&call.api.metrics, &state);
            Ok(([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response())
        }
        Some(other) => Err(ApiError::bad_request(format!("unknown metrics format {other:?}"))),
    }
}

/// Numbers that are read off the state when they are asked for.
fn gauges_of(state: &State) -> Vec<(MetricKey, f64)> {
    let mut counts: BTreeMap<MetricKey, f64> = BTreeMap::new();
    for status in ["pending", "running", "dead"] {
        counts.insert(MetricKey::new(&format!("nomad.job_status.{status}"), &[]), 0.0);
    }
    for name in ["nomad.broker.total_pending", "nomad.blocked_evals.total_blocked"] {
        counts.insert(MetricKey::new(name, &[]), 0.0);
    }
    let mut count = |key: MetricKey| *counts.entry(key).or_default() += 1.0;
    for job in state.jobs() {
        count(MetricKey::new(&format!("nomad.job_status.{}", job.status.name()), &[]));
    }
    for node in state.nodes() {
        count(MetricKey::new("nomad.nodes", &[("status", node.status.name()), ("eligibility", node.eligibility.name())]));
    }
    for allocation in state.allocations() {
        count(MetricKey::new("nomad.allocations", &[("client_status", allocation.client_status.name())]));
    }
    for evaluation in state.open_evaluations() {
        count(MetricKey::new(
            if evaluation.status == EvalStatus::Blocked { "nomad.blocked_evals.total_blocked" } else { "nomad.broker.total_pending" },
            &[],
        ));
    }
    counts.into_iter().collect()
}

fn summary(registry: &Registry, state: &State) -> MetricsSummary {
    let labels = |key: &MetricKey| key.labels.iter().cloned().collect();
    let gauges = registry.gauges().into_iter().chain(gauges_of(state));
    MetricsSummary {
        timestamp: Timestamp::now().rfc3339(),
        gauges: gauges.map(|(key, value)| GaugeValue { labels: labels(&key), name: key.name, value }).collect(),
        points: Vec::new(),
        counters: registry
            .counters()
            .into_iter()
            .map(|(key, count)| SampledValue { labels: labels(&key), name: key.name, count, sum: count as f64, ..SampledValue::default() })
            .collect(),
        samples: registry
            .timings()
            .into_iter()
            .map(|(key, seen)| SampledValue {
                labels: labels(&key),
                name: key.name,
                count: seen.count,
                rate: 0.0,
                sum: seen.sum,
                min: seen.min,
                max: seen.max,
                mean: seen.mean(),
                stddev: seen.standard_deviation(),
            })
            .collect(),
    }
}

fn prometheus(registry: &Registry, state: &State) -> String {
    let mut text = String::new();
    let gauges: Vec<_> = registry.gauges().into_iter().chain(gauges_of(state)).collect();
    family(&mut text, "gauge", gauges, |text, name, labels, value| {
        let _ = writeln!(text, "{name}{labels} {value}");
    });
    family(&mut text, "counter", registry.counters(), |text, name, labels, value| {
        let _ = writeln!(text, "{name}{labels} {value}");
    });
    family(&mut text, "summary", registry.timings(), |text, name, labels, seen: Distribution| {
        let _ = writeln!(text, "{name}_sum{labels} {}\n{name}_count{labels} {}", seen.sum, seen.count);
    });
    text
}

/// Metrics of one kind, those of one name together under their type.
fn family<Value>(
    text: &mut String,
    kind: &str,
    mut metrics: Vec<(MetricKey, Value)>,
    mut line: impl FnMut(&mut String, &str, &str, Value),
) {
    metrics.sort_by(|(a, _), (b, _)| a.cmp(b));
    let mut last = String::new();
    for (key, value) in metrics {
        let name = prometheus_name(&key.name);
        if name != last {
            let _ = writeln!(text, "# TYPE {name} {kind}");
        }
        line(text, &name, &prometheus_labels(&key.labels), value);
        last = name;
    }
}

fn prometheus_name(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_alphanumeric() || matches!(c, '_' | ':') { c } else { '_' }).collect()
}

fn prometheus_labels(labels: &[(String, String)]) -> String {
    if labels.is_empty() {
        return String::new();
    }
    let quoted = labels.iter().map(|(key, value)| {
        let value = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
        format!("{}=\"{value}\"", prometheus_name(key))
    });
    format!("{{{}}}", quoted.collect::<Vec<_>>().join(","))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn prometheus_text_groups_names_and_escapes_labels() {
        let registry = Registry::default();
        registry.counter("nomad.rpc-x.count", &[("job", "a\"b\\")]).add(3);
        registry.timing("nomad.plan.submit", &[]).record(Duration::from_millis(4));
        let text = prometheus(&registry, &State::default());
        assert!(text.contains("# TYPE nomad_rpc_x_count counter\nnomad_rpc_x_count{job=\"a\\\"b\\\\\"} 3\n"), "{text}");
        assert!(text.contains("# TYPE nomad_plan_submit summary\nnomad_plan_submit_sum 4\nnomad_plan_submit_count 1\n"), "{text}");
        assert!(text.contains("nomad_job_status_running 0\n"), "{text}");
    }
}
