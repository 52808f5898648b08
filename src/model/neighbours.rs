//! References from one job's constraints to the instances of another: `${job.<id>}`, `${job["<id>"]}`, and with a node's fact at the end
//! (`${job.cache.meta.rack}`). They stand for how many instances of that job run on the node, or on all nodes that have the
//! same value of that fact.

use std::collections::BTreeSet;

use super::{Job, JobKey, Text};

/// The fact that every node has for itself.
const NODE_ITSELF: &str = "node.unique.id";

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobReference {
    /// In the namespace of the job that refers to it.
    pub job: Text,
    /// `${meta.rack}`, `${node.datacenter}`, `${node.unique.id}`, ...
    pub around: Text,
}

/// `None`: `target` refers to no job.
///
/// # Errors
/// It does, but cannot be read; the text says how to write it.
pub fn parse(target: &str) -> Option<Result<JobReference, String>> {
    let name = target.strip_prefix("${job")?.strip_suffix('}')?;
    let parts = match (name.strip_prefix("[\""), name.strip_prefix('.')) {
        (Some(quoted), _) => quoted.split_once("\"]").and_then(|(id, rest)| match rest.strip_prefix('.') {
            Some(fact) => Some((id, fact)),
            None => rest.is_empty().then_some((id, "")),
        }),
        (None, Some(plain)) => Some(plain.split_once('.').unwrap_or((plain, ""))),
        (None, None) => return None,
    };
    let help = "write ${job.<id>} for the node, or ${job.<id>.meta.rack} for all nodes of its rack; ids with dots or slashes in [\"...\"]";
    let Some((id, fact)) = parts.filter(|(id, _)| !id.is_empty()) else {
        return Some(Err(format!("{target:?} names no job: {help}")));
    };
    let fact = match fact {
        "" => NODE_ITSELF,
        fact if ["meta.", "attr.", "node."].iter().any(|prefix| fact.strip_prefix(prefix).is_some_and(|rest| !rest.is_empty())) => fact,
        _ => return Some(Err(format!("{target:?} is about no fact of a node: {help}"))),
    };
    Some(Ok(JobReference { job: id.into(), around: format!("${{{fact}}}").into() }))
}

/// Whether any constraint or affinity of the job refers to another job's instances.
pub fn has_any(job: &Job) -> bool {
    constraints(job).chain(affinities(job)).any(|target| parse(target).is_some())
}

/// The jobs that a job's constraints refer to. (What it only prefers is no reason to look at it again.)
pub fn required_by(job: &Job) -> BTreeSet<JobKey> {
    jobs(job, constraints(job))
}

/// The jobs that a job's constraints or affinities refer to.
pub fn regarded_by(job: &Job) -> BTreeSet<JobKey> {
    jobs(job, constraints(job).chain(affinities(job)))
}

fn constraints(job: &Job) -> impl Iterator<Item = &str> {
    let groups = job.groups.iter().flat_map(|group| group.constraints.iter().chain(group.tasks.iter().flat_map(|task| &task.constraints)));
    job.constraints.iter().chain(groups).map(|constraint| &*constraint.left)
}

fn affinities(job: &Job) -> impl Iterator<Item = &str> {
    let groups = job.groups.iter().flat_map(|group| group.affinities.iter().chain(group.tasks.iter().flat_map(|task| &task.affinities)));
    job.affinities.iter().chain(groups).map(|affinity| &*affinity.left)
}

fn jobs<'a>(job: &Job, targets: impl Iterator<Item = &'a str>) -> BTreeSet<JobKey> {
    let references = targets.filter_map(|target| parse(target)?.ok());
    references.map(|reference| JobKey { namespace: job.key.namespace.clone(), id: reference.job }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_name_a_job_and_what_is_near() {
        for (target, expected) in [
            ("${job.cache}", Some(Some(("cache", "${node.unique.id}")))),
            ("${job.my-cache.meta.rack}", Some(Some(("my-cache", "${meta.rack}")))),
            ("${job[\"team/cache.v2\"]}", Some(Some(("team/cache.v2", "${node.unique.id}")))),
            ("${job[\"team/cache.v2\"].node.datacenter}", Some(Some(("team/cache.v2", "${node.datacenter}")))),
            ("${job.cache.attr.cpu.arch}", Some(Some(("cache", "${attr.cpu.arch}")))),
            ("${job.cache.rack}", Some(None)),
            ("${job.cache.meta.}", Some(None)),
            ("${job.}", Some(None)),
            ("${job[\"\"]}", Some(None)),
            ("${job[\"a\"]meta.rack}", Some(None)),
            ("${jobs.cache}", None),
            ("${meta.job}", None),
            ("job.cache", None),
        ] {
            let parsed = parse(target).map(|result| result.ok().map(|reference| (reference.job.to_string(), reference.around.to_string())));
            let expected = expected.map(|found| found.map(|(job, around)| (job.to_owned(), around.to_owned())));
            assert_eq!(parsed, expected, "{target}");
        }
    }
}
