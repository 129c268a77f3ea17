//! An import under way: lines in, results out.

use axum::body::Bytes;
use serde_json::json;
use tokio::sync::mpsc;

use super::BATCH;
use super::apply::{Done, Read};
use super::lines::Line;
use super::order::Order;
use crate::access::Caller;
use crate::audit::Origin;
use crate::problem::Problem;
use crate::registrations::Registrations;
use crate::store::jobs::Job;

/// An import under way.
pub struct Work {
    pub registrations: Registrations,
    pub caller: Caller,
    pub origin: Origin,
    pub lines: mpsc::Receiver<Result<Line, Problem>>,
    /// What its results are kept in.
    pub job: Option<Job>,
    /// Results are told and nothing is written.
    pub dry_run: bool,
}

impl Work {
    /// Runs to the end of the lines, and tells every result as soon as it is there.
    pub async fn run(mut self, results: Option<mpsc::UnboundedSender<Bytes>>) {
        loop {
            let (batch, broken) = self.batch().await;
            let ended = batch.is_empty() || broken.is_some();
            let done = if batch.is_empty() {
                Vec::new()
            } else {
                self.registrations.apply(&self.caller, &self.origin, batch, self.job.as_mut(), self.dry_run).await
            };
            if let Some(results) = &results {
                // A caller that has gone away does not stop what it has sent.
                let _ = results.send(lines(&done, broken.as_ref()).into());
            }
            if ended {
                self.end(broken).await;
                return;
            }
        }
    }

    /// Takes what has come in since, and reads it; the second value is why the body ended early.
    async fn batch(&mut self) -> (Vec<Read>, Option<Problem>) {
        let mut taken = Vec::new();
        self.lines.recv_many(&mut taken, BATCH).await;
        let keyed = self.job.as_ref().is_some_and(|job| job.key.is_some());
        let mut batch = Vec::with_capacity(taken.len());
        for line in taken {
            match line {
                Ok(Line { number, text: Ok(text) }) => {
                    let mac = keyed.then(|| self.registrations.line_mac(&text));
                    batch.push(Read { number, mac, again: false, order: Order::read(&text) });
                }
                Ok(Line { number, text: Err(problem) }) => {
                    batch.push(Read { number, mac: None, again: false, order: Err((None, problem)) });
                }
                Err(problem) => return (batch, Some(problem)),
            }
        }
        (batch, None)
    }

    async fn end(self, broken: Option<Problem>) {
        let Some(mut job) = self.job else { return };
        job.message = broken.map(|problem| problem.to_string());
        job.state = if job.message.is_some() { "FAILED" } else { "COMPLETED" }.to_owned();
        if let Err(error) = self.registrations.end_job(&self.origin, &job).await {
            tracing::error!(job = job.id, %error, "the end of a bulk job could not be written");
        }
    }
}

fn lines(done: &[Done], broken: Option<&Problem>) -> String {
    let mut text = String::new();
    for line in done {
        text.push_str(&line.text());
        text.push('\n');
    }
    if let Some(problem) = broken {
        text.push_str(&json!({ "status": problem.status().as_u16(), "error": problem.body() }).to_string());
        text.push('\n');
    }
    text
}
