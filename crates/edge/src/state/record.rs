//! A record in the clear: its kind and what it says. Times are wall-clock microseconds: the machine may have been started anew since.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use ua::{Negotiated, Place, Resume, ResumeBinding, ResumeFailed, ResumeNonce, Times, Transport};
use zeroize::Zeroizing;

use crate::clock::Clock;

/// What a record says. New kinds go to the end: postcard writes a variant by its place.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Record<'a> {
    /// This is known of the trunk; what was said of it before is void.
    #[serde(borrow)]
    Save(Kept<'a>),
    /// Nothing is known of the trunk.
    Forget(&'a str),
    /// The edge was stopped in order: what is said above is exact. Always the last record.
    Clean,
    /// A verification was begun, or has ended.
    #[serde(borrow)]
    Tried(Tried<'a>),
    /// As `Save`, of a trunk whose digests failed lately. Its own kind, so that what earlier releases wrote is still read.
    SaveFailed(#[serde(borrow)] Kept<'a>, KeptFailed),
    /// As `Save`, with more than the first releases knew.
    SaveMore(#[serde(borrow)] Kept<'a>, KeptMore),
    /// Bindings that were renewed; what was saved of these trunks holds otherwise.
    Renewed(#[serde(borrow)] Vec<KeptRenewal<'a>>),
}

/// One of many.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct KeptRenewal<'a> {
    pub(crate) trunk: &'a str,
    pub(crate) renewed: Renewed,
}

/// What a renewal changes of what is kept of a trunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Renewed {
    cseq: u32,
    granted_seconds: u32,
    lapses_at: i64,
}

impl Renewed {
    pub(crate) fn of(times: &Times, clock: &Clock) -> Self {
        let granted_seconds = u32::try_from(times.granted.as_secs()).unwrap_or(u32::MAX);
        Renewed { cseq: times.cseq, granted_seconds, lapses_at: clock.unix(times.lapses_at) }
    }

    pub(crate) fn apply(self, resume: &mut Resume, clock: &Clock) {
        resume.cseq = self.cseq;
        if let Some(binding) = &mut resume.binding {
            binding.granted = Duration::from_secs(u64::from(self.granted_seconds));
            binding.lapses_at = clock.instant(self.lapses_at);
        }
    }
}

/// A verification: so that a restart does not cost a second digest.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Tried<'a> {
    pub(crate) id: &'a str,
    /// Until then it is remembered.
    pub(crate) until: i64,
    /// How it ended, as JSON; nothing if that is not known.
    pub(crate) verdict: Option<&'a [u8]>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Kept<'a> {
    pub(crate) trunk: &'a str,
    call_id: &'a str,
    from_tag: &'a str,
    cseq: u32,
    #[serde(borrow)]
    binding: Option<KeptBinding<'a>>,
    #[serde(borrow)]
    nonce: Option<KeptNonce<'a>>,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct KeptFailed {
    version: u32,
    digests: u32,
    at: i64,
}

#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(crate) struct KeptMore {
    failed: Option<KeptFailed>,
    /// How the registrar is reached.
    transport: KeptTransport,
    /// Our address as the carrier saw it.
    public: Option<SocketAddr>,
}

/// New ones go to the end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
enum KeptTransport {
    #[default]
    Udp,
    Tcp,
    Tls,
    Ws,
    Wss,
}

#[derive(Debug, Serialize, Deserialize)]
struct KeptBinding<'a> {
    address_of_record: &'a str,
    contact: &'a str,
    registrar: SocketAddr,
    granted_seconds: u64,
    lapses_at: i64,
    registered_at: i64,
    credential_version: u32,
    authenticated: bool,
    #[serde(borrow)]
    negotiated: Option<KeptNegotiated<'a>>,
}

#[derive(Debug, Serialize, Deserialize)]
struct KeptNegotiated<'a> {
    realm: &'a str,
    algorithm: &'a str,
    qop: Option<&'a str>,
    offered: Vec<&'a str>,
}

#[derive(Serialize, Deserialize)]
struct KeptNonce<'a> {
    nonce: &'a [u8],
    opaque: Option<&'a [u8]>,
    nc: u32,
    cnonce: &'a str,
    issued_at: i64,
    local: SocketAddr,
    algorithm_named: bool,
    proxy: bool,
    userhash: bool,
    utf8: bool,
}

impl std::fmt::Debug for KeptNonce<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("KeptNonce(redacted)")
    }
}

impl<'a> Record<'a> {
    pub(crate) fn save(resume: &'a Resume, clock: &Clock) -> Self {
        let kept = Kept {
            trunk: &resume.trunk,
            call_id: &resume.call_id,
            from_tag: &resume.from_tag,
            cseq: resume.cseq,
            binding: resume.binding.as_ref().map(|binding| KeptBinding::of(binding, clock)),
            nonce: resume.nonce.as_ref().map(|nonce| KeptNonce::of(nonce, clock)),
        };
        let failed = resume.failed.map(|ResumeFailed { version, digests, at }| KeptFailed { version, digests, at: clock.unix(at) });
        let transport = resume.binding.as_ref().map(|binding| KeptTransport::of(binding.registrar.transport)).unwrap_or_default();
        match (failed, transport, resume.public) {
            (None, KeptTransport::Udp, None) => Record::Save(kept),
            (failed, transport, public) => Record::SaveMore(kept, KeptMore { failed, transport, public }),
        }
    }

    /// Returns the bytes to seal; they hold a nonce.
    pub(crate) fn bytes(&self) -> Zeroizing<Vec<u8>> {
        // Only a type that postcard cannot write would fail, and these it can.
        Zeroizing::new(postcard::to_allocvec(self).expect("records are plain data"))
    }

    pub(crate) fn read(bytes: &'a [u8]) -> Option<Self> {
        postcard::from_bytes(bytes).ok()
    }
}

impl KeptTransport {
    fn of(transport: Transport) -> Self {
        match transport {
            Transport::Udp => KeptTransport::Udp,
            Transport::Tcp => KeptTransport::Tcp,
            Transport::Tls => KeptTransport::Tls,
            Transport::Ws => KeptTransport::Ws,
            Transport::Wss => KeptTransport::Wss,
        }
    }

    fn transport(self) -> Transport {
        match self {
            KeptTransport::Udp => Transport::Udp,
            KeptTransport::Tcp => Transport::Tcp,
            KeptTransport::Tls => Transport::Tls,
            KeptTransport::Ws => Transport::Ws,
            KeptTransport::Wss => Transport::Wss,
        }
    }
}

impl From<KeptFailed> for KeptMore {
    fn from(failed: KeptFailed) -> Self {
        KeptMore { failed: Some(failed), ..KeptMore::default() }
    }
}

impl Kept<'_> {
    pub(crate) fn resume(&self, more: KeptMore, trunk: Arc<str>, clean: bool, clock: &Clock) -> Resume {
        Resume {
            trunk,
            call_id: self.call_id.into(),
            from_tag: self.from_tag.into(),
            cseq: self.cseq,
            clean,
            binding: self.binding.as_ref().map(|binding| binding.resume(more.transport, clock)),
            nonce: self.nonce.as_ref().map(|nonce| nonce.resume(clock)),
            failed: more.failed.map(|KeptFailed { version, digests, at }| ResumeFailed { version, digests, at: clock.instant(at) }),
            public: more.public,
        }
    }
}

impl<'a> KeptBinding<'a> {
    fn of(binding: &'a ResumeBinding, clock: &Clock) -> Self {
        KeptBinding {
            address_of_record: &binding.address_of_record,
            contact: &binding.contact,
            registrar: binding.registrar.address,
            granted_seconds: binding.granted.as_secs(),
            lapses_at: clock.unix(binding.lapses_at),
            registered_at: clock.unix(binding.registered_at),
            credential_version: binding.credential_version,
            authenticated: binding.authenticated,
            negotiated: binding.negotiated.as_ref().map(KeptNegotiated::of),
        }
    }

    fn resume(&self, transport: KeptTransport, clock: &Clock) -> ResumeBinding {
        ResumeBinding {
            address_of_record: self.address_of_record.into(),
            contact: self.contact.into(),
            registrar: Place { transport: transport.transport(), address: self.registrar },
            granted: Duration::from_secs(self.granted_seconds),
            lapses_at: clock.instant(self.lapses_at),
            registered_at: clock.instant(self.registered_at),
            credential_version: self.credential_version,
            authenticated: self.authenticated,
            negotiated: self.negotiated.as_ref().map(KeptNegotiated::resume),
        }
    }
}

impl<'a> KeptNegotiated<'a> {
    fn of(negotiated: &'a Negotiated) -> Self {
        KeptNegotiated {
            realm: &negotiated.realm,
            algorithm: &negotiated.algorithm,
            qop: negotiated.qop.as_deref(),
            offered: negotiated.offered.iter().map(String::as_str).collect(),
        }
    }

    fn resume(&self) -> Negotiated {
        Negotiated {
            realm: self.realm.to_owned(),
            algorithm: self.algorithm.to_owned(),
            qop: self.qop.map(str::to_owned),
            offered: self.offered.iter().map(|&name| name.to_owned()).collect(),
        }
    }
}

impl<'a> KeptNonce<'a> {
    fn of(nonce: &'a ResumeNonce, clock: &Clock) -> Self {
        KeptNonce {
            nonce: &nonce.nonce,
            opaque: nonce.opaque.as_deref(),
            nc: nonce.nc,
            cnonce: &nonce.cnonce,
            issued_at: clock.unix(nonce.issued_at),
            local: nonce.local,
            algorithm_named: nonce.algorithm_named,
            proxy: nonce.proxy,
            userhash: nonce.userhash,
            utf8: nonce.utf8,
        }
    }

    fn resume(&self, clock: &Clock) -> ResumeNonce {
        ResumeNonce {
            nonce: self.nonce.into(),
            opaque: self.opaque.map(Into::into),
            nc: self.nc,
            cnonce: self.cnonce.into(),
            issued_at: clock.instant(self.issued_at),
            local: self.local,
            algorithm_named: self.algorithm_named,
            proxy: self.proxy,
            userhash: self.userhash,
            utf8: self.utf8,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_earlier_release_wrote_of_a_held_trunk_is_still_read() {
        let clock = Clock::new();
        let kept = Kept { trunk: "t", call_id: "c", from_tag: "f", cseq: 7, binding: None, nonce: None };
        let written = Record::SaveFailed(kept, KeptFailed { version: 3, digests: 2, at: clock.unix(clock.now()) }).bytes();
        let Some(Record::SaveFailed(kept, failed)) = Record::read(&written) else { panic!("another kind") };
        let resume = kept.resume(failed.into(), "t".into(), true, &clock);
        assert_eq!(resume.failed.map(|failed| (failed.version, failed.digests)), Some((3, 2)));
        assert_eq!((resume.cseq, resume.public), (7, None));
    }
}
