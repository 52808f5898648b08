//! What a job must be beyond its types: every rule, every violation at once, each with the path of what is wrong.

mod group;
mod kept;
mod policy;
mod task;
mod unsupported;

use std::cell::Cell;
use std::collections::BTreeSet;

use super::diagnostic::Severity;
use crate::model::{Affinity, ConfigValue, Constraint, Job, JobType, Operand, Spread, neighbours};
use crate::util::cron::{self, Cron};
use crate::util::go_regex;

/// A rule that a job breaks, or something its author should know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    pub severity: Severity,
    /// `job.group[web].task[server].driver`.
    pub path: String,
    pub message: String,
    pub help: Option<String>,
}

impl Problem {
    pub fn error(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self { severity: Severity::Error, path: path.into(), message: message.into(), help: None }
    }

    pub fn warning(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, path: path.into(), message: message.into(), help: None }
    }

    #[must_use]
    pub fn with_help(mut self, help: Option<String>) -> Self {
        self.help = help;
        self
    }

    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.path, self.message)
    }
}

/// The most instances that the groups of a job may ask for together.
pub const MAX_COUNT: u64 = 50_000;
/// The highest priority.
pub const MAX_PRIORITY: u8 = 100;

/// The most regular expressions of a job: a few bytes of one can take milliseconds to judge.
pub const MAX_REGULAR_EXPRESSIONS: usize = 100;
/// How deep plain values may nest. What shows a job adds levels around it, and readers of JSON give up at 128.
pub const MAX_NESTING: usize = 64;

/// Every problem of a job, errors and warnings. A job without errors can be registered.
pub fn validate(job: &Job) -> Vec<Problem> {
    let mut problems = Vec::new();
    let expressions = Cell::new(0);
    let mut rules = Rules { job, path: "job".to_owned(), problems: &mut problems, expressions: &expressions };
    identity(&mut rules);
    for (index, datacenter) in job.datacenters.iter().enumerate() {
        rules.refuse_if(datacenter.is_empty(), "datacenters", || format!("entry {index} is empty"));
    }
    rules.refuse_if(job.datacenters.is_empty(), "datacenters", || "there must be at least one".to_owned());
    constraints(&mut rules, &job.constraints, true);
    affinities(&mut rules, &job.affinities);
    spreads(&mut rules, &job.spreads);
    templates(&mut rules);
    if let Some(update) = &job.update {
        policy::update(&mut rules.inside("update"), update);
    }
    kept::job(&mut rules, job);
    plain_values(&mut rules, &job.other);
    groups(&mut rules);
    unsupported::warn(&mut rules);
    problems
}

fn identity(rules: &mut Rules<'_>) {
    let job = rules.job;
    let id = &job.key.id;
    rules.refuse_if(id.is_empty(), "id", || "must not be empty".to_owned());
    rules.refuse_if(id.contains([' ', '\0']), "id", || format!("{id:?} must not hold spaces or NUL"));
    rules.refuse_if(job.name.contains('\0'), "name", || "must not hold NUL".to_owned());
    rules.refuse_if(job.key.namespace.is_empty(), "namespace", || "must not be empty".to_owned());
    rules.refuse_if(job.node_pool.is_empty(), "node_pool", || "must not be empty".to_owned());
    rules.refuse_if(!(1..=MAX_PRIORITY).contains(&job.priority), "priority", || format!("{} is not in 1..={MAX_PRIORITY}", job.priority));
}

/// Periodic and parameterized jobs.
fn templates(rules: &mut Rules<'_>) {
    let job = rules.job;
    if let Some(periodic) = &job.periodic {
        rules.refuse_if(!job.job_type.is_batch(), "periodic", || {
            format!("a {} job cannot be periodic, only batch and sysbatch", job.job_type.name())
        });
        rules.refuse_if(job.parameterized.is_some(), "periodic", || "a parameterized job cannot be periodic".to_owned());
        rules.refuse_if(periodic.specs.is_empty(), "periodic.cron", || "is required".to_owned());
        for (index, spec) in periodic.specs.iter().enumerate() {
            let name = if index == 0 { "periodic.cron" } else { "periodic.crons" };
            if let Err(problem) = Cron::parse(spec) {
                rules.refuse(name, problem.to_string());
            }
        }
        if let Err(problem) = cron::zone(&periodic.time_zone) {
            rules.refuse("periodic.time_zone", problem.to_string());
        }
    }
    if let Some(parameterized) = &job.parameterized {
        rules.refuse_if(!job.job_type.is_batch(), "parameterized", || {
            format!("a {} job cannot be parameterized, only batch and sysbatch", job.job_type.name())
        });
        let known = ["optional", "required", "forbidden"];
        rules.refuse_if(!known.contains(&&*parameterized.payload), "parameterized.payload", || {
            format!("{:?} is not one of {}", parameterized.payload, known.join(", "))
        });
        for key in parameterized.meta_required.iter().filter(|key| parameterized.meta_optional.contains(key)) {
            rules.refuse("parameterized.meta_optional", format!("{key:?} is required too"));
        }
    }
}

fn groups(rules: &mut Rules<'_>) {
    let job = rules.job;
    rules.refuse_if(job.groups.is_empty(), "group", || "there must be at least one group".to_owned());
    let mut names = BTreeSet::new();
    for spec in &job.groups {
        rules.refuse_if(!names.insert(&spec.name), "group", || format!("there are two groups named {:?}", spec.name));
        group::check(&mut rules.inside(&format!("group[{}]", spec.name)), spec);
    }
    let total: u64 = job.groups.iter().map(|group| u64::from(group.count)).sum();
    rules.refuse_if(total > MAX_COUNT, "group", || format!("the groups ask for {total} instances together; {MAX_COUNT} is the most"));
    let promoting = job.groups.iter().filter_map(|group| group.update.as_ref()).filter(|update| update.auto_promote).count();
    let canaries = job.groups.iter().filter_map(|group| group.update.as_ref()).filter(|update| update.canary > 0).count();
    rules.refuse_if(promoting > 0 && canaries > 0 && canaries < job.groups.len(), "update.auto_promote", || {
        "needs `canary` above 0 in every group".to_owned()
    });
}

/// The job under judgement, and where in it we are.
pub struct Rules<'a> {
    job: &'a Job,
    path: String,
    problems: &'a mut Vec<Problem>,
    /// Regular expressions met so far.
    expressions: &'a Cell<usize>,
}

impl Rules<'_> {
    fn inside(&mut self, part: &str) -> Rules<'_> {
        Rules { job: self.job, path: format!("{}.{part}", self.path), problems: self.problems, expressions: self.expressions }
    }

    fn refuse(&mut self, name: &str, message: String) {
        self.problems.push(Problem::error(format!("{}.{name}", self.path), message));
    }

    fn refuse_with_help(&mut self, name: &str, message: String, help: Option<String>) {
        self.problems.push(Problem::error(format!("{}.{name}", self.path), message).with_help(help));
    }

    fn refuse_if(&mut self, broken: bool, name: &str, message: impl FnOnce() -> String) {
        if broken {
            self.refuse(name, message());
        }
    }

    fn warn_if(&mut self, odd: bool, name: &str, message: impl FnOnce() -> String) {
        if odd {
            self.problems.push(Problem::warning(format!("{}.{name}", self.path), message()));
        }
    }

    /// Problems that somebody else found, with paths from here on.
    fn take(&mut self, problems: Vec<Problem>) {
        let path = &self.path;
        self.problems.extend(problems.into_iter().map(|problem| Problem { path: format!("{path}.{}", problem.path), ..problem }));
    }

    fn regular_expression(&mut self, name: &str, text: &str) {
        let met = self.expressions.get() + 1;
        self.expressions.set(met);
        if met > MAX_REGULAR_EXPRESSIONS {
            // Said once: the others are not looked at.
            self.refuse_if(met == MAX_REGULAR_EXPRESSIONS + 1, name, || {
                format!("the job has more than {MAX_REGULAR_EXPRESSIONS} regular expressions")
            });
        // The limit keeps a job of many expressions from costing gigabytes to judge.
        } else if let Err(error) = go_regex::compile(text) {
            self.refuse(name, format!("bad regular expression: {error}"));
        }
    }

    fn runs_everywhere(&self) -> bool {
        self.job.job_type == JobType::System
    }
}

/// Values that are kept as they are.
fn plain_values<'a, K: AsRef<str> + 'a>(rules: &mut Rules<'_>, values: impl IntoIterator<Item = (&'a K, &'a ConfigValue)>) {
    for (name, value) in values {
        rules.refuse_if(value.depth() > MAX_NESTING, name.as_ref(), || format!("is nested deeper than {MAX_NESTING} levels"));
    }
}

/// `whole_groups`: whether constraints about the instances of a group make sense here.
fn constraints(rules: &mut Rules<'_>, constraints: &[Constraint], whole_groups: bool) {
    for (index, constraint) in constraints.iter().enumerate() {
        let mut here = rules.inside(&format!("constraint[{index}]"));
        let distinct = matches!(constraint.operand, Operand::DistinctHosts | Operand::DistinctProperty);
        here.refuse_if(distinct && !whole_groups, "operator", || format!("`{}` is for jobs and groups", constraint.operand.name()));
        comparison(&mut here, &constraint.left, constraint.operand, &constraint.right);
        nearby(&mut here, &constraint.left, constraint.operand, &constraint.right, true);
        if constraint.operand == Operand::DistinctProperty && !constraint.right.is_empty() {
            let is_count = constraint.right.parse::<u64>().is_ok_and(|count| count > 0);
            here.refuse_if(!is_count, "value", || format!("{:?} is not a count of 1 or more", constraint.right));
        }
    }
}

fn comparison(here: &mut Rules<'_>, left: &str, operand: Operand, right: &str) {
    let needs_left = operand != Operand::DistinctHosts;
    let needs_right = !matches!(operand, Operand::DistinctHosts | Operand::DistinctProperty | Operand::IsSet | Operand::IsNotSet);
    here.refuse_if(needs_left && left.is_empty(), "attribute", || "is required".to_owned());
    here.refuse_if(needs_right && right.is_empty(), "value", || format!("`{}` needs one", operand.name()));
    if operand == Operand::Regexp {
        here.regular_expression("value", right);
    }
}

/// Conditions on another job nearby (`${job.<id>}`), which stand for a number of instances.
fn nearby(here: &mut Rules<'_>, left: &str, operand: Operand, right: &str, required: bool) {
    here.refuse_if(neighbours::parse(right).is_some(), "value", || "a reference to a job belongs into `attribute`".to_owned());
    let reference = match neighbours::parse(left) {
        None => return,
        Some(Err(problem)) => return here.refuse("attribute", problem),
        Some(Ok(reference)) => reference,
    };
    let everywhere = here.runs_everywhere();
    here.refuse_if(everywhere, "attribute", || "a system job runs on every node, whoever else is there".to_owned());
    use Operand::{Equal, Greater, GreaterOrEqual, IsNotSet, IsSet, Less, LessOrEqual, NotEqual};
    let is_presence = matches!(operand, IsSet | IsNotSet);
    let is_number = matches!(operand, Equal | NotEqual | Less | LessOrEqual | Greater | GreaterOrEqual);
    here.refuse_if(!is_presence && !is_number, "operator", || {
        format!("`{}` does not compare a number of instances: use is_set, is_not_set, =, !=, <, <=, > or >=", operand.name())
    });
    here.refuse_if(is_number && right.trim().parse::<u32>().is_err(), "value", || format!("{right:?} is not a number of instances"));
    if reference.job == here.job.key.id {
        let keeps_apart = matches!(operand, IsNotSet | Less | LessOrEqual);
        here.refuse_if(!required || !keeps_apart, "attribute", || {
            "the job itself can only be kept apart, by is_not_set, < or <= in a constraint; to level it out, use `spread`".to_owned()
        });
        here.refuse_if(operand == Less && right.trim() == "0", "value", || "no instance would have a place".to_owned());
    }
}

fn affinities(rules: &mut Rules<'_>, affinities: &[Affinity]) {
    let everywhere = rules.runs_everywhere();
    rules
        .refuse_if(everywhere && !affinities.is_empty(), "affinity", || "a system job runs on every node and has no affinities".to_owned());
    for (index, affinity) in affinities.iter().enumerate() {
        let mut here = rules.inside(&format!("affinity[{index}]"));
        let distinct = matches!(affinity.operand, Operand::DistinctHosts | Operand::DistinctProperty);
        here.refuse_if(distinct, "operator", || format!("`{}` is not for affinities", affinity.operand.name()));
        here.refuse_if(!(-100..=100).contains(&affinity.weight) || affinity.weight == 0, "weight", || {
            format!("{} is not in -100..=100, or is 0", affinity.weight)
        });
        comparison(&mut here, &affinity.left, affinity.operand, &affinity.right);
        nearby(&mut here, &affinity.left, affinity.operand, &affinity.right, false);
    }
}

fn spreads(rules: &mut Rules<'_>, spreads: &[Spread]) {
    let everywhere = rules.runs_everywhere();
    rules.refuse_if(everywhere && !spreads.is_empty(), "spread", || "a system job runs on every node and has no spreads".to_owned());
    let mut attributes = BTreeSet::new();
    for (index, spread) in spreads.iter().enumerate() {
        let mut here = rules.inside(&format!("spread[{index}]"));
        here.refuse_if(spread.attribute.is_empty(), "attribute", || "is required".to_owned());
        here.refuse_if(!attributes.insert(&spread.attribute), "attribute", || format!("{:?} is spread over already", spread.attribute));
        here.refuse_if(!(1..=100).contains(&spread.weight), "weight", || format!("{} is not in 1..=100", spread.weight));
        let sum: u32 = spread.targets.iter().map(|target| u32::from(target.percent)).sum();
        here.refuse_if(sum > 100, "target", || format!("the percents sum up to {sum}, more than 100"));
        let mut values = BTreeSet::new();
        for target in &spread.targets {
            here.refuse_if(!values.insert(&target.value), "target", || format!("{:?} is there twice", target.value));
        }
    }
}
