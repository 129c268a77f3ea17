//! Rows that are written many at a time: what a statement costs beside its rows is mostly the way to SQLite's thread and back.

use sqlx::query::Query;
use sqlx::sqlite::SqliteArguments;
use sqlx::{AssertSqlSafe, Sqlite};

use super::{Connection, StoreError};

/// A statement whose values are being bound.
pub(super) type Binding = Query<'static, Sqlite, SqliteArguments>;

/// So many rows a statement takes, the most first: few different statements, each prepared once. SQLite takes 32,766 values.
const ROWS: [usize; 3] = [64, 8, 1];

/// An INSERT of rows of one table.
pub(super) struct Insert {
    /// Up to and without VALUES.
    pub(super) head: &'static str,
    /// Values of a row.
    pub(super) columns: usize,
    /// What follows the rows, such as ON CONFLICT.
    pub(super) tail: &'static str,
}

impl Insert {
    /// Writes rows in their order; `bind` binds the values of one.
    pub(super) async fn rows<T>(
        &self,
        connection: &mut Connection,
        mut rows: &[T],
        bind: impl Fn(Binding, &T) -> Result<Binding, StoreError>,
    ) -> Result<(), StoreError> {
        for size in ROWS {
            let mut chunks = rows.chunks_exact(size);
            for chunk in &mut chunks {
                let statement = sqlx::query(AssertSqlSafe(self.statement(size)));
                chunk.iter().try_fold(statement, &bind)?.execute(&mut *connection).await?;
            }
            rows = chunks.remainder();
        }
        Ok(())
    }

    // Places without numbers: SQLite looks numbered ones up one after the other, at every execution.
    fn statement(&self, rows: usize) -> String {
        let row = format!("({})", vec!["?"; self.columns].join(", "));
        format!("{} VALUES {} {}", self.head, vec![row.as_str(); rows].join(", "), self.tail)
    }
}

#[cfg(test)]
mod tests {
    use sqlx::Connection as _;

    use super::*;

    #[tokio::test]
    async fn any_number_of_rows_is_written_in_order() {
        let mut connection = Connection::connect("sqlite::memory:").await.expect("it opens");
        sqlx::query("CREATE TABLE t (a BIGINT PRIMARY KEY, b TEXT)").execute(&mut connection).await.expect("made");
        let insert = Insert { head: "INSERT INTO t (a, b)", columns: 2, tail: "ON CONFLICT (a) DO UPDATE SET b = excluded.b" };
        for count in [0, 1, 7, 8, 9, 63, 64, 65, 500] {
            let rows: Vec<i64> = (0..count).collect();
            insert.rows(&mut connection, &rows, |query, row| Ok(query.bind(*row).bind(format!("{count}/{row}")))).await.expect("written");
            let told: Vec<String> =
                sqlx::query_scalar("SELECT b FROM t ORDER BY a LIMIT $1").bind(count).fetch_all(&mut connection).await.expect("read");
            assert_eq!(told, rows.iter().map(|row| format!("{count}/{row}")).collect::<Vec<_>>());
        }
    }
}
