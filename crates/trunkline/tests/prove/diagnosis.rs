//! Issue 4: every refusal is explained.

use std::collections::BTreeSet;
use std::process::Command;
use std::time::Instant;

use crate::canaries;
use crate::figures::Figures;
use crate::situations::{page, run, table::TABLE};
use crate::support::api::REGISTRATIONS;
use crate::support::kamailio::Kamailio;
use crate::support::scene::{Scene, credentials};
use crate::support::story;

#[test]
#[ignore = "cargo xtask prove diagnosis"]
fn diagnosis() {
    let mut figures = Figures::default();
    the_story(&mut figures);
    figures.keep();
    a_capture(&mut figures);
    figures.keep();
    the_situations(&mut figures);
    figures.keep();
    canaries::nowhere(&mut figures);
    figures.keep();
}

/// design.md section 1: seven causes, one call each.
fn the_story(figures: &mut Figures) {
    figures.section("The story: one call each, told apart (`Prefer: wait=40`)");
    for told in story::tell() {
        let (code, status, took) = (told.answer.code(), told.answer.status, told.took.as_secs_f64());
        figures.row(told.wrong, format!("{status} `{code}` after {took:.2} s: {}", plain(told.said("remedy"))));
    }
    figures.row("bindings and active versions of the four trunks that were registered", "untouched");
}

/// Addresses of a run say nothing to a reader, and a bar would end a cell.
fn plain(text: &str) -> String {
    text.replace('|', "\\|")
}

fn a_capture(figures: &mut Figures) {
    figures.section("An exported attempt, read by tshark");
    let kamailio = Kamailio::md5();
    let scene = Scene::new();
    scene.registered(&kamailio, &["alice"]);
    let refused =
        scene.api.set_credentials(&credentials("alice", "alice", "Falsches-Geheimnis-9")).refused(422, "sip.credentials.rejected");
    let attempt = refused.at("/diagnosis/attemptId").as_str().expect("an attempt");
    let capture = scene.api.get(&format!("{REGISTRATIONS}/alice/attempts/{attempt}/pcapng")).expect(200);
    let folder = tempfile::tempdir().expect("folder");
    let file = folder.path().join("attempt.pcapng");
    std::fs::write(&file, &capture.bytes).expect("written");
    let tshark = |words: &[&str]| {
        let output = Command::new("tshark").arg("-r").arg(&file).args(words).output().expect("tshark is there: cargo xtask setup");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect::<Vec<_>>()
    };
    let registers = tshark(&["-Y", "sip.Method==REGISTER"]);
    let answers = tshark(&["-Y", "sip.Status-Code==401", "-T", "fields", "-e", "sip.CSeq.method"]);
    let malformed = tshark(&["-Y", "_ws.malformed"]);
    assert!(registers.len() >= 2 && registers.iter().all(|line| line.contains("REGISTER")), "{registers:?}");
    assert!(answers.len() >= 2 && answers.iter().all(|method| method == "REGISTER"), "{answers:?}");
    assert!(malformed.is_empty(), "{malformed:?}");
    figures.row("capture", format!("{} bytes", capture.bytes.len()));
    figures.row("`tshark -r attempt.pcapng -Y sip.Method==REGISTER`", format!("{} lines", registers.len()));
    figures.row("answers 401 in it", answers.len());
    figures.row("packets that tshark calls malformed", malformed.len());
}

fn the_situations(figures: &mut Figures) {
    figures.section("Observed situations (docs/design/situations.md)");
    let started = Instant::now();
    let told = run::all(TABLE);
    let wrong: Vec<&String> = told.iter().filter_map(|told| told.fault.as_ref()).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    page::must_be_written(TABLE, &told);
    let codes: BTreeSet<&str> = TABLE.iter().map(|row| row.code).collect();
    let acts: BTreeSet<&str> = TABLE.iter().map(|row| row.act).collect();
    figures.row(
        "situations played on the wire, each with the code, stage and remedy of its row",
        format!("{} of {}", told.len(), TABLE.len()),
    );
    figures.row("different codes among them", codes.len());
    figures.row("different things that the operator does about them", acts.len());
    assert_eq!(codes.len(), acts.len(), "one act for each code, one code for each act");
    figures.row("time, all side by side", format!("{:.0} s", started.elapsed().as_secs_f64()));
}
