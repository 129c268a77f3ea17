//! Issue 2: trunks register with a real carrier, and their credentials are set live through the API.

use std::process::Command;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde_json::json;

use crate::figures::Figures;
use crate::support::api::REGISTRATIONS;
use crate::support::capture::{Capture, payloads};
use crate::support::digest::Algorithm;
use crate::support::kamailio::{Kamailio, Options, Outcome, Register};
use crate::support::process::Process;
use crate::support::scene::{Scene, credentials};
use crate::support::secrets::Secret;
use crate::support::server::Launch;
use crate::support::wait::{self, secs};
use crate::support::walk::{LAST_LINE, steps, walked};
use crate::support::watch::watched;

const TRUNKS: usize = 1_000;
/// Trunks with a short expiry, whose refreshes are awaited after the kill.
const SHORT: usize = 20;
const SHORT_EXPIRES: u32 = 60;

#[test]
#[ignore = "cargo xtask prove registration"]
fn registration() {
    let mut figures = Figures::default();
    demo(&mut figures);
    for algorithm in [Algorithm::Md5, Algorithm::Sha256] {
        against_kamailio(&mut figures, algorithm);
        figures.keep();
    }
    for nonce_expire in [600, 3] {
        steady_state(&mut figures, nonce_expire);
        figures.keep();
    }
}

fn demo(figures: &mut Figures) {
    figures.section("The demo");
    let launch = Launch::default();
    let folder = tempfile::tempdir().expect("folder");
    let mut command = Command::new(env!("CARGO_BIN_EXE_trunkline"));
    command.args(["serve", "--demo", "--http", &launch.http().to_string()]).current_dir(folder.path());
    let started = Instant::now();
    let mut process = Process::start(&command, &folder.path().join("log"));
    wait::until_true("the demo is up", secs(10), || {
        process.must_run();
        process.log().contains(LAST_LINE)
    });
    figures.row("from the command to its last printed line", format!("{:.1} s (at most 10 s)", started.elapsed().as_secs_f64()));
    let steps = steps(&process.log());
    let told = walked(&steps);
    figures.row("printed commands that did what they say", format!("{} of {}", told.len(), steps.len()));
}

fn password(user: &str) -> String {
    format!("Geheimnis-von-{user}")
}

fn line(user: &str, carrier: &str, realm: &str) -> String {
    json!({
        "trunk": {"id": user, "name": user, "site": {"id": "jakarta"}, "carrier": {"id": carrier},
                  "addressOfRecord": format!("sip:{user}@{realm}"), "inService": true},
        "credentials": {"username": user, "password": password(user)}
    })
    .to_string()
        + "\n"
}

fn against_kamailio(figures: &mut Figures, algorithm: Algorithm) {
    figures.section(&format!("Against Kamailio 5.6, {}", algorithm.name()));
    let kamailio = Kamailio::start(Options { algorithm, ..Options::default() });
    let launch = Launch::default();
    let folder = tempfile::tempdir().expect("folder");
    let (http, sip) = (launch.http(), launch.sip());
    let filter =
        format!("(tcp and src host {} and src port {}) or (udp and host {} and port {})", http.ip(), http.port(), sip.ip(), sip.port());
    let capture = Capture::start(folder.path(), &filter);
    let mut scene = Scene::on(launch.logging("trace"));
    let users = import(figures, &scene, &kamailio);
    rotate(figures, &scene, &kamailio, "u0000");
    refuse(figures, &scene, &kamailio, "u0001");
    kill(figures, &mut scene, &kamailio, &users);
    scene.server.stop();
    let packets = capture.finish();
    no_secret_anywhere(figures, &scene, &kamailio, &users, &packets);
}

fn import(figures: &mut Figures, scene: &Scene, kamailio: &Kamailio) -> Vec<String> {
    let pacing = json!({"registersPerSecond": 500, "inFlight": 100});
    scene.carrier("kam", &kamailio.uri(), &json!({"pacing": pacing}));
    scene.carrier("short", &kamailio.uri(), &json!({"pacing": pacing, "expires": SHORT_EXPIRES}));
    let users: Vec<String> = (0..TRUNKS).map(|number| format!("u{number:04}")).collect();
    for user in &users {
        kamailio.add_user(user, &password(user));
    }
    let carrier = |index: usize| if index >= TRUNKS - SHORT { "short" } else { "kam" };
    let body: String = users.iter().enumerate().map(|(index, user)| line(user, carrier(index), kamailio.realm())).collect();
    let started = Instant::now();
    let headers = [("Content-Type", "application/x-ndjson"), ("Accept", "application/x-ndjson")];
    let answer = scene.api.raw("POST", &format!("{REGISTRATIONS}/bulk"), &headers, body.as_bytes()).expect(200);
    assert_eq!(answer.text.matches("\"status\":201").count(), TRUNKS, "{}", answer.text);
    figures.row("trunks imported by one POST, each line answered 201", format!("{TRUNKS} in {:.1} s", started.elapsed().as_secs_f64()));
    let registered = || scene.api.get(&format!("{REGISTRATIONS}?state=REGISTERED&pageSize=1")).expect(200).json["total"].as_u64();
    wait::until_true("all are registered", secs(120), || registered() == Some(1_000));
    figures.row(
        "all REGISTERED, counted from the POST",
        format!("{:.1} s (carrier's limit: 500 REGISTER/s)", started.elapsed().as_secs_f64()),
    );
    let listed = users.iter().filter(|user| kamailio.lookup(user).is_some()).count();
    assert_eq!(listed, TRUNKS);
    figures.row("bindings that Kamailio lists (`ul.lookup`, one by one)", listed);
    figures.row("REGISTER transactions that Kamailio saw", kamailio.seen().len());
    let failures: u64 = users.iter().map(|user| kamailio.digest_failures(user)).sum();
    assert_eq!(failures, 0);
    figures.row("failed digests that Kamailio saw", failures);
    users
}

fn rotate(figures: &mut Figures, scene: &Scene, kamailio: &Kamailio, user: &str) {
    let before = kamailio.lookup(user).expect("a binding");
    let new = password("rotated");
    let watch = watched(kamailio, user, || {
        still_there(kamailio, user);
        kamailio.set_password(user, &new);
        scene.api.set_credentials(&credentials(user, user, &new)).expect(200);
        wait::until_true("renewed", secs(15), || kamailio.lookup(user).is_some_and(|binding| binding.cseq > before.cseq));
        scene.wait_state(user, "REGISTERED");
        still_there(kamailio, user);
    });
    assert_eq!(watch.missing(), 0);
    assert!(watch.looks.iter().flatten().all(|look| (&look.contact, &look.call_id) == (&before.contact, &before.call_id)));
    figures.row(
        "rotation: polls of Kamailio, 20 ms apart",
        format!("{} (longest gap {} ms)", watch.looks.len(), watch.longest_gap.as_millis()),
    );
    figures.row("rotation: polls without our binding", watch.missing());
    figures.row("rotation: failed digests", kamailio.digest_failures(user));
}

fn still_there(kamailio: &Kamailio, user: &str) {
    wait::holds_for("the binding is there", secs(1), || kamailio.lookup(user).is_some());
}

fn refuse(figures: &mut Figures, scene: &Scene, kamailio: &Kamailio, user: &str) {
    let before = kamailio.lookup(user).expect("a binding");
    let started = Instant::now();
    let answer = scene.api.set_credentials(&credentials(user, user, "Falsches-Geheimnis")).refused(422, "sip.credentials.rejected");
    let took = started.elapsed();
    let after = kamailio.lookup(user).expect("a binding");
    assert_eq!((&before.contact, &before.call_id, before.cseq), (&after.contact, &after.call_id, after.cseq));
    assert_eq!(kamailio.digest_failures(user), 1);
    assert_eq!(scene.api.registration(user).at("/credentials/activeVersion"), 1);
    figures.row("wrong password", format!("{} `{}` after {} ms", answer.status, answer.code(), took.as_millis()));
    figures.row("wrong password: failed digests that Kamailio saw", kamailio.digest_failures(user));
    figures.row("wrong password: binding and active version", "untouched");
}

fn kill(figures: &mut Figures, scene: &mut Scene, kamailio: &Kamailio, users: &[String]) {
    let before = kamailio.seen();
    let last = |user: &str, seen: &[Register]| seen.iter().rev().find(|register| register.user == user && register.binds()).cloned();
    scene.server.kill9();
    let started = Instant::now();
    scene.server.restart();
    scene.api = scene.server.api();
    figures.row("`kill -9` to ready again", format!("{:.1} s", started.elapsed().as_secs_f64()));
    // Long enough for every trunk of the short expiry to be refreshed, wherever in its window it was.
    let watched = Duration::from_secs(u64::from(SHORT_EXPIRES) + 5);
    let end = Instant::now() + watched;
    wait::until_true("the watch ends", watched + secs(5), || Instant::now() >= end);
    let seen = kamailio.seen();
    let new = &seen[before.len()..];
    let (mut early, mut moved, mut behind, mut refreshed) = (0, 0, 0, 0);
    for (index, user) in users.iter().enumerate() {
        let of_user: Vec<&Register> = new.iter().filter(|register| &register.user == user).collect();
        let known = last(user, &before).expect("a registration before");
        let granted = if index >= TRUNKS - SHORT { f64::from(SHORT_EXPIRES) * 0.4 } else { 600.0 * 0.5 };
        early += of_user.iter().filter(|register| register.at < known.at + granted - 1.0).count();
        moved += of_user.iter().filter(|register| register.call_id != known.call_id).count();
        behind += of_user.iter().filter(|register| register.cseq <= known.cseq).count();
        refreshed += usize::from(of_user.iter().any(|register| register.outcome == Outcome::Proved));
    }
    figures.row("REGISTERs in the time after, in all", format!("{} in {} s", new.len(), watched.as_secs()));
    figures.row("of these before they were due", early);
    figures.row("of these with another Call-ID", moved);
    figures.row("of these without a higher CSeq", behind);
    figures.row("trunks of expiry 60 s refreshed and accepted", format!("{refreshed} of {SHORT}"));
    assert_eq!((early, moved, behind, refreshed), (0, 0, 0, SHORT));
    assert_eq!(kamailio.bindings(), 1_000, "nothing lapsed");
}

fn no_secret_anywhere(figures: &mut Figures, scene: &Scene, kamailio: &Kamailio, users: &[String], packets: &[u8]) {
    let mut secrets: Vec<Secret> = users.iter().take(20).map(|user| Secret::new(user, kamailio.realm(), &password(user))).collect();
    secrets.push(Secret::new("u0000", kamailio.realm(), &password("rotated")));
    secrets.push(Secret::new("u0001", kamailio.realm(), "Falsches-Geheimnis"));
    let streams = payloads(packets);
    let bytes: usize = streams.iter().map(Vec::len).sum();
    let log = scene.server.log();
    let mut files = 0;
    for secret in &secrets {
        for stream in &streams {
            secret.must_not_be_in("the captured network", stream);
        }
        secret.must_not_be_in("the log", log.as_bytes());
        files = secret.must_not_be_under(scene.server.launch().data());
    }
    figures
        .row("captured answers of the API and SIP, both ways", format!("{bytes} bytes in {} streams: no password, no HA1", streams.len()));
    figures.row("log at trace level", format!("{} lines: no password, no HA1", log.lines().count()));
    figures.row("files of the data directory", format!("{files}: no password, no HA1"));
}

/// How long refreshes are counted.
const STEADY: Duration = Duration::from_secs(90);
const STEADY_TRUNKS: usize = 50;

fn steady_state(figures: &mut Figures, nonce_expire: u32) {
    figures.section(&format!("Steady state, {STEADY_TRUNKS} trunks granted 20 s, `nonce_expire` {nonce_expire} s"));
    let kamailio = Kamailio::start(Options { nonce_expire, ..Options::default() });
    let scene = Scene::new();
    scene.carrier("kam", &kamailio.uri(), &json!({"expires": 20}));
    let users: Vec<String> = (0..STEADY_TRUNKS).map(|number| format!("u{number:04}")).collect();
    for user in &users {
        kamailio.add_user(user, &password(user));
    }
    let body: String = users.iter().map(|user| line(user, "kam", kamailio.realm())).collect();
    let headers = [("Content-Type", "application/x-ndjson"), ("Accept", "application/x-ndjson")];
    scene.api.raw("POST", &format!("{REGISTRATIONS}/bulk"), &headers, body.as_bytes()).expect(200);
    let count = |filter: &str| scene.api.get(&format!("{REGISTRATIONS}?{filter}&pageSize=1")).expect(200).json["total"].as_u64();
    wait::until_true("all are bound", secs(60), || count("bound=true") == u64::try_from(STEADY_TRUNKS).ok());
    let known = kamailio.seen().len();
    let started = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    let end = Instant::now() + STEADY;
    let mut alarms = 0;
    wait::until_true("the count ends", STEADY + secs(10), || {
        alarms += usize::from(count("bound=false") != Some(0));
        Instant::now() >= end
    });
    let seen = kamailio.seen().split_off(known);
    let accepted = seen.iter().filter(|register| register.outcome == Outcome::Proved).count();
    let failed = seen.iter().filter(|register| register.outcome == Outcome::WrongDigest).count();
    figures.row("refreshes accepted", format!("{accepted} in {} s", STEADY.as_secs()));
    let per = f64::from(u32::try_from(seen.len()).expect("few")) / f64::from(u32::try_from(accepted).expect("few"));
    figures.row("REGISTERs for each refresh", format!("{per:.2}"));
    let stale = seen.iter().filter(|register| register.outcome == Outcome::StaleNonce).count();
    figures.row("of these over a nonce that had expired", stale);
    figures.row("failed digests", failed);
    figures.row("looks at which a trunk was shown as not bound", alarms);
    assert!(seen.iter().all(|register| register.at >= started.as_secs_f64() - 1.0));
    assert_eq!((failed, alarms), (0, 0));
    let expected = if nonce_expire > 100 { 1.0 } else { 2.0 };
    assert!((per - expected).abs() < 0.05, "{per} REGISTERs for each refresh");
}
