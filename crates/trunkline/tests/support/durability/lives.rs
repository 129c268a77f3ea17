//! Lives of a server on the same data, each ended by SIGKILL at an instant that a seed draws.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::ledger::Tally;
use super::load::{Dice, Writer};
use crate::support::api::Api;
use crate::support::scene::Scene;
use crate::support::server::Launch;

/// So many make changes at the same time.
const WRITERS: usize = 6;
/// After each so many starts everything is looked at, not only what was touched since.
const ALL_EVERY: u32 = 25;

/// What is to be lived through.
#[derive(Clone, Copy, Debug)]
pub struct Lives {
    pub seed: u64,
    pub kills: u32,
    /// A kill comes so long after the load began, at most.
    pub longest: Duration,
}

/// What came of it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Outcome {
    pub kills: u32,
    /// Kills that came before the server said that it was ready.
    pub while_starting: u32,
    pub tally: Tally,
    pub records: u64,
    pub starts: Duration,
    pub slowest_start: Duration,
}

/// Runs lives; panics at the first change that is lost or half done.
pub fn lives(plan: Lives) -> Outcome {
    let mut dice = Dice::new(plan.seed);
    let launch = Launch::default().logging("warn").word("--allow-webhook-target").word("127.0.0.0/8");
    let mut scene = Scene::on(launch.word("--rate-limit").word("1000000/60"));
    // Nobody listens there: edges report failures meanwhile, which are written too.
    let carrier = json!({"registrars": ["sip:127.0.0.1:5998"]});
    scene.carrier("lab", "sip:127.0.0.1:5998", &carrier);
    for number in 0..5 {
        scene.trunk(&format!("noisy{number}"), "lab", &format!("noisy{number}"), "lab", &json!({}));
    }
    let mut writers: Vec<Writer> = (0..WRITERS).map(|number| Writer::new(format!("w{number}"), dice.next())).collect();
    let mut outcome = Outcome::default();
    // A token that was acknowledged is good in the next life.
    let api = scene.api.clone();
    let token = api.token().to_owned();
    let mut last = Heights::default();
    while outcome.kills < plan.kills {
        let address = scene.server.launch().http();
        let end = AtomicBool::new(false);
        let head = Mutex::new(None);
        let wait = Duration::from_micros(1_000 + dice.below(u64::try_from(plan.longest.as_micros()).expect("short")));
        thread::scope(|scope| {
            for writer in &mut writers {
                let (end, api) = (&end, Api::anonymous(address).with_token(&token));
                scope.spawn(move || writer.work(&api, address, end));
            }
            // The newest record, signed: what the chain must still have in the next life.
            let (end_of_heads, head, heads) = (&end, &head, Api::anonymous(address).with_token(&token));
            scope.spawn(move || {
                let bearer = format!("Bearer {}", heads.token());
                while !end_of_heads.load(Ordering::Relaxed) {
                    let Ok(answer) = heads.send("GET", "/api/v2/audits/head", &[("Authorization", &bearer)], b"") else { return };
                    if answer.status == 200 {
                        *head.lock().expect("no panic") = Some(answer.json);
                    }
                    thread::sleep(Duration::from_millis(20));
                }
            });
            // An instant of the load: what the server does by then is up to the machine.
            thread::sleep(wait);
            scene.server.kill9();
            end.store(true, Ordering::Relaxed);
        });
        outcome.kills += 1;
        if dice.below(10) == 0 && outcome.kills < plan.kills {
            scene.server.restart_and_kill(Duration::from_micros(dice.below(60_000)));
            outcome.kills += 1;
            outcome.while_starting += 1;
        }
        let began = Instant::now();
        scene.server.restart();
        outcome.starts += began.elapsed();
        outcome.slowest_start = outcome.slowest_start.max(began.elapsed());
        let all = outcome.kills % ALL_EVERY == 0 || outcome.kills >= plan.kills;
        let api = Api::anonymous(address).with_token(&token);
        let head = head.into_inner().expect("no panic");
        last = check_chain(&api, head.as_ref(), last);
        thread::scope(|scope| {
            for writer in &mut writers {
                let api = api.clone();
                scope.spawn(move || writer.ledger.check(&api, all));
            }
        });
    }
    outcome.records = last.number;
    for writer in &writers {
        outcome.tally.add(writer.ledger.tally);
    }
    let status = scene.server.stop();
    assert!(status.success(), "{status}: {}", scene.server.log());
    outcome
}

/// How far the store had come.
#[derive(Clone, Copy, Debug, Default)]
struct Heights {
    number: u64,
    revision: u64,
}

/// The chain holds, has what was signed before the kill, and goes on from there.
fn check_chain(api: &Api, head: Option<&Value>, last: Heights) -> Heights {
    let path = match head {
        Some(head) => format!("/api/v2/audits/verify?head={}", escaped(&head.to_string())),
        None => "/api/v2/audits/verify".to_owned(),
    };
    let verdict = api.get(&path).expect(200);
    assert_eq!(verdict.json["intact"], true, "{}", verdict.text);
    if head.is_some() {
        assert_eq!(verdict.json["head"]["compared"], true, "{}", verdict.text);
    }
    let page = api.get("/api/v2/audits?sortOrder=descending&pageSize=500").expect(200);
    let records = page.at("/entities").as_array().expect("records");
    let field = |record: &Value, name: &str| record[name].as_u64().expect("a number");
    for pair in records.windows(2) {
        assert_eq!(field(&pair[0], "number"), field(&pair[1], "number") + 1, "no record is missing");
        assert!(field(&pair[0], "revision") >= field(&pair[1], "revision"), "revisions go up: {pair:?}");
    }
    let newest = Heights { number: field(&records[0], "number"), revision: field(&records[0], "revision") };
    assert!(newest.number >= last.number && newest.revision >= last.revision, "{newest:?} after {last:?}");
    let signed = head.map_or(0, |head| field(head, "number"));
    assert!(newest.number >= signed, "record {signed} was signed, and {} is the newest", newest.number);
    assert_eq!(page.json["total"], newest.number, "the kept total is that of the records");
    newest
}

/// RFC 3986 2.1.
fn escaped(text: &str) -> String {
    text.bytes().map(|byte| if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}
