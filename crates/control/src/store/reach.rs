//! What a caller's scope covers, as conditions of a statement.
//!
//! A trunk is covered itself. The site, carrier and edges that a covered trunk uses are seen with it: its answers name them anyway.

use sqlx::AssertSqlSafe;

use super::page::Key;
use super::{Connection, StoreError};
use crate::domain::{Place, Reach};

/// A condition with `?` for each of its values, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    /// The code's own text.
    pub sql: String,
    /// What is bound.
    pub keys: Vec<Key>,
}

/// Which trunks are covered; none where all are.
pub fn trunks(reach: &Reach) -> Option<Condition> {
    (!reach.is_everywhere()).then(|| {
        let mut any = Any::default();
        any.among("site", &reach.sites).among("carrier", &reach.carriers).among("id", &reach.trunks);
        any.condition()
    })
}

/// Which sites are seen.
pub fn sites(reach: &Reach) -> Option<Condition> {
    (!reach.is_everywhere()).then(|| {
        let mut any = Any::default();
        any.among("id", &reach.sites).used("id", "site", "carrier", &reach.carriers).used("id", "site", "id", &reach.trunks);
        any.condition()
    })
}

/// Which carriers are seen.
pub fn carriers(reach: &Reach) -> Option<Condition> {
    (!reach.is_everywhere()).then(|| {
        let mut any = Any::default();
        any.among("id", &reach.carriers).used("id", "carrier", "site", &reach.sites).used("id", "carrier", "id", &reach.trunks);
        any.condition()
    })
}

/// Which edges are seen: those that may serve a covered trunk.
pub fn edges(reach: &Reach) -> Option<Condition> {
    (!reach.is_everywhere()).then(|| {
        let mut any = Any::default();
        if !reach.is_nothing() {
            any.parts.push("site IS NULL".to_owned());
        }
        any.among("site", &reach.sites).used("site", "site", "carrier", &reach.carriers).used("site", "site", "id", &reach.trunks);
        any.condition()
    })
}

/// Tells whether something that exists is seen.
///
/// # Errors
/// [`StoreError`] where it cannot be read.
pub async fn sees(connection: &mut Connection, reach: &Reach, place: &Place<'_>) -> Result<bool, StoreError> {
    let (table, condition) = match place {
        Place::Site(_) => ("sites", sites(reach)),
        Place::Carrier(_) => ("carriers", carriers(reach)),
        Place::Edge(..) => ("edges", edges(reach)),
        Place::Trunk { .. } => return Ok(reach.covers(place)),
    };
    let Some(condition) = condition else { return Ok(true) };
    let mut keys = vec![Key::Text(place.named().1.to_owned())];
    let clause = numbered(&condition.sql, 1);
    keys.extend(condition.keys);
    let mut query = sqlx::query_scalar::<_, i64>(AssertSqlSafe(format!("SELECT COUNT(*) FROM {table} WHERE id = $1 AND {clause}")));
    for key in keys {
        query = match key {
            Key::Text(text) => query.bind(text),
            Key::Number(number) => query.bind(number),
        };
    }
    Ok(query.fetch_one(connection).await? > 0)
}

/// Gives the values numbers, after so many that are bound before.
pub(super) fn numbered(sql: &str, before: usize) -> String {
    let mut text = String::with_capacity(sql.len() + 16);
    let mut number = before;
    for c in sql.chars() {
        if c == '?' {
            number += 1;
            text.push_str(&format!("${number}"));
        } else {
            text.push(c);
        }
    }
    text
}

#[derive(Default)]
struct Any {
    parts: Vec<String>,
    keys: Vec<Key>,
}

impl Any {
    fn among<'a>(&mut self, column: &str, ids: impl IntoIterator<Item = &'a String>) -> &mut Self {
        let marks = self.bind(ids);
        if !marks.is_empty() {
            self.parts.push(format!("{column} IN ({marks})"));
        }
        self
    }

    /// Those that trunks use, where the trunks' `by` is among the ids.
    fn used<'a>(&mut self, column: &str, uses: &str, by: &str, ids: impl IntoIterator<Item = &'a String>) -> &mut Self {
        let marks = self.bind(ids);
        if !marks.is_empty() {
            self.parts.push(format!("{column} IN (SELECT {uses} FROM trunks WHERE {by} IN ({marks}))"));
        }
        self
    }

    fn bind<'a>(&mut self, ids: impl IntoIterator<Item = &'a String>) -> String {
        let before = self.keys.len();
        self.keys.extend(ids.into_iter().map(|id| Key::Text(id.clone())));
        vec!["?"; self.keys.len() - before].join(", ")
    }

    fn condition(self) -> Condition {
        let sql = if self.parts.is_empty() { "1 = 0".to_owned() } else { format!("({})", self.parts.join(" OR ")) };
        Condition { sql, keys: self.keys }
    }
}
