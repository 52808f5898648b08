//! Follows an evaluation to its end, printing what happens: the driver of [`Progress`].

use std::io;
use std::time::Duration;

use super::connection::Session;
use super::exit::{Exit, Outcome};
use super::output::print;
use super::progress::{Line, Progress, deployment_rests, evaluation_ended, settled};
use super::style::Style;
use super::time;
use crate::api::client::{Client, Indexed};
use crate::api::types::deployment::Deployment;
use crate::api::types::evaluation::Evaluation;
use crate::util::clock::Timestamp;

/// How long one waiting query lasts.
const WAIT: Duration = Duration::from_secs(30);
/// The least time between two queries, should an agent answer a waiting one at once.
const PAUSE: Duration = Duration::from_millis(100);
/// How often the deployment that takes a job back is looked for. It is made within milliseconds.
const ROLLBACK_TRIES: u32 = 50;

/// Follows `evaluation_id` until its allocations run or have failed, and its deployment, if any, has ended.
/// Unplaced allocations and a failed deployment end with [`Exit::NotAchieved`].
///
/// # Errors
/// When the agent cannot be asked, or the evaluation fails.
pub async fn evaluation(session: &Session, evaluation_id: &str, full_ids: bool) -> Outcome {
    let mut follower = Follower { client: &session.client, style: session.style, progress: Progress::new(full_ids) };
    let shown = follower.progress.id(evaluation_id).to_owned();
    follower.print(vec![Line::Headline(format!("Monitoring evaluation {shown:?}"))])?;
    let evaluation = follower.until_evaluated(evaluation_id).await?;
    let verdict = follower.progress.verdict(&evaluation);
    let placed = evaluation.failed_tg_allocs.is_empty();
    if evaluation.status != "complete" {
        follower.print(verdict)?;
        if !evaluation.next_eval.is_empty() {
            let next = follower.progress.id(&evaluation.next_eval).to_owned();
            follower.print(vec![Line::Headline(format!("It will be tried again by evaluation {next:?}"))])?;
        }
        anyhow::bail!("evaluation {shown:?} ended as {}", evaluation.status);
    }
    if matches!(evaluation.r#type.as_str(), "service" | "system") {
        follower.until_settled(&evaluation).await?;
    }
    follower.print(verdict)?;
    if !placed {
        return Ok(Exit::NotAchieved);
    }
    if evaluation.deployment_id.is_empty() { Ok(Exit::Ok) } else { follower.until_deployed(&evaluation.deployment_id).await }
}

/// Follows a deployment until it ends or waits for a person, and the one that takes its job back if it fails.
///
/// # Errors
/// When the agent cannot be asked.
pub async fn deployment(session: &Session, id: &str, full_ids: bool) -> Outcome {
    let mut follower = Follower { client: &session.client, style: session.style, progress: Progress::new(full_ids) };
    follower.until_deployed(id).await
}

struct Follower<'a> {
    client: &'a Client,
    style: Style,
    progress: Progress,
}

impl Follower<'_> {
    async fn until_evaluated(&mut self, id: &str) -> anyhow::Result<Evaluation> {
        let mut index = 0;
        loop {
            let answer = self.client.await_evaluation(id, index, WAIT).await?;
            let lines = self.progress.evaluation(&answer.value);
            self.print(lines)?;
            let allocations = self.client.evaluation_allocations(id).await?;
            let lines = self.progress.allocations(&allocations, answer.value.create_index);
            self.print(lines)?;
            if evaluation_ended(&answer.value) {
                return Ok(answer.value);
            }
            index = next_index(index, &answer).await;
        }
    }

    async fn until_settled(&mut self, evaluation: &Evaluation) -> anyhow::Result<()> {
        let mut index = 0;
        loop {
            let answer = self.client.await_evaluation_allocations(&evaluation.id, index, WAIT).await?;
            let lines = self.progress.allocations(&answer.value, evaluation.create_index);
            self.print(lines)?;
            if settled(&answer.value) {
                return Ok(());
            }
            index = next_index(index, &answer).await;
        }
    }

    async fn until_deployed(&mut self, id: &str) -> Outcome {
        let deployment = self.until_rest(id).await?;
        let shown = self.progress.id(id).to_owned();
        match deployment.status.as_str() {
            "failed" => {
                self.print(vec![Line::Headline(format!("Deployment {shown:?} failed: {}", deployment.status_description))])?;
                if deployment.status_description.contains("rolling back to job version")
                    && let Some(back) = self.next_deployment(&deployment).await?
                {
                    self.until_rest(&back).await?;
                }
                Ok(Exit::NotAchieved)
            }
            "cancelled" => {
                self.print(vec![Line::Headline(format!("Deployment {shown:?} was cancelled: {}", deployment.status_description))])?;
                Ok(Exit::NotAchieved)
            }
            "successful" => Ok(Exit::Ok),
            _ => {
                self.print(vec![Line::Headline(format!("Deployment {shown:?} waits: {}", deployment.status_description))])?;
                Ok(Exit::Ok)
            }
        }
    }

    async fn until_rest(&mut self, id: &str) -> anyhow::Result<Deployment> {
        let shown = self.progress.id(id).to_owned();
        self.print(vec![Line::Headline(format!("Monitoring deployment {shown:?}"))])?;
        let mut index = 0;
        loop {
            let answer = self.client.await_deployment(id, index, WAIT).await?;
            let lines = self.progress.deployment(&answer.value);
            self.print(lines)?;
            if deployment_rests(&answer.value) {
                return Ok(answer.value);
            }
            index = next_index(index, &answer).await;
        }
    }

    /// The deployment that came after `failed`; `None` if none comes in time.
    async fn next_deployment(&self, failed: &Deployment) -> anyhow::Result<Option<String>> {
        for _ in 0..ROLLBACK_TRIES {
            let latest = self.client.latest_deployment(&failed.job_id).await?;
            if let Some(latest) = latest.filter(|latest| latest.create_index > failed.create_index) {
                return Ok(Some(latest.id));
            }
            tokio::time::sleep(PAUSE).await;
        }
        Ok(None)
    }

    fn print(&self, lines: Vec<Line>) -> io::Result<()> {
        for line in lines {
            let moment = time::at(Timestamp::now().0);
            match line {
                Line::Headline(text) => print(&self.style.bold(&format!("==> {moment}: {text}")))?,
                Line::Detail(text) => print(&format!("    {moment}: {text}"))?,
            }
        }
        Ok(())
    }
}

/// The index to wait beyond next. An index that goes backwards starts anew.
async fn next_index<T>(asked: u64, answer: &Indexed<T>) -> u64 {
    if answer.index <= asked {
        tokio::time::sleep(PAUSE).await;
    }
    if answer.index < asked { 0 } else { answer.index.max(1) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::client::ClientOptions;
    use crate::api::client::loopback::{Answer, agent};

    async fn follow(answer: fn(&str) -> Answer) -> Outcome {
        let (address, _) = agent(answer).await;
        let options = ClientOptions { address, token: None, namespace: None, region: None, tls: None };
        let session = Session { client: Client::new(options), style: Style::PLAIN };
        evaluation(&session, "e1", false).await
    }

    fn running(path: &str) -> Answer {
        match path {
            "/v1/evaluation/e1" => (200, vec![r#"{"ID":"e1","Type":"service","Status":"complete","DeploymentID":"d1"}"#]),
            "/v1/evaluation/e1/allocations" => (200, vec![r#"[{"ID":"a1","DesiredStatus":"run","ClientStatus":"running"}]"#]),
            "/v1/deployment/d1" => (200, vec![r#"{"ID":"d1","Status":"successful"}"#]),
            _ => (404, vec!["not found"]),
        }
    }

    #[tokio::test]
    async fn a_job_that_runs_ends_well() {
        assert_eq!(follow(running).await.unwrap(), Exit::Ok);
    }

    #[tokio::test]
    async fn missing_room_has_its_own_exit() {
        let outcome = follow(|path| match path {
            "/v1/evaluation/e1" => {
                (200, vec![r#"{"ID":"e1","Type":"batch","Status":"complete","FailedTGAllocs":{"g":{"NodesEvaluated":1}}}"#])
            }
            "/v1/evaluation/e1/allocations" => (200, vec!["null"]),
            _ => (404, vec!["not found"]),
        });
        assert_eq!(outcome.await.unwrap(), Exit::NotAchieved);
    }

    #[tokio::test]
    async fn failures_have_an_exit_and_broken_evaluations_are_errors() {
        let deployment = follow(|path| match path {
            "/v1/deployment/d1" => (200, vec![r#"{"ID":"d1","Status":"failed","StatusDescription":"Failed due to progress deadline"}"#]),
            _ => running(path),
        });
        assert_eq!(deployment.await.unwrap(), Exit::NotAchieved);
        let canceled = follow(|path| match path {
            "/v1/evaluation/e1" => (200, vec![r#"{"ID":"e1","Status":"canceled"}"#]),
            _ => running(path),
        });
        assert_eq!(canceled.await.unwrap_err().to_string(), "evaluation \"e1\" ended as canceled");
    }
}
