//! What `sip` promises, a table for each noun, and the properties that hold for any input.

mod boundaries;
mod build;
mod challenges;
mod digest;
mod form;
mod form_rules;
mod framing;
mod headers;
mod names;
mod oracle;
mod plain_replies;
mod printing;
mod properties;
mod redaction;
mod streams;
mod torture;
mod uris;

/// A 401 with two challenges, folded and compact headers: what a carrier really sends.
pub const UNAUTHORIZED: &str = concat!(
    "SIP/2.0 401 Unauthorized\r\n",
    "Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK776asdhds;received=198.51.100.7;rport=41234\r\n",
    "f: \"Trunk\" <sip:6221500004@ims.carrier.co.id>;tag=456248\r\n",
    "To: <sip:6221500004@ims.carrier.co.id>\r\n ;tag=as3d4f\r\n",
    "i: 843817637684230@998sdasdh09\r\n",
    "CSeq: 1826 REGISTER\r\n",
    "WWW-Authenticate: Digest realm=\"ims.carrier.co.id\", nonce=\"dcd98b7102dd2f0e\", algorithm=SHA-256, qop=\"auth,auth-int\"\r\n",
    "WWW-Authenticate: Digest realm=\"ims.carrier.co.id\", nonce=\"84f1c1ae6cbe5ua9\", opaque=\"5ccc\", algorithm=MD5, stale=FALSE\r\n",
    "l: 0\r\n",
    "\r\n",
);

/// A REGISTER with credentials.
pub const REGISTER: &str = concat!(
    "REGISTER sip:ims.carrier.co.id SIP/2.0\r\n",
    "Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK776asdhds;rport\r\n",
    "Max-Forwards: 70\r\n",
    "From: <sip:6221500004@ims.carrier.co.id>;tag=456248\r\n",
    "To: <sip:6221500004@ims.carrier.co.id>\r\n",
    "Call-ID: 843817637684230@998sdasdh09\r\n",
    "CSeq: 1827 REGISTER\r\n",
    "Contact: <sip:6221500004@192.0.2.10:5060>\r\n",
    "Authorization: Digest username=\"6221500004\", realm=\"ims.carrier.co.id\", nonce=\"dcd98b7102dd2f0e\", ",
    "uri=\"sip:ims.carrier.co.id\", response=\"6629fae49393a05397450978507c4ef1\", algorithm=MD5, ",
    "cnonce=\"0a4f113b00112233\", opaque=\"5ccc069c403ebaf9\", qop=auth, nc=00000001\r\n",
    "Expires: 3600\r\n",
    "Content-Length: 0\r\n",
    "\r\n",
);
