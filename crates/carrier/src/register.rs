use std::net::SocketAddr;
use std::time::{Duration, Instant};

use sip::Name;

use crate::answer::Answer;
use crate::authenticate::Standing;
use crate::request::{Request, Wanted, Wish};
use crate::{Binding, Carrier, DigestSeen, GrantShown, When, Which, listing};

impl Carrier {
    /// RFC 3261 10.3, with the temperament's word first.
    pub(crate) fn register(&mut self, now: Instant, request: &Request<'_>, wish: &Wish, kind: Which) -> (Answer, DigestSeen) {
        let none = |answer| (answer, DigestSeen::None);
        let domains = &self.config.domains;
        if !domains.is_empty() && !domains.iter().any(|domain| domain.eq_ignore_ascii_case(&request.host)) {
            return none(Answer::of(404));
        }
        if let Some(answer) = self.refusal(When::BeforeDigest, kind, request.user) {
            return none(answer);
        }
        if self.config.temperament.cseq_strict && !self.cseq_rises(request) {
            return none(self.cseq_refusal());
        }
        if let Some(code) = self.config.temperament.unknown_user.filter(|_| !self.by_user.contains_key(request.user)) {
            return none(Answer::of(code));
        }
        if let Some(stopped) = self.stopped_at_the_border(now, request) {
            return stopped;
        }
        let (standing, digest) = self.authenticate(now, request);
        let next_nonce = match standing {
            Standing::Turned(answer) => return (answer, digest),
            Standing::Unasked if !self.by_user.contains_key(request.user) => return (Answer::of(404), digest),
            Standing::Unasked => None,
            // Step 4: the authenticated user must be authorized for this address-of-record.
            Standing::Proved { account, .. } if self.config.accounts[account].user != request.user => return (Answer::of(403), digest),
            Standing::Proved { next_nonce, .. } => next_nonce,
        };
        if let Some(answer) = self.demanded(request, kind) {
            return (answer, digest);
        }
        let mut answer = match self.refusal(When::AfterDigest, kind, request.user) {
            Some(answer) => answer,
            None => self.bind(now, request, wish),
        };
        if let Some(nonce) = next_nonce.filter(|_| answer.code == Some(200)) {
            answer = answer.header("Authentication-Info", format!("nextnonce=\"{nonce}\""));
        }
        (answer, digest)
    }

    /// The first refusal of the temperament that fits and is not used up.
    fn refusal(&mut self, when: When, kind: Which, user: &str) -> Option<Answer> {
        let refusals = &self.config.temperament.refusals;
        self.spoken.resize(refusals.len(), 0);
        let (refusal, spoken) = refusals.iter().zip(&mut self.spoken).find(|(refusal, spoken)| {
            refusal.when == when
                && refusal.of.meets(kind)
                && (refusal.users.is_empty() || refusal.users.iter().any(|u| u == user))
                && refusal.times.is_none_or(|times| **spoken < times)
        })?;
        *spoken = spoken.saturating_add(1);
        Some(Answer::from(refusal))
    }

    /// RFC 3261 21.4.15: what the temperament demands and the request does not offer.
    fn demanded(&self, request: &Request<'_>, kind: Which) -> Option<Answer> {
        let offered: Vec<&str> = [Name::Supported, Name::Require]
            .into_iter()
            .flat_map(|name| request.values(name))
            .flat_map(|value| value.split(','))
            .map(str::trim)
            .collect();
        let binds = matches!(kind, Which::NewBinding | Which::Renewal);
        let lacking =
            self.config.temperament.demands.iter().find(|tag| binds && !offered.iter().any(|offer| offer.eq_ignore_ascii_case(tag)))?;
        Some(Answer::of(421).header("Require", lacking))
    }

    fn cseq_rises(&mut self, request: &Request<'_>) -> bool {
        match self.last_cseq.get_mut(&request.call_id) {
            Some(last) if *last >= request.cseq => false,
            Some(last) => {
                *last = request.cseq;
                true
            }
            None => {
                self.last_cseq.insert(request.call_id.clone(), request.cseq);
                true
            }
        }
    }

    fn cseq_refusal(&self) -> Answer {
        Answer::saying(self.config.temperament.cseq_code, "CSeq out of order")
    }

    /// Steps 5 to 8: all of it, or nothing.
    fn bind(&mut self, now: Instant, request: &Request<'_>, wish: &Wish) -> Answer {
        let t = &self.config.temperament;
        let mut bindings = self.bindings.get(request.user).cloned().unwrap_or_default();
        bindings.retain(|binding| binding.runs(now));
        let late = |binding: &Binding| binding.call_id == request.call_id && binding.cseq >= request.cseq;
        let mut granted_first = None;
        match wish {
            Wish::Query => {}
            Wish::RemoveAll if bindings.iter().any(late) => return self.cseq_refusal(),
            Wish::RemoveAll => bindings.clear(),
            Wish::Update(wanted) => {
                let brief = |w: &&Wanted| w.expires > 0 && t.min_expires.is_some_and(|least| w.expires < least);
                if wanted.iter().any(|w| brief(&w)) {
                    return self.too_brief();
                }
                for w in wanted {
                    let known = bindings.iter().position(|binding| binding.is_for(&w.uri));
                    if known.is_some_and(|at| late(&bindings[at])) {
                        return self.cseq_refusal();
                    }
                    let granted = t.grants.unwrap_or(w.expires.min(t.grants_at_most));
                    granted_first.get_or_insert(if w.expires == 0 { 0 } else { granted });
                    match known {
                        Some(at) if w.expires == 0 => drop(bindings.remove(at)),
                        None if w.expires == 0 => {}
                        Some(at) => bindings[at] = binding(now, request, w, granted, t.sees),
                        None => bindings.push(binding(now, request, w, granted, t.sees)),
                    }
                }
                if t.one_binding && wanted.iter().any(|w| w.expires > 0) {
                    bindings.retain(|binding| wanted.iter().any(|w| binding.is_for(&w.uri)));
                }
                let before = self.bindings.get(request.user).map_or(0, |all| all.iter().filter(|b| b.runs(now)).count());
                if t.binding_limit.is_some_and(|limit| bindings.len() > usize::try_from(limit).unwrap_or(usize::MAX).max(before)) {
                    return Answer::saying(403, "Registration limit exceeded");
                }
                if t.port_limit.is_some_and(|limit| !bindings.is_empty() && self.others_at(now, request) >= u64::from(limit)) {
                    return Answer::saying(403, "Registration limit exceeded");
                }
            }
        }
        let mut answer = Answer::of(200);
        for contact in listing::contacts(t, &bindings, now) {
            answer = answer.header("Contact", contact);
        }
        match (t.grant_shown, granted_first) {
            (GrantShown::Expires | GrantShown::Both, Some(granted)) => answer = answer.header("Expires", granted.to_string()),
            (GrantShown::Expires | GrantShown::Both, None) | (GrantShown::Contact, _) => {}
        }
        answer = answer.lines(&t.ok_headers);
        if bindings.is_empty() {
            self.bindings.remove(request.user);
        } else {
            self.bindings.insert(request.user.to_owned(), bindings);
        }
        answer
    }

    /// Other accounts that are bound from where a request comes from.
    fn others_at(&self, now: Instant, request: &Request<'_>) -> u64 {
        let from_there = |all: &Vec<Binding>| all.iter().any(|binding| binding.runs(now) && binding.source == request.source);
        self.bindings.iter().filter(|(user, all)| *user != request.user && from_there(all)).count() as u64
    }

    fn too_brief(&self) -> Answer {
        let t = &self.config.temperament;
        let truth = t.min_expires.unwrap_or_default().to_string();
        match t.min_expires_says.as_deref().unwrap_or(&truth) {
            "" => Answer::of(423),
            says => Answer::of(423).header("Min-Expires", says),
        }
    }
}

fn binding(now: Instant, request: &Request<'_>, wanted: &Wanted, granted: u32, sees: Option<SocketAddr>) -> Binding {
    Binding {
        contact: wanted.uri.clone(),
        params: wanted.params.clone(),
        call_id: request.call_id.clone(),
        cseq: request.cseq,
        source: sees.unwrap_or(request.source),
        connection: request.connection,
        granted,
        expires_at: now + Duration::from_secs(granted.into()),
    }
}
