//! Jobs that others launch: the copies that periodic and parameterized jobs run as, and the verbs that ask for one.

use std::collections::{BTreeMap, BTreeSet};

use super::{Registered, Server, ServerError, evaluation_of};
use crate::model::{EvalTrigger, Job, JobKey, Text};
use crate::state::Command;
use crate::state::command::Child;
use crate::util::clock::Timestamp;
use crate::util::random::random_u128;

/// The most bytes that a dispatch may carry along.
pub const MAX_PAYLOAD: usize = 16 * 1024;

/// How long a child's id may become by its prefix, in bytes.
const MAX_PREFIX: usize = 128;

/// What a parameterized job is to be run with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DispatchJob {
    pub payload: Vec<u8>,
    pub meta: BTreeMap<Text, Text>,
    /// Comes before the time in the child's id.
    pub id_prefix: String,
    pub priority: Option<u8>,
    /// A dispatch with the token of an earlier one answers with that one's child.
    pub idempotency_token: Option<Text>,
}

/// What became of a dispatch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dispatched {
    pub job_id: Text,
    pub job_create_index: u64,
    pub registered: Registered,
}

impl Server {
    /// Launches a periodic job now, whatever its table says, and whether an earlier launch still runs or not.
    pub async fn force_periodic_job(&self, key: JobKey) -> Result<Registered, ServerError> {
        let now = Timestamp::now();
        let state = self.store().load();
        let parent = self.existing_job(&key)?;
        if parent.periodic.is_none() {
            return Err(ServerError::Invalid(vec!["can't force launch non-periodic job".to_owned()]));
        }
        refuse_stopped(&parent)?;
        // The id tells seconds: a second launch in one of them is given the next.
        let seconds = (0..).map(|later| now + std::time::Duration::from_secs(later));
        let child = seconds.map(|at| scheduled(&parent, at, now)).find(|child| state.job(&child.job.key).is_none());
        let child = child.ok_or_else(|| ServerError::Internal("no id is free".to_owned()))?;
        let eval_id = Some(child.evaluation.id);
        let command = Command::StartChild { parent: key, idempotency_token: None, child: Box::new(child), at: now };
        let index = self.propose(command).await?.index;
        Ok(Registered { eval_id, index, job_modify_index: index })
    }

    /// Runs a parameterized job once, with this payload and metadata.
    pub async fn dispatch_job(&self, key: JobKey, request: DispatchJob) -> Result<Dispatched, ServerError> {
        let now = Timestamp::now();
        if self.store().load().scheduler_config().reject_job_registration {
            return Err(ServerError::RegistrationDisabled);
        }
        let parent = self.existing_job(&key)?;
        check(&parent, &request).map_err(|problem| ServerError::Invalid(vec![problem]))?;
        refuse_stopped(&parent)?;
        if let Some(known) = self.known_dispatch(&key, &request) {
            return Ok(known);
        }
        let child = dispatched(&parent, &request, now, random_u128() as u32);
        let (child_id, eval_id) = (child.job.key.id.clone(), child.evaluation.id);
        let command = Command::StartChild {
            parent: key.clone(),
            idempotency_token: request.idempotency_token.clone(),
            child: Box::new(child),
            at: now,
        };
        let index = self.propose(command).await?.index;
        // Another request with the same token may have been faster.
        if let Some(known) = self.known_dispatch(&key, &request).filter(|known| known.job_id != child_id) {
            return Ok(known);
        }
        let registered = Registered { eval_id: Some(eval_id), index, job_modify_index: index };
        Ok(Dispatched { job_id: child_id, job_create_index: index, registered })
    }

    fn known_dispatch(&self, parent: &JobKey, request: &DispatchJob) -> Option<Dispatched> {
        let state = self.store().load();
        let child = state.dispatched_with(parent, request.idempotency_token.as_deref()?)?;
        let registered = Registered { eval_id: None, index: child.create_index, job_modify_index: child.job_modify_index };
        Some(Dispatched { job_id: child.key.id.clone(), job_create_index: child.create_index, registered })
    }
}

/// The launch of a periodic job at a time of its table.
pub(super) fn scheduled(parent: &Job, at: Timestamp, now: Timestamp) -> Child {
    let job = Job { periodic: None, ..child_of(parent, format!("{}/periodic-{}", parent.key.id, at.seconds())) };
    Child { evaluation: evaluation_of(&job, EvalTrigger::PeriodicJob, now), job: job.into() }
}

/// The run of a parameterized job; `unique` keeps ids of one second apart.
fn dispatched(parent: &Job, request: &DispatchJob, now: Timestamp, unique: u32) -> Child {
    let dash = if request.id_prefix.is_empty() { "" } else { "-" };
    let id = format!("{}/dispatch-{}{dash}{}-{unique:08x}", parent.key.id, request.id_prefix, now.seconds());
    let mut meta = parent.meta.clone();
    meta.extend(request.meta.clone());
    let priority = request.priority.unwrap_or(parent.priority);
    let job = Job { dispatched: true, payload: request.payload.clone(), meta, priority, ..child_of(parent, id) };
    Child { evaluation: evaluation_of(&job, EvalTrigger::JobRegister, now), job: job.into() }
}

fn child_of(parent: &Job, id: String) -> Job {
    let id = Text::from(id);
    let key = JobKey { namespace: parent.key.namespace.clone(), id: id.clone() };
    Job { key, name: id, parent_id: Some(parent.key.id.clone()), ..parent.clone() }
}

fn refuse_stopped(parent: &Job) -> Result<(), ServerError> {
    if parent.stop { Err(ServerError::Invalid(vec![format!("Specified job {:?} is stopped", parent.key.id)])) } else { Ok(()) }
}

/// The parent's rules for what it is dispatched with, in Nomad's words.
fn check(parent: &Job, request: &DispatchJob) -> Result<(), String> {
    let rules = parent.parameterized.as_ref().filter(|_| !parent.dispatched);
    let rules = rules.ok_or_else(|| format!("Specified job {:?} is not a parameterized job", parent.key.id))?;
    match (&*rules.payload, request.payload.is_empty()) {
        ("required", true) => return Err("Payload is not provided but required by parameterized job".to_owned()),
        ("forbidden", false) => return Err("Payload provided but forbidden by parameterized job".to_owned()),
        _ => {}
    }
    if request.payload.len() > MAX_PAYLOAD {
        return Err(format!("Payload exceeds maximum size; {} > {MAX_PAYLOAD}", request.payload.len()));
    }
    let missing: Vec<&Text> = rules.meta_required.iter().filter(|key| !request.meta.contains_key(*key)).collect();
    if !missing.is_empty() {
        return Err(format!("Dispatch did not provide required meta keys: {missing:?}"));
    }
    let permitted: BTreeSet<&Text> = rules.meta_required.iter().chain(&rules.meta_optional).collect();
    let unpermitted: Vec<&Text> = request.meta.keys().filter(|key| !permitted.contains(key)).collect();
    if !unpermitted.is_empty() {
        return Err(format!("Dispatch request included unpermitted metadata keys: {unpermitted:?}"));
    }
    if request.id_prefix.len() > MAX_PREFIX || request.id_prefix.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return Err(format!("the id's prefix must be at most {MAX_PREFIX} bytes without spaces and control characters"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::job::Parameterized;
    use crate::model::{JobType, fixtures};

    fn parent(payload: &str) -> Job {
        let parameterized =
            Parameterized { payload: payload.into(), meta_required: vec!["input".into()], meta_optional: vec!["colour".into()] };
        let meta = BTreeMap::from([("colour".into(), "red".into()), ("team".into(), "a".into())]);
        Job { parameterized: Some(parameterized), meta, ..fixtures::job("encode", JobType::Batch, 1) }
    }

    fn request(payload_bytes: usize, meta: &[&str]) -> DispatchJob {
        let meta = meta.iter().map(|key| ((*key).into(), "value".into())).collect();
        DispatchJob { payload: vec![7; payload_bytes], meta, ..DispatchJob::default() }
    }

    #[test]
    fn a_dispatch_follows_the_rules_of_its_job() {
        let cases: &[(&str, DispatchJob, Option<&str>)] = &[
            ("optional", request(0, &["input"]), None),
            ("optional", request(MAX_PAYLOAD, &["input", "colour"]), None),
            ("optional", request(MAX_PAYLOAD + 1, &["input"]), Some("Payload exceeds maximum size; 16385 > 16384")),
            ("required", request(0, &["input"]), Some("Payload is not provided but required by parameterized job")),
            ("required", request(1, &["input"]), None),
            ("forbidden", request(1, &["input"]), Some("Payload provided but forbidden by parameterized job")),
            ("forbidden", request(0, &["input"]), None),
            ("optional", request(0, &["colour"]), Some("Dispatch did not provide required meta keys: [\"input\"]")),
            ("optional", request(0, &["input", "team"]), Some("Dispatch request included unpermitted metadata keys: [\"team\"]")),
        ];
        for (payload, request, expected) in cases {
            assert_eq!(check(&parent(payload), request).err().as_deref(), *expected, "{payload}, {:?}", request.meta);
        }
        let plain = fixtures::job("plain", JobType::Batch, 1);
        assert_eq!(check(&plain, &request(0, &[])).unwrap_err(), "Specified job \"plain\" is not a parameterized job");
        let child = dispatched(&parent("optional"), &request(0, &["input"]), Timestamp(0), 1);
        assert!(check(&child.job, &request(0, &["input"])).is_err(), "a child is not dispatched again");
        let odd = DispatchJob { id_prefix: "a b".into(), ..request(0, &["input"]) };
        assert!(check(&parent("optional"), &odd).unwrap_err().contains("prefix"));
    }

    #[test]
    fn a_child_is_its_parent_with_the_request_on_top() {
        let mut request = request(3, &["input", "colour"]);
        request.priority = Some(80);
        let child = dispatched(&parent("optional"), &request, Timestamp(1_700_000_000_500_000_000), 0xab).job;
        assert_eq!(&*child.key.id, "encode/dispatch-1700000000-000000ab");
        assert_eq!((child.parent_id.as_deref(), &child.name, child.priority), (Some("encode"), &child.key.id, 80));
        assert!(child.dispatched && !child.is_template());
        assert_eq!(child.payload, [7; 3]);
        let meta: Vec<(&str, &str)> = child.meta.iter().map(|(key, value)| (&**key, &**value)).collect();
        assert_eq!(meta, [("colour", "value"), ("input", "value"), ("team", "a")]);
        let named = DispatchJob { id_prefix: "night".into(), ..request };
        let child = dispatched(&parent("optional"), &named, Timestamp(5_000_000_000), 1).job;
        assert_eq!(&*child.key.id, "encode/dispatch-night-5-00000001");
    }
}
