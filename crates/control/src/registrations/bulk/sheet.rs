//! A sheet in CSV (RFC 4180): each row becomes the line that says the same in JSON, so both are judged alike.
//!
//! No cell is trimmed. What copying leaves around a value (blanks, no-break blanks, smart quotes) is refused by the rules of form, with its
//! position, as in a POST: to guess would send a wrong password for every trunk.

use axum::body::{Body, Bytes};
use csv_core::{ReadRecordResult, Reader, ReaderBuilder};
use http_body_util::BodyExt;
use serde_json::{Map, Value, json};
use zeroize::Zeroizing;

use super::lines::{LINE_BYTES_MAX, Line, too_long};
use crate::http::Query;
use crate::problem::Problem;

/// So many columns may a sheet have.
pub const COLUMNS_MAX: usize = 256;

/// How a cell is written in JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Text,
    Number,
    Truth,
    /// `{"id": "..."}`
    Reference,
}

/// Where a field stands in a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Trunk,
    Credentials,
    Line,
}

/// A field that a column may give.
struct Field {
    name: &'static str,
    /// The query parameter that names its column.
    column: &'static str,
    /// The query parameter that gives it for all rows.
    value: &'static str,
    place: Place,
    kind: Kind,
}

macro_rules! field {
    ($name:literal, $place:ident, $kind:ident) => {
        Field { name: $name, column: concat!("column.", $name), value: concat!("value.", $name), place: Place::$place, kind: Kind::$kind }
    };
}

const FIELDS: &[Field] = &[
    field!("id", Trunk, Text),
    field!("name", Trunk, Text),
    field!("description", Trunk, Text),
    field!("site", Trunk, Reference),
    field!("carrier", Trunk, Reference),
    field!("addressOfRecord", Trunk, Text),
    field!("contactUser", Trunk, Text),
    field!("requestUri", Trunk, Text),
    field!("expires", Trunk, Number),
    field!("inService", Trunk, Truth),
    field!("username", Credentials, Text),
    field!("password", Credentials, Text),
    field!("realm", Credentials, Text),
    field!("algorithm", Credentials, Text),
    field!("verify", Line, Text),
];

/// Which field comes from where, as the caller says it.
#[derive(Debug)]
pub struct Mapping {
    /// By the field's place in [`FIELDS`].
    given: Vec<(usize, Given)>,
    separator: Option<u8>,
}

#[derive(Debug)]
enum Given {
    Column(String),
    /// May name columns in braces.
    Value(String),
}

impl Mapping {
    /// Takes `column.FIELD`, `value.FIELD` and `separator`.
    ///
    /// # Errors
    /// 400 `invalid.value` that names the parameter.
    pub fn take(query: &mut Query) -> Result<Self, Problem> {
        let separator = match query.take("separator").as_deref() {
            None => None,
            Some("," | "comma") => Some(b','),
            Some(";" | "semicolon") => Some(b';'),
            Some("\t" | "tab") => Some(b'\t'),
            Some(_) => return Err(Problem::invalid("separator", "separator is comma, semicolon or tab.")),
        };
        let mut given = Vec::new();
        for (at, field) in FIELDS.iter().enumerate() {
            match (query.take(field.column), query.take(field.value)) {
                (Some(_), Some(_)) => {
                    return Err(Problem::invalid(field.column, format!("Give either {} or {}.", field.column, field.value)));
                }
                (Some(column), None) => given.push((at, Given::Column(column))),
                (None, Some(value)) => given.push((at, Given::Value(value))),
                (None, None) => {}
            }
        }
        Ok(Mapping { given, separator })
    }

    /// Finds the columns among the sheet's. A field that the caller does not mention comes from the column of its own name, if there is one.
    fn on(&self, header: &[String]) -> Result<Vec<(usize, Source)>, Problem> {
        let find = |name: &str| header.iter().position(|column| column == name);
        let named = |name: &str, parameter: &str| {
            let missing = || {
                let message = format!("The sheet has no column {name:?}; it has {}.", header.join(", "));
                Problem::invalid(parameter, message)
            };
            find(name).or_else(|| header.iter().position(|column| column.eq_ignore_ascii_case(name))).ok_or_else(missing)
        };
        let mut sources = Vec::new();
        for (at, field) in FIELDS.iter().enumerate() {
            let source = match self.given.iter().find(|(of, _)| *of == at).map(|(_, given)| given) {
                Some(Given::Column(column)) => Some(Source::Column(named(column, field.column)?)),
                Some(Given::Value(template)) => Some(Source::Template(parts(template, |name| named(name, field.value))?)),
                None => header.iter().position(|column| column.eq_ignore_ascii_case(field.name)).map(Source::Column),
            };
            sources.extend(source.map(|source| (at, source)));
        }
        if !sources.iter().any(|(at, _)| FIELDS[*at].name == "id") {
            let message = "No column gives the trunk's id: name one with column.id, or make it of others, as value.id=jkt-{Number}.";
            return Err(Problem::invalid("column.id", message));
        }
        Ok(sources)
    }
}

/// Where a field comes from.
#[derive(Debug)]
enum Source {
    Column(usize),
    Template(Vec<Part>),
}

#[derive(Debug)]
enum Part {
    Text(String),
    Column(usize),
}

/// Reads `sip:{Number}@carrier.example`.
fn parts(template: &str, column: impl Fn(&str) -> Result<usize, Problem>) -> Result<Vec<Part>, Problem> {
    let mut parts = Vec::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        let Some((name, after)) = after.split_once('}') else { break };
        parts.extend([Part::Text(before.to_owned()), Part::Column(column(name)?)]);
        rest = after;
    }
    parts.push(Part::Text(rest.to_owned()));
    Ok(parts)
}

/// Cuts a streaming sheet into rows.
pub struct Sheet {
    body: Body,
    chunk: Bytes,
    mapping: Mapping,
    /// Made when the first line is there, for it shows the separator.
    reader: Option<Box<Reader>>,
    sources: Vec<(usize, Source)>,
    columns: usize,
    out: Zeroizing<Vec<u8>>,
    filled: usize,
    ends: Vec<usize>,
    cells: usize,
    /// Rows so far, the column names among them: what a spreadsheet shows at the left.
    rows: u64,
    /// What is left of a row that is too long, or has too many cells, is skipped.
    skipping: Option<Skipping>,
    ended: bool,
}

/// Why a row is skipped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Skipping {
    Long,
    Wide,
}

impl Sheet {
    /// Begins with a body.
    pub fn new(body: Body, mapping: Mapping) -> Self {
        Sheet {
            body,
            chunk: Bytes::new(),
            mapping,
            reader: None,
            sources: Vec::new(),
            columns: 0,
            out: Zeroizing::new(vec![0; LINE_BYTES_MAX]),
            filled: 0,
            ends: vec![0; COLUMNS_MAX + 1],
            cells: 0,
            rows: 0,
            skipping: None,
            ended: false,
        }
    }

    /// Returns the next row that is not empty as a line; `None` at the end.
    ///
    /// # Errors
    /// 400 where the column names do not fit the mapping, or the connection ends within the body.
    pub async fn next(&mut self) -> Result<Option<Line>, Problem> {
        loop {
            let Some(row) = self.row().await? else { return Ok(None) };
            self.rows += 1;
            if self.rows == 1 {
                let header = row?;
                self.columns = header.len();
                self.sources = self.mapping.on(&header.iter().map(|name| clean(name)).collect::<Vec<_>>())?;
                continue;
            }
            let text = match row {
                Ok(cells) if cells.iter().all(|cell| cell.is_empty()) => continue,
                Ok(cells) if cells.len() != self.columns => {
                    let message = format!("The row has {} cells, the first row {}.", cells.len(), self.columns);
                    Err(Problem::bad_request(message))
                }
                Ok(cells) => Ok(line(&self.sources, &cells)),
                Err(problem) => Err(problem),
            };
            return Ok(Some(Line { number: self.rows, text }));
        }
    }

    /// Reads the next row's cells.
    async fn row(&mut self) -> Result<Option<Result<Vec<Zeroizing<String>>, Problem>>, Problem> {
        loop {
            if self.chunk.is_empty() && !self.ended {
                self.fill().await?;
                continue;
            }
            if self.reader.is_none() && !self.begin().await? {
                return Ok(None);
            }
            let Some(reader) = &mut self.reader else { return Ok(None) };
            let (result, taken, written, ended) =
                reader.read_record(&self.chunk, &mut self.out[self.filled..], &mut self.ends[self.cells..]);
            self.chunk = self.chunk.split_off(taken);
            self.filled += written;
            self.cells += ended;
            match result {
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::OutputFull => self.skip(Skipping::Long),
                ReadRecordResult::OutputEndsFull => self.skip(Skipping::Wide),
                ReadRecordResult::Record => return Ok(Some(self.take())),
                ReadRecordResult::End => return Ok(None),
            }
        }
    }

    fn skip(&mut self, why: Skipping) {
        self.skipping.get_or_insert(why);
        (self.filled, self.cells) = (0, 0);
    }

    /// Takes what was gathered as a row.
    fn take(&mut self) -> Result<Vec<Zeroizing<String>>, Problem> {
        let (cells, skipped) = (std::mem::take(&mut self.cells), std::mem::take(&mut self.skipping));
        self.filled = 0;
        match skipped {
            Some(Skipping::Long) => return Err(too_long()),
            None if cells <= COLUMNS_MAX => {}
            Some(Skipping::Wide) | None => return Err(Problem::bad_request(format!("A row has at most {COLUMNS_MAX} cells."))),
        }
        let mut begin = 0;
        let row = self.ends[..cells].iter().map(|end| {
            let cell = std::str::from_utf8(&self.out[begin..*end]).map(|text| Zeroizing::new(text.to_owned()));
            begin = *end;
            cell.map_err(|_| Problem::bad_request("The row is not UTF-8; save the sheet as \"CSV UTF-8\"."))
        });
        row.collect()
    }

    /// Looks at the first line for the separator; tells whether there is one.
    async fn begin(&mut self) -> Result<bool, Problem> {
        let mut head = std::mem::take(&mut self.chunk).to_vec();
        while !head.contains(&b'\n') && head.len() <= LINE_BYTES_MAX && !self.ended {
            self.fill().await?;
            head.extend_from_slice(&std::mem::take(&mut self.chunk));
        }
        // A byte order mark is the file's, no part of the first name.
        let head = Bytes::from(head);
        self.chunk = if head.starts_with("\u{feff}".as_bytes()) { head.slice(3..) } else { head };
        let first = self.chunk.split(|byte| *byte == b'\n').next().unwrap_or_default();
        let separator = self.mapping.separator.unwrap_or_else(|| likeliest(first));
        self.reader = Some(Box::new(ReaderBuilder::new().delimiter(separator).build()));
        Ok(!self.chunk.is_empty())
    }

    async fn fill(&mut self) -> Result<(), Problem> {
        match self.body.frame().await {
            None => self.ended = true,
            Some(Ok(frame)) => {
                if let Ok(data) = frame.into_data() {
                    self.chunk = data;
                }
            }
            Some(Err(_)) => {
                self.ended = true;
                return Err(Problem::bad_request("The body ended early; the row under way was not applied."));
            }
        }
        Ok(())
    }
}

/// The separator that the column names have most of.
fn likeliest(first: &[u8]) -> u8 {
    let count = |separator: u8| first.iter().filter(|byte| **byte == separator).count();
    [b'\t', b';', b','].into_iter().max_by_key(|separator| count(*separator)).unwrap_or(b',')
}

/// A column's name without the blanks around it.
fn clean(name: &str) -> String {
    name.trim_matches(|c: char| c.is_whitespace() || matches!(c, '\u{a0}' | '\u{feff}' | '\u{200b}')).to_owned()
}

/// Writes a row as a line of JSON. An empty cell says nothing.
fn line(sources: &[(usize, Source)], cells: &[Zeroizing<String>]) -> Zeroizing<Vec<u8>> {
    let (mut trunk, mut credentials, mut line) = (Map::new(), Map::new(), Map::new());
    for (at, source) in sources {
        let field = &FIELDS[*at];
        let cell = match source {
            Source::Column(column) => Zeroizing::new(cells[*column].to_string()),
            Source::Template(parts) => Zeroizing::new(
                parts
                    .iter()
                    .map(|part| match part {
                        Part::Text(text) => text.as_str(),
                        Part::Column(column) => cells[*column].as_str(),
                    })
                    .collect::<String>(),
            ),
        };
        if cell.is_empty() {
            continue;
        }
        let value = match field.kind {
            Kind::Text => json!(*cell),
            Kind::Reference => json!({ "id": *cell }),
            // What is neither stays a text and is refused by the field's own words.
            Kind::Number => cell.parse::<u32>().map_or_else(|_| json!(*cell), Value::from),
            Kind::Truth => match cell.to_ascii_lowercase().as_str() {
                "true" | "yes" | "1" => json!(true),
                "false" | "no" | "0" => json!(false),
                _ => json!(*cell),
            },
        };
        match field.place {
            Place::Trunk => trunk.insert(field.name.to_owned(), value),
            Place::Credentials => credentials.insert(field.name.to_owned(), value),
            Place::Line => line.insert(field.name.to_owned(), value),
        };
    }
    // With nothing but an id it is a trunk that is there.
    if trunk.len() == 1
        && let Some(id) = trunk.remove("id")
    {
        line.insert("trunkId".into(), id);
    } else {
        line.insert("trunk".into(), trunk.into());
    }
    if !credentials.is_empty() {
        line.insert("credentials".into(), credentials.into());
    }
    Zeroizing::new(Value::Object(line).to_string().into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn rows(query: &str, chunks: &[&[u8]]) -> Result<Vec<(u64, Result<Value, u16>)>, Problem> {
        let mut query = Query::parse(query)?;
        let mapping = Mapping::take(&mut query)?;
        query.finish()?;
        let chunks: Vec<Result<Bytes, std::convert::Infallible>> = chunks.iter().map(|chunk| Ok(Bytes::from(chunk.to_vec()))).collect();
        let mut sheet = Sheet::new(Body::from_stream(futures_util::stream::iter(chunks)), mapping);
        let mut rows = Vec::new();
        while let Some(line) = sheet.next().await? {
            let text = line.text.map(|text| serde_json::from_slice(&text).unwrap()).map_err(|problem| problem.status().as_u16());
            rows.push((line.number, text));
        }
        Ok(rows)
    }

    #[tokio::test]
    async fn columns_of_the_fields_own_names_need_no_mapping() {
        let text = b"id,addressOfRecord,username,password,inService,expires,remark\r\nt1,sip:u1@lab,u1,\"p,\"\"1\",no,600,x\r\n";
        let wanted = json!({"trunk": {"id": "t1", "addressOfRecord": "sip:u1@lab", "expires": 600, "inService": false},
            "credentials": {"username": "u1", "password": "p,\"1"}});
        assert_eq!(rows("", &[text]).await.unwrap(), [(2, Ok(wanted))]);
    }

    #[tokio::test]
    async fn a_carriers_own_columns_are_named_and_put_together() {
        let query = "column.id=Number&column.username=SIP%20User&column.password=Kennwort&value.carrier=nusantara\
                     &value.addressOfRecord=sip:%2B{Number}@ims.carrier.co.id";
        let text = "\u{feff} Number ;SIP User;Kennwort\n62215;u1;p1 \n\n;;\n62216;u2;p\u{a0}2";
        let credentials = |username: &str, password: &str| json!({"username": username, "password": password});
        let trunk = |id: &str| json!({"id": id, "carrier": {"id": "nusantara"}, "addressOfRecord": format!("sip:+{id}@ims.carrier.co.id")});
        let wanted = [
            (2, Ok(json!({"trunk": trunk("62215"), "credentials": credentials("u1", "p1 ")}))),
            (4, Ok(json!({"trunk": trunk("62216"), "credentials": credentials("u2", "p\u{a0}2")}))),
        ];
        let bytes = text.as_bytes();
        assert_eq!(rows(query, &[bytes]).await.unwrap(), wanted, "nothing is trimmed");
        let one_by_one: Vec<&[u8]> = bytes.chunks(1).collect();
        assert_eq!(rows(query, &one_by_one).await.unwrap(), wanted, "wherever the chunks end");
    }

    #[tokio::test]
    async fn with_an_id_and_credentials_only_it_is_a_rotation() {
        let wanted = json!({"trunkId": "t1", "credentials": {"username": "u1", "password": "p1"}, "verify": "live"});
        assert_eq!(rows("value.verify=live", &[b"id\tusername\tpassword\nt1\tu1\tp1\n"]).await.unwrap(), [(2, Ok(wanted))]);
    }

    #[tokio::test]
    async fn a_row_that_does_not_read_harms_no_other() {
        let long = format!("t4,{}\n", "x".repeat(2 * LINE_BYTES_MAX));
        let chunks: [&[u8]; 4] = [b"id,username\nt1,u1,more\nt2\nt3,\xfcser\n", long.as_bytes(), b"t5,\"u", b"5\"\n"];
        let rows = rows("", &chunks).await.unwrap();
        let told: Vec<(u64, Option<u16>)> = rows.into_iter().map(|(row, text)| (row, text.err())).collect();
        assert_eq!(told, [(2, Some(400)), (3, Some(400)), (4, Some(400)), (5, Some(413)), (6, None)]);
    }

    #[tokio::test]
    async fn a_mapping_that_does_not_fit_names_its_parameter() {
        for (query, parameter) in [
            ("column.id=Nr", "column.id"),
            ("value.id=x{Nr}", "value.id"),
            ("", "column.id"),
            ("column.id=User&value.id=x", "column.id"),
            ("separator=x", "separator"),
        ] {
            let problem = rows(query, &[b"User,Password\nu,p\n"]).await.unwrap_err();
            assert_eq!(problem.body()["details"][0]["fieldName"], parameter, "{query}");
        }
        assert_eq!(rows("column.id=User", &[b""]).await.unwrap(), []);
    }
}
