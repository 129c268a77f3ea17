use sqlx::sqlite::SqliteRow;
use sqlx::{AssertSqlSafe, Row};

use super::reach::{Condition, numbered};
use super::{Connection, StoreError};

/// A value of a sort key or a filter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Key {
    /// Of a text column.
    Text(String),
    /// Of a number column; times too.
    Number(i64),
}

/// A way to sort: the API's name, the column, and whether that is a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sorting {
    /// What `sortBy` says.
    pub name: &'static str,
    /// The column.
    pub column: &'static str,
    /// Whether it is a number.
    pub number: bool,
}

/// The last row that a walk has seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// Its sort key.
    pub key: Key,
    /// Its id, which tells rows of the same key apart.
    pub id: Key,
    /// How many rows there were when the walk began: to count a million anew for each page would cost more than the page.
    pub total: Option<u64>,
}

/// Which page of which order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paging {
    /// Rows of a page.
    pub size: u32,
    /// From 1; without a cursor.
    pub number: u32,
    /// By which column.
    pub sorting: Sorting,
    /// From the greatest.
    pub descending: bool,
    /// Whether the caller walks by cursor.
    pub walks: bool,
    /// Behind which row; with a cursor.
    pub after: Option<Cursor>,
}

/// One page.
#[derive(Clone, Debug, PartialEq)]
pub struct Page<T> {
    /// Its rows.
    pub items: Vec<T>,
    /// Rows of all pages.
    pub total: u64,
    /// Where the next page begins, if there is one.
    pub next: Option<Cursor>,
}

/// What to list. All text is the code's own; what a caller gave is bound.
pub struct Select {
    /// The columns, the id and every sort column among them.
    pub columns: &'static str,
    /// The table.
    pub table: &'static str,
    /// The column that makes the order total.
    pub id: Sorting,
    /// Conditions with `?` for the bound value.
    pub filters: Vec<(&'static str, Key)>,
    /// The statement that reads the kept total of the whole table, where there is one.
    pub kept: Option<&'static str>,
    /// A table that keeps totals by all that is filtered by here, where there is one.
    pub totals: Option<&'static str>,
}

impl Select {
    /// Reads one page and counts all rows.
    ///
    /// # Errors
    /// [`StoreError`] where a row cannot be read.
    pub async fn page<T>(
        &self,
        connection: &mut Connection,
        paging: &Paging,
        read: fn(&SqliteRow) -> Result<T, StoreError>,
    ) -> Result<Page<T>, StoreError> {
        self.page_within(connection, paging, None, read).await
    }

    /// As [`Select::page`], of the rows that a caller's scope covers.
    ///
    /// # Errors
    /// [`StoreError`] where a row cannot be read.
    pub async fn page_within<T>(
        &self,
        connection: &mut Connection,
        paging: &Paging,
        within: Option<Condition>,
        read: fn(&SqliteRow) -> Result<T, StoreError>,
    ) -> Result<Page<T>, StoreError> {
        let total = match paging.after.as_ref().and_then(|after| after.total) {
            Some(total) => total,
            None => self.total(connection, within.as_ref()).await?,
        };
        let (sql, binds) = self.statement(paging, within.as_ref());
        let mut query = sqlx::query(AssertSqlSafe(sql));
        for key in binds {
            query = match key {
                Key::Text(text) => query.bind(text.clone()),
                Key::Number(number) => query.bind(*number),
            };
        }
        let mut rows = query.fetch_all(&mut *connection).await?;
        let more = rows.len() > paging.size as usize;
        rows.truncate(paging.size as usize);
        let next = match rows.last() {
            Some(last) if more => Some(Cursor { key: key(last, paging.sorting)?, id: key(last, self.id)?, total: Some(total) }),
            _ => None,
        };
        let items = rows.iter().map(read).collect::<Result<_, _>>()?;
        Ok(Page { items, total, next })
    }

    /// Writes the statement that reads one row more than the page, and what is bound.
    fn statement<'a>(&'a self, paging: &'a Paging, within: Option<&'a Condition>) -> (String, Vec<&'a Key>) {
        let mut binds: Vec<&Key> = Vec::new();
        let mut clauses = self.clauses(&mut binds, within);
        let (direction, beyond) = if paging.descending { ("DESC", "<") } else { ("ASC", ">") };
        let (column, id) = (paging.sorting.column, self.id.column);
        // Named twice the id would be sorted by once more: SQLite reads all rows before the page's end to do so, each with all its columns.
        let is_by_id = column == id;
        if let Some(cursor) = &paging.after {
            binds.extend((!is_by_id).then_some(&cursor.key));
            binds.push(&cursor.id);
            let last = binds.len();
            // A row value comparison reads one range of the index.
            clauses.push(if is_by_id {
                format!("{id} {beyond} ${last}")
            } else {
                format!("({column}, {id}) {beyond} (${}, ${last})", last - 1)
            });
        }
        let condition = if clauses.is_empty() { String::new() } else { format!(" WHERE {}", clauses.join(" AND ")) };
        let order = if is_by_id { format!("{id} {direction}") } else { format!("{column} {direction}, {id} {direction}") };
        let offset = if paging.walks { 0 } else { u64::from(paging.number.saturating_sub(1)) * u64::from(paging.size) };
        let limit = u64::from(paging.size) + 1;
        let sql = format!("SELECT {} FROM {}{condition} ORDER BY {order} LIMIT {limit} OFFSET {offset}", self.columns, self.table);
        (sql, binds)
    }

    async fn total(&self, connection: &mut Connection, within: Option<&Condition>) -> Result<u64, StoreError> {
        if let (Some(kept), true, None) = (self.kept, self.filters.is_empty(), within) {
            let total: i64 = sqlx::query_scalar(kept).fetch_one(connection).await?;
            return Ok(total.unsigned_abs());
        }
        let mut binds = Vec::new();
        let clauses = self.clauses(&mut binds, within);
        let condition = if clauses.is_empty() { String::new() } else { format!(" WHERE {}", clauses.join(" AND ")) };
        let select = match self.totals {
            Some(totals) => format!("SELECT CAST(COALESCE(SUM(total), 0) AS BIGINT) FROM {totals}{condition}"),
            None => format!("SELECT COUNT(*) FROM {}{condition}", self.table),
        };
        let mut query = sqlx::query_scalar::<_, i64>(AssertSqlSafe(select));
        for key in binds {
            query = match key {
                Key::Text(text) => query.bind(text.clone()),
                Key::Number(number) => query.bind(*number),
            };
        }
        Ok(query.fetch_one(connection).await?.unsigned_abs())
    }

    fn clauses<'a>(&'a self, binds: &mut Vec<&'a Key>, within: Option<&'a Condition>) -> Vec<String> {
        let mut clauses = Vec::with_capacity(self.filters.len() + 1);
        for (condition, key) in &self.filters {
            clauses.push(numbered(condition, binds.len()));
            binds.push(key);
        }
        if let Some(within) = within {
            clauses.push(numbered(&within.sql, binds.len()));
            binds.extend(&within.keys);
        }
        clauses
    }
}

fn key(row: &SqliteRow, sorting: Sorting) -> Result<Key, StoreError> {
    if sorting.number { Ok(Key::Number(row.try_get(sorting.column)?)) } else { Ok(Key::Text(row.try_get(sorting.column)?)) }
}

/// The orders of a plain resource.
pub const PLAIN: &[Sorting] = &[
    Sorting { name: "id", column: "id", number: false },
    Sorting { name: "name", column: "name", number: false },
    Sorting { name: "dateCreated", column: "created", number: true },
    Sorting { name: "dateModified", column: "modified", number: true },
    Sorting { name: "version", column: "version", number: true },
];

/// The id as the last key of a plain resource's order.
pub const BY_ID: Sorting = PLAIN[0];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Store;

    #[tokio::test]
    async fn no_page_of_trunks_is_sorted() {
        let directory = tempfile::tempdir().expect("a directory");
        let store = Store::open(directory.path()).await.expect("it opens");
        let mut reader = store.read().await.expect("a reader");
        let site = || ("site = ?", Key::Text("s".into()));
        let key = |sorting: Sorting| if sorting.number { Key::Number(7) } else { Key::Text("k".into()) };
        for (sorting, descending) in PLAIN.iter().flat_map(|sorting| [(*sorting, false), (*sorting, true)]) {
            let after = Cursor { key: key(sorting), id: Key::Text("i".into()), total: None };
            for (number, after) in [(1, None), (400, None), (1, Some(after))] {
                for filters in [vec![], vec![site()]] {
                    let paging = Paging { size: 25, number, sorting, descending, walks: after.is_some(), after: after.clone() };
                    let select = Select { columns: "id, body", table: "trunks", id: BY_ID, filters, kept: None, totals: None };
                    let (sql, _) = select.statement(&paging, None);
                    let plan =
                        sqlx::query(AssertSqlSafe(format!("EXPLAIN QUERY PLAN {sql}"))).fetch_all(&mut *reader).await.expect("a plan");
                    let steps: Vec<String> = plan.iter().map(|step| step.get("detail")).collect();
                    assert!(
                        !steps.is_empty() && steps.iter().all(|step| step.contains("USING") && !step.contains("TEMP")),
                        "{sql}: {steps:?}"
                    );
                }
            }
        }
    }
}
