//! The chain as a file: written by `GET /api/v2/audits/export`, checked by `trunkline audit verify` on any machine, without the server.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, BufRead, Read};

use serde_json::{Value, json};

use super::{Head, HeadKind};
use crate::store::audits::Record;

/// Longest line; a record holds a trunk or carrier before and after, 1 MB each at the very most.
const LINE_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// What a look at an exported chain has found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExportReport {
    /// So many records hold.
    pub records: u64,
    /// The first and the last of them.
    pub range: Option<(i64, i64)>,
    /// The last record that was trimmed before the export.
    pub trimmed: Option<i64>,
    /// So many of the heads that were kept elsewhere were held against it.
    pub heads: u64,
    /// So many times a copy was put in the chain's place, as the kept heads say.
    pub restores: u64,
    /// So many heads were kept of the chains that were put aside then; they are held against nothing.
    pub aside: u64,
    /// The key that signed it, in hexadecimal.
    pub public_key: Option<String>,
    /// The first break: the record's number, and what is wrong.
    pub broken: Option<(i64, String)>,
}

/// Why a file cannot be looked at.
#[derive(Debug)]
pub enum ExportError {
    /// It cannot be read.
    Io(io::Error),
    /// A line, by its number, is nothing that an export has.
    Line(usize),
}

impl fmt::Display for ExportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ExportError::Io(error) => write!(f, "it cannot be read: {error}"),
            ExportError::Line(number) => write!(f, "line {number} is no line of an export"),
        }
    }
}

impl std::error::Error for ExportError {}

/// Writes a line.
pub(crate) fn line(value: &Value) -> String {
    format!("{value}\n")
}

/// Writes a record as it was hashed: texts as they stand in the store.
pub(crate) fn record(record: &Record) -> Value {
    json!({
        "kind": "record",
        "number": record.number,
        "revision": record.revision,
        "at": record.at,
        "client": record.client,
        "action": record.action,
        "entityType": record.entity_kind,
        "entityId": record.entity_id,
        "before": record.before,
        "after": record.after,
        "remoteAddress": record.remote,
        "correlationId": record.correlation,
        "previousHash": record.previous_hash,
        "hash": record.hash,
    })
}

/// Checks an exported chain: every hash, the signatures of its ends, and the heads that were kept elsewhere. `public_key` is the key that the
/// caller trusts, in hexadecimal; without it, the signatures show only that one key made them all.
///
/// # Errors
/// [`ExportError`] where a file is no export, or is not to be read.
pub fn verify_export(export: impl BufRead, heads: Option<impl BufRead>, public_key: Option<&str>) -> Result<ExportReport, ExportError> {
    let mut kept = BTreeMap::new();
    let (mut restores, mut aside) = (Vec::new(), 0);
    if let Some(heads) = heads {
        let mut lines = Lines::new(heads);
        while let Some(value) = lines.next()? {
            let head = Head::read(&value).ok_or(ExportError::Line(lines.number))?;
            if head.kind == HeadKind::Restore {
                // Whether the key has signed it shows at the end, when the key is known.
                aside += kept.split_off(&(head.number + 1)).len();
                restores.push(head.clone());
            }
            kept.insert(head.number, head);
        }
    }
    let report = ExportReport { restores: restores.len() as u64, aside: aside as u64, ..ExportReport::default() };
    let mut check = Check { report, restores, number: 0, hash: String::new(), ended: false, trusted: public_key, kept };
    let mut lines = Lines::new(export);
    let mut first = true;
    while let Some(value) = lines.next()? {
        let malformed = ExportError::Line(lines.number);
        match value.get("kind").and_then(Value::as_str) {
            Some("record") => check.record(&read(&value).ok_or(malformed)?),
            Some("checkpoint") if first => check.begin(Head::read(&value).ok_or(malformed)?),
            Some("head") => check.end(&Head::read(&value).ok_or(malformed)?),
            _ => return Err(malformed),
        }
        first = false;
        if check.report.broken.is_some() {
            return Ok(check.report);
        }
    }
    Ok(check.finish())
}

struct Check<'a> {
    report: ExportReport,
    number: i64,
    hash: String,
    ended: bool,
    trusted: Option<&'a str>,
    kept: BTreeMap<i64, Head>,
    restores: Vec<Head>,
}

impl Check<'_> {
    fn begin(&mut self, checkpoint: Head) {
        if checkpoint.kind != HeadKind::Checkpoint || !self.is_ours(&checkpoint) {
            return self.broken(checkpoint.number, "Where the chain was trimmed is not signed by the key.");
        }
        self.report.trimmed = Some(checkpoint.number);
        (self.number, self.hash) = (checkpoint.number, checkpoint.hash);
        self.compare(checkpoint.number);
    }

    fn record(&mut self, record: &Record) {
        let number = self.number + 1;
        if self.ended {
            return self.broken(record.number, "It stands behind the signed end.");
        }
        if record.number != number {
            return self.broken(number, "The record is missing.");
        }
        if record.previous_hash != self.hash {
            return self.broken(number, "It does not follow the record before.");
        }
        if record.computed_hash() != record.hash {
            return self.broken(number, "Its content was altered.");
        }
        (self.number, self.hash) = (number, record.hash.clone());
        self.report.records += 1;
        self.report.range = Some((self.report.range.map_or(number, |range| range.0), number));
        self.compare(number);
    }

    /// Holds a record against the head that was kept of it, if there is one.
    fn compare(&mut self, number: i64) {
        let Some(head) = self.kept.remove(&number) else { return };
        if head.hash != self.hash || !self.is_ours(&head) {
            return self.broken(number, "It is not the record of which a signed head was kept.");
        }
        self.report.heads += 1;
    }

    fn end(&mut self, head: &Head) {
        if self.ended || head.kind != HeadKind::Head || head.number != self.number || head.hash != self.hash || !self.is_ours(head) {
            return self.broken(self.number, "The signed end is not that of the last record.");
        }
        self.ended = true;
    }

    fn finish(mut self) -> ExportReport {
        let restores = std::mem::take(&mut self.restores);
        if let Some(forged) = restores.iter().find(|restore| !self.is_ours(restore)) {
            self.broken(forged.number, "A restore is told of that the key has not signed.");
        } else if !self.ended {
            self.broken(self.number + 1, "The export has no signed end: it was cut.");
        } else if let Some(number) = self.kept.keys().next_back().copied().filter(|number| *number > self.number) {
            // One that was kept of a record that is trimmed by now can be held against nothing.
            self.broken(number, "A signed head was kept of a record that is not there: the chain was cut.");
        }
        self.report
    }

    /// One key has signed everything, and it is the trusted one where one is given.
    fn is_ours(&mut self, head: &Head) -> bool {
        let known = self.report.public_key.get_or_insert_with(|| head.public_key.clone());
        *known == head.public_key && self.trusted.is_none_or(|trusted| trusted.eq_ignore_ascii_case(&head.public_key)) && head.is_signed()
    }

    fn broken(&mut self, number: i64, what: &str) {
        self.report.broken.get_or_insert((number, what.to_owned()));
    }
}

fn read(value: &Value) -> Option<Record> {
    let number = |name: &str| value.get(name)?.as_i64();
    let text = |name: &str| value.get(name)?.as_str().map(str::to_owned);
    let optional = |name: &str| match value.get(name) {
        None | Some(Value::Null) => Some(None),
        Some(Value::String(text)) => Some(Some(text.clone())),
        Some(_) => None,
    };
    Some(Record {
        number: number("number")?,
        revision: number("revision")?,
        at: number("at")?,
        client: text("client")?,
        action: text("action")?,
        entity_kind: text("entityType")?,
        entity_id: text("entityId")?,
        before: optional("before")?,
        after: optional("after")?,
        remote: optional("remoteAddress")?,
        correlation: optional("correlationId")?,
        previous_hash: text("previousHash")?,
        hash: text("hash")?,
    })
}

/// Lines of JSON; none may be longer than a record can be.
struct Lines<R> {
    source: R,
    number: usize,
}

impl<R: BufRead> Lines<R> {
    fn new(source: R) -> Self {
        Lines { source, number: 0 }
    }

    fn next(&mut self) -> Result<Option<Value>, ExportError> {
        loop {
            let mut line = Vec::new();
            let length = self.source.by_ref().take(LINE_BYTES_MAX).read_until(b'\n', &mut line).map_err(ExportError::Io)?;
            if length == 0 {
                return Ok(None);
            }
            self.number += 1;
            if line.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            return serde_json::from_slice(&line).map(Some).map_err(|_| ExportError::Line(self.number));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::AuditKey;

    fn chain(records: i64) -> Vec<Record> {
        let mut previous = String::new();
        (1..=records)
            .map(|number| {
                let mut record = Record {
                    number,
                    revision: number + 10,
                    at: 1_700_000_000_000_000 + number,
                    client: "admin".into(),
                    action: "update".into(),
                    entity_kind: "trunk".into(),
                    entity_id: format!("t{number}"),
                    before: (number % 2 == 0).then(|| r#"{"a":1.10}"#.into()),
                    after: Some("{}".into()),
                    remote: None,
                    correlation: Some("c".into()),
                    previous_hash: previous.clone(),
                    hash: String::new(),
                };
                record.hash = record.computed_hash();
                previous.clone_from(&record.hash);
                record
            })
            .collect()
    }

    fn write(records: &[Record], checkpoint: Option<&Head>, end: Option<&Head>) -> String {
        let mut text = checkpoint.map(|head| line(&head.body())).unwrap_or_default();
        text.extend(records.iter().map(|kept| line(&record(kept))));
        text.extend(end.map(|head| line(&head.body())));
        text
    }

    fn verify(export: &str, heads: &str, key: Option<&str>) -> ExportReport {
        verify_export(export.as_bytes(), Some(heads.as_bytes()), key).expect("an export")
    }

    #[test]
    fn an_export_holds_with_its_end_its_beginning_and_the_heads_kept_elsewhere() {
        let key = AuditKey::of(&[1; 32]).expect("a key");
        let records = chain(5);
        let of = |kind, number: usize| key.sign(kind, records[number - 1].number, &records[number - 1].hash, 1_700_000_000_000_000);
        let (head, at_three, trimmed) = (of(HeadKind::Head, 5), of(HeadKind::Head, 3), of(HeadKind::Checkpoint, 2));
        let whole = write(&records, None, Some(&head));
        let report = verify(&whole, &line(&at_three.body()), Some(key.public()));
        assert_eq!((report.records, report.heads, report.broken), (5, 1, None));
        let report = verify(&write(&records[2..], Some(&trimmed), Some(&head)), &line(&at_three.body()), None);
        assert_eq!((report.records, report.range, report.trimmed, report.broken), (3, Some((3, 5)), Some(2), None));

        let broken = |export: &str, heads: &str, key: Option<&str>| verify(export, heads, key).broken.expect("a break").0;
        assert_eq!(broken(&write(&records[..4], None, None), "", None), 5, "cut without an end");
        assert_eq!(broken(&write(&records[1..], None, Some(&head)), "", None), 1, "the first is missing");
        assert_eq!(
            broken(&write(&records[..2], None, Some(&of(HeadKind::Head, 2))), &line(&at_three.body()), None),
            3,
            "cut to an older end"
        );
        let foreign = AuditKey::of(&[2; 32]).expect("a key");
        assert_eq!(broken(&whole, "", Some(foreign.public())), 5, "another key");
        let mut altered = records.clone();
        altered[3].client = "nobody".into();
        assert_eq!(broken(&write(&altered, None, Some(&head)), "", None), 4);
        // Recomputed by somebody who has no key.
        for at in 3..5 {
            altered[at].previous_hash = altered[at - 1].hash.clone();
            altered[at].hash = altered[at].computed_hash();
        }
        assert_eq!(broken(&write(&altered, None, Some(&head)), "", None), 5);
        let resigned = foreign.sign(HeadKind::Head, 5, &altered[4].hash, 0);
        assert_eq!(broken(&write(&altered, None, Some(&resigned)), "", Some(key.public())), 5);
        assert_eq!(broken(&write(&altered[..], None, Some(&resigned)), &line(&of(HeadKind::Head, 4).body()), None), 4);
    }

    #[test]
    fn heads_of_a_chain_that_was_put_aside_are_known_by_the_signed_restore_alone() {
        let (key, foreign) = (AuditKey::of(&[1; 32]).expect("a key"), AuditKey::of(&[2; 32]).expect("a key"));
        let records = chain(5);
        let head = |number: i64, hash: &str| line(&key.sign(HeadKind::Head, number, hash, 0).body());
        let of = |number: usize| head(number as i64, &records[number - 1].hash);
        let restore = |key: &AuditKey, number: usize, hash: &str| line(&key.sign(HeadKind::Restore, number as i64, hash, 0).body());
        let whole = write(&records, None, Some(&key.sign(HeadKind::Head, 5, &records[4].hash, 0)));
        // Of the time that is lost: records 4, 5 and 9 as they were before a copy that ended with record 3.
        let lost = format!("{}{}{}{}", of(2), head(4, "lost"), head(5, "lost"), head(9, "lost"));
        let known = format!("{lost}{}{}", restore(&key, 3, &records[2].hash), of(5));
        let report = verify(&whole, &known, Some(key.public()));
        assert_eq!((report.heads, report.restores, report.aside, report.broken), (3, 1, 3, None));
        for forged in [
            lost.clone(),
            format!("{lost}{}", restore(&foreign, 3, &records[2].hash)),
            format!("{lost}{}", restore(&key, 3, "another")),
            // One that is told of before the heads that it would excuse.
            format!("{}{lost}", restore(&key, 3, &records[2].hash)),
        ] {
            assert!(verify(&whole, &forged, Some(key.public())).broken.is_some(), "{forged}");
        }
    }

    #[test]
    fn what_is_no_export_is_told_by_its_line() {
        for (text, number) in [("nonsense", 1), ("\n{}\n", 2), (r#"{"kind": "record"}"#, 1)] {
            let error = verify_export(text.as_bytes(), None::<&[u8]>, None).expect_err("no export");
            assert!(matches!(error, ExportError::Line(line) if line == number), "{text}: {error}");
        }
    }
}
