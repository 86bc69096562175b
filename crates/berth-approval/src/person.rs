//! What tells people apart.

/// What tells people apart by their ARN. Whoever signs in through Identity Center is the name of the session, whichever
/// permission set it is; of any other role whoever assumes it chooses that name, so the role is one person, whoever uses it.
#[must_use]
pub fn person(arn: &str) -> String {
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    let assumed = parts.get(5).and_then(|resource| resource.strip_prefix("assumed-role/"));
    match assumed.and_then(|assumed| assumed.split_once('/')) {
        Some((role, session)) if role.starts_with("AWSReservedSSO_") => format!("sso/{session}"),
        Some((role, _)) => format!("{}/{role}", parts.get(4).copied().unwrap_or_default()),
        None => arn.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_person_is_one_person_by_whatever_session() {
        let sso = |set: &str, who: &str| {
            person(&format!("arn:aws:sts::111122223333:assumed-role/AWSReservedSSO_{set}_0123456789abcdef/{who}"))
        };
        assert_eq!(sso("Admin", "mia@example.com"), sso("Viewer", "mia@example.com"));
        assert_ne!(sso("Admin", "mia@example.com"), sso("Admin", "leo@example.com"));
        let role = |session: &str| person(&format!("arn:aws:sts::111122223333:assumed-role/ci/{session}"));
        assert_eq!(role("mia"), role("leo"), "whoever assumes a role chooses the name of the session");
        assert_ne!(role("mia"), person("arn:aws:sts::444455556666:assumed-role/ci/mia"));
        assert_ne!(person("arn:aws:iam::111122223333:user/mia"), person("arn:aws:iam::111122223333:user/leo"));
    }
}
