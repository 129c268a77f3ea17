//! Keys: where they come from, new ones while everything runs, and what a kill in between leaves.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use axum::http::Method;
use control::{Config, Control, MasterKeySource, StartError};
use serde_json::json;
use tempfile::TempDir;

use crate::lab::Lab;

const DATA: &str = "/api/v2/sealing/data-keys/rotate";
const MASTER: &str = "/api/v2/sealing/master-key/rotate";

/// Ends the control plane and leaves its directory.
async fn ended(lab: Lab) -> (TempDir, String) {
    let Lab { control, router, dir, token } = lab;
    drop(router);
    control.shutdown().await;
    drop(control);
    // Its last task may end a little after it, and lets the data go then.
    let lock = fs::File::open(dir.path().join("lock")).expect("the lock");
    let give_up = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while lock.try_lock().is_err() {
        assert!(std::time::Instant::now() < give_up, "the data is still in use");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    (dir, token)
}

async fn started(config: Config, dir: TempDir, token: String) -> Lab {
    let control = Control::open(config).await.expect("it starts");
    Lab { router: control.router(), control, token, dir }
}

async fn refusal(config: Config) -> StartError {
    match Control::open(config).await {
        Ok(_) => panic!("it started"),
        Err(error) => error,
    }
}

fn write_key(path: &Path, key: &str) {
    fs::write(path, key).expect("written");
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).expect("set");
}

#[tokio::test]
async fn a_new_data_key_takes_over_and_the_old_one_goes() {
    let lab = Lab::new().await;
    let shown = lab.get("/api/v2/sealing").await.is(200);
    assert_eq!((&shown.body["masterKey"]["source"], &shown.body["dataKeys"][0]["id"]), (&json!("file"), &json!(1)));
    lab.post(DATA, "{}").await.is(202);
    let done = lab.until("/api/v2/sealing", |shown| shown.body["rotation"]["state"] == "COMPLETED").await;
    assert_eq!(done.body["dataKeys"].as_array().map(Vec::len), Some(1));
    assert_eq!((&done.body["dataKeys"][0]["id"], &done.body["dataKeys"][0]["sealsNew"]), (&json!(2), &json!(true)));
    lab.post(DATA, r#"{"key": "mine"}"#).await.refused(400, "invalid.value").about("key");
    let viewer = lab.token_with_role("trunk-administrator").await;
    for path in [DATA, MASTER] {
        lab.call(Method::POST, path, &viewer, &[], None).await.refused(403, "missing.permissions").about("sealing:key:edit");
    }
    // The key of the audit chain, which the old data key had sealed, opens after a start too.
    let (dir, token) = ended(lab).await;
    let lab = started(Config::in_directory(dir.path()), dir, token).await;
    assert_eq!(lab.get("/api/v2/audits/verify").await.is(200).body["intact"], true);
}

#[tokio::test]
async fn a_new_master_key_takes_the_files_place_whenever_it_is_killed() {
    let lab = Lab::new().await;
    let file = lab.dir.path().join("master.key");
    let next = lab.dir.path().join("master.key.next");
    let old = fs::read_to_string(&file).expect("the key");
    lab.post(MASTER, "{}").await.is(200);
    let new = fs::read_to_string(&file).expect("the key");
    assert!(new != old && !next.exists());
    assert_eq!(fs::metadata(&file).expect("a file").permissions().mode() & 0o777, 0o600);
    // Again, and a new data key under it, in the same process.
    lab.post(MASTER, "{}").await.is(200);
    lab.post(DATA, "{}").await.is(202);
    let new = fs::read_to_string(&file).expect("the key");
    lab.until("/api/v2/sealing", |shown| shown.body["rotation"]["state"] == "COMPLETED").await;
    let (dir, token) = ended(lab).await;

    let mut config = Config::in_directory(dir.path());
    config.master_key = MasterKeySource::Env(old.trim().into());
    assert!(matches!(refusal(config).await, StartError::MasterKeyWrong { .. }));

    // Killed after the store had changed and before the file had.
    write_key(&next, &new);
    write_key(&file, &old);
    let lab = started(Config::in_directory(dir.path()), dir, token).await;
    assert_eq!(fs::read_to_string(&file).expect("the key"), new);
    let (dir, token) = ended(lab).await;
    fs::rename(&file, &next).expect("moved");
    let lab = started(Config::in_directory(dir.path()), dir, token).await;
    let (dir, token) = ended(lab).await;
    // The same, and the key beside the file cannot be used: it is not thrown away.
    fs::rename(&file, &next).expect("moved");
    write_key(&file, &old);
    fs::set_permissions(&next, fs::Permissions::from_mode(0o644)).expect("set");
    let refused = refusal(Config::in_directory(dir.path())).await;
    assert!(matches!(refused, StartError::MasterKeyBeside { .. }), "{refused}");
    assert!(refused.to_string().contains("master.key.next"), "{refused}");
    fs::remove_file(&file).expect("removed");
    assert!(matches!(refusal(Config::in_directory(dir.path())).await, StartError::MasterKeyBeside { .. }));
    assert_eq!(fs::read_to_string(&next).expect("it is there"), new);
    fs::set_permissions(&next, fs::Permissions::from_mode(0o600)).expect("set");
    let lab = started(Config::in_directory(dir.path()), dir, token).await;
    let (dir, token) = ended(lab).await;
    assert_eq!(fs::read_to_string(&file).expect("the key"), new);
    // Beside the right key it is in nobody's way.
    write_key(&next, "torn");
    let lab = started(Config::in_directory(dir.path()), dir, token).await;
    let (dir, token) = ended(lab).await;
    assert!(next.exists());
    // Killed before the store had changed.
    write_key(&next, &old);
    let lab = started(Config::in_directory(dir.path()), dir, token).await;
    assert!(!next.exists());
    assert_eq!(lab.get("/api/v2/audits/verify").await.is(200).body["intact"], true);
    assert_eq!(lab.get("/api/v2/audits?entityType=masterKey").await.is(200).body["total"], 2);
}

#[tokio::test]
async fn a_key_of_the_environment_is_changed_at_a_start() {
    let lab = Lab::new().await;
    let (dir, token) = ended(lab).await;
    let old = fs::read_to_string(dir.path().join("master.key")).expect("the key").trim().to_owned();
    let new = "11".repeat(32);
    let with = |key: &str, previous: Option<&str>| {
        let mut config = Config::in_directory(dir.path());
        config.master_key = MasterKeySource::Env(key.into());
        config.previous_master_key = previous.map(|key| MasterKeySource::Env(key.into()));
        config
    };
    assert!(matches!(refusal(with(&new, Some(&"22".repeat(32)))).await, StartError::MasterKeyWrong { .. }));
    let config = with(&new, Some(&old));
    let (again, wrong) = (with(&new, Some(&old)), with(&old, None));
    let lab = started(config, dir, token).await;
    lab.post(MASTER, "{}").await.refused(409, "conflict").says("TRUNKLINE_PREVIOUS_MASTER_KEY");
    lab.post(DATA, "{}").await.is(202);
    assert_eq!(lab.get("/api/v2/audits/verify").await.is(200).body["intact"], true);
    let (dir, token) = ended(lab).await;
    assert!(matches!(refusal(wrong).await, StartError::MasterKeyWrong { .. }));
    // The one before may stay in the environment.
    started(again, dir, token).await;
}

#[tokio::test]
async fn a_command_gives_the_key_and_the_next_one() {
    let keys = tempfile::tempdir().expect("a directory");
    let file = keys.path().join("vault");
    fs::write(&file, "33".repeat(32)).expect("written");
    let dir = tempfile::tempdir().expect("a directory");
    let config = |program: &str| {
        let mut config = Config::in_directory(dir.path());
        config.master_key = MasterKeySource::Command(vec![program.into(), file.display().to_string()]);
        config.bootstrap = Some((crate::lab::CLIENT.into(), crate::lab::SECRET.into()));
        config
    };
    assert!(matches!(refusal(config("/nonexistent")).await, StartError::MasterKeyCommand { .. }));
    assert!(matches!(refusal(config("/bin/false")).await, StartError::MasterKeyCommand { .. }));
    let (first, second) = (config("/bin/cat"), config("/bin/cat"));
    let mut lab = started(first, dir, String::new()).await;
    lab.token = lab.token_of(crate::lab::CLIENT, crate::lab::SECRET).await;
    assert_eq!(lab.get("/api/v2/sealing").await.is(200).body["masterKey"]["source"], "command");
    lab.post(MASTER, "{}").await.refused(409, "conflict").says("in use");
    fs::write(&file, "44".repeat(32)).expect("written");
    // Until it is rotated, nothing is wrapped by a key that is another than before.
    lab.post(DATA, "{}").await.refused(409, "conflict");
    lab.post(MASTER, "{}").await.is(200);
    lab.post(DATA, "{}").await.is(202);
    let (dir, token) = ended(lab).await;
    started(second, dir, token).await;
}
