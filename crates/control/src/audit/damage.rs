//! 10,000 random damages of the stored chain, and every one of them is found.

use sqlx::{AssertSqlSafe, Row};

use super::keeper;
use crate::audit::{AuditEntry, Origin};
use crate::sealing::{Keyring, MasterKeySource};
use crate::store::audits::{self, Record};
use crate::store::{Connection, Store, audit_heads};

const DAMAGES: usize = 10_000;
const RECORDS: i64 = 24;
const TEXTS: [&str; 10] =
    ["client", "action", "entity_kind", "entity_id", "before", "after", "remote", "correlation", "previous_hash", "hash"];

/// Numbers that are the same at every run (splitmix64).
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: i64) -> i64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % bound.unsigned_abs()) as i64
    }

    fn of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len() as i64) as usize]
    }
}

async fn run(connection: &mut Connection, sql: String) -> u64 {
    sqlx::query(AssertSqlSafe(sql)).execute(connection).await.expect("the damage is done").rows_affected()
}

/// Flips one bit of one column of one row. The bytes stay a text, or what SQLite makes of them.
async fn flip(connection: &mut Connection, chance: &mut Chance, table: &str, row: &str, text: bool, column: &str) -> bool {
    let select = format!("SELECT CAST({column} AS BLOB) FROM {table} WHERE {row}");
    let bytes: Option<Option<Vec<u8>>> = sqlx::query_scalar(AssertSqlSafe(select)).fetch_optional(&mut *connection).await.expect("read");
    if !text {
        let bit = chance.below(62);
        // SQLite has no exclusive or.
        let sql = format!("UPDATE OR IGNORE {table} SET {column} = ({column} | (1 << {bit})) - ({column} & (1 << {bit})) WHERE {row}");
        return run(connection, sql).await > 0;
    }
    match bytes.flatten() {
        Some(mut bytes) if !bytes.is_empty() => {
            let at = chance.below(bytes.len() as i64) as usize;
            bytes[at] ^= 1 << chance.below(8);
            let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            run(connection, format!("UPDATE {table} SET {column} = CAST(x'{hex}' AS TEXT) WHERE {row}")).await > 0
        }
        // Nothing was there.
        _ => run(connection, format!("UPDATE {table} SET {column} = 'x' WHERE {row}")).await > 0,
    }
}

/// Does one damage of a kind; false where it changed nothing.
async fn damage(connection: &mut Connection, chance: &mut Chance, kind: i64, last: i64) -> bool {
    let number = 1 + chance.below(last);
    let row = format!("number = {number}");
    match kind {
        0..=3 => flip(connection, chance, "audits", &row, true, chance_of(&TEXTS, number, kind)).await,
        4 => {
            let column = chance.of(&["number", "revision", "at"]);
            flip(connection, chance, "audits", &row, false, column).await
        }
        5 => {
            // Two rows change places.
            let other = 1 + chance.below(last);
            if other == number {
                return false;
            }
            run(connection, format!("UPDATE audits SET number = -1 WHERE number = {number}")).await;
            run(connection, format!("UPDATE audits SET number = {number} WHERE number = {other}")).await;
            run(connection, format!("UPDATE audits SET number = {other} WHERE number = -1")).await > 0
        }
        6 => run(connection, format!("DELETE FROM audits WHERE {row}")).await > 0,
        7 => {
            let to = number + chance.below(5);
            run(connection, format!("DELETE FROM audits WHERE number BETWEEN {number} AND {to}")).await > 0
        }
        8 => run(connection, format!("DELETE FROM audits WHERE number >= {number}")).await > 0,
        9 => {
            // Cut, and what says where the chain ends is put right; signed heads beyond go too.
            if number == last {
                return false;
            }
            let cut = run(connection, format!("DELETE FROM audits WHERE number > {number}")).await;
            run(connection, format!("DELETE FROM audit_heads WHERE number > {number}")).await;
            let end = format!("UPDATE revision SET audit_number = {number}, audit_hash = (SELECT hash FROM audits WHERE {row})");
            run(connection, end).await;
            cut > 0
        }
        10 => {
            // Altered, and everything behind it hashed anew, without the key.
            let mut records: Vec<Record> = audits::after(connection, number - 1, last).await.expect("records");
            records[0].client = "nobody".into();
            let mut previous = records[0].previous_hash.clone();
            for record in &mut records {
                record.previous_hash.clone_from(&previous);
                record.hash = record.computed_hash();
                previous.clone_from(&record.hash);
                sqlx::query("UPDATE audits SET client = $2, previous_hash = $3, hash = $4 WHERE number = $1")
                    .bind(record.number)
                    .bind(&record.client)
                    .bind(&record.previous_hash)
                    .bind(&record.hash)
                    .execute(&mut *connection)
                    .await
                    .expect("written");
            }
            run(connection, format!("DELETE FROM audit_heads WHERE number >= {number}")).await;
            run(connection, format!("UPDATE revision SET audit_hash = '{previous}'")).await > 0
        }
        11 => {
            // One more, by somebody without the key.
            let insert = format!(
                "INSERT INTO audits SELECT number + 1, revision, at, client, action, entity_kind, entity_id, before, after, remote, \
                 correlation, hash, hash FROM audits WHERE number = {last}"
            );
            run(connection, insert).await;
            let mut record = audits::after(connection, last, 1).await.expect("a record").remove(0);
            record.hash = record.computed_hash();
            run(connection, format!("UPDATE audits SET hash = '{}' WHERE number = {}", record.hash, record.number)).await;
            run(connection, format!("UPDATE revision SET audit_number = {}, audit_hash = '{}'", record.number, record.hash)).await > 0
        }
        12 => {
            let column = chance.of(&["audit_hash", "audit_mac"]);
            flip(connection, chance, "revision", "id = 1", true, column).await
        }
        13 => flip(connection, chance, "revision", "id = 1", false, "audit_number").await,
        14 => {
            let heads: Vec<i64> = sqlx::query("SELECT number FROM audit_heads")
                .fetch_all(&mut *connection)
                .await
                .expect("heads")
                .iter()
                .map(|row| row.get(0))
                .collect();
            let row = format!("number = {}", chance.of(&heads));
            let column = chance.of(&["hash", "signature", "kind"]);
            flip(connection, chance, "audit_heads", &row, true, column).await
        }
        15 => {
            let column = chance.of(&["number", "at"]);
            let row = "number = (SELECT MIN(number) FROM audit_heads WHERE kind = 'head')";
            flip(connection, chance, "audit_heads", row, false, column).await
        }
        // A record before the beginning.
        _ => {
            run(
                connection,
                format!(
                    "INSERT OR IGNORE INTO audits SELECT -number, revision, at, client, action, entity_kind, entity_id, before, \
             after, remote, correlation, previous_hash, hash FROM audits WHERE {row}"
                ),
            )
            .await
                > 0
        }
    }
}

fn chance_of<'a>(all: &[&'a str], number: i64, kind: i64) -> &'a str {
    all[((number * 7 + kind * 3) % all.len() as i64) as usize]
}

async fn add(store: &Store, records: i64) {
    for number in 0..records {
        let origin = Origin { client: "admin".into(), remote: "192.0.2.1".parse().ok(), correlation: Some(format!("c{number}")) };
        let mut tx = store.begin(&origin).await.expect("its turn");
        let before = serde_json::json!({ "inService": true, "expires": number });
        tx.audit(AuditEntry::new("update", "trunk", format!("t{number}")).before(before).after(serde_json::json!({ "inService": false })));
        tx.commit().await.expect("written");
    }
}

async fn chain() -> (Store, tempfile::TempDir) {
    let dir = tempfile::tempdir().expect("a directory");
    let store = Store::open(dir.path()).await.expect("it opens");
    let (keyring, _) = Keyring::load(&store, MasterKeySource::File(dir.path().join("master.key")), None).await.expect("keys");
    keeper::ensure_key(&store, &keyring).await.expect("a key");
    (store, dir)
}

#[tokio::test]
async fn every_one_of_10_000_damages_is_found() {
    let (store, _dir) = chain().await;
    add(&store, RECORDS / 2).await;
    keeper::sign(&store).await.expect("signed");
    add(&store, RECORDS / 2).await;
    keeper::sign(&store).await.expect("signed");
    add(&store, 3).await;
    let mut tx = store.begin(&Origin::system("test")).await.expect("its turn");
    let whole = audits::verify(tx.connection(), store.audit_key(), None).await.expect("read");
    assert_eq!(whole.broken, None);
    let (last, _, _) = audit_heads::newest(tx.connection()).await.expect("the newest");
    let mut chance = Chance(5);
    let mut done = [0; 17];
    while done.iter().sum::<usize>() < DAMAGES {
        sqlx::query("SAVEPOINT damage").execute(tx.connection()).await.expect("a savepoint");
        let kind = chance.below(17);
        if damage(tx.connection(), &mut chance, kind, last).await {
            let found = audits::verify(tx.connection(), store.audit_key(), None).await.expect("read");
            assert!(found.broken.is_some(), "damage {} of kind {kind} was not found", done.iter().sum::<usize>());
            done[kind as usize] += 1;
        }
        sqlx::query("ROLLBACK TO damage").execute(tx.connection()).await.expect("undone");
        sqlx::query("RELEASE damage").execute(tx.connection()).await.expect("undone");
    }
    assert!(done.iter().all(|count| *count > 100), "{done:?}");
    assert_eq!(audits::verify(tx.connection(), store.audit_key(), None).await.expect("read"), whole, "nothing was left behind");
}

#[tokio::test]
async fn a_chain_that_was_cut_with_its_key_is_found_by_a_head_kept_elsewhere() {
    let (store, _dir) = chain().await;
    add(&store, 3).await;
    let kept = keeper::sign(&store).await.expect("signed").expect("a head");
    let mut tx = store.begin(&Origin::system("test")).await.expect("its turn");
    let held = audits::verify(tx.connection(), store.audit_key(), Some(&kept)).await.expect("read");
    assert!(held.broken.is_none() && held.compared);
    // An older copy of the database, put back: all of it holds.
    let key = store.audit_key().expect("a key");
    let hash = audits::hash_of(tx.connection(), 2).await.expect("read").expect("a record");
    run(tx.connection(), "DELETE FROM audits WHERE number > 2".into()).await;
    run(tx.connection(), "DELETE FROM audit_heads".into()).await;
    let back = format!("UPDATE revision SET audit_number = 2, audit_hash = '{hash}', audit_mac = '{}'", key.mac(2, &hash));
    run(tx.connection(), back).await;
    assert_eq!(audits::verify(tx.connection(), Some(key), None).await.expect("read").broken, None);
    let found = audits::verify(tx.connection(), Some(key), Some(&kept)).await.expect("read");
    assert!(found.broken.expect("a break").what.contains("cut"));
}

#[tokio::test]
async fn trimming_leaves_a_signed_checkpoint_and_a_chain_that_holds() {
    let (store, _dir) = chain().await;
    add(&store, 10).await;
    let kept = keeper::sign(&store).await.expect("signed").expect("a head");
    add(&store, 1).await;
    assert_eq!(keeper::trim(&store, 0).await.expect("trimmed"), 0);
    let trimmed = keeper::trim(&store, i64::MAX).await.expect("trimmed");
    assert!(trimmed >= 10, "{trimmed}");
    let mut reader = store.read().await.expect("a reader");
    let verdict = audits::verify(&mut reader, store.audit_key(), Some(&kept)).await.expect("read");
    assert_eq!(verdict.broken, None);
    assert!(verdict.trimmed >= Some(kept.number) && verdict.records >= 1, "{verdict:?}");
    drop(reader);
    // Without its signature nobody believes that the beginning is one.
    let mut tx = store.begin(&Origin::system("test")).await.expect("its turn");
    run(tx.connection(), "UPDATE audit_heads SET signature = '00' WHERE kind = 'checkpoint'".into()).await;
    assert!(audits::verify(tx.connection(), store.audit_key(), None).await.expect("read").broken.is_some());
}

#[tokio::test]
async fn what_was_altered_is_not_signed_as_if_it_were_good() {
    let (store, _dir) = chain().await;
    add(&store, 3).await;
    let mut tx = store.begin(&Origin::system("test")).await.expect("its turn");
    run(tx.connection(), "UPDATE revision SET audit_hash = 'forged'".into()).await;
    tx.commit().await.expect("written");
    assert_eq!(keeper::sign(&store).await.expect("read"), None);
    assert_eq!(keeper::current(&store).await.expect("read"), None);
}
