//! The store on a directory of its own: what a commit promises, and what is left of a change that was not committed.

use std::fs;
use std::path::Path;

use serde_json::json;
use tempfile::TempDir;

use super::loads::{self, Fleet};
use super::{Paging, Store, StoreError, Turns, Tx, audits, organization, page, sites, trunks};
use crate::audit::{AuditEntry, Origin};
use crate::domain::{AddressOfRecord, Carrier, CarrierSettings, Meta, Reach, Scope, SipUri, Site, SiteSettings, Trunk, TrunkSettings};

async fn store() -> (TempDir, Store) {
    let dir = tempfile::tempdir().expect("a directory");
    let store = Store::open(dir.path()).await.expect("it opens");
    (dir, store)
}

async fn begin(store: &Store) -> Tx {
    store.begin(&Origin::system("test")).await.expect("a turn")
}

fn meta(id: &str) -> Meta {
    Meta { id: id.into(), name: id.into(), version: 1, created: 0, modified: 0, revision: 0 }
}

async fn add_site(tx: &mut Tx, id: &str) -> Result<Site, StoreError> {
    let site = sites::insert(tx, &Site { meta: meta(id), settings: SiteSettings::default() }).await?;
    tx.audit(AuditEntry::new("create", "site", id).after(json!({ "id": id })));
    Ok(site)
}

async fn site_ids(store: &Store) -> Vec<String> {
    sqlx::query_scalar("SELECT id FROM sites ORDER BY id").fetch_all(&mut *store.read().await.expect("a reader")).await.expect("ids")
}

fn trunk(id: &str) -> Trunk {
    let settings = TrunkSettings::of(AddressOfRecord::parse("sip:u@lab").expect("a URI"));
    Trunk { meta: meta(id), site: "s".into(), carrier: "c".into(), in_service: true, target_revision: 0, settings }
}

#[tokio::test]
async fn a_change_that_is_dropped_leaves_nothing() {
    let (_dir, store) = store().await;
    let mut tx = begin(&store).await;
    add_site(&mut tx, "a").await.expect("written");
    drop(tx);
    assert_eq!(site_ids(&store).await, [""; 0]);
    let mut tx = begin(&store).await;
    assert_eq!(tx.revision().await.expect("a revision"), 1, "the dropped one took none");
    add_site(&mut tx, "b").await.expect("written");
    tx.commit().await.expect("committed");
    assert_eq!(site_ids(&store).await, ["b"]);
    let verdict = audits::verify(&mut store.read().await.expect("a reader"), None, None).await.expect("read");
    assert_eq!((verdict.records, verdict.broken), (1, None));
}

#[tokio::test]
async fn a_part_that_went_with_the_whole_change_is_the_storage_s_fault() {
    let (_dir, store) = store().await;
    let mut tx = begin(&store).await;
    let part = tx.begin_part().await.expect("a part");
    add_site(&mut tx, "a").await.expect("written");
    // As SQLite does where the disk gets full amid a change.
    sqlx::query("ROLLBACK").execute(tx.connection()).await.expect("rolled back");
    let fault = tx.undo_part(part).await.expect_err("there is no part to undo");
    assert!(fault.is_of_storage(), "{fault}");
    drop(tx);
    let mut tx = begin(&store).await;
    add_site(&mut tx, "b").await.expect("written");
    tx.commit().await.expect("committed");
    assert_eq!(site_ids(&store).await, ["b"]);
}

#[tokio::test]
async fn what_was_committed_survives_the_loss_of_the_process_and_what_was_not_does_not() {
    let (dir, store) = store().await;
    let mut tx = begin(&store).await;
    add_site(&mut tx, "kept").await.expect("written");
    tx.commit().await.expect("committed");
    let mut tx = begin(&store).await;
    add_site(&mut tx, "lost").await.expect("written");
    // The files as they stand while the change is under way are what a kill leaves.
    let copy = tempfile::tempdir().expect("a directory");
    copy_files(dir.path(), copy.path());
    let after = Store::open(copy.path()).await.expect("it recovers");
    assert_eq!(site_ids(&after).await, ["kept"]);
    let verdict = audits::verify(&mut after.read().await.expect("a reader"), None, None).await.expect("read");
    assert_eq!((verdict.records, verdict.broken), (1, None));
    drop(tx);
}

#[tokio::test]
async fn readers_see_the_last_commit_while_a_change_is_under_way() {
    let (_dir, store) = store().await;
    let mut tx = begin(&store).await;
    organization::ensure(&mut tx).await.expect("written");
    add_site(&mut tx, "a").await.expect("written");
    assert_eq!(site_ids(&store).await, [""; 0]);
    tx.commit().await.expect("committed");
    assert_eq!(site_ids(&store).await, ["a"]);
    assert!(organization::load(&mut store.read().await.expect("a reader")).await.is_ok());
}

#[tokio::test]
async fn a_reader_cannot_write() {
    let (_dir, store) = store().await;
    let mut reader = store.read().await.expect("a reader");
    let error = sqlx::query("DELETE FROM sites").execute(&mut *reader).await.map_err(StoreError::from).expect_err("read only");
    assert!(matches!(error, StoreError::ReadOnly), "{error}");
}

#[tokio::test]
async fn changes_take_turns_and_their_records_form_one_chain() {
    let (_dir, store) = store().await;
    let mut tasks = tokio::task::JoinSet::new();
    for n in 0..40 {
        let store = store.clone();
        tasks.spawn(async move {
            let mut tx = begin(&store).await;
            add_site(&mut tx, &format!("s{n}")).await.expect("written");
            if n % 4 == 0 {
                return;
            }
            tx.commit().await.expect("committed");
        });
    }
    tasks.join_all().await;
    assert_eq!(site_ids(&store).await.len(), 30);
    let mut reader = store.read().await.expect("a reader");
    let verdict = audits::verify(&mut reader, None, None).await.expect("read");
    assert_eq!((verdict.records, verdict.broken), (30, None));
    let revisions: Vec<i64> =
        sqlx::query_scalar("SELECT revision FROM audits ORDER BY number").fetch_all(&mut *reader).await.expect("read");
    assert_eq!(revisions, (1..=30).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_trunk_needs_its_site_and_carrier_and_is_counted() {
    let (_dir, store) = store().await;
    let mut tx = begin(&store).await;
    let error = trunks::insert(&mut tx, &trunk("t1")).await.expect_err("no site");
    assert!(matches!(error, StoreError::Conflict(_)), "{error}");
    drop(tx);
    let mut tx = begin(&store).await;
    add_site(&mut tx, "s").await.expect("written");
    let settings = CarrierSettings { registrars: vec![SipUri::parse("sip:r").expect("a URI")], ..CarrierSettings::default() };
    for id in ["c", "d"] {
        super::carriers::insert(&mut tx, &Carrier { meta: meta(id), target_revision: 0, settings: settings.clone() })
            .await
            .expect("written");
    }
    let elsewhere = Trunk { carrier: "d".into(), ..trunk("t3") };
    for trunk in [&trunk("t1"), &trunk("t2"), &elsewhere] {
        trunks::insert(&mut tx, trunk).await.expect("written");
    }
    trunks::delete(&mut tx, "t2").await.expect("deleted");
    trunks::delete(&mut tx, "t2").await.expect("deleted already");
    let moved = trunks::update(&mut tx, &elsewhere, &trunk("t3")).await.expect("written");
    assert_eq!(moved.target_revision, tx.revision().await.expect("a revision"));
    tx.commit().await.expect("committed");
    let mut reader = store.read().await.expect("a reader");
    let total: i64 = sqlx::query_scalar("SELECT total FROM counts WHERE kind = 'trunk'").fetch_one(&mut *reader).await.expect("read");
    assert_eq!(total, 2);
    let walked = trunks::walk(&mut reader, Some("s"), Some("c"), "t1", 10).await.expect("read");
    assert_eq!(walked.iter().map(|trunk| trunk.meta.id.as_str()).collect::<Vec<_>>(), ["t3"]);
    let users = trunks::users(&mut reader, &trunks::User::Carrier("c")).await.expect("read");
    assert_eq!(users, (2, vec!["t1".to_owned(), "t3".to_owned()]));
    assert_eq!(loads::of(&mut reader, "c").await.expect("read"), Fleet::from([(None, 2)]));
    assert_eq!(loads::of(&mut reader, "d").await.expect("read"), Fleet::new());
}

#[tokio::test]
async fn a_load_follows_its_trunks_and_what_is_undone_of_them() {
    let (_dir, store) = store().await;
    let mut tx = begin(&store).await;
    add_site(&mut tx, "s").await.expect("written");
    let settings = CarrierSettings { registrars: vec![SipUri::parse("sip:r").expect("a URI")], ..CarrierSettings::default() };
    super::carriers::insert(&mut tx, &Carrier { meta: meta("c"), target_revision: 0, settings }).await.expect("written");
    let own = |id: &str, expires| {
        let mut trunk = trunk(id);
        trunk.settings.expires = expires;
        trunk
    };
    trunks::insert(&mut tx, &own("t1", None)).await.expect("written");
    trunks::insert(&mut tx, &Trunk { in_service: false, ..trunk("t2") }).await.expect("written");
    let part = tx.begin_part().await.expect("a part");
    trunks::insert(&mut tx, &own("t3", Some(60))).await.expect("written");
    trunks::update(&mut tx, &own("t1", None), &own("t1", Some(60))).await.expect("written");
    assert_eq!(tx.fleet("c").await.expect("read"), &Fleet::from([(Some(60), 2)]));
    tx.undo_part(part).await.expect("undone");
    assert_eq!(tx.fleet("c").await.expect("read"), &Fleet::from([(None, 1)]));
    trunks::insert(&mut tx, &own("t4", Some(60))).await.expect("written");
    tx.commit().await.expect("committed");
    let mut tx = begin(&store).await;
    trunks::update(&mut tx, &own("t4", Some(60)), &Trunk { in_service: false, ..own("t4", Some(60)) }).await.expect("written");
    assert_eq!(tx.fleet("c").await.expect("read"), &Fleet::from([(None, 1)]));
    drop(tx);
    let mut reader = store.read().await.expect("a reader");
    assert_eq!(loads::of(&mut reader, "c").await.expect("read"), Fleet::from([(None, 1), (Some(60), 1)]));
}

fn copy_files(from: &Path, to: &Path) {
    for file in fs::read_dir(from).expect("a directory") {
        let path = file.expect("a file").path();
        // The shared-memory file dies with the machine; the lock belongs to the process.
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        if name.ends_with(".db") || name.ends_with("-wal") {
            fs::copy(&path, to.join(name)).expect("copied");
        }
    }
}

#[test]
fn long_work_waits_for_its_turn_again_and_gives_up_in_the_end() {
    let mut turns = Turns::default();
    assert_eq!((1..=20).filter(|_| turns.again(&StoreError::Busy)).count(), 11);
    assert!(!Turns::default().again(&StoreError::Full), "nothing but the turn is waited for");
}

#[tokio::test]
async fn the_total_of_a_filtered_page_follows_what_comes_moves_and_goes() {
    let (_dir, store) = store().await;
    let mut tx = begin(&store).await;
    for id in ["s", "r"] {
        add_site(&mut tx, id).await.expect("written");
    }
    let settings = CarrierSettings { registrars: vec![SipUri::parse("sip:r").expect("a URI")], ..CarrierSettings::default() };
    super::carriers::insert(&mut tx, &Carrier { meta: meta("c"), target_revision: 0, settings }).await.expect("written");
    let many: Vec<Trunk> = (0..100).map(|number| trunk(&format!("t{number:03}"))).collect();
    trunks::insert_all(&mut tx, &many).await.expect("written");
    let moved = Trunk { site: "r".into(), in_service: false, ..trunk("t000") };
    trunks::update(&mut tx, &trunk("t000"), &moved).await.expect("written");
    let renamed = Trunk { meta: Meta { name: "another".into(), ..meta("t001") }, ..trunk("t001") };
    trunks::update(&mut tx, &trunk("t001"), &renamed).await.expect("written");
    let part = tx.begin_part().await.expect("a part");
    trunks::delete(&mut tx, "t050").await.expect("deleted");
    tx.undo_part(part).await.expect("undone");
    trunks::delete(&mut tx, "t099").await.expect("deleted");
    tx.commit().await.expect("committed");

    let mut reader = store.read().await.expect("a reader");
    let one = |id: &str| Some(id.to_owned());
    let none = trunks::Filter::default;
    let mut everywhere = Reach::default();
    everywhere.add(&Scope::Organization);
    for (filter, total) in [
        (none(), 99),
        (trunks::Filter { site: one("s"), ..none() }, 98),
        (trunks::Filter { site: one("r"), ..none() }, 1),
        (trunks::Filter { carrier: one("c"), in_service: Some(false), ..none() }, 1),
        (trunks::Filter { site: one("r"), in_service: Some(true), ..none() }, 0),
        (trunks::Filter { carrier: one("none"), ..none() }, 0),
        (trunks::Filter { name: one("another"), site: one("s"), ..none() }, 1),
    ] {
        for sorting in page::PLAIN {
            let paging = Paging { size: 200, number: 1, sorting: *sorting, descending: true, walks: false, after: None };
            let page = trunks::page(&mut reader, &paging, filter.clone(), &everywhere).await.expect("read");
            assert_eq!((page.total, page.items.len() as u64), (total, total), "{filter:?} by {}", sorting.name);
        }
    }
    let mut within = Reach::default();
    within.add(&Scope::Site("r".into()));
    let paging = Paging { size: 200, number: 1, sorting: page::PLAIN[0], descending: false, walks: false, after: None };
    assert_eq!(trunks::page(&mut reader, &paging, none(), &within).await.expect("read").total, 1);
    within.add(&Scope::Trunks(["t005".to_owned(), "t000".to_owned()].into()));
    assert_eq!(trunks::page(&mut reader, &paging, none(), &within).await.expect("read").total, 2);
}

#[tokio::test]
async fn what_is_written_reaches_the_database_s_file_while_the_store_is_open() {
    let (dir, store) = store().await;
    let mut tx = begin(&store).await;
    add_site(&mut tx, "a-name-to-be-found").await.expect("written");
    tx.commit().await.expect("committed");
    let file = dir.path().join("trunkline.db");
    let is_there = || fs::read(&file).expect("the file").windows(18).any(|window| window == b"a-name-to-be-found");
    let began = std::time::Instant::now();
    while !is_there() {
        assert!(began.elapsed() < std::time::Duration::from_secs(30), "it stays in the log");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    store.close().await;
}
