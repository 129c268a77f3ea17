//! Final answers, and 2xx that are none.

use diagnosis::{Check, Code, Diagnosis, SipStatus};
use sip::digest::Hash;

use super::words::{from_where, in_profile, list, user, who};
use super::{Final, Observation};

/// Tells whether a registrar that answers a contact-less REGISTER so, before a digest, may only dislike the query (carriers.md B11).
pub fn refuses_a_query(code: u16) -> bool {
    matches!(code, 400 | 403 | 405 | 420 | 501)
}

/// Tells whether such an answer after the digest leaves open what was refused: the query or the secret (carriers.md B11).
fn ambiguous_to_a_query(code: u16) -> bool {
    matches!(code, 400 | 405 | 420 | 501)
}

/// What is left where a query is refused and nothing may be bound.
const WITHOUT_QUERY: &str = "Post the credentials with \"verify\": \"static\", or, once the other system has left the account, put the trunk in service with \"inService\": true and verify then.";

pub(super) fn final_answer(seen: &Observation, answer: &Final) -> Diagnosis {
    let said = said(&answer.code, &answer.reason);
    let mut diagnosis = if seen.credential_sent() { after_digest(seen, answer, &said) } else { before_digest(seen, answer, &said) };
    diagnosis.evidence.retry_after = answer.retry_after;
    diagnosis
}

fn before_digest(seen: &Observation, answer: &Final, said: &str) -> Diagnosis {
    match answer.code {
        code if seen.query && !seen.may_bind && refuses_a_query(code) && !limit_of_bindings(&answer.reason) => Diagnosis::new(Code::VerifyNeedsBinding)
            .summary(format!(
                "{} answered {said} to a query of bindings before it asked for a digest. It may be the query that it dislikes; to find out takes a binding, which could replace another system's.",
                who(seen)
            ))
            .remedy(format!("{} If it refuses those too: is {} allowed there, and {} provisioned?", WITHOUT_QUERY, from_where(seen), seen.address_of_record))
            .check(Check::new("query.accepted", false)),
        403 if !limit_of_bindings(&answer.reason) => Diagnosis::new(Code::ForbiddenBeforeChallenge)
            .summary(format!("{} answered {said} before it asked for a digest: the password was never looked at.", who(seen)))
            .remedy(format!("Ask the carrier whether {} is allowed and {} is provisioned.", from_where(seen), seen.address_of_record))
            .check(Check::new("challenged", false)),
        _ => either_way(seen, answer, said),
    }
}

fn after_digest(seen: &Observation, answer: &Final, said: &str) -> Diagnosis {
    match answer.code {
        401 | 407 if seen.refused_proxys => Diagnosis::new(Code::ProxyCredentialsRejected)
            .summary(format!(
                "A proxy before {} refused the digest of proxyCredentials ({said}): {} or its password is wrong there. The account's own secret was not judged.",
                who(seen),
                user(seen)
            ))
            .remedy(format!("Check proxyCredentials: {} and its password against the carrier's sheet.", user(seen)))
            .check(Check::new("proxy.digest.accepted", false)),
        401 | 407 if suspects_truncation(seen) => Diagnosis::new(Code::SuspectTruncatedSha512)
            .summary(format!("{} refused the SHA-512-256 digest ({said}). Either user name or password is wrong, or the carrier computes a truncated SHA-512 in its place, as some deployed code does.", who(seen)))
            .remedy(format!(
                "Check {} and its password first. If they are right, ask the carrier to offer another algorithm, or, where it confirms the truncated form: {}.",
                user(seen),
                in_profile(seen, "\"truncatedSha512\": true")
            ))
            .check(Check::new("digest.accepted", false)),
        401 | 407 => Diagnosis::new(Code::CredentialsRejected)
            .summary(format!(
                "{} refused the digest over a nonce of this very exchange ({said}): user name or password is wrong. Realm and algorithm are right.{}",
                who(seen),
                if seen.accepted_before { " It accepted them before: the password was changed there, or the account is barred." } else { "" }
            ))
            .remedy(format!(
                "Check {} and its password against the carrier's sheet{}.",
                user(seen),
                seen.realm.as_ref().map_or_else(String::new, |realm| format!("; realm {realm:?} and the algorithm need no change"))
            ))
            .check(Check::new("digest.accepted", false)),
        403 if !limit_of_bindings(&answer.reason) => Diagnosis::new(Code::ForbiddenAfterAuth)
            .summary(format!("{} answered {said} to the digest: wrong credentials, or right ones of an account that may not register.", who(seen)))
            .remedy(format!(
                "Check {} and its password; if they are right, ask the carrier whether {} is barred, or may not register from {}.",
                user(seen),
                seen.address_of_record,
                from_where(seen)
            ))
            .check(Check::new("digest.accepted", false)),
        code if seen.query && ambiguous_to_a_query(code) => Diagnosis::new(Code::VerifyAmbiguous)
            .summary(format!("{} answered {said} to a query of bindings after the digest: it may be the query or the secret that it dislikes.", who(seen)))
            .remedy(match seen.may_bind {
                true => format!("Try it by a renewal, which is no query: {}; then verify again.", in_profile(seen, "\"verifyBy\": \"renew\"")),
                false => WITHOUT_QUERY.to_owned(),
            })
            .check(Check::new("query.accepted", false)),
        _ => either_way(seen, answer, said),
    }
}

/// carriers.md C20: the doubt is there where neither the profile nor an earlier success has settled it.
fn suspects_truncation(seen: &Observation) -> bool {
    seen.answered.is_some_and(|algorithm| algorithm.hash == Hash::Sha512_256) && !seen.truncated_sha512 && !seen.accepted_before
}

fn either_way(seen: &Observation, answer: &Final, said: &str) -> Diagnosis {
    let who = who(seen);
    match answer.code {
        404 | 604 => Diagnosis::new(Code::UserUnknown)
            .summary(format!("{who} answered {said}: it does not know {}.", seen.address_of_record))
            .remedy(format!("Check user and domain of {} against the carrier's sheet.", seen.address_of_record))
            .check(Check::new("user.known", false)),
        423 => Diagnosis::new(Code::IntervalTooBrief)
            .summary(match answer.min_expires {
                Some(minimum) => format!("{who} answered {said} with the unusable Min-Expires {minimum}."),
                None => format!("{who} answered {said} without Min-Expires."),
            })
            .remedy(format!("Ask the carrier for its shortest expiry, and set it: {}.", in_profile(seen, "\"expires\": SECONDS"))),
        300..=399 => Diagnosis::new(Code::Redirected)
            .summary(format!("{who} answered {said} and points to {}.", answer.redirect.as_deref().unwrap_or("no Contact")))
            .remedy(redirected(seen, answer.redirect.as_deref())),
        420 | 421 | 439 => Diagnosis::new(Code::ExtensionRequired).summary(format!(
            "{who} answered {said}; it demands or refuses {}.",
            answer.demands.as_deref().unwrap_or("an extension that it does not name")
        )),
        494 => Diagnosis::new(Code::SecurityAgreementRequired)
            .summary(format!("{who} answered {said}: it demands a security agreement (RFC 3329).")),
        429 => Diagnosis::new(Code::CarrierRateLimited).summary(format!("{who} answered {said}{}.", retry(answer))),
        _ if limit_of_bindings(&answer.reason) => Diagnosis::new(Code::BindingLimit)
            .summary(format!("{who} answered {said}: the account has as many bindings as it may."))
            .remedy(format!("Have the carrier remove other devices from {}, or set bindingLimit.", seen.address_of_record)),
        400 | 500 if names_cseq(&answer.reason) => Diagnosis::new(Code::CseqRejected).summary(format!("{who} answered {said}.")),
        408 | 500..=599 => Diagnosis::new(Code::CarrierUnavailable).summary(format!("{who} answered {said}{}.", retry(answer))),
        600..=699 => Diagnosis::new(Code::CarrierDeclined).summary(format!("{who} answered {said}.")),
        _ => Diagnosis::new(Code::RequestRejected).summary(format!("{who} answered {said} to the REGISTER.")),
    }
}

/// The host that a profile would have to list.
fn redirected(seen: &Observation, contact: Option<&str>) -> String {
    let host = contact.and_then(|uri| sip::Uri::parse(uri).ok().map(|uri| uri.host.to_string()));
    match host {
        Some(host) => format!(
            "If the carrier confirms {host:?}: {}, beside the hosts that are there, or name it in registrars.",
            in_profile(seen, &format!("\"redirectHosts\": [{host:?}]"))
        ),
        None => "Ask the carrier which registrar the account belongs to, and name that in registrars.".to_owned(),
    }
}

pub(super) fn stale_loop(seen: &Observation) -> Diagnosis {
    Diagnosis::new(Code::NonceStaleLoop).summary(format!("{} called every nonce stale, even those of this very exchange.", who(seen)))
}

pub(super) fn unproven(seen: &Observation) -> Diagnosis {
    Diagnosis::new(Code::CredentialsUnproven)
        .summary(format!("{} accepted without asking for a digest, so the credentials are not proven.", who(seen)))
        .remedy(format!(
            "If the carrier authenticates by address: {}. The address that it sees is {}.",
            in_profile(seen, "\"acceptUnproven\": true"),
            from_where(seen)
        ))
        .check(Check::new("challenged", false))
}

pub(super) fn binding_missing(seen: &Observation, listed: &[String]) -> Diagnosis {
    Diagnosis::new(Code::BindingMissing)
        .summary(format!("{} answered 200, but the bindings that it lists are others' ({}).", who(seen), list(listed)))
        .remedy(format!(
            "Ask the carrier whether another device uses {}, and whether it rewrites Contacts; it lists {}.",
            seen.address_of_record,
            list(listed)
        ))
        .check(Check::new("binding.listed", false))
}

pub(super) fn granted_nothing(seen: &Observation) -> Diagnosis {
    Diagnosis::new(Code::BindingMissing)
        .summary(format!("{} answered 200 and granted 0 seconds: there is no binding.", who(seen)))
        .check(Check::new("binding.granted", false))
}

pub(super) fn budget_spent(seen: &Observation, retry_after: u32) -> Diagnosis {
    let mut diagnosis = Diagnosis::new(Code::BudgetSpent).summary(format!(
        "The allowance of failed digests at carrier {} is spent; another failure could have it ban the address. Nothing was sent; try again in {retry_after} s.",
        seen.carrier
    ));
    diagnosis.evidence.retry_after = Some(retry_after);
    diagnosis
}

fn said(code: &u16, reason: &str) -> String {
    if reason.is_empty() { code.to_string() } else { format!("{code} \"{reason}\"") }
}

fn retry(answer: &Final) -> String {
    answer.retry_after.map_or_else(String::new, |seconds| format!(", Retry-After {seconds} s"))
}

fn limit_of_bindings(reason: &str) -> bool {
    let reason = reason.to_ascii_lowercase();
    ["registration limit", "binding limit", "too many contacts", "too many registrations", "too many bindings"]
        .iter()
        .any(|phrase| reason.contains(phrase))
}

pub(crate) fn names_cseq(reason: &str) -> bool {
    reason.to_ascii_lowercase().contains("cseq")
}

/// Returns the status line as evidence.
pub(crate) fn status(code: u16, reason: &str) -> SipStatus {
    SipStatus { code, reason: reason.to_owned() }
}
