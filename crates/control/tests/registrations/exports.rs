//! What an attempt can be had as: read by tshark, without a secret.

use std::fs;
use std::process::Command;

use axum::http::header;
use diagnosis::Code;
use link::{Attempt, FromEdge};
use tower::ServiceExt;

use crate::sample::{UNAUTHORIZED, attempt, message, refused, register};
use crate::scene::{PATH, Scene};

async fn bytes(scene: &Scene, path: &str) -> (String, Vec<u8>) {
    let request = axum::http::Request::get(path).header(header::AUTHORIZATION, format!("Bearer {}", scene.lab.token));
    let response = scene.lab.router.clone().oneshot(request.body(axum::body::Body::empty()).expect("a request")).await.expect("infallible");
    assert_eq!(response.status(), 200, "{path}");
    let media = response.headers()[header::CONTENT_TYPE].to_str().expect("text").to_owned();
    (media, axum::body::to_bytes(response.into_body(), 1 << 20).await.expect("a body").to_vec())
}

async fn reported(attempts: impl IntoIterator<Item = Attempt>) -> Scene {
    let scene = Scene::new().await;
    for attempt in attempts {
        let path = format!("{PATH}/t1/attempts/{}", attempt.id);
        scene.edge.reports.send(FromEdge::Attempt(Box::new(attempt))).await.expect("the control plane listens");
        scene.lab.until(&path, |answer| answer.status == 200).await;
    }
    scene
}

/// The fields that tshark reads of a capture; `cargo xtask setup` installs it.
fn tshark(file: &[u8], filter: &str, fields: &[&str]) -> Vec<Vec<String>> {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("attempt.pcapng");
    fs::write(&path, file).expect("it is written");
    let mut command = Command::new("tshark");
    command.arg("-r").arg(&path).args(["-o", "udp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE", "-Y", filter, "-T", "fields"]);
    for field in fields {
        command.args(["-e", field]);
    }
    let output = command.output().expect("tshark is there: cargo xtask setup");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    text.lines().map(|line| line.split('\t').map(str::to_owned).collect()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tshark_reads_the_requests_and_their_answers() {
    let mut six = attempt("six", Some("t1"));
    for message in &mut six.messages {
        (message.local, message.remote) = ("[2001:db8::9]:5060".into(), "[2001:db8::1]:15080".into());
    }
    let scene = reported([refused("four", Code::CredentialsRejected), six]).await;
    for (id, version, from, to, port) in
        [("four", "ip", "192.0.2.9", "192.0.2.1", "5070"), ("six", "ipv6", "2001:db8::9", "2001:db8::1", "15080")]
    {
        let (media, file) = bytes(&scene, &format!("{PATH}/t1/attempts/{id}/pcapng")).await;
        assert_eq!(media, "application/x-pcapng");
        let (source, target) = (format!("{version}.src"), format!("{version}.dst"));
        let fields = ["frame.time_epoch", &source, &target, "udp.srcport", "udp.dstport", "sip.CSeq.seq", "udp.checksum.status"];
        let requests = tshark(&file, "sip.Method==REGISTER", &fields);
        assert_eq!(requests, [["1795496899.000000000", from, to, "5060", port, "1", "1"].map(str::to_owned).to_vec()], "{id}");
        let answers = tshark(&file, "sip.Status-Code==401", &fields);
        assert_eq!(answers, [["1795496899.041000000", to, from, port, "5060", "1", "1"].map(str::to_owned).to_vec()], "{id}");
        assert!(tshark(&file, "_ws.malformed || ip.checksum.status == \"Bad\"", &["frame.number"]).is_empty(), "{id}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ladder_and_report_are_texts() {
    let scene = reported([refused("a", Code::CredentialsRejected)]).await;
    let base = format!("{PATH}/t1/attempts/a");
    let (media, ladder) = bytes(&scene, &format!("{base}/ladder")).await;
    assert_eq!(media, "text/plain; charset=utf-8");
    let ladder = String::from_utf8(ladder).expect("UTF-8");
    assert!(
        ladder.contains("──▶│") && ladder.contains("SIP/2.0 401 Unauthorized") && ladder.contains("Diagnosis  sip.credentials.rejected"),
        "{ladder}"
    );
    let (_, narrow) = bytes(&scene, &format!("{base}/ladder?width=60&ascii=true")).await;
    assert!(narrow.is_ascii() && narrow.split(|byte| *byte == b'\n').all(|line| line.len() <= 60));
    scene.lab.get(&format!("{base}/ladder?width=5")).await.refused(400, "invalid.value");
    let (media, report) = bytes(&scene, &format!("{base}/report")).await;
    assert_eq!(media, "text/plain; charset=utf-8");
    let report = String::from_utf8(report).expect("UTF-8");
    for told in ["198.51.100.7:5060", "7f3a9c@192.0.2.9", "CSeq 1 REGISTER", "2026-11-24 05:08:19", "Our question\n"] {
        assert!(report.contains(told), "{told}: {report}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_password_hash_or_response_is_in_any_export_or_file() {
    const PASSWORD: &str = "Kanarienvogel-4711";
    let ha1 = sip::digest::ha1(sip::digest::Hash::Md5, "u1", "lab.example", PASSWORD.as_bytes());
    let (ha1, response, cnonce) = (ha1.as_str(), "6629fae49393a05397450978507c4ef1", "0a4f113b9c77");
    let authorization = format!(
        "Authorization: Digest username=\"u1\", realm=\"lab.example\", nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c0\", uri=\"sip:lab.example\", \
         response=\"{response}\", cnonce=\"{cnonce}\", qop=auth, nc=00000001, algorithm=MD5\nX-Debug: sip:u1:{PASSWORD}@lab.example password={ha1}\n"
    );
    let mut attempt = refused("a", Code::CredentialsRejected);
    attempt.messages.push(message(42_000, true, "192.0.2.9:5060", "192.0.2.1:5070", &register(2, &authorization)));
    attempt.messages.push(message(80_000, false, "192.0.2.9:5060", "192.0.2.1:5070", UNAUTHORIZED));
    let scene = reported([attempt]).await;
    scene.set(PASSWORD).await.refused(422, "sip.credentials.rejected");
    let mut told: Vec<(String, Vec<u8>)> = Vec::new();
    for page in ["", "/a", "/a/ladder", "/a/report", "/a/pcapng"] {
        told.push((page.to_owned(), bytes(&scene, &format!("{PATH}/t1/attempts{page}")).await.1));
    }
    for name in ["trunkline.db", "trunkline.db-wal"] {
        told.push((name.to_owned(), fs::read(scene.lab.dir.path().join(name)).expect("it is read")));
    }
    for secret in [PASSWORD, ha1, response, cnonce] {
        for form in forms(secret) {
            for (what, bytes) in &told {
                let found = bytes.windows(form.len()).any(|window| window.eq_ignore_ascii_case(form.as_bytes()));
                assert!(!found, "{what} tells {secret} as {form}");
            }
        }
    }
    // The search itself finds what is there.
    let there = forms("7f3a9c@192.0.2.9");
    let database = &told.iter().find(|(what, _)| what == "trunkline.db-wal").expect("it was read").1;
    assert!(there.iter().any(|form| database.windows(form.len()).any(|window| window == form.as_bytes())), "messages lie there as base64");
}

/// A text as it is, in hexadecimal, and as it looks within base64 at each of the three places that it may begin at.
fn forms(text: &str) -> Vec<String> {
    let hex = text.bytes().map(|byte| format!("{byte:02x}")).collect();
    let within = (0..3).map(|lead| {
        let padded = [&vec![b'x'; lead][..], text.as_bytes()].concat();
        let whole = base64(&padded[..padded.len() / 3 * 3]);
        whole[if lead == 0 { 0 } else { 4 }..].to_owned()
    });
    [text.to_owned(), hex].into_iter().chain(within).collect()
}

fn base64(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD_NO_PAD.encode(bytes)
}
