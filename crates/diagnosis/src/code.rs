use std::fmt;
use std::str::FromStr;

use crate::{Initiator, Stage};

/// Makes the catalogue: one row a code, so that none can lack a part.
macro_rules! catalogue {
    ($($code:ident $text:literal $stage:ident $initiator:ident $status:literal $retryable:literal $meaning:literal $remedy:literal;)*) => {
        /// A cause, stable for ever. `as_str` gives the API's form, such as `sip.realm.mismatch`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Code {
            $(#[doc = $meaning] $code,)*
        }

        /// Every code of the catalogue, in the order of its pages.
        pub const ALL: &[Code] = &[$(Code::$code,)*];

        impl Code {
            /// Returns the API's form.
            pub fn as_str(self) -> &'static str {
                match self { $(Code::$code => $text,)* }
            }

            /// Returns where on the way it stops.
            pub fn stage(self) -> Stage {
                match self { $(Code::$code => Stage::$stage,)* }
            }

            /// Returns who decides.
            pub fn initiator(self) -> Initiator {
                match self { $(Code::$code => Initiator::$initiator,)* }
            }

            /// Returns the HTTP status that carries it; 200 for a warning.
            pub fn status(self) -> u16 {
                match self { $(Code::$code => $status,)* }
            }

            /// Tells whether the same request may succeed later without any change.
            pub fn retryable(self) -> bool {
                match self { $(Code::$code => $retryable,)* }
            }

            /// Returns what it means, in a sentence without values.
            pub fn meaning(self) -> &'static str {
                match self { $(Code::$code => $meaning,)* }
            }

            /// Returns what to do about it, in a sentence without values.
            pub fn remedy(self) -> &'static str {
                match self { $(Code::$code => $remedy,)* }
            }
        }

        impl FromStr for Code {
            type Err = UnknownCode;

            fn from_str(text: &str) -> Result<Self, UnknownCode> {
                match text { $($text => Ok(Code::$code),)* _ => Err(UnknownCode) }
            }
        }
    };
}

catalogue! {
    // Form: decided here, no carrier asked.
    UsernameMalformed "registration.username.malformed" Form Platform 400 false
        "The user name is empty, too long, or holds characters that no SIP user name can have."
        "Copy the user name from the carrier's sheet as plain text.";
    PasswordEmpty "registration.password.empty" Form Platform 400 false
        "No password was given, or an empty one."
        "Set credentials.password, or credentials.ha1 with an explicit realm.";
    RealmMalformed "registration.realm.malformed" Form Platform 400 false
        "The realm has a sip: prefix, quotes or control characters: a realm is the bare text between the quotes of the challenge."
        "Give the realm as the carrier's challenge shows it, or leave it out to learn it.";
    Whitespace "registration.whitespace" Form Platform 400 false
        "The value holds what copying from a provisioning sheet leaves: outer white space, no-break or zero-width characters, smart quotes or a byte-order mark."
        "Remove the named character, or add \"accept\": [\"registration.whitespace\"] if the password really has it.";
    AlgorithmUnknown "registration.algorithm.unknown" Form Platform 400 false
        "The algorithm is none of MD5, SHA-256 and SHA-512-256 (or their -sess forms)."
        "Use MD5, SHA-256 or SHA-512-256, or leave the algorithm out to take the strongest that is offered and allowed.";
    RegistrarMalformed "registration.registrar.malformed" Form Platform 400 false
        "A registrar, an outbound proxy or an address-of-record is not a SIP URI."
        "Write it as sip:host[:port][;transport=udp].";
    Ha1Malformed "registration.ha1.malformed" Form Platform 400 false
        "An HA1 is not the hexadecimal digest that its algorithm gives."
        "Give 32 hexadecimal digits for MD5, 64 for SHA-256 and SHA-512-256: H(username:realm:password).";
    Ha1RealmRequired "registration.ha1.realm_required" Form Platform 400 false
        "An HA1 was given without an explicit realm; it is valid for one realm only."
        "Set credentials.realm to the realm that the HA1 was made for.";
    FieldUnknown "registration.field.unknown" Form Platform 400 false
        "The request has a field that this call does not know."
        "Correct the field's name; the nearest known one is named.";

    // Policy.
    AlgorithmNotAllowed "sip.algorithm.not_allowed" Policy Platform 422 false
        "The digest policy allows none of the algorithms that are asked for or offered."
        "Allow the algorithm by name on the trunk or the carrier, or have the carrier offer a stronger one.";
    DowngradeRefused "sip.algorithm.downgrade.refused" Policy Platform 422 false
        "The carrier now challenges weaker than what was pinned for this trunk; no digest was sent."
        "Ask the carrier why; then set the credentials again, or set onDowngrade to warn.";
    Held "registration.held" Policy Platform 409 false
        "The trunk is held: its failed digests are spent, and another could have the carrier ban the address."
        "Set new credentials, or release the hold.";
    BudgetSpent "registration.budget_spent" Policy Platform 429 true
        "The allowance of failed digests for this user name at this carrier is spent."
        "Wait for Retry-After; ask the carrier for the right credentials meanwhile.";
    EdgeOffline "edge.offline" Policy Platform 503 true
        "No edge of the trunk's site is online, so the carrier could not be asked."
        "Bring an edge of the site up; nothing was changed.";
    SecretUnreadable "registration.secret.unreadable" Policy Platform 503 false
        "The edge cannot open the sealed secret that it was given: control plane and edge do not share its key. No carrier was asked."
        "Set the credentials again; if that does not help, restart the edge, so that it gets its secrets anew.";
    PacingInfeasible "pacing.infeasible" Policy Platform 400 false
        "That many trunks cannot be kept alive at that rate and expiry."
        "Raise pacing.registersPerSecond or the expiry, or move trunks to another carrier profile.";

    // Network.
    DnsFailed "network.dns.failed" Network Network 422 true
        "The registrar's name does not resolve."
        "Check the name in the carrier's registrars and the edge's name servers.";
    TargetForbidden "network.target.forbidden" Network Platform 422 false
        "The registrar's address is in a range that this edge must not reach."
        "Start the edge with --allow-target for that range if it is meant.";
    PortForbidden "network.port.forbidden" Network Platform 422 false
        "The registrar's port belongs to another service, and this edge must not reach it."
        "Use the carrier's SIP port, usually 5060 or 5061.";
    Unreachable "network.unreachable" Network Network 422 true
        "There is no route from the edge to the registrar's address."
        "Check the edge's routes: ip route get ADDRESS, on the edge's host.";
    FamilyUnsupported "network.family.unsupported" Network Platform 422 false
        "The registrar has addresses of a family only that the edge has no socket of: IPv6 from an IPv4 edge, or the reverse."
        "Start the edge with a --sip address of that family as well, or use a registrar of the other one.";
    RequestTooLarge "network.request.too_large" Network Network 422 false
        "The request is too large for the path to the registrar, and was not delivered."
        "Shorten extraHeaders and contact parameters, or use a registrar over TCP or TLS.";
    TransportUnavailable "network.transport.unavailable" Network Platform 422 false
        "The registrar's URI asks for a transport that the carrier's profile excludes or this edge does not have."
        "Name another transport in the carrier's registrars, or allow it in the profile's transports.";
    Refused "network.refused" Network Network 422 true
        "The registrar's host answers, but nothing listens at that port and transport."
        "Check port and transport in the carrier's registrars.";
    ConnectionLost "network.connection.lost" Network Network 422 true
        "The registrar's host took the connection and ended it before it answered."
        "Check that port and transport belong together: a TLS port takes no plain TCP, and the reverse.";
    WebSocketRefused "network.websocket.refused" Network Carrier 422 false
        "The registrar's host speaks no WebSocket there, or not the subprotocol sip (RFC 7118)."
        "Ask the carrier for the URI of its SIP WebSocket, and check port and transport in registrars.";
    Timeout "network.timeout" Network Network 422 true
        "Nothing came back from the registrar: neither to OPTIONS nor to REGISTER."
        "Check that the carrier allows the edge's public address, and the firewall in between.";
    RegisterIgnored "network.register.ignored" Network Carrier 422 true
        "The registrar answers OPTIONS and drops REGISTER. An answered OPTIONS proves reachability only."
        "Ask the carrier whether the account and the edge's public address are provisioned for registration.";
    BlockSuspected "network.block.suspected" Network Carrier 422 false
        "The registrar answered before and answers nothing now, after failures: the carrier probably blocks the edge's address."
        "Ask the carrier to unblock the edge's public address; do not retry meanwhile.";
    TlsHandshakeFailed "tls.handshake.failed" Network Network 422 true
        "The TLS handshake failed."
        "Check that the port speaks TLS, and which versions and ciphers the carrier takes.";
    TlsNameMismatch "tls.name.mismatch" Network Carrier 422 false
        "The certificate is for another name than the registrar's (RFC 5922)."
        "Use the name that the certificate carries in the carrier's registrars.";
    TlsCertificateExpired "tls.certificate.expired" Network Carrier 422 false
        "The registrar's certificate has expired, or is not valid yet."
        "Ask the carrier to renew it; check the edge's clock.";
    TlsCertificateUntrusted "tls.certificate.untrusted" Network Carrier 422 false
        "The registrar's certificate is signed by nobody that the carrier's profile trusts."
        "Add the carrier's own root to tls.roots.";
    TlsClientCertificateRequired "tls.client_certificate.required" Network Carrier 422 false
        "The registrar demands a client certificate."
        "Set tls.clientCertificate in the carrier's profile.";

    // Challenge: before a digest was sent.
    RealmMismatch "sip.realm.mismatch" Challenge Carrier 422 false
        "The carrier challenges another realm than the credentials name; no digest was sent."
        "Set credentials.realm to the offered realm, or leave it out to learn it.";
    AlgorithmUnsupported "sip.algorithm.unsupported" Challenge Carrier 422 false
        "The carrier offers only algorithms that are not registered for SIP digest."
        "If it is another spelling of a known one, add it to the carrier's algorithmAliases.";
    AlgorithmNotOffered "sip.algorithm.not_offered" Challenge Carrier 422 false
        "The carrier does not offer the algorithm that the credentials ask for."
        "Ask for one of the offered algorithms, or leave it out.";
    AlgorithmNoHa1 "sip.algorithm.no_ha1" Challenge Carrier 422 false
        "The carrier offers only algorithms for which no HA1 is at hand; an HA1 is good for its own algorithm only."
        "Add the HA1 of an offered algorithm to credentials.ha1, or give the password.";
    ChallengeMalformed "sip.challenge.malformed" Challenge Carrier 422 false
        "The carrier's challenge cannot be read; it was not answered."
        "Show the header to the carrier's support.";
    ChallengeMissing "sip.challenge.missing" Challenge Carrier 422 false
        "The carrier answered 401 or 407 without a challenge header."
        "Show the answer to the carrier's support.";
    ForbiddenBeforeChallenge "sip.forbidden.before_challenge" Challenge Carrier 422 false
        "The carrier refused before it asked for a digest: the password was never looked at."
        "Ask the carrier whether the edge's public address is allowed and the account provisioned.";
    UserUnknown "sip.user.unknown" Challenge Carrier 422 false
        "The carrier does not know the address-of-record."
        "Check user and domain of the trunk's addressOfRecord against the carrier's sheet.";
    VerifyNeedsBinding "sip.verify.needs_binding" Challenge Carrier 422 false
        "The carrier refuses queries of bindings, and the trunk is out of service: finding out would take a binding, which could replace another system's."
        "Post with verify static, or put the trunk in service and verify then.";
    QopUnsupported "sip.qop.unsupported" Challenge Carrier 422 false
        "The carrier demands a quality of protection other than auth and auth-int."
        "Show the challenge to the carrier's support.";
    ProxyCredentialsRequired "sip.proxy.credentials_required" Challenge Carrier 422 false
        "A proxy on the way challenges a realm of its own."
        "Set proxyCredentials for that realm.";

    // Digest: after a digest was sent.
    CredentialsRejected "sip.credentials.rejected" Digest Carrier 422 false
        "The carrier refused the digest over a fresh nonce: user name or password is wrong."
        "Check user name and password against the carrier's sheet; realm and algorithm were right.";
    ProxyCredentialsRejected "sip.proxy.credentials_rejected" Digest Carrier 422 false
        "A proxy on the way refused the digest of proxyCredentials over a fresh nonce; the account's own secret was not judged."
        "Check the user name and password of proxyCredentials against the carrier's sheet.";
    BothRejected "sip.credentials.both_rejected" Digest Carrier 422 false
        "The carrier refuses the new credentials and the previous ones too."
        "Ask the carrier which credentials are valid, and set those.";
    CredentialsUnproven "sip.credentials.unproven" Digest Carrier 422 false
        "The carrier accepted without asking for a digest, so the credentials are not proven."
        "Set acceptUnproven if the carrier authenticates by address.";
    ForbiddenAfterAuth "sip.forbidden.after_auth" Digest Carrier 422 false
        "The carrier answered 403 to the digest: wrong credentials, or right ones for an account that may not register."
        "Check user name and password; if they are right, ask the carrier whether the account is barred.";
    VerifyAmbiguous "sip.verify.ambiguous" Digest Carrier 422 false
        "The query was refused after the digest: it may be the query or the secret that the carrier dislikes."
        "Set verifyBy to renew in the carrier's profile and try again.";
    NonceStaleLoop "sip.nonce.stale_loop" Digest Carrier 422 true
        "The carrier called every nonce stale, even those of this very exchange."
        "Show it to the carrier's support: its nodes probably do not share their nonces.";
    SuspectTruncatedSha512 "sip.digest.suspect_truncated_sha512" Digest Carrier 422 false
        "The digest was refused with SHA-512-256; some carriers compute a truncated SHA-512 in its place."
        "Set truncatedSha512 in the carrier's profile, or use another algorithm.";
    Indeterminate "verification.indeterminate" Digest Network 422 true
        "A digest was sent and no outcome came back; it counts as a failed digest."
        "Verify again once the carrier answers.";

    // Binding.
    IntervalTooBrief "sip.interval.too_brief" Binding Carrier 422 false
        "The carrier calls the expiry too brief and names no usable minimum."
        "Set a longer expires on the trunk or the carrier.";
    IntervalUnsustainable "sip.interval.unsustainable" Binding Carrier 422 true
        "The carrier grants so short an expiry that the binding cannot be kept without gaps."
        "Ask the carrier for an expiry of 60 s or more.";
    Redirected "sip.redirected" Binding Carrier 422 false
        "The carrier redirects to another host, which the profile does not list."
        "Add the host to redirectHosts if the carrier confirms it, or register there.";
    BindingMissing "sip.binding.missing" Binding Carrier 422 true
        "The carrier answered 200, but our Contact is not among the bindings."
        "Ask the carrier whether another device uses the account, and whether it rewrites Contacts.";
    BindingLimit "sip.binding.limit" Binding Carrier 422 true
        "The account has as many bindings as the carrier allows."
        "Remove other devices from the account, or set bindingLimit.";
    ContactRewritten "sip.contact.rewritten" Binding Carrier 422 true
        "The carrier rewrote our Contact, so its calls would go elsewhere."
        "Advertise the public address, or set natRewrite.";
    CseqRejected "sip.cseq.rejected" Binding Carrier 422 true
        "The carrier refuses the CSeq, even a much higher one under a new Call-ID."
        "Ask the carrier to clear the account's old binding.";
    ExtensionRequired "sip.extension.required" Binding Carrier 422 false
        "The carrier demands a SIP extension that was not offered."
        "Enable the named extension in the carrier's profile (outbound, gin).";
    SecurityAgreementRequired "sip.security_agreement.required" Binding Carrier 422 false
        "The carrier demands a security agreement (RFC 3329)."
        "Ask the carrier for an access without it, such as TLS.";
    RequestRejected "sip.request.rejected" Binding Carrier 422 false
        "The carrier refused the REGISTER with another 4xx answer."
        "See the code and the reason phrase; show them to the carrier's support.";

    // Carrier.
    CarrierUnavailable "carrier.unavailable" Carrier Carrier 422 true
        "The carrier is in trouble (5xx)."
        "Nothing to change: it is tried again. Retry-After is kept.";
    CarrierRateLimited "carrier.rate_limited" Carrier Carrier 422 true
        "The carrier says that it gets too many requests."
        "Lower pacing.registersPerSecond of the carrier.";
    CarrierDeclined "carrier.declined" Carrier Carrier 422 false
        "The carrier declines altogether (6xx)."
        "Ask the carrier about the account.";

    // Warnings.
    AlgorithmWeak "sip.algorithm.weak" Warning Carrier 200 false
        "The carrier authenticates with MD5, which is weak."
        "Ask the carrier for SHA-256 (RFC 8760).";
    AlgorithmDisallowedActive "sip.algorithm.disallowed_active" Warning Platform 200 false
        "The active credentials use an algorithm that the policy no longer allows; the binding goes on."
        "Set the credentials again with an allowed algorithm, or allow it on the trunk.";
    AlgorithmDowngraded "sip.algorithm.downgraded" Warning Carrier 200 false
        "The carrier now challenges weaker than before; the policy lets it pass with this warning."
        "Ask the carrier why.";
    IntervalLong "sip.interval.long" Warning Carrier 200 false
        "The carrier demands an expiry of more than an hour: a lost binding is noticed late."
        "Ask the carrier for a shorter minimum.";
    BindingUnlisted "sip.binding.unlisted" Warning Carrier 200 false
        "The carrier's 200 lists no Contact; the binding is taken as granted."
        "None needed; calls that do not arrive would point here.";
    BindingContested "sip.binding.contested" Warning Carrier 200 false
        "Another device or system registers the same account: the registrar lists its Contact in our place or beside it."
        "Find out who else has these credentials: only one may register where the carrier keeps one binding for an account.";
    ChallengeChanged "sip.challenge.changed" Warning Carrier 200 false
        "The carrier challenges otherwise than before: another realm, algorithm or qop."
        "Compare drift with the carrier's sheet and ask whether the change is theirs; then set the credentials again, or acknowledge it.";
    IntervalChanged "sip.interval.changed" Warning Carrier 200 false
        "The carrier grants another expiry than before."
        "Ask the carrier whether it is meant to last; then acknowledge it. Refreshes follow what is granted by themselves.";
    RegistrationUnauthenticated "registration.unauthenticated" Warning Carrier 200 false
        "The carrier registers the trunk without asking for a digest: the secret is not proven."
        "Ask the carrier whether it authenticates by address, and who else may register there.";
    PacingTight "pacing.tight" Warning Platform 200 false
        "The carrier's trunks may need nearly all of its pacing: after a restart, or without reuse of nonces, refreshes would be late."
        "Raise pacing.registersPerSecond or pacing.inFlight if the carrier permits it, or the expiry.";
    RegistrationResting "registration.resting" Warning Platform 200 false
        "Where the secret is sent has changed since it was verified, so it rests and is not sent."
        "Verify the active credentials at the new place, or set them again.";
}

/// The text names no code of the catalogue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownCode;

impl fmt::Display for UnknownCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no such diagnosis code; GET /api/v2/diagnoses lists them")
    }
}

impl std::error::Error for UnknownCode {}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for Code {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.as_str())
    }
}

#[cfg(feature = "serde")]
impl<'de> serde::Deserialize<'de> for Code {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        std::borrow::Cow::<'_, str>::deserialize(from)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_code_reads_back_and_stands_once() {
        let mut seen = HashSet::new();
        for &code in ALL {
            assert_eq!(code.as_str().parse(), Ok(code));
            assert!(seen.insert(code.as_str()), "{code} stands twice");
        }
    }

    #[test]
    fn a_stage_has_the_statuses_that_the_contract_gives_it() {
        for &code in ALL {
            let status = code.status();
            match code.stage() {
                Stage::Form => assert_eq!(status, 400, "{code}"),
                Stage::Policy => assert!([400, 409, 422, 429, 503].contains(&status), "{code}"),
                Stage::Network | Stage::Challenge | Stage::Digest | Stage::Binding | Stage::Carrier => assert_eq!(status, 422, "{code}"),
                Stage::Warning => assert_eq!(status, 200, "{code}"),
            }
        }
    }

    #[test]
    fn every_code_says_what_it_means_and_what_to_do_in_sentences() {
        for &code in ALL {
            for text in [code.meaning(), code.remedy()] {
                assert!(
                    text.ends_with('.') && text.chars().next().is_some_and(|c| c.is_uppercase() || c.is_ascii_digit()),
                    "{code}: {text}"
                );
            }
        }
    }
}
