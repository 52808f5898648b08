//! From the beginning of an id, as people type it, to the one object meant.

use anyhow::{anyhow, bail};

use super::connection::Session;
use crate::api::client::{Client, ClientError};

const UUID_LENGTH: usize = 36;
const MIN_PREFIX_LENGTH: usize = 2;
const MAX_LISTED_MATCHES: usize = 20;

/// Picks the only candidate, or the one whose id is exactly `prefix`.
///
/// # Errors
/// When nothing or more than one thing begins with `prefix`; the text lists what does.
pub fn pick(noun: &str, prefix: &str, candidates: &[String]) -> anyhow::Result<String> {
    let matches: Vec<&String> = candidates.iter().filter(|id| id.starts_with(prefix)).collect();
    if let Some(exact) = matches.iter().find(|id| id.as_str() == prefix) {
        return Ok((*exact).clone());
    }
    match matches.as_slice() {
        [] => Err(anyhow!("no {noun} with prefix or id {prefix:?} found")),
        [only] => Ok((*only).clone()),
        several => {
            let mut listed: Vec<String> = several.iter().take(MAX_LISTED_MATCHES).map(|id| format!("  {id}")).collect();
            if several.len() > MAX_LISTED_MATCHES {
                listed.push(format!("  and {} more", several.len() - MAX_LISTED_MATCHES));
            }
            Err(anyhow!("prefix {prefix:?} matched more than one {noun}:\n{}", listed.join("\n")))
        }
    }
}

/// A job, in the namespace it was found in.
pub struct JobTarget {
    pub client: Client,
    pub id: String,
}

/// The job that `prefix` means.
///
/// # Errors
/// As [`pick`], or when the agent cannot be asked.
pub async fn job(session: &Session, prefix: &str) -> anyhow::Result<JobTarget> {
    let mut jobs = session.client.list_jobs(prefix).await?;
    let ids: Vec<String> = jobs.iter().map(|job| job.id.clone()).collect();
    let id = pick("job", prefix, &ids)?;
    jobs.retain(|job| job.id == id);
    match jobs.as_slice() {
        [job] if !job.namespace.is_empty() => Ok(JobTarget { client: session.client.in_namespace(&job.namespace), id }),
        [_] => Ok(JobTarget { client: session.client.clone(), id }),
        several => {
            let namespaces: Vec<&str> = several.iter().map(|job| job.namespace.as_str()).collect();
            bail!("job {id:?} exists in several namespaces ({}): choose one with -namespace", namespaces.join(", "))
        }
    }
}

/// The allocation that `prefix` means.
///
/// # Errors
/// As [`job`].
pub async fn allocation(session: &Session, prefix: &str) -> anyhow::Result<String> {
    if let Some(exact) = complete_uuid(prefix)? {
        return Ok(exact);
    }
    let rows = session.client.list_allocations(even_prefix(prefix)).await?;
    pick("allocation", prefix, &rows.into_iter().map(|row| row.id).collect::<Vec<_>>())
}

/// The node that `prefix` means.
///
/// # Errors
/// As [`job`].
pub async fn node(session: &Session, prefix: &str) -> anyhow::Result<String> {
    if let Some(exact) = complete_uuid(prefix)? {
        return Ok(exact);
    }
    let rows = session.client.list_nodes(even_prefix(prefix)).await?;
    pick("node", prefix, &rows.into_iter().map(|row| row.id).collect::<Vec<_>>())
}

/// The evaluation that `prefix` means.
///
/// # Errors
/// As [`job`].
pub async fn evaluation(session: &Session, prefix: &str) -> anyhow::Result<String> {
    if let Some(exact) = complete_uuid(prefix)? {
        return Ok(exact);
    }
    let rows = session.client.list_evaluations(even_prefix(prefix)).await?;
    pick("evaluation", prefix, &rows.into_iter().map(|row| row.id).collect::<Vec<_>>())
}

/// The deployment that `prefix` means.
///
/// # Errors
/// As [`job`].
pub async fn deployment(session: &Session, prefix: &str) -> anyhow::Result<String> {
    if let Some(exact) = complete_uuid(prefix)? {
        return Ok(exact);
    }
    let rows = session.client.list_deployments(even_prefix(prefix)).await?;
    pick("deployment", prefix, &rows.into_iter().map(|row| row.id).collect::<Vec<_>>())
}

/// The node of the agent that is talked to.
///
/// # Errors
/// When that agent runs no node.
pub async fn own_node(client: &Client) -> anyhow::Result<String> {
    let agent = client.agent_self().await?;
    let id = agent.stats.get("client").and_then(|stats| stats.get("node_id")).cloned();
    id.ok_or_else(|| anyhow!("the agent at {} does not run a node", client.address()))
}

/// Rewrites a missing object's error with the noun and the id that was asked for.
pub fn or_missing<T>(noun: &str, id: &str, result: Result<T, ClientError>) -> anyhow::Result<T> {
    result.map_err(|error| if error.is_not_found() { anyhow!("no {noun} with prefix or id {id:?} found") } else { error.into() })
}

/// `prefix` when it is a whole id, which needs no search.
fn complete_uuid(prefix: &str) -> anyhow::Result<Option<String>> {
    if prefix.len() < MIN_PREFIX_LENGTH {
        bail!("an id needs at least {MIN_PREFIX_LENGTH} characters");
    }
    Ok((prefix.len() == UUID_LENGTH).then(|| prefix.to_owned()))
}

/// Servers compare whole bytes of ids: an odd digit at the end is checked here, by [`pick`].
fn even_prefix(prefix: &str) -> &str {
    let digits = prefix.chars().filter(|c| *c != '-').count();
    if digits % 2 == 0 || prefix.ends_with('-') || !prefix.is_ascii() { prefix } else { &prefix[..prefix.len() - 1] }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|&text| text.to_owned()).collect()
    }

    #[test]
    fn picks_the_one_meant() {
        assert_eq!(pick("job", "web", &ids(&["web", "web-2"])).unwrap(), "web");
        assert_eq!(pick("job", "web-", &ids(&["web", "web-2"])).unwrap(), "web-2");
        assert_eq!(pick("job", "x", &ids(&["web"])).unwrap_err().to_string(), "no job with prefix or id \"x\" found");
        let ambiguous = pick("allocation", "a", &ids(&["ab", "ac", "b"])).unwrap_err().to_string();
        assert_eq!(ambiguous, "prefix \"a\" matched more than one allocation:\n  ab\n  ac");
    }

    #[test]
    fn servers_are_asked_for_whole_bytes() {
        assert_eq!(even_prefix("abc"), "ab");
        assert_eq!(even_prefix("abcd"), "abcd");
        assert_eq!(even_prefix("0a1b2c3d-4"), "0a1b2c3d-");
        assert_eq!(even_prefix("0a1b2c3d-"), "0a1b2c3d-");
        assert!(complete_uuid("a").is_err());
    }
}
