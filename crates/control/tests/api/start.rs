//! What is in the way of a start, and that what was acknowledged is there after one.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use control::{Config, Control, MasterKeySource, StartError};
use tempfile::tempdir;

use crate::lab::Lab;

async fn refusal(config: Config) -> StartError {
    match Control::open(config).await {
        Ok(_) => panic!("it started"),
        Err(error) => error,
    }
}

#[tokio::test]
async fn the_first_start_makes_a_client_and_a_key_for_nobody_else_to_read() {
    let dir = tempdir().expect("a directory");
    let data = dir.path().join("data");
    // A directory that others may read, as an installer may have made it.
    fs::create_dir(&data).expect("made");
    let control = Control::open(Config::in_directory(&data)).await.expect("it starts");
    assert!(control.first_start_client().is_some());
    for file in ["master.key", "trunkline.db", "trunkline.db-wal", "trunkline.db-shm", "lock"] {
        let mode = fs::metadata(data.join(file)).expect("a file").permissions().mode();
        assert_eq!(mode & 0o077, 0, "{file} {mode:o}");
    }
    control.shutdown().await;
    drop(control);
    let control = Control::open(Config::in_directory(&data)).await.expect("it starts again");
    assert!(control.first_start_client().is_none());
}

#[tokio::test]
async fn what_was_acknowledged_is_there_after_a_restart() {
    let lab = Lab::furnished().await;
    let before = lab.get("/api/v2/trunks/voice/trunk_jkt_04").await.is(200);
    let Lab { control, router, dir, token, .. } = lab;
    drop(router);
    control.shutdown().await;
    drop(control);
    let control = Control::open(Config::in_directory(dir.path())).await.expect("it starts again");
    let lab = Lab { router: control.router(), control, token, dir };
    // The token too.
    assert_eq!(lab.get("/api/v2/trunks/voice/trunk_jkt_04").await.is(200).body, before.body);
}

#[tokio::test]
async fn a_second_process_on_the_same_data_is_refused() {
    let lab = Lab::new().await;
    let error = refusal(Config::in_directory(lab.dir.path())).await;
    assert!(matches!(error, StartError::DataInUse { .. }), "{error}");
}

#[tokio::test]
async fn a_wrong_lost_malformed_or_exposed_master_key_is_told() {
    let lab = Lab::new().await;
    let Lab { control, router, dir, .. } = lab;
    drop(router);
    control.shutdown().await;
    drop(control);
    let key = dir.path().join("master.key");
    let right = fs::read(&key).expect("the key");
    let start = || Config::in_directory(dir.path());

    let mut config = start();
    config.master_key = MasterKeySource::Env("00".repeat(32).into());
    let error = refusal(config).await;
    assert!(matches!(error, StartError::MasterKeyWrong { .. }), "{error}");

    fs::write(&key, "not a key").expect("written");
    let error = refusal(start()).await;
    assert!(matches!(error, StartError::MasterKeyMalformed { .. }), "{error}");
    assert!(!error.to_string().contains("not a key"));

    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).expect("set");
    let error = refusal(start()).await;
    assert!(matches!(error, StartError::MasterKeyExposed { .. }), "{error}");

    fs::remove_file(&key).expect("removed");
    let error = refusal(start()).await;
    assert!(matches!(error, StartError::MasterKeyLost { .. }), "{error}");
    assert!(!key.exists(), "a lost key must not be replaced");

    let mut config = start();
    config.master_key = MasterKeySource::Env(String::from_utf8(right).expect("text").into());
    Control::open(config).await.expect("the right key from the environment");
}

#[tokio::test]
async fn a_damaged_or_newer_database_is_told() {
    let dir = tempdir().expect("a directory");
    fs::write(dir.path().join("trunkline.db"), [7; 4096]).expect("written");
    let error = refusal(Config::in_directory(dir.path())).await;
    assert!(matches!(error, StartError::Damaged { .. }), "{error}");

    let lab = Lab::new().await;
    lab.tamper("INSERT INTO schema_migrations (name, checksum, applied) VALUES ('9999_future', '', 0)").await;
    let Lab { control, router, dir, .. } = lab;
    drop(router);
    control.shutdown().await;
    drop(control);
    let error = refusal(Config::in_directory(dir.path())).await;
    assert!(matches!(&error, StartError::SchemaNewer { migration } if migration == "9999_future"), "{error}");
}

#[tokio::test]
async fn a_directory_that_cannot_be_written_is_told() {
    let dir = tempdir().expect("a directory");
    let file = dir.path().join("file");
    fs::write(&file, "").expect("written");
    // A file in the way; a mode would not stop root.
    let error = refusal(Config::in_directory(file.join("data"))).await;
    assert!(matches!(error, StartError::DataNotWritable { .. }), "{error}");
    assert!(error.to_string().contains("--data"), "{error}");
}

#[tokio::test]
async fn the_environments_client_is_checked() {
    for (id, secret) in [("a b", "0123456789abcdef"), ("ok", "short")] {
        let dir = tempdir().expect("a directory");
        let mut config = Config::in_directory(dir.path());
        config.bootstrap = Some((id.into(), secret.into()));
        let error = refusal(config).await;
        assert!(matches!(error, StartError::Bootstrap { .. }), "{error}");
        assert!(!error.to_string().contains(secret));
    }
}
