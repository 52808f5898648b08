//! `job scale`: change how many copies of a group run.

use anyhow::{Context as _, bail};
use clap::Args;

use crate::cli::connection::{Connection, Session};
use crate::cli::exit::{Exit, Outcome};
use crate::cli::output::{note, print};
use crate::cli::{follow, resolve};

/// Change the count of a group
#[derive(Args)]
#[command(after_help = "\
Examples:
  pannier job scale web 5
  pannier job scale -detach web frontend 5")]
pub struct ScaleArgs {
    /// Id of the job, or the beginning of it
    #[arg(value_name = "JOB")]
    job: String,
    /// The group, which may be left out of a job with one group, and the count
    #[arg(value_name = "[GROUP] COUNT", num_args = 1..=2, required = true)]
    group_and_count: Vec<String>,
    /// Return as soon as the request is accepted, printing the evaluation's id
    #[arg(long)]
    detach: bool,
    /// Show ids in full
    #[arg(long)]
    verbose: bool,
    #[command(flatten)]
    connection: Connection,
}

impl ScaleArgs {
    pub async fn run(self) -> Outcome {
        let (group, count) = match self.group_and_count.as_slice() {
            [count] => (None, count),
            [group, count] => (Some(group.clone()), count),
            _ => bail!("expected a group and a count"),
        };
        let count: i64 =
            count.parse().ok().filter(|count| *count >= 0).with_context(|| format!("invalid count {count:?}: expected a number"))?;
        let session = self.connection.open()?;
        let resolve::JobTarget { client, id } = resolve::job(&session, &self.job).await?;
        let group = match group {
            Some(group) => group,
            None => only_group(client.job_scale_status(&id).await?.task_groups.into_keys().collect())?,
        };
        let answer = client.scale_job(&id, &group, count, "submitted using the pannier command line".to_owned()).await?;
        if !answer.warnings.is_empty() {
            note(&format!("Warnings:\n{}", answer.warnings.trim_end()));
        }
        if answer.eval_id.is_empty() || self.detach {
            print(&format!("Job {id:?} scaled\nEvaluation ID: {}", answer.eval_id))?;
            return Ok(Exit::Ok);
        }
        follow::evaluation(&Session { client, style: session.style }, &answer.eval_id, self.verbose).await
    }
}

fn only_group(groups: Vec<String>) -> anyhow::Result<String> {
    match <[String; 1]>::try_from(groups) {
        Ok([only]) => Ok(only),
        Err(groups) => bail!("the job has {} groups ({}): name the one to scale", groups.len(), groups.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_is_only_guessed_when_it_is_the_only_one() {
        assert_eq!(only_group(vec!["a".into()]).unwrap(), "a");
        assert!(only_group(vec!["a".into(), "b".into()]).unwrap_err().to_string().contains("a, b"));
    }
}
