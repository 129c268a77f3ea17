//! A copy of the database of a running server, and the way back.

use std::path::Path;
use std::process::{Command, Output};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use serde_json::{Value, json};

use crate::support::scene::Scene;
use crate::support::server::Launch;
use crate::support::wait::{self, secs};

fn trunkline(words: &[&str], file: &Path, data: &Path) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_trunkline"));
    command.arg(words[0]).arg(file).arg("--data").arg(data).args(&words[1..]).env("RUST_LOG", "info");
    command.output().expect("it runs")
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[test]
fn a_copy_under_load_is_whole_and_comes_back_on_another_place() {
    let mut scene = Scene::new();
    let folder = tempfile::tempdir().expect("folder");
    let copy = folder.path().join("copy.db");
    let data = scene.server.launch().data().to_owned();
    let (stop, made) = (AtomicBool::new(false), AtomicUsize::new(0));
    let acknowledged = std::thread::scope(|scope| {
        for writer in 0..2 {
            let (api, stop, made) = (scene.api.clone(), &stop, &made);
            scope.spawn(move || {
                let mut n = 0;
                while !stop.load(Ordering::Relaxed) {
                    api.post("/api/v2/sites", &json!({"id": format!("s{writer}_{n}"), "name": "made under load"})).expect(201);
                    made.fetch_add(1, Ordering::Relaxed);
                    n += 1;
                }
            });
        }
        wait::until_true("some are made", secs(30), || made.load(Ordering::Relaxed) >= 20);
        let acknowledged = made.load(Ordering::Relaxed);
        let copied = trunkline(&["backup"], &copy, &data);
        stop.store(true, Ordering::Relaxed);
        assert!(copied.status.success(), "{}", said(&copied));
        acknowledged
    });
    let again = trunkline(&["backup"], &copy, &data);
    assert!(!again.status.success() && said(&again).contains("nothing is written over"), "{}", said(&again));
    let served = trunkline(&["restore", "--replace"], &copy, &data);
    assert!(!served.status.success() && said(&served).contains("in use by another process"), "{}", said(&served));
    scene.server.stop();

    let elsewhere = folder.path().join("elsewhere");
    let restored = trunkline(&["restore"], &copy, &elsewhere);
    assert!(restored.status.success() && said(&restored).contains("incarnation"), "{}", said(&restored));
    let occupied = trunkline(&["restore"], &copy, &elsewhere);
    assert!(!occupied.status.success() && said(&occupied).contains("--replace"), "{}", said(&occupied));
    let without_key = Launch::default().on_data(&elsewhere).fails();
    assert!(without_key.1.contains("master key"), "{}", without_key.1);
    std::fs::copy(data.join("master.key"), elsewhere.join("master.key")).expect("the key");
    let server = Launch::default().on_data(&elsewhere).start();
    let api = server.api();
    let sites = api.get("/api/v2/sites?pageSize=1").expect(200);
    // Those of the writers, and the scene's own.
    assert!(sites.at("/total").as_u64().is_some_and(|total| total > acknowledged as u64), "{}", sites.text);
    assert_eq!(api.get("/api/v2/audits/verify").expect(200).at("/intact"), true);
    assert!(api.get("/api/v2/audits?action=restore").expect(200).text.contains("incarnation"));
    // A token of before has ended.
    scene.api = server.anonymous().with_token(scene.api.token());
    scene.api.get("/api/v2/tokens/me").refused(401, "bad.credentials");
}

#[test]
fn heads_that_were_signed_after_the_copy_are_told_apart_from_a_chain_that_was_cut() {
    let mut scene = Scene::new();
    let folder = tempfile::tempdir().expect("folder");
    let (copy, data) = (folder.path().join("copy.db"), scene.server.launch().data().to_owned());
    let copied = trunkline(&["backup"], &copy, &data);
    assert!(copied.status.success(), "{}", said(&copied));
    let number = |scene: &Scene| scene.api.get("/api/v2/audits/head").expect(200).at("/number").as_i64().expect("a number");
    let at_copy = number(&scene);
    for n in 0..3 {
        scene.api.post("/api/v2/sites", &json!({"id": format!("later{n}"), "name": "of the time that is lost"})).expect(201);
    }
    let lost = number(&scene);
    // A start signs at once.
    scene.server.stop();
    scene.server.restart();
    let file = data.join("audit-heads.ndjson");
    let heads = || -> Vec<Value> {
        let text = std::fs::read_to_string(&file).unwrap_or_default();
        text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    };
    wait::until_true("a head of the lost time is exported", secs(30), || heads().iter().any(|head| head["number"].as_i64() >= Some(lost)));
    scene.server.stop();
    let without = folder.path().join("heads-of-before.ndjson");
    std::fs::copy(&file, &without).expect("carried away");
    let restored = trunkline(&["restore", "--replace"], &copy, &data);
    assert!(restored.status.success(), "{}", said(&restored));
    scene.server.restart();
    scene.api = scene.server.api();
    wait::until_true("a head of the new time is exported", secs(30), || heads().last().is_some_and(|head| head["kind"] == "head"));
    let mark = heads().into_iter().find(|head| head["kind"] == "restore").expect("a line of the restore");
    assert!(mark["number"].as_i64() <= Some(at_copy), "{mark}");

    let export = folder.path().join("chain.ndjson");
    std::fs::write(&export, scene.api.raw("GET", "/api/v2/audits/export", &[], b"").expect(200).bytes).expect("written");
    let verify = |heads: &Path| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_trunkline"));
        let output = command.args(["audit", "verify"]).arg(&export).arg("--heads").arg(heads).output().expect("it runs");
        (output.status.code(), said(&output))
    };
    let (code, text) = verify(&file);
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("Restored") && text.contains("The chain is intact"), "{text}");
    // Without the signed line a restore cannot be told from a cut.
    let (code, text) = verify(&without);
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("the chain was cut"), "{text}");
    // Nor does a line do that somebody wrote who has not the key.
    let mut forged = std::fs::read_to_string(&without).expect("text");
    forged.push_str(&mark.to_string().replace(mark["signature"].as_str().expect("text"), &"0".repeat(128)));
    std::fs::write(&without, forged).expect("written");
    let (code, text) = verify(&without);
    assert_eq!(code, Some(1), "{text}");
}
