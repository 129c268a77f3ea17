//! A server that cannot start says why and ends; one that can is ready and stops in order.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use serde_json::json;

use crate::support::lock::Lock;
use crate::support::process::Process;
use crate::support::server::{Launch, Server};
use crate::support::wait::secs;

#[track_caller]
fn gives_up(launch: &Launch, words: &[&str]) {
    let (status, log) = launch.fails();
    assert!(!status.success(), "{status}: {log}");
    assert!(!log.contains("panicked"), "an error, no panic: {log}");
    for word in words {
        assert!(log.to_lowercase().contains(&word.to_lowercase()), "it names {word}: {log}");
    }
}

#[test]
fn a_taken_http_port_is_named() {
    let launch = Launch::default();
    let address = launch.http();
    let _taken = TcpListener::bind(address).expect("the port");
    gives_up(&launch, &[&address.to_string()]);
}

#[test]
fn a_taken_sip_port_is_named() {
    let launch = Launch::default();
    let address = launch.sip();
    let _taken = std::net::UdpSocket::bind(address).expect("the port");
    gives_up(&launch, &[&address.to_string()]);
}

#[test]
fn a_data_directory_that_cannot_be_written_is_named() {
    let folder = tempfile::tempdir().expect("folder");
    let binary = folder.path().join("trunkline");
    let data = folder.path().join("data");
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).expect("permissions");
    fs::create_dir(&data).expect("data");
    fs::set_permissions(&data, fs::Permissions::from_mode(0o555)).expect("permissions");
    fs::copy(env!("CARGO_BIN_EXE_trunkline"), &binary).expect("a copy that everybody may run");
    let launch = Launch::default();
    let mut command = if rustix::process::getuid().is_root() {
        // Permissions do not bind root: run it as nobody.
        let mut command = Command::new("setpriv");
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups", "--"]).arg(&binary);
        command
    } else {
        Command::new(&binary)
    };
    command.arg("serve").arg("--data").arg(&data).args(["--http", &launch.http().to_string(), "--sip", &format!("udp:{}", launch.sip())]);
    command.current_dir(folder.path());
    let mut process = Process::start(&command, &folder.path().join("log"));
    let status = process.wait_ended(secs(30));
    let log = process.log();
    assert!(!status.success(), "{log}");
    assert!(log.contains(&data.display().to_string()) && !log.contains("panicked"), "it names the directory: {log}");
    assert_eq!(fs::read_dir(&data).expect("data").count(), 0, "nothing is half-written");
}

#[test]
fn a_data_directory_that_is_a_file_is_named() {
    let launch = Launch::default();
    fs::write(launch.data(), "in the way").expect("file");
    gives_up(&launch, &[&launch.data().display().to_string()]);
}

#[test]
fn a_wrong_master_key_is_told_and_the_right_one_still_opens() {
    let keys = tempfile::tempdir().expect("folder");
    let (right, wrong) = (keys.path().join("right.key"), keys.path().join("wrong.key"));
    let start = |key: &std::path::Path| Launch::default().word("--master-key").word(&key.display().to_string()).start();
    let mut other = start(&wrong);
    assert!(other.stop().success());
    assert_eq!(fs::metadata(&wrong).expect("made at the first start").permissions().mode() & 0o777, 0o600);

    let mut server = start(&right);
    server.api().post("/api/v2/sites", &json!({"id": "jakarta", "name": "Jakarta"})).expect(201);
    assert!(server.stop().success());
    fs::rename(&right, keys.path().join("aside")).expect("aside");
    fs::copy(&wrong, &right).expect("the wrong key");
    gives_up(server.launch(), &["master key"]);
    fs::copy(keys.path().join("aside"), &right).expect("the right key");
    server.restart();
    server.api().get("/api/v2/sites/jakarta").expect(200);
}

#[test]
fn a_second_server_on_the_same_data_is_told_that_they_are_in_use() {
    let server = Server::start();
    gives_up(&Launch::default().on_data(server.launch().data()), &["in use"]);
    server.api().get("/api/v2/organization").expect(200);
}

#[test]
fn plain_http_off_loopback_needs_to_be_meant() {
    let address = std::net::SocketAddr::from(([0, 0, 0, 0], 18_080));
    gives_up(&Launch::default().http_at(address), &["--behind-proxy"]);
}

#[test]
fn it_is_ready_and_stops_in_order() {
    let mut server = Server::start();
    assert_eq!(server.anonymous().get("/health/live").status, 200);
    assert!(server.stop().success(), "{}", server.log());
    server.restart();
    server.api().get("/api/v2/organization").expect(200);
}

#[test]
fn the_master_key_and_the_database_are_readable_by_their_owner_only() {
    let server = Server::start();
    let mut files = 0;
    for entry in fs::read_dir(server.launch().data()).expect("data").flatten() {
        let mode = entry.metadata().expect("metadata").permissions().mode() & 0o077;
        assert_eq!(mode, 0, "{} is open to others", entry.path().display());
        files += 1;
    }
    assert!(files >= 2, "a database and a key");
}

#[test]
fn a_locked_database_is_told_while_it_runs_and_nothing_is_half_written() {
    let server = Server::start();
    let api = server.api();
    let lock = Lock::hold(server.launch().data());
    let site = json!({"id": "jakarta", "name": "Jakarta"});
    let answer = api.post("/api/v2/sites", &site).expect(503);
    assert!(answer.json["message"].as_str().is_some_and(|text| text.contains("database")), "{}", answer.text);
    assert!(answer.header("Retry-After").is_some_and(|seconds| seconds.parse::<u32>().is_ok()), "{:?}", answer.headers);
    lock.release();
    api.get("/api/v2/sites/jakarta").expect(404);
    api.post("/api/v2/sites", &site).expect(201);
}

#[test]
fn a_locked_database_is_named_at_the_start() {
    let mut server = Server::start();
    assert!(server.stop().success());
    let lock = Lock::hold(server.launch().data());
    gives_up(server.launch(), &["database", "locked", &server.launch().data().display().to_string()]);
    lock.release();
    server.restart();
    server.api().get("/api/v2/organization").expect(200);
}
