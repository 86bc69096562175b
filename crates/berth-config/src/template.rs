//! Templates: texts with `{tenant}`, `{environment}` and `{account}`, and nothing else between braces.

/// What the placeholders stand for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Names<'a> {
    /// `{tenant}`.
    pub(crate) tenant: &'a str,
    /// `{environment}`.
    pub(crate) environment: &'a str,
    /// `{account}`.
    pub(crate) account: &'a str,
}

/// As long as the longest name of a tenant: what lengths are checked with.
pub(crate) const LONGEST_TENANT: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

impl<'a> Names<'a> {
    /// The longest names that templates of this environment can meet.
    pub(crate) fn longest(environment: &'a str) -> Self {
        Self { tenant: LONGEST_TENANT, environment, account: "000000000000" }
    }
}

/// A brace that opens no placeholder that Berth knows.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a placeholder")]
pub(crate) struct UnknownPlaceholder(String);

/// What to do about an [`UnknownPlaceholder`].
pub(crate) const PLACEHOLDERS_HINT: &str = "use only {tenant}, {environment} and {account}";

/// Fills a template in. IAM's own variables (`${aws:username}`) stay as they are.
pub(crate) fn render(template: &str, names: Names<'_>) -> Result<String, UnknownPlaceholder> {
    let mut text = String::with_capacity(template.len() + 40);
    let mut rest = template;
    while let Some(start) = rest.find(['{', '}']) {
        let (before, tail) = rest.split_at(start);
        text.push_str(before);
        let end = tail.find('}').map_or(tail.len(), |end| end + 1);
        let (placeholder, after) = tail.split_at(end);
        let variable_follows = before.ends_with('$');
        match placeholder {
            variable if variable_follows && is_iam_variable(variable) => text.push_str(variable),
            unknown if variable_follows => return Err(UnknownPlaceholder(cut(&format!("${unknown}")))),
            "{tenant}" => text.push_str(names.tenant),
            "{environment}" => text.push_str(names.environment),
            "{account}" => text.push_str(names.account),
            unknown => return Err(UnknownPlaceholder(cut(unknown))),
        }
        rest = after;
    }
    text.push_str(rest);
    Ok(text)
}

/// At most 40 characters, for a message.
fn cut(text: &str) -> String {
    text.chars().take(40).collect()
}

/// `{aws:username}` and the escapes `{*}`, `{?}`, `{$}`: what IAM knows after a `$`. So `${tenant}` is a mistake.
fn is_iam_variable(braced: &str) -> bool {
    let inner = braced.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
    inner.is_some_and(|name| name.contains(':') || matches!(name, "*" | "?" | "$"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    fn rendered(template: &str) -> Result<String, UnknownPlaceholder> {
        render(template, Names { tenant: "payments", environment: "dev", account: "111122223333" })
    }

    #[test]
    fn placeholders_are_filled_in_and_variables_of_iam_stay() {
        assert_eq!(rendered("{tenant}-{environment}-{account}").unwrap(), "payments-dev-111122223333");
        assert_eq!(rendered("home/${aws:username}/{tenant}").unwrap(), "home/${aws:username}/payments");
        assert_eq!(rendered("plain").unwrap(), "plain");
    }

    #[test]
    fn other_braces_are_refused() {
        for bad in
            ["{Tenant}", "{}", "{tenant", "tenant}", "{{tenant}}", "{ tenant }", "${", "$}", "${tenant}", "${aws:x"]
        {
            assert!(rendered(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn no_tenant_has_a_longer_name() {
        assert!(LONGEST_TENANT.parse::<berth_tenancy::TenantName>().is_ok());
        assert!(format!("{LONGEST_TENANT}a").parse::<berth_tenancy::TenantName>().is_err());
    }

    proptest! {
        #[test]
        fn any_text_is_rendered_or_refused(text in r"[${}a-z*é]{0,40}") {
            if let Ok(done) = rendered(&text) {
                let open = done.replace("${", "").contains('{');
                prop_assert!(!open, "{}", done);
            }
        }
    }
}
