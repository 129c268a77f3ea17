//! Which challenge of an answer is to be answered, and how. A pure function: same answer, same choice.

use std::ops::Deref;
use std::sync::Arc;

use sip::digest::{Algorithm, Hash, Qop};
use sip::{AlgorithmOffer, Challenge, ChallengeFault, ChallengeSource, Message, QopOffer};

use crate::account::{Holder, ProxyCredential};
use crate::{Credential, DigestPolicy, Negotiated, OnDowngrade, Profile, Secret};

/// The one challenge that is to be answered.
#[derive(Clone, PartialEq, Eq)]
pub struct Choice {
    /// What the challenges of a carrier have in common.
    pub asked: Arc<Asked>,
    /// As sent.
    pub nonce: Box<[u8]>,
    /// As sent.
    pub opaque: Option<Box<[u8]>>,
    /// The carrier says that only the nonce was too old.
    pub stale: bool,
    /// Weaker than what was pinned, and the policy lets it pass.
    pub downgraded: bool,
}

impl Deref for Choice {
    type Target = Asked;

    fn deref(&self) -> &Asked {
        &self.asked
    }
}

/// What a carrier asks of everybody.
#[derive(Clone, PartialEq, Eq)]
pub struct Asked {
    /// Decides the header of the answer.
    pub source: ChallengeSource,
    /// Whose secret answers.
    pub holder: Holder,
    /// Quoted pairs resolved.
    pub realm: String,
    /// What to compute.
    pub algorithm: Algorithm,
    /// The algorithm as the challenge spelled it; absent where it named none (RFC 7616 3.3: MD5).
    pub spelled: Option<String>,
    /// `auth` before `auth-int`.
    pub qop: Qop,
    /// RFC 7616 3.4.4.
    pub userhash: bool,
    /// `charset=UTF-8`.
    pub utf8: bool,
    /// Every algorithm that was offered, in order.
    pub offered: Vec<String>,
}

impl Asked {
    /// Returns what was agreed upon, for the operator.
    pub fn negotiated(&self) -> Negotiated {
        Negotiated {
            realm: self.realm.clone(),
            algorithm: self.algorithm.as_str().to_owned(),
            qop: match self.qop {
                Qop::None => None,
                Qop::Auth => Some("auth".to_owned()),
                Qop::AuthInt => Some("auth-int".to_owned()),
            },
            offered: self.offered.clone(),
        }
    }
}

/// Why no challenge of an answer can be answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// 401 or 407 without a challenge header.
    Missing,
    /// None can be read: what is wrong with the first, and its text.
    Malformed { fault: String, header: String },
    /// Another realm, or several.
    Realm { expected: String, offered: Vec<String> },
    /// The proxy's realm is not the credentials'.
    ProxyRealm { expected: Option<String>, offered: String },
    /// No offered algorithm is known: their literal texts.
    AlgorithmUnsupported { offered: Vec<String> },
    /// Not the algorithm that was asked for.
    AlgorithmNotOffered { wanted: Vec<String>, offered: Vec<String> },
    /// None that an HA1 is at hand for.
    NoHa1 { held: Vec<String>, offered: Vec<String> },
    /// The policy allows none of the offered.
    AlgorithmNotAllowed { offered: Vec<String> },
    /// Weaker than what was pinned.
    Downgrade { pinned: String, offered: Vec<String> },
    /// Without the qop that was negotiated before.
    QopGone { algorithm: String },
    /// Neither auth nor auth-int nor none.
    Qop { realm: String },
}

/// Lists the challenges of an answer as evidence.
pub fn seen(answer: &Message<'_>, profile: &Profile) -> Vec<diagnosis::Challenge> {
    answer
        .challenges()
        .filter_map(|(source, challenge)| {
            let challenge = challenge.ok()?;
            Some(diagnosis::Challenge {
                realm: printable(&challenge.realm()),
                algorithm: named(&challenge, profile),
                qop: match challenge.qop() {
                    QopOffer::Absent | QopOffer::UnknownOnly => Vec::new(),
                    QopOffer::Offers { auth, auth_int } => [(auth, "auth"), (auth_int, "auth-int")]
                        .iter()
                        .filter(|(offered, _)| *offered)
                        .map(|(_, name)| (*name).to_owned())
                        .collect(),
                },
                stale: challenge.stale(),
                proxy: source == ChallengeSource::Proxy,
            })
        })
        .collect()
}

/// Chooses the challenge to answer: the strongest that is supported, allowed and for which a usable secret is at hand. Where a proxy and
/// the registrar challenge in one answer, one of each (RFC 3261 22.3); the answer's own comes first.
///
/// # Errors
/// A [`Refusal`] that says at which comparison the last candidate fell.
pub fn choose(answer: &Message<'_>, credential: &Credential, policy: &DigestPolicy, profile: &Profile) -> Result<Vec<Choice>, Refusal> {
    let hashes = hashes(&credential.secret);
    let account = Wanted {
        holder: Holder::Account,
        realm: credential.realm.as_deref(),
        algorithm: credential.algorithm,
        pinned: credential.pinned,
        qop: credential.qop,
        hashes: hashes.as_deref(),
    };
    let proxy = credential.proxy.as_deref();
    let of_proxy = proxy.and_then(|proxy| self::hashes(&proxy.secret));
    account.choose(answer, proxy.map(|proxy| Wanted::of_proxy(proxy, of_proxy.as_deref())), policy, profile)
}

/// Chooses as [`choose`] would for credentials that are not at hand yet: to learn realm and algorithm.
///
/// # Errors
/// As [`choose`].
pub fn learn(answer: &Message<'_>, policy: &DigestPolicy, profile: &Profile) -> Result<Vec<Choice>, Refusal> {
    Wanted { holder: Holder::Account, realm: None, algorithm: None, pinned: false, qop: false, hashes: None }
        .choose(answer, None, policy, profile)
}

/// The hashes that a secret can answer; `None` for all.
fn hashes(secret: &Secret) -> Option<Vec<Hash>> {
    match secret {
        Secret::Password(_) => None,
        Secret::Ha1(values) => Some(values.iter().map(|(hash, _)| *hash).collect()),
    }
}

struct Wanted<'c> {
    holder: Holder,
    realm: Option<&'c str>,
    algorithm: Option<Algorithm>,
    pinned: bool,
    qop: bool,
    hashes: Option<&'c [Hash]>,
}

struct Candidate<'a> {
    source: ChallengeSource,
    challenge: Challenge<'a>,
}

impl<'c> Wanted<'c> {
    fn of_proxy(proxy: &'c ProxyCredential, hashes: Option<&'c [Hash]>) -> Self {
        Wanted { holder: Holder::Proxy, realm: Some(&proxy.realm), algorithm: proxy.algorithm, pinned: false, qop: false, hashes }
    }

    fn choose(
        &self,
        answer: &Message<'_>,
        proxys: Option<Wanted<'_>>,
        policy: &DigestPolicy,
        profile: &Profile,
    ) -> Result<Vec<Choice>, Refusal> {
        let proxy = answer.start().code() == Some(407);
        let (own, other): (Vec<_>, Vec<_>) =
            readable(answer)?.into_iter().partition(|candidate| (candidate.source == ChallengeSource::Proxy) == proxy);
        // Some send a 407 with WWW-Authenticate, or the reverse; then that is what there is to answer.
        let (own, other) = if own.is_empty() { (other, own) } else { (own, other) };
        let mut choices = vec![self.wanted(&own, proxys.as_ref()).choose_of(own, policy, profile)?];
        if !other.is_empty() {
            choices.extend(self.wanted(&other, proxys.as_ref()).choose_of(other, policy, profile));
        }
        Ok(choices)
    }

    /// Who answers: for a proxy of the account's realm the account does, for another realm what was given for the proxy, if anything was.
    fn wanted<'w>(&'w self, candidates: &[Candidate<'_>], proxys: Option<&'w Wanted<'_>>) -> &'w Wanted<'w> {
        let Some(proxys) = proxys.filter(|_| candidates.iter().any(|candidate| candidate.source == ChallengeSource::Proxy)) else {
            return self;
        };
        let offers =
            |realm: Option<&str>| realm.is_some_and(|realm| candidates.iter().any(|candidate| candidate.challenge.realm() == realm));
        if !offers(proxys.realm) && offers(self.realm) { self } else { proxys }
    }

    fn choose_of(&self, candidates: Vec<Candidate<'_>>, policy: &DigestPolicy, profile: &Profile) -> Result<Choice, Refusal> {
        let offered: Vec<String> = candidates.iter().map(|candidate| named(&candidate.challenge, profile)).collect();
        let candidates = self.of_the_realm(candidates)?;
        let mut known: Vec<(Algorithm, Candidate<'_>)> =
            candidates.into_iter().filter_map(|candidate| Some((algorithm(&candidate.challenge, profile)?, candidate))).collect();
        if known.is_empty() {
            return Err(Refusal::AlgorithmUnsupported { offered });
        }
        if let Some(hashes) = self.hashes {
            known.retain(|(algorithm, _)| hashes.contains(&algorithm.hash));
            if known.is_empty() {
                let held = hashes.iter().map(|&hash| Algorithm { hash, session: false }.as_str().to_owned()).collect();
                return Err(Refusal::NoHa1 { held, offered });
            }
        }
        if let (Some(asked), false) = (self.algorithm, self.pinned) {
            known.retain(|(algorithm, _)| algorithm.hash == asked.hash && (algorithm.session || !asked.session));
            if known.is_empty() {
                return Err(Refusal::AlgorithmNotOffered { wanted: vec![asked.as_str().to_owned()], offered });
            }
        }
        // A changed policy ends no binding: what was pinned stays usable until credentials are next set.
        let pinned = self.algorithm.filter(|_| self.pinned);
        known.retain(|(algorithm, _)| {
            policy.allowed.contains(&algorithm.hash) || pinned.is_some_and(|pinned| pinned.hash == algorithm.hash)
        });
        if known.is_empty() {
            return Err(Refusal::AlgorithmNotAllowed { offered });
        }
        let realm = known[0].1.challenge.realm().into_owned();
        known.retain(|(_, candidate)| candidate.challenge.qop() != QopOffer::UnknownOnly);
        // The first of the strongest hash.
        let strongest = known.iter().map(|(algorithm, _)| algorithm.hash).max();
        let Some((algorithm, candidate)) = known.into_iter().find(|(algorithm, _)| Some(algorithm.hash) == strongest) else {
            return Err(Refusal::Qop { realm });
        };
        let downgraded = pinned.is_some_and(|pinned| algorithm.hash < pinned.hash);
        if let (Some(pinned), true, OnDowngrade::Refuse) = (pinned, downgraded, policy.on_downgrade) {
            return Err(Refusal::Downgrade { pinned: pinned.as_str().to_owned(), offered });
        }
        let bare = self.qop && candidate.challenge.qop() == QopOffer::Absent;
        if bare && policy.on_downgrade == OnDowngrade::Refuse {
            return Err(Refusal::QopGone { algorithm: algorithm.as_str().to_owned() });
        }
        Ok(choice(&candidate, self.holder, algorithm, downgraded, offered))
    }

    fn of_the_realm<'a>(&self, candidates: Vec<Candidate<'a>>) -> Result<Vec<Candidate<'a>>, Refusal> {
        let realms: Vec<String> = candidates.iter().map(|candidate| candidate.challenge.realm().into_owned()).collect();
        let Some(expected) = self.realm else {
            // Nothing is pinned: the first realm that is offered is learned.
            let first = realms.first().cloned().unwrap_or_default();
            return Ok(candidates.into_iter().filter(|candidate| candidate.challenge.realm() == first).collect());
        };
        let proxy = candidates.first().is_some_and(|first| first.source == ChallengeSource::Proxy);
        let ours: Vec<_> = candidates.into_iter().filter(|candidate| candidate.challenge.realm() == expected).collect();
        if !ours.is_empty() {
            return Ok(ours);
        }
        let mut offered: Vec<String> = Vec::new();
        for realm in realms.iter().map(|realm| printable(realm)) {
            if !offered.contains(&realm) {
                offered.push(realm);
            }
        }
        if proxy && offered.len() == 1 {
            return Err(Refusal::ProxyRealm { expected: Some(expected.to_owned()), offered: offered.remove(0) });
        }
        Err(Refusal::Realm { expected: expected.to_owned(), offered })
    }
}

/// Returns the challenges that can be read; a bad one beside a good one is left aside.
fn readable<'a>(answer: &Message<'a>) -> Result<Vec<Candidate<'a>>, Refusal> {
    let mut fault = None;
    let mut candidates = Vec::new();
    for (source, challenge) in answer.challenges() {
        match challenge {
            Ok(challenge) => candidates.push(Candidate { source, challenge }),
            Err(bad) => fault = fault.or(Some(bad)),
        }
    }
    match (candidates.is_empty(), fault) {
        (false, _) => Ok(candidates),
        (true, None) => Err(Refusal::Missing),
        (true, Some(fault)) => Err(malformed(&fault)),
    }
}

fn malformed(fault: &ChallengeFault<'_>) -> Refusal {
    /// Enough of a header to recognise it by; some are 4 KB long.
    const SHOWN: usize = 300;
    let text = String::from_utf8_lossy(fault.raw());
    let mut header: String = printable(&text).chars().take(SHOWN).collect();
    if text.chars().count() > SHOWN {
        header.push('…');
    }
    Refusal::Malformed { fault: fault.to_string(), header: without_nonce(&header) }
}

/// A nonce never stands where a response could come to stand beside it; the header may be broken in any way.
fn without_nonce(header: &str) -> String {
    let mut out = String::with_capacity(header.len());
    let mut rest = header;
    // Lower-casing ASCII keeps every place.
    while let Some(at) = rest.to_ascii_lowercase().find("nonce") {
        let (before, after) = rest.split_at(at + "nonce".len());
        out.push_str(before);
        rest = after;
        let Some(value) = rest.trim_start().strip_prefix('=') else { continue };
        let value = value.trim_start();
        let shown = match value.strip_prefix('"') {
            Some(quoted) => quoted.find('"').map_or(quoted.len(), |end| end) + 1,
            None => value.find([',', ' ', ';']).unwrap_or(value.len()),
        };
        out.push_str(&format!("=<{} characters>", value.get(..shown).unwrap_or(value).trim_matches('"').chars().count()));
        rest = value.get(shown..).unwrap_or_default().trim_start_matches('"');
    }
    out + rest
}

fn choice(candidate: &Candidate<'_>, holder: Holder, algorithm: Algorithm, downgraded: bool, offered: Vec<String>) -> Choice {
    let challenge = &candidate.challenge;
    let asked = Asked {
        source: candidate.source,
        holder,
        realm: challenge.realm().into_owned(),
        algorithm,
        spelled: match challenge.algorithm() {
            AlgorithmOffer::Absent => None,
            AlgorithmOffer::Known(known) => Some(known.as_str().to_owned()),
            AlgorithmOffer::Unknown(literal) => Some(literal.to_owned()),
        },
        qop: match challenge.qop() {
            QopOffer::Absent | QopOffer::UnknownOnly => Qop::None,
            QopOffer::Offers { auth: true, .. } => Qop::Auth,
            QopOffer::Offers { auth: false, .. } => Qop::AuthInt,
        },
        userhash: challenge.userhash(),
        utf8: challenge.utf8(),
        offered,
    };
    Choice {
        asked: Arc::new(asked),
        nonce: challenge.nonce().into(),
        opaque: challenge.opaque().map(Into::into),
        stale: challenge.stale(),
        downgraded,
    }
}

/// Reads an algorithm: IANA names in any case, other spellings only by the profile's aliases, never by a guess.
fn algorithm(challenge: &Challenge<'_>, profile: &Profile) -> Option<Algorithm> {
    match challenge.algorithm() {
        AlgorithmOffer::Absent => Some(Algorithm::MD5),
        AlgorithmOffer::Known(known) => Some(known),
        AlgorithmOffer::Unknown(literal) => {
            let alias = profile.algorithm_aliases.iter().find(|(spelled, _)| spelled.eq_ignore_ascii_case(literal));
            alias.and_then(|(_, name)| Algorithm::from_token(name))
        }
    }
}

fn named(challenge: &Challenge<'_>, profile: &Profile) -> String {
    match (algorithm(challenge, profile), challenge.algorithm()) {
        (_, AlgorithmOffer::Unknown(literal)) => printable(literal),
        (Some(known), _) => known.as_str().to_owned(),
        (None, _) => Algorithm::MD5.as_str().to_owned(),
    }
}

/// Replaces control characters, so that what a carrier sends is safe to show.
pub(crate) fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

/// What a choice keeps of the carrier is nobody's to print beside a response.
impl std::fmt::Debug for Choice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Choice")
            .field("realm", &self.realm)
            .field("algorithm", &self.algorithm)
            .field("qop", &self.qop)
            .finish_non_exhaustive()
    }
}
