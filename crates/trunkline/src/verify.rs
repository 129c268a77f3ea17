//! `trunkline verify`: tries credentials at a carrier from this machine, without a server, and says what came out and why.
//!
//! The form is judged before anything is sent ([`ask`]); then an edge of its own ([`session`]) does what the edge of a server would, on an
//! address of its own, with a state that is gone afterwards. What came out ([`finding`]) is shown for people ([`shown`]), for programs
//! ([`json`]), or for the carrier's support. The exit code tells the stage ([`exit`]).

mod args;
mod ask;
mod exit;
mod finding;
mod json;
mod live;
mod paint;
mod password;
mod reach;
mod session;
mod shown;
mod steps;
mod why;

use std::process::ExitCode;
use std::time::Duration;

use link::{Attempt, FromEdge, Verdict, render};
use tokio::time::{Instant, sleep_until, timeout_at};

use crate::failure::Failure;
use crate::say::{say, say_raw};
use crate::signals::Signals;

pub use args::VerifyArgs;
use ask::{Ask, Unasked};
use exit::Exit;
use finding::Finding;
use live::Live;
use paint::Paint;
use password::NoPassword;
use session::Session;

/// Between two looks at how far it has come.
const LOOK: Duration = Duration::from_millis(80);

/// An edge tells a verdict within the patience that it was given; so long beyond, nobody waits any more.
const GRACE: Duration = Duration::from_secs(5);

/// The verdict and the exchange come at about the same time.
const TOGETHER: Duration = Duration::from_millis(300);

/// Runs `trunkline verify`.
pub fn run(args: &VerifyArgs) -> Result<ExitCode, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|source| Failure::System { what: "a runtime", source })?;
    let exit = runtime.block_on(verify(args))?;
    // A look-up or a terminal that does not answer holds nobody up.
    runtime.shutdown_background();
    Ok(exit.into())
}

async fn verify(args: &VerifyArgs) -> Result<Exit, Failure> {
    let paint = Paint::of_stdout(args.color);
    let mut signals = Signals::take()?;
    let ask = match Ask::of(args) {
        Ok(ask) => ask,
        Err(Unasked::File(why)) => return Err(Failure::Settings(why)),
        Err(unasked) => return Ok(refuse(unasked, args, &paint)),
    };
    let passwords = match ask.challenge_only {
        true => None,
        false => match password::take(args, &ask, &mut signals).await {
            Ok(passwords) => Some(passwords),
            Err(NoPassword::Interrupted) => return Ok(Exit::Interrupted),
            Err(none @ (NoPassword::NoTerminal | NoPassword::NoTerminalForProxy)) => {
                return Ok(refuse(Unasked::Usage(none.to_string()), args, &paint));
            }
            Err(failed @ (NoPassword::File { .. } | NoPassword::Read { .. })) => return Err(Failure::Settings(failed.to_string())),
        },
    };
    if let Some(Err(unasked)) = passwords.as_ref().map(|passwords| ask.judge_passwords(passwords, args.accept_whitespace)) {
        return Ok(refuse(unasked, args, &paint));
    }
    let for_people = !args.json && !args.report;
    let mut session = Session::open(&ask).await?;
    if for_people {
        say_raw(shown::head(&ask, session.local(), &paint));
    }
    session.order(&ask, passwords).await?;
    let mut live = Live::begin(!for_people, ask.patience);
    let came = tokio::select! {
        came = watch(&mut session, &ask, &mut live) => Some(came),
        () = signals.next() => None,
    };
    live.end();
    session.close().await;
    let Some(came) = came else {
        say_error("interrupted; nothing was changed at the carrier, and a digest that was out counts there");
        return Ok(Exit::Interrupted);
    };
    let (verdict, attempt) = came?;
    let finding = Finding::of(verdict, attempt, &ask);
    tell(&finding, &ask, args, &paint);
    Ok(finding.exit())
}

/// Waits for the verdict, and for the exchange that it rests on.
async fn watch(session: &mut Session, ask: &Ask, live: &mut Live) -> Result<(Verdict, Option<Attempt>), Failure> {
    let give_up = Instant::now() + ask.patience + GRACE;
    let registrar = ask.registrars.first().map_or("", String::as_str);
    let mut attempt: Option<Attempt> = None;
    loop {
        live.show(registrar, ask.is_connected(), &session.counters());
        if session.has_failed() {
            return Err(Failure::Settings("the embedded edge has failed; RUST_LOG=debug says more".into()));
        }
        let report = match timeout_at(give_up.min(Instant::now() + LOOK), session.next()).await {
            Err(_) if Instant::now() >= give_up => return Err(Failure::Settings("the embedded edge tells no verdict".into())),
            Err(_) => continue,
            Ok(None) => return Err(Failure::Settings("the embedded edge has ended without a verdict".into())),
            Ok(Some(report)) => report,
        };
        match report {
            FromEdge::Attempt(one) if one.id == session.id => attempt = Some(*one),
            FromEdge::Verdict(verdict) if verdict.id == session.id => {
                if attempt.is_none() {
                    attempt = exchange(session).await;
                }
                return Ok((*verdict, attempt));
            }
            FromEdge::Attempt(_)
            | FromEdge::Verdict(_)
            | FromEdge::Progress { .. }
            | FromEdge::Status(_)
            | FromEdge::Renewed(_)
            | FromEdge::Accepted { .. }
            | FromEdge::Refused { .. }
            | FromEdge::BindingContested { .. }
            | FromEdge::CallUnrouted { .. }
            | FromEdge::Unregistered { .. } => {}
        }
    }
}

/// Waits a little for the exchange; without it there is no ladder, and the verdict stands all the same.
async fn exchange(session: &mut Session) -> Option<Attempt> {
    let give_up = sleep_until(Instant::now() + TOGETHER);
    tokio::pin!(give_up);
    loop {
        tokio::select! {
            report = session.next() => match report? {
                FromEdge::Attempt(one) if one.id == session.id => return Some(*one),
                _ => {}
            },
            () = &mut give_up => return None,
        }
    }
}

fn tell(finding: &Finding, ask: &Ask, args: &VerifyArgs, paint: &Paint) {
    if args.json {
        say(format!("{:#}", json::object(finding)));
    } else if args.report {
        match &finding.attempt {
            Some(attempt) => say_raw(render::report(attempt)),
            None => say_raw(shown::refusal(finding, paint)),
        }
    } else {
        say_raw(shown::result(finding, ask, !args.no_ladder, paint));
    }
}

fn refuse(unasked: Unasked, args: &VerifyArgs, paint: &Paint) -> Exit {
    match unasked {
        Unasked::Usage(text) | Unasked::File(text) => {
            say_error(&format!("{text}. trunkline verify --help says more"));
            Exit::Usage
        }
        Unasked::Refused(finding) => {
            if args.json {
                say(format!("{:#}", json::object(&finding)));
            } else {
                say_raw(shown::refusal(&finding, paint));
            }
            finding.exit()
        }
    }
}

fn say_error(text: &str) {
    use std::io::Write as _;
    // Nowhere else to say it.
    let _ = writeln!(std::io::stderr(), "trunkline verify: {text}");
}
