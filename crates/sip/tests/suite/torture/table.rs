//! The torture messages of RFC 4475 and RFC 5118, each with what the RFC wants and what is made of it. `docs/design/torture.md` is
//! written from this table.
//!
//! The messages lie in `tests/torture/`, octet for octet, rebuilt from the text of the RFCs with its conventions for long lines, repetitions
//! and hexadecimal octets. Where the printed Content-Length is wrong, it is kept, and the row says so.

use sip::{FieldError, Name, ParseError};

use super::Outcome::{self, Read, Refused, Spoiled};

pub struct Row {
    pub name: &'static str,
    pub section: &'static str,
    /// What the RFC wants of an element.
    pub rfc: &'static str,
    pub ours: Outcome,
    pub why: &'static str,
    pub datagram: &'static [u8],
}

macro_rules! table {
    ($($test:ident = $name:literal, $section:literal, $rfc:literal, $ours:expr, $why:literal;)*) => {
        pub const TABLE: &[Row] = &[$(Row {
            name: $name,
            section: $section,
            rfc: $rfc,
            ours: $ours,
            why: $why,
            datagram: include_bytes!(concat!("../../torture/", $name, ".sip")),
        },)*];

        $(#[test]
        fn $test() {
            super::holds($name);
        })*
    };
}

table! {
    wsinv = "wsinv", "RFC 4475 3.1.1.1", "well-formed", Read, "folds, white space around every separator and both forms of a name are grammar";
    intmeth = "intmeth", "RFC 4475 3.1.1.2", "well-formed; an endpoint answers 501", Read, "methods, names and parameters are tokens, a Call-ID is bytes; the method is for the caller";
    esc01 = "esc01", "RFC 4475 3.1.1.3", "well-formed", Read, "escapes stay as written, and are resolved when URIs are compared";
    escnull = "escnull", "RFC 4475 3.1.1.4", "well-formed", Read, "an escaped NUL is three characters";
    esc02 = "esc02", "RFC 4475 3.1.1.5", "well-formed; % is no escape in methods and names of headers", Read, "the second of three Contacts is a header of another name";
    lwsdisp = "lwsdisp", "RFC 4475 3.1.1.6", "well-formed", Read, "a display name may touch its bracket";
    longreq = "longreq", "RFC 4475 3.1.1.7", "well-formed", Read, "far below the limits of a message";
    dblreq = "dblreq", "RFC 4475 3.1.1.8", "well-formed; what follows the body is ignored", Read, "a datagram ends where Content-Length says";
    semiuri = "semiuri", "RFC 4475 3.1.1.9", "well-formed; the semicolon belongs to the user", Read, "parameters begin behind the last @";
    transports = "transports", "RFC 4475 3.1.1.10", "well-formed", Read, "any token is a transport";
    mpart01 = "mpart01", "RFC 4475 3.1.1.11", "well-formed; the body is binary", Read, "a body is bytes";
    unreason = "unreason", "RFC 4475 3.1.1.12", "well-formed", Read, "a reason phrase is bytes";
    noreason = "noreason", "RFC 4475 3.1.1.13", "well-formed", Read, "a reason phrase may be empty";
    badinv01 = "badinv01", "RFC 4475 3.1.2.1", "malformed; 400", Spoiled(&[FieldError::Malformed(Name::Via), FieldError::Malformed(Name::Contact)]), "empty parameters; without a Via there is nobody to answer, so it is dropped";
    clerr = "clerr", "RFC 4475 3.1.2.2", "over UDP 400", Refused(ParseError::BodyTruncated { declared: 9999, present: 154 }), "a truncated body is no body";
    ncl = "ncl", "RFC 4475 3.1.2.3", "over UDP an error", Refused(ParseError::ContentLength), "a length is digits";
    scalar02 = "scalar02", "RFC 4475 3.1.2.4", "CSeq: 400; Expires and expires may be taken as 2^32 - 1", Spoiled(&[FieldError::OutOfRange(Name::CSeq)]), "seconds are clamped, a CSeq is not";
    scalarlg = "scalarlg", "RFC 4475 3.1.2.5", "dropped; an overlarge Retry-After may be clamped", Spoiled(&[FieldError::OutOfRange(Name::CSeq)]), "a response whose CSeq cannot be read matches no request";
    quotbal = "quotbal", "RFC 4475 3.1.2.6", "400", Spoiled(&[FieldError::Malformed(Name::To)]), "a quote that is never closed";
    ltgtruri = "ltgtruri", "RFC 4475 3.1.2.7", "400, or the brackets ignored", Refused(ParseError::StartLine), "strict: nobody who calls a registered contact sends it";
    lwsruri = "lwsruri", "RFC 4475 3.1.2.8", "400, or the white space ignored", Refused(ParseError::StartLine), "strict: a start line has three parts";
    lwsstart = "lwsstart", "RFC 4475 3.1.2.9", "400, or the spaces ignored", Refused(ParseError::StartLine), "strict, as above";
    trws = "trws", "RFC 4475 3.1.2.10", "400, or the spaces ignored", Refused(ParseError::StartLine), "strict, as above";
    escruri = "escruri", "RFC 4475 3.1.2.11", "400, or the headers ignored", Read, "the headers are ignored: a registering user agent never acts on them";
    baddate = "baddate", "RFC 4475 3.1.2.12", "400, or ignored where Date is not used", Read, "Date is not used";
    regbadct = "regbadct", "RFC 4475 3.1.2.13", "400, or the brackets inferred", Spoiled(&[FieldError::Malformed(Name::Contact)]), "RFC 3261 20: a URI with ? needs its brackets";
    badaspec = "badaspec", "RFC 4475 3.1.2.14", "400, or the spaces ignored", Spoiled(&[FieldError::Malformed(Name::To)]), "strict: no space within brackets";
    baddn = "baddn", "RFC 4475 3.1.2.15", "400, or the quotes inferred", Spoiled(&[FieldError::Malformed(Name::From), FieldError::Malformed(Name::To)]), "strict: a comma ends an unquoted name";
    badvers = "badvers", "RFC 4475 3.1.2.16", "505", Refused(ParseError::Version), "another version is another protocol";
    mismatch01 = "mismatch01", "RFC 4475 3.1.2.17", "400", Read, "whether both methods agree is for the caller: `ua` matches responses by it";
    mismatch02 = "mismatch02", "RFC 4475 3.1.2.18", "501, or 400", Read, "as above";
    bigcode = "bigcode", "RFC 4475 3.1.2.19", "dropped", Refused(ParseError::StatusCode), "codes have three digits and end at 699";
    badbranch = "badbranch", "RFC 4475 3.2.1", "must not break; the branch is not unique", Read, "a branch is compared, never taken apart";
    insuf = "insuf", "RFC 4475 3.3.1", "400", Spoiled(&[FieldError::Missing(Name::CallId), FieldError::Missing(Name::From), FieldError::Missing(Name::To)]), "what is missing is named";
    unkscm = "unkscm", "RFC 4475 3.3.2", "416", Read, "a Request-URI may have any scheme; as SIP URI it is refused";
    novelsc = "novelsc", "RFC 4475 3.3.3", "416", Read, "as above";
    unksm2 = "unksm2", "RFC 4475 3.3.4", "must not break; a registrar answers 400", Read, "addresses may have any scheme; as SIP URI they are refused";
    bext01 = "bext01", "RFC 4475 3.3.5", "420", Read, "extensions are for the caller";
    invut = "invut", "RFC 4475 3.3.6", "415", Read, "bodies are for the caller";
    regaut01 = "regaut01", "RFC 4475 3.3.7", "the scheme is ignored; 401", Read, "as credentials it is refused by name of its scheme";
    multi01 = "multi01", "RFC 4475 3.3.8", "400; as printed its length is 154 of 152 octets", Refused(ParseError::BodyTruncated { declared: 154, present: 152 }), "with the length mended, all four headers that are given twice are refused";
    mcl01 = "mcl01", "RFC 4475 3.3.9", "400", Refused(ParseError::ContentLengthConflict), "two lengths are none";
    bcast = "bcast", "RFC 4475 3.3.10", "dropped for its second Via", Read, "a client looks at its own Via, the topmost one: it matches none of our requests";
    zeromf = "zeromf", "RFC 4475 3.3.11", "an endpoint answers as usual", Read, "we forward nothing";
    cparam01 = "cparam01", "RFC 4475 3.3.12", "the parameter is the Contact's", Read, "without brackets parameters belong to the header";
    cparam02 = "cparam02", "RFC 4475 3.3.13", "the parameter is the URI's", Read, "within brackets they belong to the URI";
    regescrt = "regescrt", "RFC 4475 3.3.14", "the header is the URI's", Read, "within brackets ? is allowed";
    sdp01 = "sdp01", "RFC 4475 3.3.15", "406 or 488", Read, "bodies are for the caller";
    inv2543 = "inv2543", "RFC 4475 3.4.1", "accepted by elements that are compatible with RFC 2543", Read, "neither tag nor branch nor Content-Length is needed to read a message";
    ipv6_good = "ipv6-good", "RFC 5118 4.1", "well-formed", Read, "";
    ipv6_bad = "ipv6-bad", "RFC 5118 4.2", "400", Read, "the message is framed; its Request-URI is refused as SIP URI";
    port_ambiguous = "port-ambiguous", "RFC 5118 4.3", "well-formed; 5070 is part of the address", Read, "all within brackets is the address";
    port_unambiguous = "port-unambiguous", "RFC 5118 4.4", "well-formed; 5070 is the port", Read, "";
    via_received_param_with_delim = "via-received-param-with-delim", "RFC 5118 4.5", "invalid, but must be read", Read, "`received` is read with and without brackets";
    via_received_param_no_delim = "via-received-param-no-delim", "RFC 5118 4.5", "well-formed", Read, "";
    ipv6_in_sdp = "ipv6-in-sdp", "RFC 5118 4.6", "well-formed; as printed its length is 268 of 251 octets", Refused(ParseError::BodyTruncated { declared: 268, present: 251 }), "with the length mended it is read";
    mult_ip_in_header = "mult-ip-in-header", "RFC 5118 4.7", "well-formed", Read, "";
    mult_ip_in_sdp = "mult-ip-in-sdp", "RFC 5118 4.8", "well-formed", Read, "as printed the length is 181 of 189 octets: the rest is ignored";
    ipv4_mapped_ipv6 = "ipv4-mapped-ipv6", "RFC 5118 4.9", "well-formed", Read, "as printed the length is 236 of 245 octets: the rest is ignored";
    ipv6_bug_abnf_3_colons = "ipv6-bug-abnf-3-colons", "RFC 5118 4.10", "may be read in spite of its third colon", Read, "strict: the message is framed, and its Request-URI is no SIP URI";
    ipv6_correct_abnf_2_colons = "ipv6-correct-abnf-2-colons", "RFC 5118 4.10", "well-formed", Read, "";
}
