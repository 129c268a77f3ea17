use std::cmp::Ordering;
use std::collections::BTreeMap;

use axum::http::Uri;
use serde_json::{Map, Value, json};

use super::query::{Query, escape, unescape};
use crate::encoding::{base64url, unbase64url};
use crate::problem::Problem;
use crate::store::page::Key;
use crate::store::{Cursor, Page, Paging, Sorting};

/// Entities of a page where the caller does not say.
const SIZE: u32 = 25;
/// Most entities of a page.
pub const SIZE_MAX: u32 = 500;
/// Beyond so many entities a page number is refused: the database would read and drop them all.
pub const OFFSET_MAX: u64 = 10_000;

/// Reads `pageSize`, `pageNumber`, `sortBy`, `sortOrder` and `cursor`; the first of `sortings` is the default.
///
/// # Errors
/// 400 `invalid.value` that names the parameter.
pub fn paging(query: &mut Query, sortings: &[Sorting]) -> Result<Paging, Problem> {
    read_paging(query, sortings, false)
}

/// As [`paging`], with the greatest first where `sortOrder` does not say.
///
/// # Errors
/// 400 `invalid.value` that names the parameter.
pub fn newest_first(query: &mut Query, sortings: &[Sorting]) -> Result<Paging, Problem> {
    read_paging(query, sortings, true)
}

fn read_paging(query: &mut Query, sortings: &[Sorting], descends: bool) -> Result<Paging, Problem> {
    let size = query.take_number("pageSize")?.unwrap_or(SIZE);
    if size == 0 || size > SIZE_MAX {
        return Err(Problem::invalid("pageSize", format!("pageSize is 1 to {SIZE_MAX}.")));
    }
    let number = query.take_number("pageNumber")?;
    if number == Some(0) {
        return Err(Problem::invalid("pageNumber", "pageNumber begins at 1."));
    }
    let sorting = match query.take("sortBy") {
        None => sortings[0],
        Some(name) => *sortings.iter().find(|sorting| sorting.name == name).ok_or_else(|| {
            let names: Vec<&str> = sortings.iter().map(|sorting| sorting.name).collect();
            Problem::invalid("sortBy", format!("sortBy is one of {}.", names.join(", ")))
        })?,
    };
    let descending = match query.take("sortOrder").map(|order| order.to_ascii_lowercase()).as_deref() {
        None => descends,
        Some("asc" | "ascending") => false,
        Some("desc" | "descending") => true,
        Some(_) => return Err(Problem::invalid("sortOrder", "sortOrder is ascending or descending.")),
    };
    let cursor = query.take_even_empty("cursor");
    if cursor.is_some() && number.is_some() {
        return Err(Problem::invalid("cursor", "Give either cursor or pageNumber."));
    }
    let number = number.unwrap_or(1);
    if u64::from(number - 1) * u64::from(size) >= OFFSET_MAX {
        let message = format!("Pages end at {OFFSET_MAX} entities. Walk with cursor: begin with an empty one, then follow nextUri.");
        return Err(Problem::invalid("cursor", message));
    }
    let walks = cursor.is_some();
    let after = match cursor.as_deref() {
        None | Some("") => None,
        Some(text) => Some(read_cursor(text, sorting, descending)?),
    };
    Ok(Paging { size, number, sorting, descending, walks, after })
}

/// Writes a page as a listing of the API.
pub fn listing<T>(uri: &Uri, paging: &Paging, page: Page<T>, show: impl Fn(T) -> Value) -> Value {
    let links = Links::new(uri);
    let pages = page.total.div_ceil(u64::from(paging.size)).max(1);
    let mut body = Map::new();
    body.insert("entities".into(), page.items.into_iter().map(show).collect());
    body.insert("pageSize".into(), paging.size.into());
    if !paging.walks {
        body.insert("pageNumber".into(), paging.number.into());
    }
    body.insert("total".into(), page.total.into());
    body.insert("pageCount".into(), pages.into());
    let cursor = page.next.as_ref().map(|next| write_cursor(next, paging));
    if paging.walks {
        body.insert("firstUri".into(), links.to_cursor("").into());
        if let Some(cursor) = &cursor {
            body.insert("nextUri".into(), links.to_cursor(cursor).into());
        }
    } else {
        let number = u64::from(paging.number);
        let last = pages.min(OFFSET_MAX / u64::from(paging.size));
        body.insert("firstUri".into(), links.to_page(1).into());
        body.insert("lastUri".into(), links.to_page(last.max(1)).into());
        if number > 1 {
            body.insert("previousUri".into(), links.to_page(number - 1).into());
        }
        match &cursor {
            // The page after would be refused by its number.
            Some(cursor) if number * u64::from(paging.size) >= OFFSET_MAX => {
                body.insert("nextUri".into(), links.to_cursor(cursor).into());
            }
            Some(_) => {
                body.insert("nextUri".into(), links.to_page(number + 1).into());
            }
            None => {}
        }
    }
    if let Some(cursor) = cursor {
        body.insert("cursor".into(), cursor.into());
    }
    body.insert("selfUri".into(), links.itself().into());
    Value::Object(body)
}

/// Cuts one page out of all items of something small. `id` is the sorting that makes the order total.
pub fn page_of<T>(mut items: Vec<T>, paging: &Paging, id: &'static str, key: impl Fn(&T, &'static str) -> Key) -> Page<T> {
    let place = |item: &T| (key(item, paging.sorting.name), key(item, id));
    items.sort_by(|a, b| compare(&place(a), &place(b)));
    if paging.descending {
        items.reverse();
    }
    let total = items.len() as u64;
    if let Some(cursor) = &paging.after {
        let after = (cursor.key.clone(), cursor.id.clone());
        let beyond = if paging.descending { Ordering::Less } else { Ordering::Greater };
        items.retain(|item| compare(&place(item), &after) == beyond);
    } else if !paging.walks {
        let skip = (paging.number as usize - 1) * paging.size as usize;
        items.drain(..skip.min(items.len()));
    }
    let more = items.len() > paging.size as usize;
    items.truncate(paging.size as usize);
    let next = items.last().filter(|_| more).map(place).map(|(key, id)| Cursor { key, id, total: None });
    Page { items, total, next }
}

fn compare(a: &(Key, Key), b: &(Key, Key)) -> Ordering {
    let one = |a: &Key, b: &Key| match (a, b) {
        (Key::Text(a), Key::Text(b)) => a.cmp(b),
        (Key::Number(a), Key::Number(b)) => a.cmp(b),
        (Key::Text(_), Key::Number(_)) => Ordering::Greater,
        (Key::Number(_), Key::Text(_)) => Ordering::Less,
    };
    one(&a.0, &b.0).then_with(|| one(&a.1, &b.1))
}

/// The addresses of other pages of the same listing.
struct Links {
    path: String,
    others: BTreeMap<String, String>,
    query: String,
}

impl Links {
    fn new(uri: &Uri) -> Self {
        let query = uri.query().unwrap_or_default();
        let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        let read = pairs.filter_map(|(name, value)| Some((unescape(name).ok()?, unescape(value).ok()?)));
        let others = read.filter(|(name, _)| name != "pageNumber" && name != "cursor").collect();
        Links { path: uri.path().to_owned(), others, query: query.to_owned() }
    }

    fn itself(&self) -> String {
        if self.query.is_empty() { self.path.clone() } else { format!("{}?{}", self.path, self.query) }
    }

    fn to_page(&self, number: u64) -> String {
        self.with("pageNumber", &number.to_string())
    }

    fn to_cursor(&self, cursor: &str) -> String {
        self.with("cursor", cursor)
    }

    fn with(&self, name: &str, value: &str) -> String {
        let others = self.others.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let pairs: Vec<String> = others.chain([(name, value)]).map(|(name, value)| format!("{}={}", escape(name), escape(value))).collect();
        format!("{}?{}", self.path, pairs.join("&"))
    }
}

fn write_cursor(cursor: &Cursor, paging: &Paging) -> String {
    let value = |key: &Key| match key {
        Key::Text(text) => json!(text),
        Key::Number(number) => json!(number),
    };
    let text = json!([paging.sorting.name, paging.descending, value(&cursor.key), value(&cursor.id), cursor.total]).to_string();
    base64url(text.as_bytes())
}

fn read_cursor(text: &str, sorting: Sorting, descending: bool) -> Result<Cursor, Problem> {
    let wrong =
        || Problem::invalid("cursor", "The cursor is none of this listing in this order. Begin with an empty one, then follow nextUri.");
    let bytes = unbase64url(text).ok_or_else(wrong)?;
    let (name, order, key, id, total): (String, bool, Value, Value, Option<u64>) = serde_json::from_slice(&bytes).map_err(|_| wrong())?;
    let read = |value: Value| match value {
        Value::String(text) if !text.contains('\0') => Some(Key::Text(text)),
        Value::Number(number) => number.as_i64().map(Key::Number),
        _ => None,
    };
    let cursor = Cursor { key: read(key).ok_or_else(wrong)?, id: read(id).ok_or_else(wrong)?, total };
    let fits = name == sorting.name && order == descending && matches!(cursor.key, Key::Number(_)) == sorting.number;
    if fits { Ok(cursor) } else { Err(wrong()) }
}
