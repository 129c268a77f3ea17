//! `trunkline plan`, as it is called.

use std::process::{Command, Output};

use serde_json::Value;

const FILE: &str = r#"
edges = 2

[[carrier]]
name = "lab"
trunks = 3000
expires = 600
registers-per-second = 20
in-flight = 40

[event]
kind = "outage"
seconds = 300
"#;

fn plan(file: &str, more: &[&str]) -> (tempfile::TempDir, Output) {
    let dir = tempfile::tempdir().expect("a directory");
    std::fs::write(dir.path().join("fleet.toml"), file).expect("written");
    let mut command = Command::new(env!("CARGO_BIN_EXE_trunkline"));
    let output = command.current_dir(dir.path()).args(["plan", "fleet.toml"]).args(more).output().expect("it runs");
    (dir, output)
}

#[test]
fn a_fleet_file_gives_a_table_json_and_a_picture() {
    let (dir, table) = plan(FILE, &["--svg", "fleet.svg"]);
    let text = String::from_utf8_lossy(&table.stdout);
    assert!(table.status.success() && text.contains("lab") && text.contains("silent for 300 s"), "{table:?}");
    let picture = std::fs::read_to_string(dir.path().join("fleet.svg")).expect("drawn");
    assert!(picture.starts_with("<svg") && picture.contains("polyline"));
    let (_dir, output) = plan(FILE, &["--json", "--jobs", "1"]);
    let json: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!((&json["trunks"], &json["edges"], &json["eventFrom"]), (&3000.into(), &2.into(), &300.into()));
    let worst = json["carriers"][0]["worstSecond"]["registers"].as_u64().expect("a count");
    assert!((20..=46).contains(&worst), "two edges at 20/s each: {worst}");
    assert!(json["carriers"][0]["recovered"].as_bool().expect("told"), "{}", json["carriers"][0]["lapses"]);
}

#[test]
fn a_bad_fleet_file_is_refused_with_what_is_wrong() {
    for (from, to, said) in [
        ("registers-per-second", "register-per-second", "registers-per-second"),
        ("trunks = 3000", "trunks = 0", "carrier[0].trunks must be 1 to"),
        ("kind = \"outage\"", "kind = \"storm\"", "outage"),
        ("seconds = 300", "seconds = 300\ncarrier = \"nobody\"", "none of the carriers"),
    ] {
        let (_dir, output) = plan(&FILE.replace(from, to), &[]);
        let text = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && text.contains("fleet.toml") && text.contains(said), "{to}: {text}");
    }
}
