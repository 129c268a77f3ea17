//! The API's own TLS, asked by curl as users would.

use std::path::Path;
use std::process::{Command, Output};

use crate::support::process::Process;
use crate::support::server::{ADMIN_ID, ADMIN_SECRET, Launch};
use crate::support::wait::{self, secs};

/// A certificate for `localhost` and its key, in files.
fn certificate(folder: &Path) -> (String, String) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    let (chain, key) = (folder.join("chain.pem"), folder.join("key.pem"));
    std::fs::write(&chain, made.cert.pem()).expect("written");
    std::fs::write(&key, made.signing_key.serialize_pem()).expect("written");
    (chain.display().to_string(), key.display().to_string())
}

fn curl(launch: &Launch, chain: &str, words: &[&str], path: &str) -> Output {
    let (ip, port) = (launch.http().ip(), launch.http().port());
    let mut command = Command::new("curl");
    command.args(["-sS", "-i", "--max-time", "20", "--cacert", chain, "--resolve", &format!("localhost:{port}:{ip}")]);
    command.args(words).arg(format!("https://localhost:{port}{path}"));
    command.output().expect("curl (cargo xtask setup installs it)")
}

#[test]
fn the_api_and_the_console_are_served_over_tls() {
    let folder = tempfile::tempdir().expect("folder");
    let (chain, key) = certificate(folder.path());
    let launch = Launch::default().word("--tls-cert").word(&chain).word("--tls-key").word(&key);
    let mut server = Process::start(&launch.command(), &folder.path().join("log"));
    let ask = |words: &[&str], path: &str| String::from_utf8_lossy(&curl(&launch, &chain, words, path).stdout).into_owned();
    wait::until_true("the server is ready", secs(30), || {
        server.must_run();
        ask(&[], "/health/ready").starts_with("HTTP/1.1 200")
    });
    let credentials = format!("{ADMIN_ID}:{ADMIN_SECRET}");
    let granted = ask(&["-u", &credentials, "-d", "grant_type=client_credentials"], "/oauth/token");
    assert!(granted.starts_with("HTTP/1.1 200") && granted.contains("access_token"), "{granted}");
    // The session's cookie may only travel over TLS here.
    let (id, secret) = (format!("id={ADMIN_ID}"), format!("secret={ADMIN_SECRET}"));
    let origin = format!("Origin: https://localhost:{}", launch.http().port());
    let entered = ask(&["-H", &origin, "--data-urlencode", &id, "--data-urlencode", &secret], "/sign-in").to_lowercase();
    let cookie = entered.lines().find(|line| line.starts_with("set-cookie:")).unwrap_or_else(|| panic!("a cookie: {entered}"));
    assert!(cookie.contains("__host-") && cookie.contains("; secure"), "{cookie}");
    // Who speaks plain HTTP, or does not know the issuer, gets nothing.
    let plain =
        Command::new("curl").args(["-sS", "--max-time", "20", &format!("http://{}/health/ready", launch.http())]).output().expect("curl");
    assert!(!plain.status.success() || !String::from_utf8_lossy(&plain.stdout).contains("ready"));
    let (other, _) = certificate(tempfile::tempdir().expect("folder").path());
    assert!(!curl(&launch, &other, &[], "/health/ready").status.success());
    assert!(server.log().contains("https://"), "{}", server.log());
    server.terminate();
    assert!(server.wait_ended(secs(12)).success());
}

#[test]
fn a_certificate_that_cannot_be_used_is_named_at_the_start() {
    let folder = tempfile::tempdir().expect("folder");
    let (chain, _) = certificate(folder.path());
    let absent = folder.path().join("absent.pem").display().to_string();
    let (status, log) = Launch::default().word("--tls-cert").word(&chain).word("--tls-key").word(&absent).fails();
    assert!(!status.success() && log.contains(&absent) && log.contains("--tls-key"), "{log}");
    let (status, log) = Launch::default().word("--demo").word("--tls-cert").word(&chain).word("--tls-key").word(&absent).fails();
    assert!(!status.success() && log.contains("demo"), "{log}");
}
