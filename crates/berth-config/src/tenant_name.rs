//! The name of a tenant, made from the name of an account.

use berth_tenancy::{EnvironmentName, TenantName};

/// The account's name as a slug, without `-<environment>` at its end. None when that is not the name of a tenant.
///
/// Organizations allows every printable ASCII character in a name. Runs of anything but letters and digits become one
/// hyphen. Letters beyond ASCII have no slug that everybody would agree on, so such a name gives none.
pub(crate) fn from_account_name(name: &str, environment: &EnvironmentName) -> Option<TenantName> {
    if !name.is_ascii() {
        return None;
    }
    let lower = name.to_ascii_lowercase();
    let words: Vec<&str> = lower.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let slug = words.join("-");
    let tenant = slug.strip_suffix(environment.as_str()).and_then(|start| start.strip_suffix('-')).unwrap_or(&slug);
    tenant.parse().ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn names_of_accounts_become_names_of_tenants() {
        let table = [
            ("payments-dev", Some("payments")),
            ("Payments (Dev)", Some("payments")),
            ("payments", Some("payments")),
            ("payments-staging", Some("payments-staging")),
            ("Team #7: \"Blue & Green\" | dev", Some("team-7-blue-green")),
            ("dev", Some("dev")),
            ("dev-dev", Some("dev")),
            ("undev", Some("undev")),
            ("no", Some("no")),
            ("on", Some("on")),
            ("1e3", None),
            ("~", None),
            ("2024-01-01", None),
            ("", None),
            ("zürich-dev", None),
            ("a-name-that-is-much-too-long-to-be-a-tenant", None),
        ];
        let environment = "dev".parse().unwrap();
        for (name, tenant) in table {
            let made = from_account_name(name, &environment);
            assert_eq!(made.as_ref().map(TenantName::as_str), tenant, "{name:?}");
        }
    }
}
