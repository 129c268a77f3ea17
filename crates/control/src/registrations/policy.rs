//! Which digest algorithms a trunk may answer, which setting says so, and what to change where one is forbidden.

use diagnosis::{Check, Code, Diagnosis};
use link::{DigestPolicy, PolicySource};

use crate::domain::DigestPolicySetting;
use crate::domain::algorithm::{ALGORITHMS, base};

/// Merges the three levels: trunk over carrier over organisation, each of the two values on its own.
pub fn effective(
    trunk: Option<(&str, &DigestPolicySetting)>,
    carrier: Option<(&str, &DigestPolicySetting)>,
    organization: Option<&DigestPolicySetting>,
) -> DigestPolicy {
    let levels = [
        trunk.map(|(id, setting)| (setting, PolicySource::Trunk(id.to_owned()))),
        carrier.map(|(id, setting)| (setting, PolicySource::Carrier(id.to_owned()))),
        organization.map(|setting| (setting, PolicySource::Organization)),
    ];
    let mut levels: Vec<(&DigestPolicySetting, PolicySource)> = levels.into_iter().flatten().collect();
    let on_downgrade = levels.iter().find_map(|(setting, _)| setting.on_downgrade).unwrap_or_default();
    levels.retain(|(setting, _)| setting.allowed.as_ref().is_some_and(|names| !names.is_empty()));
    match levels.into_iter().next() {
        Some((setting, source)) => {
            let allowed = strongest_first(setting.allowed.as_deref().unwrap_or_default());
            DigestPolicy { allowed, on_downgrade, source }
        }
        None => DigestPolicy { allowed: ALGORITHMS.map(str::to_owned).to_vec(), on_downgrade, source: PolicySource::Default },
    }
}

/// Tells whether the policy lets `algorithm` be answered; a name allows its `-sess` form.
pub fn allows(policy: &DigestPolicy, algorithm: &str) -> bool {
    policy.allowed.iter().any(|name| name == base(algorithm))
}

/// Refuses an explicitly asked algorithm that the policy forbids.
///
/// # Errors
/// [`Code::AlgorithmNotAllowed`], naming the setting and the call that overrides it.
pub fn check_asked(policy: &DigestPolicy, algorithm: &str, trunk: Option<&str>) -> Result<(), Box<Diagnosis>> {
    if allows(policy, algorithm) {
        return Ok(());
    }
    let diagnosis = Diagnosis::new(Code::AlgorithmNotAllowed)
        .summary(format!("The request asks for {algorithm}, but {} allows {} only.", named(&policy.source), list(&policy.allowed)))
        .remedy(remedy(policy, &[algorithm], trunk))
        .check(Check::compared("algorithm.allowed", false, policy.allowed.join(", "), algorithm));
    Err(Box::new(diagnosis))
}

/// Names the exact override in a carrier-side refusal by policy, which the edge cannot know the API call of.
#[must_use]
pub fn name_override(mut diagnosis: Diagnosis, policy: &DigestPolicy, trunk: Option<&str>) -> Diagnosis {
    if diagnosis.code == Code::AlgorithmNotAllowed {
        let offered: Vec<String> = diagnosis.evidence.challenges.iter().map(|challenge| challenge.algorithm.clone()).collect();
        let known: Vec<&str> = ALGORITHMS.into_iter().filter(|name| offered.iter().any(|offer| base(offer) == *name)).collect();
        if let Some(strongest) = known.first() {
            diagnosis.summary =
                format!("The carrier offers {} only, but {} allows {} only.", list(&offered), named(&policy.source), list(&policy.allowed));
            diagnosis.remedy = remedy(policy, &[strongest], trunk);
        }
    }
    diagnosis
}

/// Names the setting that decides, for people.
pub fn named(source: &PolicySource) -> String {
    match source {
        PolicySource::Default => "the default digestPolicy".to_owned(),
        PolicySource::Organization => "the organization's digestPolicy".to_owned(),
        PolicySource::Carrier(id) => format!("the digestPolicy of carrier {id}"),
        PolicySource::Trunk(id) => format!("the digestPolicy of trunk {id}"),
    }
}

fn remedy(policy: &DigestPolicy, wanted: &[&str], trunk: Option<&str>) -> String {
    // The trunk's own list is extended; from farther away one name on the trunk is enough, as the nearest setting wins.
    let kept: Vec<&str> = match &policy.source {
        PolicySource::Trunk(_) => policy.allowed.iter().map(String::as_str).collect(),
        PolicySource::Default | PolicySource::Organization | PolicySource::Carrier(_) => Vec::new(),
    };
    let names = ALGORITHMS.into_iter().filter(|name| kept.contains(name) || wanted.iter().any(|wanted| base(wanted) == *name));
    let quoted: Vec<String> = names.map(|name| format!("\"{name}\"")).collect();
    let body = format!("{{\"digestPolicy\":{{\"allowed\":[{}]}}}}", quoted.join(","));
    match trunk {
        Some(trunk) => format!(
            "Allow it for this trunk by name: PATCH /api/v2/trunks/voice/{trunk} {body}; or use an algorithm that is allowed, if the carrier offers one."
        ),
        None => {
            format!("Allow it by name on the carrier or the trunk: {body}; or use an algorithm that is allowed, if the carrier offers one.")
        }
    }
}

fn strongest_first(names: &[String]) -> Vec<String> {
    ALGORITHMS.into_iter().filter(|known| names.iter().any(|name| base(name) == *known)).map(str::to_owned).collect()
}

/// `A`, `A and B`, `A, B and C`.
fn list(names: &[String]) -> String {
    match names {
        [] => "none".to_owned(),
        [only] => only.clone(),
        [head @ .., last] => format!("{} and {last}", head.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use diagnosis::{Challenge, Evidence};
    use link::OnDowngrade;

    use super::*;

    fn setting(names: &[&str]) -> DigestPolicySetting {
        DigestPolicySetting { allowed: Some(names.iter().map(|name| (*name).to_owned()).collect()), on_downgrade: None }
    }

    fn strict() -> DigestPolicy {
        effective(None, None, Some(&setting(&["SHA-256", "SHA-512-256"])))
    }

    #[test]
    fn nobody_set_one_allows_all_three() {
        let policy = effective(None, Some(("c", &DigestPolicySetting::default())), None);
        assert_eq!(policy.allowed, ALGORITHMS);
        assert_eq!(policy.source, PolicySource::Default);
        assert_eq!(policy.on_downgrade, OnDowngrade::Refuse);
    }

    #[test]
    fn the_nearest_setting_wins_and_is_named() {
        let (md5, sha) = (setting(&["MD5"]), DigestPolicySetting { on_downgrade: Some(OnDowngrade::Warn), ..setting(&["SHA-256"]) });
        let cases = [
            (Some(("t", &md5)), Some(("c", &sha)), &sha, PolicySource::Trunk("t".into()), OnDowngrade::Warn),
            (None, Some(("c", &md5)), &sha, PolicySource::Carrier("c".into()), OnDowngrade::Warn),
            (None, None, &md5, PolicySource::Organization, OnDowngrade::Refuse),
        ];
        for (trunk, carrier, organization, source, on_downgrade) in cases {
            let policy = effective(trunk, carrier, Some(organization));
            assert_eq!(policy, DigestPolicy { allowed: vec!["MD5".into()], on_downgrade, source });
        }
    }

    #[test]
    fn the_strongest_comes_first_however_it_was_written() {
        assert_eq!(strict().allowed, ["SHA-512-256", "SHA-256"]);
    }

    #[test]
    fn a_name_allows_its_sess_form() {
        assert!(allows(&strict(), "SHA-256-sess"));
        assert!(!allows(&strict(), "MD5-sess"));
    }

    #[test]
    fn a_forbidden_algorithm_names_the_setting_and_the_override() {
        let refused = check_asked(&strict(), "MD5", Some("trunk_jkt_04")).unwrap_err();
        assert_eq!(refused.code, Code::AlgorithmNotAllowed);
        assert_eq!(refused.summary, "The request asks for MD5, but the organization's digestPolicy allows SHA-512-256 and SHA-256 only.");
        assert!(
            refused.remedy.contains(r#"PATCH /api/v2/trunks/voice/trunk_jkt_04 {"digestPolicy":{"allowed":["MD5"]}}"#),
            "{}",
            refused.remedy
        );
    }

    #[test]
    fn the_trunks_own_list_is_extended_not_replaced() {
        let policy = effective(Some(("t1", &setting(&["SHA-256"]))), None, None);
        let refused = check_asked(&policy, "MD5", Some("t1")).unwrap_err();
        assert!(refused.remedy.contains(r#"{"allowed":["SHA-256","MD5"]}"#), "{}", refused.remedy);
    }

    #[test]
    fn an_offer_that_the_policy_forbids_gets_the_override_too() {
        let challenge = Challenge { realm: "r".into(), algorithm: "MD5".into(), qop: vec![], stale: false, proxy: false };
        let seen = Diagnosis::new(Code::AlgorithmNotAllowed).evidence(Evidence { challenges: vec![challenge], ..Evidence::default() });
        let told = name_override(seen, &strict(), Some("t1"));
        assert!(told.summary.starts_with("The carrier offers MD5 only"), "{}", told.summary);
        assert!(told.remedy.contains(r#"/t1 {"digestPolicy":{"allowed":["MD5"]}}"#), "{}", told.remedy);
    }
}
