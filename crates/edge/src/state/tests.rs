use std::fs;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::Duration;

use ua::{Negotiated, Place, Resume, ResumeBinding, ResumeFailed, ResumeNonce, Transport};

use super::store::{Change, Changes, Store};
use super::*;

const NAMES: [&str; 3] = ["trunk_jkt_01", "trunk_jkt_02", "trunk_jkt_03"];

fn resume(trunk: &str, cseq: u32, clock: &Clock) -> Box<Resume> {
    let now = clock.now();
    // Odd numbers have what the first releases did not know, so that both kinds of record are written.
    let more = cseq % 2 == 1;
    Box::new(Resume {
        trunk: trunk.into(),
        call_id: format!("call-{trunk}").into(),
        from_tag: "tag".into(),
        cseq,
        clean: true,
        binding: Some(ResumeBinding {
            address_of_record: "sip:a@b".into(),
            contact: "sip:a@192.0.2.1:5060".into(),
            registrar: Place {
                transport: if more { Transport::Tls } else { Transport::Udp },
                address: "[2001:db8::1]:5061".parse().unwrap(),
            },
            granted: Duration::from_secs(600),
            lapses_at: now + Duration::from_secs(600),
            registered_at: now - Duration::from_secs(86_400 * 30),
            credential_version: 3,
            authenticated: true,
            negotiated: Some(Negotiated {
                realm: "r".into(),
                algorithm: "MD5".into(),
                qop: Some("auth".into()),
                offered: vec!["MD5".into(), "SHA-256".into()],
            }),
        }),
        nonce: Some(ResumeNonce {
            nonce: Box::new([0, 255, 34, 92]),
            opaque: None,
            nc: 7,
            cnonce: "c".into(),
            issued_at: now,
            local: "127.0.0.1:5060".parse().unwrap(),
            algorithm_named: true,
            proxy: false,
            userhash: true,
            utf8: false,
        }),
        public: more.then(|| "198.51.100.7:1024".parse().unwrap()),
        failed: more.then(|| ResumeFailed { version: 3, digests: 2, at: now - Duration::from_secs(40) }),
    })
}

fn changes(list: impl IntoIterator<Item = (&'static str, Option<u32>)>, clock: &Clock) -> Changes {
    let change = |trunk: &str, cseq: Option<u32>| cseq.map_or(Change::Forget, |cseq| Change::Save(resume(trunk, cseq, clock)));
    list.into_iter().map(|(trunk, cseq)| (trunk.into(), change(trunk, cseq))).collect()
}

fn open_store(dir: &Path, clock: &Clock) -> (Store, Saved) {
    let key = Arc::new(key::load_or_make(&dir.join("edge.key")).unwrap());
    Store::open(dir, key, clock).unwrap()
}

fn moved_aside(dir: &Path) -> usize {
    fs::read_dir(dir).unwrap().filter(|entry| entry.as_ref().unwrap().file_name().to_string_lossy().contains("damaged")).count()
}

#[test]
fn what_was_saved_comes_back_the_latest_only_and_once() {
    let dir = tempfile::tempdir().unwrap();
    let clock = Clock::new();
    let (mut store, _) = open_store(dir.path(), &clock);
    let first = changes([(NAMES[0], Some(1)), (NAMES[1], Some(1)), (NAMES[2], Some(1))], &clock);
    store.append(&first).unwrap();
    store.append(&changes([(NAMES[0], Some(9)), (NAMES[2], None)], &clock)).unwrap();
    drop(store);

    let (_, mut saved) = open_store(dir.path(), &clock);
    assert_eq!(saved.len(), 2);
    let Change::Save(kept) = &first[NAMES[1]] else { panic!() };
    let expected = Resume { clean: false, ..(**kept).clone() };
    assert!(*saved.take(NAMES[1]).unwrap() == expected, "every field comes back, times included");
    assert_eq!(saved.take(NAMES[0]).unwrap().cseq, 9);
    assert!(saved.take(NAMES[0]).is_none(), "once");
    assert!(saved.take(NAMES[2]).is_none(), "forgotten");
}

#[test]
fn an_orderly_stop_is_known_once() {
    let dir = tempfile::tempdir().unwrap();
    let clock = Clock::new();
    let (mut store, _) = open_store(dir.path(), &clock);
    store.append(&changes([(NAMES[0], Some(1))], &clock)).unwrap();
    store.finish().unwrap();
    let (_, mut saved) = open_store(dir.path(), &clock);
    assert!(saved.is_clean() && saved.take(NAMES[0]).unwrap().clean);
    let (_, mut saved) = open_store(dir.path(), &clock);
    assert!(!saved.is_clean() && !saved.take(NAMES[0]).unwrap().clean, "this start may have sent something");
}

#[test]
fn a_tail_torn_anywhere_costs_the_torn_record_only() {
    let dir = tempfile::tempdir().unwrap();
    let clock = Clock::new();
    let (mut store, _) = open_store(dir.path(), &clock);
    let mut ends = vec![store.bytes()];
    for name in NAMES {
        store.append(&changes([(name, Some(1))], &clock)).unwrap();
        ends.push(store.bytes());
    }
    store.finish().unwrap();
    let path = dir.path().join("state");
    let whole = fs::read(&path).unwrap();
    for length in 0..=whole.len() {
        fs::write(&path, &whole[..length]).unwrap();
        let (_, saved) = open_store(dir.path(), &clock);
        let records = ends.iter().skip(1).filter(|&&end| end <= length as u64).count();
        assert_eq!(saved.len(), records, "cut at {length}");
        assert_eq!(saved.is_clean(), length == whole.len(), "cut at {length}");
    }
}

#[test]
fn zeros_where_data_had_not_arrived_are_a_torn_tail() {
    let dir = tempfile::tempdir().unwrap();
    let clock = Clock::new();
    let (mut store, _) = open_store(dir.path(), &clock);
    store.append(&changes([(NAMES[0], Some(1))], &clock)).unwrap();
    drop(store);
    let path = dir.path().join("state");
    let mut bytes = fs::read(&path).unwrap();
    bytes.extend_from_slice(&[0; 5000]);
    fs::write(&path, bytes).unwrap();
    let (_, saved) = open_store(dir.path(), &clock);
    assert_eq!((saved.len(), moved_aside(dir.path())), (1, 0));
}

#[test]
fn damage_in_the_middle_keeps_what_stands_before_and_a_copy() {
    let dir = tempfile::tempdir().unwrap();
    let clock = Clock::new();
    let (mut store, _) = open_store(dir.path(), &clock);
    store.append(&changes([(NAMES[0], Some(1))], &clock)).unwrap();
    let at = usize::try_from(store.bytes()).unwrap() + 20;
    store.append(&changes([(NAMES[1], Some(1))], &clock)).unwrap();
    store.append(&changes([(NAMES[2], Some(1))], &clock)).unwrap();
    drop(store);
    let path = dir.path().join("state");
    let mut bytes = fs::read(&path).unwrap();
    bytes[at] ^= 1;
    fs::write(&path, bytes).unwrap();
    let (_, mut saved) = open_store(dir.path(), &clock);
    assert_eq!(saved.len(), 1);
    assert!(saved.take(NAMES[0]).is_some());
    assert_eq!(moved_aside(dir.path()), 1);
}

#[test]
fn a_foreign_file_and_a_wrong_key_are_moved_aside_and_everything_begins_anew() {
    let clock = Clock::new();
    for spoil in [
        |dir: &Path| fs::write(dir.join("state"), b"not a state file of ours at all").unwrap(),
        |dir: &Path| {
            fs::write(dir.join("edge.key"), [7; 32]).unwrap();
        },
    ] {
        let dir = tempfile::tempdir().unwrap();
        let (mut store, _) = open_store(dir.path(), &clock);
        store.append(&changes([(NAMES[0], Some(1))], &clock)).unwrap();
        drop(store);
        spoil(dir.path());
        let (mut store, saved) = open_store(dir.path(), &clock);
        assert_eq!((saved.len(), moved_aside(dir.path())), (0, 1));
        store.append(&changes([(NAMES[1], Some(1))], &clock)).unwrap();
        drop(store);
        assert_eq!(open_store(dir.path(), &clock).1.len(), 1, "and goes on");
    }
}

#[test]
fn a_file_with_much_that_is_void_is_written_anew() {
    let dir = tempfile::tempdir().unwrap();
    let clock = Clock::new();
    let (mut store, _) = open_store(dir.path(), &clock);
    let mut longest = 0;
    for cseq in 0..4_000 {
        store.append(&changes([(NAMES[0], Some(cseq)), (NAMES[1], Some(cseq))], &clock)).unwrap();
        longest = longest.max(store.bytes());
    }
    assert!((1 << 20..(1 << 20) + 10_000).contains(&longest), "never much longer than the limit: {longest}");
    drop(store);
    let (_, mut saved) = open_store(dir.path(), &clock);
    assert_eq!(saved.take(NAMES[0]).unwrap().cseq, 3_999);
    assert_eq!(saved.take(NAMES[1]).unwrap().cseq, 3_999);
    assert!(!dir.path().join("state.new").exists());
}

#[test]
fn one_edge_at_a_time_uses_a_directory() {
    let dir = tempfile::tempdir().unwrap();
    let clock = Clock::new();
    let tally = || Arc::new(Tally::new(1));
    let first = open(dir.path(), &clock, tally()).unwrap();
    let error = open(dir.path(), &clock, tally()).err().unwrap();
    assert!(matches!(&error, StartError::DataInUse(path) if path == dir.path()), "{error}");
    drop(first);
    assert!(open(dir.path(), &clock, tally()).is_ok());
}

#[test]
fn a_directory_that_cannot_be_made_and_a_key_that_cannot_be_read_are_named() {
    let dir = tempfile::tempdir().unwrap();
    let clock = Clock::new();
    let tally = || Arc::new(Tally::new(1));
    fs::write(dir.path().join("file"), b"").unwrap();
    let error = open(&dir.path().join("file/data"), &clock, tally()).err().unwrap();
    assert!(matches!(&error, StartError::Data { .. }) && error.to_string().contains("--data"), "{error}");
    fs::write(dir.path().join("edge.key"), b"short").unwrap();
    let error = open(dir.path(), &clock, tally()).err().unwrap();
    assert!(matches!(&error, StartError::Key { why, .. } if why.contains("5 bytes")), "{error}");
}

#[test]
fn the_key_is_for_its_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("edge.key");
    let mode = || fs::metadata(&path).unwrap().permissions().mode() & 0o777;
    key::load_or_make(&path).unwrap();
    assert_eq!(mode(), 0o600);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    key::load_or_make(&path).unwrap();
    assert_eq!(mode(), 0o600);
}

#[test]
fn nothing_that_is_saved_can_be_read_in_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let clock = Clock::new();
    let (mut store, _) = open_store(dir.path(), &clock);
    store.append(&changes([(NAMES[0], Some(1))], &clock)).unwrap();
    let bytes = fs::read(dir.path().join("state")).unwrap();
    for secret in [NAMES[0].as_bytes(), b"call-", b"sip:a@b"] {
        assert!(!bytes.windows(secret.len()).any(|window| window == secret));
    }
}

#[test]
fn the_writer_keeps_the_latest_and_finishes_in_order() {
    let dir = tempfile::tempdir().unwrap();
    let clock = Clock::new();
    let tally = Arc::new(Tally::new(1));
    let (_, writer) = open(dir.path(), &clock, Arc::clone(&tally)).unwrap();
    let keeper = writer.keeper();
    let running = writer.start().unwrap();
    for cseq in 1..=500 {
        keeper.save(resume(NAMES[0], cseq, &clock));
        keeper.nudge();
    }
    keeper.save(resume(NAMES[1], 1, &clock));
    keeper.forget(NAMES[1].into());
    assert!(running.stop(true, Duration::from_secs(10)));
    assert!(tally.saved.load(Ordering::Relaxed) > 0);
    let (mut saved, _) = open(dir.path(), &clock, tally).unwrap();
    assert!(saved.is_clean());
    assert_eq!(saved.take(NAMES[0]).unwrap().cseq, 500);
    assert!(saved.take(NAMES[1]).is_none());
}

#[test]
fn verifications_are_remembered_until_their_time() {
    let dir = tempfile::tempdir().unwrap();
    let clock = Clock::new();
    let tally = || Arc::new(Tally::new(1));
    let (_, writer) = open(dir.path(), &clock, tally()).unwrap();
    let keeper = writer.keeper();
    let running = writer.start().unwrap();
    let now = clock.unix(clock.now());
    let verdict =
        link::Verdict { id: "ended".into(), outcome: link::Outcome::Proved, negotiated: None, evidence: Default::default(), at: now };
    keeper.tried("begun", now + 900_000_000, None);
    keeper.tried("ended", now + 900_000_000, None);
    keeper.tried("ended", now + 900_000_000, Some(&verdict));
    keeper.tried("old", now, None);
    keeper.save(resume(NAMES[0], 1, &clock));
    assert!(running.stop(true, Duration::from_secs(10)));
    let (mut saved, _) = open(dir.path(), &clock, tally()).unwrap();
    assert_eq!(saved.len(), 1, "verifications are no trunks");
    let mut verifications = saved.take_verifications();
    verifications.sort_by(|a, b| a.id.cmp(&b.id));
    assert_eq!(verifications.iter().map(|one| &*one.id).collect::<Vec<_>>(), ["begun", "ended"]);
    assert_eq!(verifications[0].verdict, None);
    assert_eq!(verifications[1].verdict, Some(verdict));
}

#[test]
fn a_file_that_cannot_be_written_is_tried_again_and_nothing_is_lost() {
    let dir = tempfile::tempdir().unwrap();
    let clock = Clock::new();
    let (mut store, _) = open_store(dir.path(), &clock);
    store.append(&changes([(NAMES[0], Some(1))], &clock)).unwrap();
    drop(store);
    // A directory stands where the new file is to be made.
    let obstacle = dir.path().join("state.new");
    fs::create_dir(&obstacle).unwrap();
    let tally = Arc::new(Tally::new(1));
    let (mut saved, writer) = open(dir.path(), &clock, Arc::clone(&tally)).unwrap();
    assert!(saved.take(NAMES[0]).is_some(), "what was saved is there all the same");
    let keeper = writer.keeper();
    let running = writer.start().unwrap();
    keeper.save(resume(NAMES[1], 1, &clock));
    keeper.nudge();
    let end = std::time::Instant::now() + Duration::from_secs(30);
    while tally.save_failed.load(Ordering::Relaxed) == 0 {
        assert!(std::time::Instant::now() < end);
        std::thread::yield_now();
    }
    fs::remove_dir(&obstacle).unwrap();
    assert!(running.stop(true, Duration::from_secs(10)));
    let (mut saved, _) = open(dir.path(), &clock, tally).unwrap();
    assert!(saved.take(NAMES[0]).is_some() && saved.take(NAMES[1]).is_some());
}

#[test]
fn a_renewal_brings_what_was_saved_up_to_date_and_outlives_a_file_written_anew() {
    let dir = tempfile::tempdir().unwrap();
    let clock = Clock::new();
    let (mut store, _) = open_store(dir.path(), &clock);
    store.append(&changes([(NAMES[0], Some(1)), (NAMES[1], Some(2))], &clock)).unwrap();
    let lapses_at = clock.now() + Duration::from_secs(3600);
    let times = ua::Times { cseq: 77, granted: Duration::from_secs(3600), lapses_at };
    // One of a trunk that nothing is known of says nothing.
    let renewals: Changes = [NAMES[0], NAMES[2]].into_iter().map(|trunk| (trunk.into(), Change::Renew(times))).collect();
    let before = store.bytes();
    store.append(&renewals).unwrap();
    assert!(store.bytes() - before < 200, "a renewal is small: {}", store.bytes() - before);
    drop(store);
    for life in 0..2 {
        // Opening writes the file anew.
        let (store, mut saved) = open_store(dir.path(), &clock);
        assert_eq!(saved.len(), 2);
        if life == 1 {
            let renewed = saved.take(NAMES[0]).unwrap();
            let binding = renewed.binding.unwrap();
            assert_eq!((renewed.cseq, binding.granted, binding.lapses_at), (77, Duration::from_secs(3600), lapses_at));
            assert_eq!((&*renewed.call_id, &*binding.contact), (&*format!("call-{}", NAMES[0]), "sip:a@192.0.2.1:5060"));
            assert_eq!(saved.take(NAMES[1]).unwrap().cseq, 2);
        }
        drop(store);
    }
}
