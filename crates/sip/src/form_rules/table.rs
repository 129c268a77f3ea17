use super::Field;

/// The rules of one field.
#[derive(Debug, Clone, Copy)]
pub struct FieldRules {
    /// Which field.
    pub field: Field,
    /// What it is called in a heading.
    pub title: &'static str,
    /// What it is, in a sentence or two.
    pub what: &'static str,
    /// Its rules.
    pub rules: &'static [Rule],
}

/// One rule of form.
#[derive(Debug, Clone, Copy)]
pub struct Rule {
    /// `length`, `characters`, `case`, `spelling`, `copying`, `scheme`, `host`, `port`, `parameters` or `password`.
    pub aspect: &'static str,
    /// The rule, in a sentence.
    pub says: &'static str,
    /// What it lets pass.
    pub valid: &'static [&'static str],
    /// What it refuses, each with the code that tells so.
    pub invalid: &'static [(&'static str, &'static str)],
}

const WHITESPACE: &str = "registration.whitespace";
const USERNAME: &str = "registration.username.malformed";
const REALM: &str = "registration.realm.malformed";
const ALGORITHM: &str = "registration.algorithm.unknown";
const EMPTY: &str = "registration.password.empty";
const VALUE: &str = "invalid.value";
const HA1: &str = "registration.ha1.malformed";
const URI: &str = "registration.registrar.malformed";

/// `x` so many times.
macro_rules! xs {
    ($count:literal) => {
        match std::str::from_utf8(&[b'x'; $count]) {
            Ok(text) => text,
            Err(_) => unreachable!(),
        }
    };
}

/// A URI of so many bytes: `sip:` and a host of labels.
const LONG_URI: &str = concat!(
    "sip:sbc.carrier-with-a-very-long-name-0123456789.carrier-with-a-very-long-name-0123456789.carrier-with-a-very-long-name-0123456789",
    ".carrier-with-a-very-long-name-0123456789.carrier-with-a-very-long-name-0123456789.carrier-with-a-very-long-name-0123456789.example"
);

/// Every rule of form.
pub const TABLE: &[FieldRules] = &[
    FieldRules {
        field: Field::Username,
        title: "User name",
        what: "The name that the digest is made with. Often the number, sometimes the whole address-of-record, sometimes neither: the carrier's sheet says which.",
        rules: &[
            Rule {
                aspect: "length",
                says: "1 to 255 bytes in UTF-8.",
                valid: &["6221500004", "u", xs!(255)],
                invalid: &[("", USERNAME), (xs!(256), USERNAME)],
            },
            Rule {
                aspect: "characters",
                says: "Anything but control characters; `+`, `@`, `:` and letters of any script may stand in it.",
                valid: &["+6221500004", "6221500004@ims.carrier.co.id", "jkt:04", "Jäsøn Doe"],
                invalid: &[("6221\u{0}500004", USERNAME), ("6221\n500004", USERNAME), ("6221\u{7f}500004", USERNAME)],
            },
            Rule {
                aspect: "case",
                says: "Kept as it is given, and the digest is made over just that: `Alice` and `alice` are two user names.",
                valid: &["Alice", "alice"],
                invalid: &[],
            },
            Rule {
                aspect: "copying",
                says: "Nothing that copying from a sheet leaves: outer white space, no-break and other odd spaces, invisible characters, a byte order mark, typographic quotation marks.",
                valid: &["o'hara"],
                invalid: &[
                    ("6221500004 ", WHITESPACE),
                    ("\t6221500004", WHITESPACE),
                    ("6221\u{a0}500004", WHITESPACE),
                    ("6221500004\u{200b}", WHITESPACE),
                    ("\u{feff}6221500004", WHITESPACE),
                    ("\u{201c}6221500004\u{201d}", WHITESPACE),
                ],
            },
        ],
    },
    FieldRules {
        field: Field::Password,
        title: "Password",
        what: "The secret itself. It is kept byte for byte; no rule asks for a digit or a capital, for the carrier has chosen it.",
        rules: &[
            Rule {
                aspect: "length",
                says: "1 to 1,024 bytes in UTF-8.",
                valid: &["x", xs!(1024)],
                invalid: &[("", EMPTY), (xs!(1025), VALUE)],
            },
            Rule {
                aspect: "characters",
                says: "Anything but control characters. Straight quotation marks, backslashes, colons and spaces between words are part of it.",
                valid: &["s3cret", "a \"quoted\" b\\c", "p:a:s:s", "Пароль-7", "correct horse battery"],
                invalid: &[("s3\u{1}cret", WHITESPACE), ("s3\ncret", WHITESPACE)],
            },
            Rule { aspect: "case", says: "Matters.", valid: &["S3cret", "s3cret"], invalid: &[] },
            Rule {
                aspect: "copying",
                says: "Nothing that copying from a sheet leaves. If the password really has it, say so: `\"accept\": [\"registration.whitespace\"]` in the API, `--accept-whitespace` in `trunkline verify`.",
                valid: &["it's"],
                invalid: &[
                    (" s3cret", WHITESPACE),
                    ("s3cret\r\n", WHITESPACE),
                    ("s3cret\u{a0}", WHITESPACE),
                    ("s3\u{200d}cret", WHITESPACE),
                    ("\u{2018}s3cret\u{2019}", WHITESPACE),
                ],
            },
        ],
    },
    FieldRules {
        field: Field::Realm,
        title: "Realm",
        what: "The bare text between the quotes of the carrier's challenge, such as `ims.carrier.co.id`. Left out, or `*`, it is learned from the carrier and pinned; it is a name, not an address, and need not resolve.",
        rules: &[
            Rule {
                aspect: "length",
                says: "1 to 255 bytes in UTF-8.",
                valid: &["ims.carrier.co.id", "*", xs!(255)],
                invalid: &[("", REALM), (xs!(256), REALM)],
            },
            Rule {
                aspect: "characters",
                says: "Anything but control characters and quotation marks; spaces between words may stand in it.",
                valid: &["sip-1.pb", "the realm", "Jakarta's", "asterisk"],
                invalid: &[("\"carrier\"", REALM), ("car\u{1}rier", REALM), ("carrier\tco", REALM)],
            },
            Rule {
                aspect: "scheme",
                says: "Not a URI: no `sip:` and no `sips:` before it.",
                valid: &["sip.carrier.co.id"],
                invalid: &[("sip:ims.carrier.co.id", REALM), ("SIPS:ims.carrier.co.id", REALM)],
            },
            Rule {
                aspect: "port",
                says: "None, unless the challenge itself shows one: a realm is compared as a text, so `ims.carrier.co.id:5060` is another realm than `ims.carrier.co.id` (`sip.realm.mismatch` once the carrier is asked).",
                valid: &["ims.carrier.co.id:5060"],
                invalid: &[],
            },
            Rule {
                aspect: "case",
                says: "Matters: the digest is made over the realm's very letters. A challenge that differs in case alone is `sip.realm.mismatch`, and the diagnosis says so.",
                valid: &["IMS.Carrier.co.id"],
                invalid: &[],
            },
            Rule {
                aspect: "copying",
                says: "Nothing that copying from a sheet leaves.",
                valid: &[],
                invalid: &[
                    ("ims.carrier.co.id ", WHITESPACE),
                    ("ims.carrier\u{200b}.co.id", WHITESPACE),
                    ("\u{201c}ims.carrier.co.id\u{201d}", WHITESPACE),
                ],
            },
        ],
    },
    FieldRules {
        field: Field::Algorithm,
        title: "Algorithm",
        what: "The digest algorithm to insist on. Left out, the strongest that the carrier offers and the policy allows is used.",
        rules: &[
            Rule {
                aspect: "spelling",
                says: "`MD5`, `SHA-256` or `SHA-512-256`, each also with `-sess`. Hyphens, underscores, slashes and spaces count for nothing; it is echoed in the IANA form.",
                valid: &["MD5", "SHA-256", "SHA-512-256", "SHA256", "SHA512-256", "SHA-512/256", "MD5-sess", " MD5 "],
                invalid: &[("SHA-1", ALGORITHM), ("SHA-512", ALGORITHM), ("AKAv1-MD5", ALGORITHM), ("", ALGORITHM)],
            },
            Rule { aspect: "case", says: "Does not matter.", valid: &["md5", "sha256", "Sha-256-SESS"], invalid: &[] },
        ],
    },
    FieldRules {
        field: Field::Ha1,
        title: "HA1",
        what: "In place of a password: H(username:realm:password), one for each algorithm; here written `ALGORITHM=HEX`. It needs an explicit realm (`registration.ha1.realm_required`).",
        rules: &[
            Rule {
                aspect: "length",
                says: "32 hexadecimal digits for MD5, 64 for SHA-256 and SHA-512-256.",
                valid: &[
                    "MD5=939e7578ed9e3c518a452acee763bce9",
                    "SHA-256=7987c64c30e25f1b74be53f966b49b90f2808aa92faf9a00262392d7b4794232",
                ],
                invalid: &[("MD5=939e7578", HA1), ("SHA-256=939e7578ed9e3c518a452acee763bce9", HA1), ("MD5=", HA1)],
            },
            Rule {
                aspect: "characters",
                says: "Hexadecimal digits alone.",
                valid: &[],
                invalid: &[("MD5=939e7578ed9e3c518a452acee763bcez", HA1), ("MD5=0x9e7578ed9e3c518a452acee763bce9", HA1)],
            },
            Rule {
                aspect: "case",
                says: "Does not matter; the digits are used in lower case, as RFC 7616 3.4 hashes them.",
                valid: &["md5=939E7578ED9E3C518A452ACEE763BCE9"],
                invalid: &[],
            },
            Rule {
                aspect: "spelling",
                says: "The algorithm is a hash, without `-sess`: the session's own part is added when the nonce is known.",
                valid: &[],
                invalid: &[("MD5-sess=939e7578ed9e3c518a452acee763bce9", HA1), ("CRC32=939e7578ed9e3c518a452acee763bce9", HA1)],
            },
        ],
    },
    FieldRules {
        field: Field::Uri,
        title: "URIs",
        what: "Address-of-record, registrars, Request-URI and outbound proxy: `sip:[user@]host[:port][;transport=udp]`, kept byte for byte (RFC 3261 25.1).",
        rules: &[
            Rule { aspect: "length", says: "At most 255 bytes.", valid: &["sip:u1@lab"], invalid: &[(LONG_URI, URI), ("", URI)] },
            Rule {
                aspect: "scheme",
                says: "`sip:` or `sips:`, in any case. A `tel:` URI names a number and no place to register at.",
                valid: &["sip:sbc1.carrier.co.id;transport=udp", "SIP:u1@lab"],
                invalid: &[("sbc1.carrier.co.id", URI), ("tel:+6221500004", URI), ("https://carrier.co.id", URI)],
            },
            Rule {
                aspect: "characters",
                says: "In the user part letters, digits and `-_.!~*'()&=+$,;?/`; anything else is escaped as `%20`. No white space anywhere.",
                valid: &["sip:+6221500004@ims.carrier.co.id", "sip:6221;phone-context=+62@ims.carrier.co.id", "sip:a%20b@lab"],
                invalid: &[("sip:a b@lab", URI), ("sip:@lab", URI), (" sip:u1@lab", URI), ("sip:u1@lab\u{a0}", URI)],
            },
            Rule {
                aspect: "host",
                says: "A name, an IPv4 address, or an IPv6 address in brackets.",
                valid: &["sip:203.0.113.9", "sip:[2001:db8::1]:5060", "sip:sbc_1.carrier.co.id"],
                invalid: &[("sip:2001:db8::1", URI), ("sip:203.0.113", URI), ("sip:car..rier", URI), ("sip:", URI)],
            },
            Rule {
                aspect: "port",
                says: "1 to 65535, behind a colon; 5060 where none is written. Ports below 1024 have a good form and are refused later (`network.port.forbidden`), for they belong to other services.",
                valid: &["sip:203.0.113.9:5060", "sip:203.0.113.9:65535"],
                invalid: &[("sip:203.0.113.9:0", URI), ("sip:203.0.113.9:65536", URI), ("sip:203.0.113.9:sip", URI)],
            },
            Rule {
                aspect: "case",
                says: "The user part is case-sensitive, the host is not.",
                valid: &["sip:Alice@IMS.Carrier.co.id"],
                invalid: &[],
            },
            Rule {
                aspect: "parameters",
                says: "Each once.",
                valid: &["sip:lab;transport=udp;lr"],
                invalid: &[("sip:lab;transport=udp;transport=tcp", URI), ("sip:lab;;lr", URI)],
            },
            Rule {
                aspect: "password",
                says: "None: everyone who may view the URI would read it.",
                valid: &[],
                invalid: &[("sip:alice:s3cret@lab", URI)],
            },
        ],
    },
];
