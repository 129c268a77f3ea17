use axum::extract::{Form, FromRequest, FromRequestParts, Query, Request};
use axum::http::{HeaderMap, header};
use subtle::ConstantTimeEq;

use crate::Console;
use crate::fault::Fault;
use crate::session::Session;

/// The fields of a form or of a query, in order.
#[derive(Clone, Default)]
pub struct Fields(Vec<(String, String)>);

impl Fields {
    /// The first of this name that is not empty.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(field, value)| field == name && !value.is_empty()).map(|(_, value)| value.as_str())
    }

    /// All of this name.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(field, _)| field == name).map(|(_, value)| value.as_str())
    }
}

impl FromIterator<(String, String)> for Fields {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(fields: I) -> Self {
        Fields(fields.into_iter().collect())
    }
}

/// A form that was sent from a page of this session.
pub struct Posted {
    /// Who sent it.
    pub who: Session,
    /// What is in it.
    pub fields: Fields,
}

impl FromRequest<Console> for Posted {
    type Rejection = Fault;

    async fn from_request(request: Request, console: &Console) -> Result<Self, Fault> {
        let (mut parts, body) = request.into_parts();
        let who = Session::from_request_parts(&mut parts, console).await?;
        same_origin(&parts.headers)?;
        let Form(fields) = Form::from_request(Request::from_parts(parts, body), console).await.map_err(|_| Fault::ForeignForm)?;
        let fields = Fields(fields);
        let given = fields.get("csrf").unwrap_or_default();
        if bool::from(given.as_bytes().ct_eq(who.csrf.as_bytes())) { Ok(Posted { who, fields }) } else { Err(Fault::ForeignForm) }
    }
}

/// Refuses forms that another site sends (Fetch metadata; Origin, RFC 6454 7).
///
/// # Errors
/// [`Fault::ForeignForm`].
pub fn same_origin(headers: &HeaderMap) -> Result<(), Fault> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    if text("sec-fetch-site").is_some_and(|site| site != "same-origin" && site != "none") {
        return Err(Fault::ForeignForm);
    }
    match (text("origin"), text(header::HOST.as_str())) {
        (None, _) => Ok(()),
        (Some(origin), Some(host)) if origin.split_once("://").is_some_and(|(_, from)| from == host) => Ok(()),
        _ => Err(Fault::ForeignForm),
    }
}

/// The query of a page.
impl<S: Sync> FromRequestParts<S> for Fields {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut axum::http::request::Parts, _: &S) -> Result<Self, Fault> {
        Query::try_from_uri(&parts.uri).map(|Query(fields)| Fields(fields)).map_err(|_| Fault::Missing)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_of_another_site_is_refused() {
        for (pairs, ours) in [
            (&[("host", "a:1"), ("origin", "http://a:1"), ("sec-fetch-site", "same-origin")][..], true),
            (&[("host", "a:1")], true),
            (&[("host", "a:1"), ("origin", "http://b")], false),
            (&[("host", "a:1"), ("origin", "null")], false),
            (&[("host", "a:1"), ("sec-fetch-site", "cross-site")], false),
            (&[("host", "a:1"), ("sec-fetch-site", "same-site")], false),
        ] {
            let mut headers = HeaderMap::new();
            for (name, value) in pairs {
                headers.insert(*name, value.parse().unwrap());
            }
            assert_eq!(same_origin(&headers).is_ok(), ours, "{pairs:?}");
        }
    }
}
