//! An import under way: lines in, results out.

use std::time::Duration;

use axum::http::StatusCode;
use serde_json::json;
use tokio::sync::mpsc;

use super::BATCH;
use super::apply::{Done, Read};
use super::lines::Line;
use super::order::Order;
use super::results::{Results, Untold};
use crate::access::Caller;
use crate::audit::Origin;
use crate::problem::Problem;
use crate::registrations::Registrations;
use crate::store::jobs::Job;

/// Lines applied together are to keep others from their turn no longer than this.
const HELD: Duration = Duration::from_millis(500);
/// So many go together even where the disk is slow.
const BATCH_MIN: usize = 25;

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
    pub async fn run(mut self, mut results: Option<Results>) {
        let mut size = BATCH;
        loop {
            let (batch, broken) = self.batch(size).await;
            let ended = batch.is_empty() || broken.is_some();
            let done = if batch.is_empty() {
                Vec::new()
            } else {
                let (done, held) = self.registrations.apply(&self.caller, &self.origin, batch, self.job.as_mut(), self.dry_run).await;
                size = next_size(size, held);
                done
            };
            if let Some(told) = &results {
                match told.tell(lines(&done, broken.as_ref())).await {
                    Ok(()) => {}
                    // A caller that has gone away does not stop what it has sent.
                    Err(Untold::Gone) => results = None,
                    Err(Untold::Unread) => {
                        tracing::warn!("the caller of a bulk import reads no results; what it sends further is not taken");
                        let unread = Problem::new(
                            StatusCode::REQUEST_TIMEOUT,
                            "results.unread",
                            "The results were not read, so no further lines were taken.",
                        );
                        self.end(Some(unread)).await;
                        return;
                    }
                }
            }
            if ended {
                self.end(broken).await;
                return;
            }
        }
    }

    /// Takes what has come in since, and reads it; the second value is why the body ended early.
    async fn batch(&mut self, size: usize) -> (Vec<Read>, Option<Problem>) {
        let mut taken = Vec::new();
        self.lines.recv_many(&mut taken, size).await;
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

/// How many lines go together next, where so many have held the store for so long.
fn next_size(size: usize, held: Duration) -> usize {
    if held > HELD {
        (size / 2).max(BATCH_MIN)
    } else if held < HELD / 4 {
        (size * 2).min(BATCH)
    } else {
        size
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fewer_lines_go_together_where_the_store_is_slow_and_more_where_it_is_fast_again() {
        assert_eq!(next_size(BATCH, HELD), BATCH);
        assert_eq!(next_size(BATCH, 2 * HELD), BATCH / 2);
        assert_eq!(next_size(30, 2 * HELD), BATCH_MIN);
        assert_eq!(next_size(BATCH_MIN, 2 * HELD), BATCH_MIN);
        assert_eq!(next_size(100, HELD / 2), 100);
        assert_eq!(next_size(100, HELD / 5), 200);
        assert_eq!(next_size(BATCH, Duration::ZERO), BATCH);
    }
}
