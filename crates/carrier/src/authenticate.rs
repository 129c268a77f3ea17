use std::time::{Duration, Instant};

use sip::Name;

use crate::algorithm::Algorithm;
use crate::answer::Answer;
use crate::authorization::Authorization;
use crate::digest::{self, Asked};
use crate::nonce::Freshness;
use crate::request::Request;
use crate::{Carrier, Challenge, DigestSeen, NonceBound};

/// How a request stands after its digest was looked at.
pub(crate) enum Standing {
    /// Nobody asked for a digest.
    Unasked,
    /// A right digest; of the account with this index, and what goes into the 2xx.
    Proved { account: usize, next_nonce: Option<String> },
    /// Challenged, or refused.
    Turned(Answer),
}

/// An Authorization, and the challenge of ours that it answers.
type Answered = (Authorization, Challenge);

impl Carrier {
    /// Looks at the digest of a request.
    pub(crate) fn authenticate(&mut self, now: Instant, request: &Request<'_>) -> (Standing, DigestSeen) {
        if !self.config.temperament.challenges_register {
            return (Standing::Unasked, DigestSeen::None);
        }
        let (given, challenge) = match self.answered(request) {
            Ok(Some(answered)) => answered,
            Ok(None) => return (self.challenge(now, request, false), DigestSeen::None),
            Err(turned) => return (Standing::Turned(turned), DigestSeen::Unreadable),
        };
        let Some(algorithm) = challenge.computes().map(|a| if self.config.temperament.truncated_sha512 { a.truncating() } else { a })
        else {
            return (self.challenge(now, request, false), DigestSeen::Unreadable);
        };
        let count = match count_of(&given) {
            Some(count) if challenge.offers(given.qop.as_deref()) => count,
            _ => return (Standing::Turned(Answer::saying(400, "Bad Authorization")), DigestSeen::Unreadable),
        };
        let right = self.holder(algorithm, request, &given);
        let temperament = &self.config.temperament;
        let Some((account, with_old)) = right.filter(|_| !temperament.compares_uri || given.uri == request.uri) else {
            return (self.wrong(now, request, &given), DigestSeen::Wrong);
        };
        if temperament.stale_for_ever {
            return (self.challenge(now, request, true), DigestSeen::Stale);
        }
        let (life, once, tells) = (Duration::from_secs(temperament.nonce_life.into()), temperament.nonce_once, temperament.tells_stale);
        let fresh = self.nonces.check(now, &given.nonce, &self.nonce_purpose(request), life) == Freshness::Fresh;
        // RFC 2069 answers have no count: such a nonce is good as often as it is good, or once.
        let counted = fresh && ((given.qop.is_none() && !once) || self.nonces.count(now, &given.nonce, count, once, life));
        if !counted {
            return (self.challenge(now, request, tells), DigestSeen::Stale);
        }
        self.blocks.right(request.source.ip());
        let holder = &mut self.config.accounts[account];
        if holder.retire_old_on_use && !with_old {
            holder.old_passwords.clear();
        }
        let next_nonce = self.config.temperament.nextnonce.then(|| self.fresh_nonce(now, request));
        (Standing::Proved { account, next_nonce }, DigestSeen::Right)
    }

    /// The first Authorization that answers a challenge of ours.
    fn answered(&self, request: &Request<'_>) -> Result<Option<Answered>, Answer> {
        let name = if self.config.temperament.proxy { Name::ProxyAuthorization } else { Name::Authorization };
        let mut unreadable = false;
        let mut foreign = false;
        for value in request.values(name) {
            let Ok(given) = Authorization::parse(value) else {
                unreadable = true;
                continue;
            };
            let ours = self.config.temperament.challenges.iter().find(|c| c.is_answered_by(&self.config.realm, &given));
            match ours {
                Some(challenge) => return Ok(Some((given, challenge.clone()))),
                None => foreign = true,
            }
        }
        match (unreadable, foreign) {
            (true, _) => Err(Answer::saying(400, "Bad Authorization")),
            // Credentials for a realm or algorithm that is not ours: as if there were none (RFC 3261 22.3).
            (false, true) | (false, false) => Ok(None),
        }
    }

    /// The account whose password makes the response, and whether it was an old one.
    fn holder(&self, algorithm: Algorithm, request: &Request<'_>, given: &Authorization) -> Option<(usize, bool)> {
        let named = |index: &usize| {
            let username = self.config.accounts[*index].digest_username();
            algorithm.hex(&[username.as_bytes(), given.realm.as_bytes()]) == given.username
        };
        let candidates: Vec<usize> = if given.userhash {
            (0..self.config.accounts.len()).filter(named).collect()
        } else {
            self.by_username.get(&given.username).cloned().unwrap_or_default()
        };
        candidates.into_iter().find_map(|index| {
            let account = &self.config.accounts[index];
            let passwords = std::iter::once(&account.password).chain(&account.old_passwords);
            let which = passwords.enumerate().find(|(_, password)| {
                let asked = Asked {
                    username: account.digest_username(),
                    password: password.reveal(),
                    method: request.method,
                    body: request.message.body(),
                };
                digest::response(algorithm, &asked, given) == given.response
            });
            which.map(|(place, _)| (index, place > 0))
        })
    }

    fn wrong(&mut self, now: Instant, request: &Request<'_>, given: &Authorization) -> Standing {
        let t = &self.config.temperament;
        if let Some(after) = t.blocks_after {
            self.blocks.wrong(now, request.source.ip(), after, t.blocks_for);
        }
        match t.wrong_digest {
            401 | 407 if t.repeats_nonce => self.challenge_with(&given.nonce.clone(), now, request, false),
            401 | 407 => self.challenge(now, request, false),
            code => Standing::Turned(Answer::of(code)),
        }
    }

    fn challenge(&mut self, now: Instant, request: &Request<'_>, stale: bool) -> Standing {
        let nonce = self.fresh_nonce(now, request);
        self.challenge_with(&nonce, now, request, stale)
    }

    /// What the registrar asks of who has not answered yet.
    pub(crate) fn registrars_challenge(&mut self, now: Instant, request: &Request<'_>) -> Answer {
        match self.challenge(now, request, false) {
            Standing::Turned(answer) => answer,
            Standing::Unasked | Standing::Proved { .. } => Answer::of(401),
        }
    }

    fn challenge_with(&mut self, nonce: &str, now: Instant, request: &Request<'_>, stale: bool) -> Standing {
        let (code, header) = if self.config.temperament.proxy { (407, "Proxy-Authenticate") } else { (401, "WWW-Authenticate") };
        let mut answer = Answer::of(code);
        if self.config.temperament.forgets_challenge {
            return Standing::Turned(answer);
        }
        for challenge in self.config.temperament.challenges.clone() {
            let own = challenge.own_nonce.then(|| self.fresh_nonce(now, request));
            answer = answer.header(header, challenge.text(&self.config.realm, own.as_deref().unwrap_or(nonce), stale));
        }
        Standing::Turned(answer)
    }

    fn fresh_nonce(&mut self, now: Instant, request: &Request<'_>) -> String {
        let purpose = self.nonce_purpose(request);
        self.nonces.issue(now, &purpose)
    }

    fn nonce_purpose(&self, request: &Request<'_>) -> String {
        match self.config.temperament.nonce_bound_to {
            NonceBound::Nothing => String::new(),
            NonceBound::Port => request.source.to_string(),
            NonceBound::CallId => request.call_id.clone(),
        }
    }
}

/// The nonce count: eight hex digits with qop, none without (RFC 7616 3.4).
fn count_of(given: &Authorization) -> Option<u32> {
    match (&given.qop, &given.nc) {
        (None, None) => Some(1),
        (Some(_), Some(nc)) if nc.len() == 8 && given.cnonce.is_some() => u32::from_str_radix(nc, 16).ok(),
        _ => None,
    }
}
