//! Actions on many trunks: one after the other at a pace, each by the API, to be paused, resumed and cancelled.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::json;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::api::{Api, escape};
use crate::fault::Fault;
use crate::parts::text;
use crate::session::{Session, draw};

/// So many are remembered; the oldest that have ended make room.
const JOBS_MAX: usize = 200;
/// So many trunks has one at most.
pub const TRUNKS_MAX: usize = 500;
/// Trunks a second, where nobody says otherwise, and at most.
pub const PACE: (u32, u32) = (10, 100);

/// The actions on many trunks. They end with the process, as sessions do.
#[derive(Default)]
pub struct Jobs {
    known: Mutex<Vec<(String, Arc<Job>)>>,
}

/// One of them.
pub struct Job {
    /// The session that began it; nobody else sees it.
    owner: String,
    /// The action, as the API names it.
    pub action: &'static str,
    /// On which trunks, in order.
    pub trunks: Vec<String>,
    steer: watch::Sender<Steer>,
    progress: Mutex<Progress>,
}

/// What is wanted of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Steer {
    /// To go on.
    Run,
    /// To wait.
    Pause,
    /// To end.
    Cancel,
}

/// How far it is.
#[derive(Clone, Debug, Default)]
pub struct Progress {
    /// What came of each trunk so far, in order: nothing to say where it was done, else why not.
    pub outcomes: Vec<Option<String>>,
    /// It has ended.
    pub ended: bool,
}

impl Jobs {
    /// Begins one and returns its id.
    ///
    /// # Errors
    /// [`Fault`] where the system gives no randomness, or where too many are under way.
    pub fn begin(
        &self,
        api: Api,
        who: Session,
        path: &'static str,
        action: &'static str,
        trunks: Vec<String>,
        pace: u32,
    ) -> Result<String, Fault> {
        let id = draw()?;
        let (steer, steered) = watch::channel(Steer::Run);
        let job = Arc::new(Job { owner: who.id.clone(), action, trunks, steer, progress: Mutex::default() });
        {
            let mut known = self.lock();
            if known.len() >= JOBS_MAX {
                let ended = known.iter().position(|(_, job)| job.progress().ended).ok_or(Fault::Busy)?;
                known.remove(ended);
            }
            known.push((id.clone(), Arc::clone(&job)));
        }
        let apart = Duration::from_secs(1) / pace.clamp(1, PACE.1);
        tokio::spawn(async move { job.run(&api, &who, path, apart, steered).await });
        Ok(id)
    }

    /// Finds one that this session began.
    pub fn find(&self, who: &Session, id: &str) -> Option<Arc<Job>> {
        self.lock().iter().find(|(known, job)| known == id && job.owner == who.id).map(|(_, job)| Arc::clone(job))
    }

    fn lock(&self) -> MutexGuard<'_, Vec<(String, Arc<Job>)>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Job {
    async fn run(&self, api: &Api, who: &Session, path: &str, apart: Duration, mut steered: watch::Receiver<Steer>) {
        let mut due = Instant::now();
        for trunk in &self.trunks {
            tokio::select! {
                () = tokio::time::sleep_until(due) => {}
                _ = steered.wait_for(|steer| *steer == Steer::Cancel) => {}
            }
            // The job holds the other end, so this does not fail.
            let wanted = steered.wait_for(|steer| *steer != Steer::Pause).await.map_or(Steer::Cancel, |steer| *steer);
            if wanted == Steer::Cancel {
                break;
            }
            due = Instant::now() + apart;
            let outcome = match api.post(who, &format!("{path}/{}/actions/{}", escape(trunk), self.action), &json!({})).await {
                Ok(answer) if answer.status.is_success() => None,
                Ok(answer) => Some(text(&answer.body, "message").to_owned()),
                Err(Fault::SignIn { .. }) => {
                    self.put(Some(crate::words::SESSION_ENDED.to_owned()));
                    break;
                }
                Err(_) => Some(crate::words::NO_WORDS.to_owned()),
            };
            self.put(outcome);
        }
        self.lock().ended = true;
    }

    fn put(&self, outcome: Option<String>) {
        self.lock().outcomes.push(outcome);
    }

    /// Pauses, resumes or cancels it.
    pub fn steer(&self, to: Steer) {
        self.steer.send_if_modified(|now| {
            // What is cancelled stays so.
            let changes = *now != Steer::Cancel && *now != to;
            if changes {
                *now = to;
            }
            changes
        });
    }

    /// What is wanted of it.
    pub fn wanted(&self) -> Steer {
        *self.steer.borrow()
    }

    /// How far it is.
    pub fn progress(&self) -> Progress {
        self.lock().clone()
    }

    /// Each trunk with what came of it: `done`, why not, or nothing yet.
    pub fn report(&self) -> String {
        let progress = self.progress();
        let lines = self.trunks.iter().enumerate().map(|(place, trunk)| match progress.outcomes.get(place) {
            Some(None) => format!("{trunk}: {}\n", crate::words::DONE),
            Some(Some(why)) => format!("{trunk}: {}\n", why.replace(['\r', '\n'], " ")),
            None => format!("{trunk}: {}\n", crate::words::NOT_DONE),
        });
        let done = progress.outcomes.iter().filter(|outcome| outcome.is_none()).count();
        format!("{}: {done} / {}\n\n{}", self.action, self.trunks.len(), lines.collect::<String>())
    }

    fn lock(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use axum::Router;
    use axum::http::StatusCode;
    use axum::routing::post;
    use secrecy::SecretString;
    use serde_json::Value;

    use super::*;
    use crate::session::{Remote, SignedIn};

    fn session(id: &str) -> Session {
        let signed_in = SignedIn::new(SecretString::from("token"), &Value::Null).unwrap();
        Session { signed_in: Arc::new(signed_in), id: id.to_owned(), remote: Remote::default() }
    }

    async fn until(job: &Job, holds: impl Fn(&Progress) -> bool) {
        while !holds(&job.progress()) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_job_waits_while_it_is_paused_goes_on_and_says_what_came_of_each() {
        static CALLS: AtomicUsize = AtomicUsize::new(0);
        let refuse = async || {
            let call = CALLS.fetch_add(1, Ordering::Relaxed);
            if call == 1 { (StatusCode::CONFLICT, r#"{"message": "It is held."}"#) } else { (StatusCode::ACCEPTED, "{}") }
        };
        let api = Api::new(Router::new().route("/r/{trunk}/actions/refresh", post(refuse)));
        let jobs = Jobs::default();
        let trunks: Vec<String> = (1..=4).map(|n| format!("t{n}")).collect();
        let id = jobs.begin(api, session("mine"), "/r", "refresh", trunks, 1).unwrap();
        assert!(jobs.find(&session("another"), &id).is_none());
        let job = jobs.find(&session("mine"), &id).unwrap();
        until(&job, |progress| progress.outcomes.len() == 2).await;
        job.steer(Steer::Pause);
        tokio::time::sleep(Duration::from_secs(60)).await;
        assert_eq!((job.progress().outcomes.len(), job.wanted()), (2, Steer::Pause));
        job.steer(Steer::Run);
        until(&job, |progress| progress.outcomes.len() == 3).await;
        job.steer(Steer::Cancel);
        until(&job, |progress| progress.ended).await;
        job.steer(Steer::Run);
        assert_eq!((job.wanted(), CALLS.load(Ordering::Relaxed)), (Steer::Cancel, 3));
        assert_eq!(job.report(), "refresh: 2 / 4\n\nt1: done\nt2: It is held.\nt3: done\nt4: not done\n");
    }
}
