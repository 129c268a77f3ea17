use std::sync::Arc;
use std::time::Duration;

use diagnosis::{Diagnosis, PhraseNote};
use ua::{ContactReplacement, FailureBudget, Manners, NonceReuse, OptionsPing, Pacing, Profile, TlsSettings, Transport, VerifyBy};

use super::account::uri;

/// A shard's part of what a carrier takes: the shards together must not ask faster than one would.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Share {
    pub(crate) index: usize,
    pub(crate) of: usize,
}

impl Share {
    /// Returns this shard's part, at least one: a shard that may send nothing would never register.
    fn part(self, whole: u32) -> u32 {
        let of = u32::try_from(self.of.max(1)).unwrap_or(u32::MAX);
        let rest = usize::try_from(whole % of).unwrap_or(0);
        (whole / of + u32::from(self.index < rest)).max(1)
    }
}

/// Takes over a carrier's profile.
pub(crate) fn profile(from: &link::CarrierProfile, share: Share) -> Result<Profile, Box<Diagnosis>> {
    for registrar in &from.registrars {
        uri("registrar", registrar)?;
    }
    if let Some(proxy) = &from.outbound_proxy {
        uri("outbound proxy", proxy)?;
    }
    Ok(Profile {
        id: from.id.as_str().into(),
        registrars: from.registrars.iter().map(|registrar| registrar.as_str().into()).collect(),
        transports: from.transports.iter().map(|&from| transport(from)).collect(),
        tls: tls(&from.tls),
        outbound_proxy: from.outbound_proxy.as_deref().map(Into::into),
        route: from.route,
        verify_by: verify_by(from.verify_by),
        accept_unproven: from.accept_unproven,
        nonce_reuse: match from.nonce_reuse {
            link::NonceReuse::Auto => NonceReuse::Auto,
            link::NonceReuse::Never => NonceReuse::Never,
            link::NonceReuse::Always => NonceReuse::Always,
        },
        algorithm_aliases: from.algorithm_aliases.iter().map(|(alias, name)| (alias.as_str().into(), name.as_str().into())).collect(),
        truncated_sha512: from.truncated_sha512,
        response_source_exact: from.response_source_exact,
        pacing: Pacing { registers_per_second: share.part(from.pacing.registers_per_second), in_flight: share.part(from.pacing.in_flight) },
        options: from.options.map(|options| OptionsPing {
            interval: seconds(options.interval),
            failure_threshold: options.failure_threshold,
            success_threshold: options.success_threshold,
        }),
        failure_budget: FailureBudget {
            failures: from.failure_budget.failures,
            window: seconds(from.failure_budget.window),
            per_version: from.failure_budget.per_version,
        },
        forbidden_retry: seconds(from.forbidden_retry),
        // The control plane has judged them; one that it let pass is a note less, and no carrier less.
        phrase_notes: from.phrase_notes.iter().filter_map(|(pattern, note)| PhraseNote::new(pattern, note).ok()).collect(),
        manners: manners(&from.manners),
    })
}

fn manners(from: &link::Manners) -> Manners {
    Manners {
        next_on: from.next_on.clone(),
        redirect_hosts: from.redirect_hosts.iter().map(|host| host.as_str().into()).collect(),
        nat_rewrite: from.nat_rewrite,
        min_refresh: seconds(from.min_refresh),
        contact_replacement: match from.contact_replacement {
            link::ContactReplacement::After => ContactReplacement::After,
            link::ContactReplacement::SameRequest => ContactReplacement::SameRequest,
            link::ContactReplacement::Before => ContactReplacement::Before,
            link::ContactReplacement::Instance => ContactReplacement::Instance,
        },
        outbound: from.outbound,
        gin: from.gin,
        source_ports: from.source_ports,
        binding_limit: from.binding_limit,
    }
}

fn tls(from: &link::TlsSettings) -> Arc<TlsSettings> {
    Arc::new(TlsSettings {
        roots: from.roots.as_deref().map(Into::into),
        client_certificate: from.client_certificate.as_deref().map(Into::into),
        wildcard: from.wildcard,
    })
}

pub(crate) fn transport(from: link::Transport) -> Transport {
    match from {
        link::Transport::Udp => Transport::Udp,
        link::Transport::Tcp => Transport::Tcp,
        link::Transport::Tls => Transport::Tls,
        link::Transport::Ws => Transport::Ws,
        link::Transport::Wss => Transport::Wss,
    }
}

pub(super) fn verify_by(from: link::VerifyBy) -> VerifyBy {
    match from {
        link::VerifyBy::Query => VerifyBy::Query,
        link::VerifyBy::Renew => VerifyBy::Renew,
        link::VerifyBy::None => VerifyBy::None,
    }
}

fn seconds(count: u32) -> Duration {
    Duration::from_secs(u64::from(count))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shards_parts_make_the_whole() {
        for (whole, of) in [(500, 3), (200, 4), (7, 2), (1, 1)] {
            let parts: u32 = (0..of).map(|index| Share { index, of }.part(whole)).sum();
            assert_eq!(parts, whole, "{whole} in {of}");
        }
        assert_eq!(Share { index: 3, of: 4 }.part(2), 1, "never nothing");
    }
}
