use std::fmt;

use crate::challenge_list::ChallengeList;
use crate::framing::{self, Index};
use crate::lex::{self, Elements};
use crate::{
    AuthenticationInfo, CSeq, Challenge, ChallengeFault, ChallengeSource, Contact, FieldError, Name, NameAddr, ParseError, Start, Via,
    seconds,
};

/// The longest message that is read. RFC 3261 18.1.1 keeps requests below the MTU; an answer may be longer, but not
/// this long.
pub const MESSAGE_BYTES_MAX: usize = 16 * 1024;

/// The most header lines that a message may have: three times what carriers were seen to send.
pub const HEADERS_MAX: usize = 128;

/// So many headers are indexed where the message is: an answer to REGISTER has fewer, and what is not needed is not cleared.
const HEADERS_AT_HAND: usize = 24;

/// Where a header's name and value are in the datagram; 16 bits hold every place below [`MESSAGE_BYTES_MAX`].
#[derive(Clone, Copy)]
pub(crate) struct Field {
    name: Name,
    name_at: u16,
    name_len: u16,
    value_at: u16,
    value_len: u16,
}

impl Field {
    const NONE: Field = Field { name: Name::Other, name_at: 0, name_len: 0, value_at: 0, value_len: 0 };

    pub(crate) fn new(name: Name, name_at: usize, name_len: usize, value_at: usize, value: &[u8]) -> Result<Field, ParseError> {
        let mut field = Field { name, name_at: place(name_at)?, name_len: place(name_len)?, ..Field::NONE };
        field.set_value(value_at, value)?;
        Ok(field)
    }

    pub(crate) fn is(&self, name: Name) -> bool {
        self.name == name
    }

    /// Takes in a continuation line that starts at `at`.
    pub(crate) fn extend(&mut self, line: &[u8], at: usize) -> Result<(), ParseError> {
        if self.value_len == 0 {
            return self.set_value(at, line);
        }
        let kept = lex::trim(line);
        if !kept.is_empty() {
            let end = at + (line.len() - lex::trim_start(line).len()) + kept.len();
            self.value_len = place(end.saturating_sub(usize::from(self.value_at)))?;
        }
        Ok(())
    }

    fn set_value(&mut self, at: usize, value: &[u8]) -> Result<(), ParseError> {
        self.value_at = place(at + (value.len() - lex::trim_start(value).len()))?;
        self.value_len = place(lex::trim(value).len())?;
        Ok(())
    }

    pub(crate) fn name<'a>(&self, datagram: &'a [u8]) -> &'a [u8] {
        slice(datagram, self.name_at, self.name_len)
    }

    pub(crate) fn value<'a>(&self, datagram: &'a [u8]) -> &'a [u8] {
        slice(datagram, self.value_at, self.value_len)
    }
}

/// The headers of a message in order, at most [`HEADERS_MAX`].
pub(crate) struct Fields {
    at_hand: [Field; HEADERS_AT_HAND],
    count: usize,
    beyond: Vec<Field>,
}

impl Default for Fields {
    fn default() -> Self {
        Fields { at_hand: [Field::NONE; HEADERS_AT_HAND], count: 0, beyond: Vec::new() }
    }
}

impl Fields {
    pub(crate) fn push(&mut self, field: Field) -> Result<(), ParseError> {
        if self.count >= HEADERS_MAX {
            return Err(ParseError::TooManyHeaders);
        }
        match self.at_hand.get_mut(self.count) {
            Some(slot) => *slot = field,
            None => self.beyond.push(field),
        }
        self.count += 1;
        Ok(())
    }

    pub(crate) fn last_mut(&mut self) -> Option<&mut Field> {
        match self.beyond.last_mut() {
            Some(last) => Some(last),
            None => self.at_hand.get_mut(self.count.checked_sub(1)?),
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Field> {
        self.at_hand.iter().take(self.count).chain(&self.beyond)
    }
}

fn place(at: usize) -> Result<u16, ParseError> {
    u16::try_from(at).map_err(|_| ParseError::TooLong)
}

fn slice(bytes: &[u8], at: u16, len: u16) -> &[u8] {
    let at = usize::from(at);
    bytes.get(at..at + usize::from(len)).unwrap_or_default()
}

/// A SIP message that borrows the datagram it came in (RFC 3261 7). Headers are indexed once, values are parsed when
/// they are asked for.
pub struct Message<'a> {
    datagram: &'a [u8],
    index: Index<'a>,
}

impl<'a> Message<'a> {
    /// Indexes a datagram.
    ///
    /// Line ends before the start line are skipped, folded headers and compact names are understood, a body longer
    /// than Content-Length is trimmed (RFC 3261 18.3). Bare CR or LF, a Content-Length that is no number or conflicts
    /// with another, and a body shorter than Content-Length are refused.
    pub fn parse(datagram: &'a [u8]) -> Result<Message<'a>, ParseError> {
        framing::index(datagram).map(|index| Message { datagram, index })
    }

    /// The request or status line.
    pub fn start(&self) -> Start<'a> {
        self.index.start
    }

    fn fields(&self) -> impl Iterator<Item = &Field> {
        self.index.fields.iter()
    }

    /// The value of the first header of this name, without white space around it; folds stay in it.
    pub fn header(&self, name: Name) -> Option<&'a [u8]> {
        self.headers(name).next()
    }

    /// The whole values of all header lines of this name, in order.
    pub fn headers(&self, name: Name) -> impl Iterator<Item = &'a [u8]> {
        self.fields().filter(move |field| field.is(name)).map(|field| field.value(self.datagram))
    }

    /// The value of the first header with exactly this name, in any case; for headers that [`Name`] does not know.
    pub fn other(&self, name: &str) -> Option<&'a [u8]> {
        self.all().find(|(n, _)| n.eq_ignore_ascii_case(name.as_bytes())).map(|(_, value)| value)
    }

    /// Whether there is a header of this name, and every one of them has exactly this value.
    pub fn repeats(&self, name: Name, value: &[u8]) -> bool {
        let mut values = self.headers(name);
        values.next().is_some_and(|first| first == value) && values.all(|other| other == value)
    }

    /// All headers in order: the name as written, and the value.
    pub fn all(&self) -> impl Iterator<Item = (&'a [u8], &'a [u8])> {
        self.fields().map(|field| (field.name(self.datagram), field.value(self.datagram)))
    }

    /// The datagram that it was read from, as it came.
    pub fn bytes(&self) -> &'a [u8] {
        self.datagram
    }

    /// The body.
    pub fn body(&self) -> &'a [u8] {
        self.index.body
    }

    /// The value of a header that may stand once. A repetition with the same value is let pass.
    fn single(&self, name: Name) -> Result<Option<&'a [u8]>, FieldError> {
        let mut values = self.headers(name);
        let Some(first) = values.next() else { return Ok(None) };
        if values.any(|value| value != first) {
            return Err(FieldError::Repeated(name));
        }
        Ok(Some(first))
    }

    fn required(&self, name: Name) -> Result<&'a [u8], FieldError> {
        self.single(name)?.ok_or(FieldError::Missing(name))
    }

    /// The topmost Via (RFC 3261 20.42).
    pub fn via(&self) -> Result<Via<'a>, FieldError> {
        Via::parse_first(self.header(Name::Via).ok_or(FieldError::Missing(Name::Via))?)
    }

    /// The CSeq (RFC 3261 20.16). Whether its method is the request's is for the caller to judge.
    pub fn cseq(&self) -> Result<CSeq<'a>, FieldError> {
        CSeq::parse(self.required(Name::CSeq)?)
    }

    /// The Call-ID, compared byte for byte (RFC 3261 20.8).
    pub fn call_id(&self) -> Result<&'a [u8], FieldError> {
        let value = self.required(Name::CallId)?;
        if value.is_empty() || value.iter().any(|&b| lex::is_lws(b)) {
            return Err(FieldError::Malformed(Name::CallId));
        }
        Ok(value)
    }

    /// The From (RFC 3261 20.20).
    pub fn from(&self) -> Result<NameAddr<'a>, FieldError> {
        NameAddr::parse(Name::From, self.required(Name::From)?)
    }

    /// The To (RFC 3261 20.39).
    pub fn to(&self) -> Result<NameAddr<'a>, FieldError> {
        NameAddr::parse(Name::To, self.required(Name::To)?)
    }

    /// All Contacts of all lines, in order (RFC 3261 20.10); one that is malformed does not hide the others.
    pub fn contacts(&self) -> impl Iterator<Item = Result<Contact<'a>, FieldError>> {
        self.headers(Name::Contact).flat_map(Elements::new).map(Contact::parse)
    }

    /// Expires in seconds (RFC 3261 20.19); a number beyond 32 bits is `u32::MAX`.
    pub fn expires(&self) -> Result<Option<u32>, FieldError> {
        self.single(Name::Expires)?.map(|value| seconds::plain(Name::Expires, value)).transpose()
    }

    /// Min-Expires in seconds (RFC 3261 20.23); a number beyond 32 bits is `u32::MAX`.
    pub fn min_expires(&self) -> Result<Option<u32>, FieldError> {
        self.single(Name::MinExpires)?.map(|value| seconds::plain(Name::MinExpires, value)).transpose()
    }

    /// Retry-After in seconds (RFC 3261 20.33), comment and parameters let pass; beyond 32 bits it is `u32::MAX`.
    pub fn retry_after(&self) -> Result<Option<u32>, FieldError> {
        self.single(Name::RetryAfter)?.map(seconds::retry_after).transpose()
    }

    /// Flow-Timer in seconds (RFC 5626 10); a number beyond 32 bits is `u32::MAX`.
    pub fn flow_timer(&self) -> Result<Option<u32>, FieldError> {
        self.single(Name::FlowTimer)?.map(|value| seconds::plain(Name::FlowTimer, value)).transpose()
    }

    /// All challenges of all WWW-Authenticate and Proxy-Authenticate lines, in order, several to a line included
    /// (RFC 3261 20.44, 20.27, RFC 8760 2.3).
    pub fn challenges(&self) -> impl Iterator<Item = (ChallengeSource, Result<Challenge<'a>, ChallengeFault<'a>>)> {
        self.fields()
            .filter_map(|field| Some((ChallengeSource::of(field.name)?, field)))
            .flat_map(|(source, field)| ChallengeList::new(field.value(self.datagram)).map(move |raw| (source, Challenge::parse(raw))))
    }

    /// The Authentication-Info (RFC 3261 20.6, RFC 7616 3.5).
    pub fn authentication_info(&self) -> Result<Option<AuthenticationInfo<'a>>, FieldError> {
        self.single(Name::AuthenticationInfo)?.map(AuthenticationInfo::parse).transpose()
    }
}

impl fmt::Debug for Message<'_> {
    /// Shows the start line only: headers may hold digests.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message").field("start", &self.index.start).field("headers", &self.index.fields.count).finish()
    }
}
