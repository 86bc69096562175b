//! The top of the file: version, organization, the platform's own accounts, tags, owner groups, sources.

use berth_tenancy::AccountId;

use super::problems::{Problems, quoted};
use crate::{
    PlatformConfig,
    template::{Names, PLACEHOLDERS_HINT, render},
};

/// Groups that Berth gives to roles, and those of AWS and Kubernetes: the CRD refuses them as owners.
const RESERVED_PREFIXES: [&str; 4] = ["tenant:", "aws:", "system:", "eks:"];

/// Checks everything above `clusters`.
pub(super) fn check(config: &PlatformConfig, problems: &mut Problems) {
    if config.version != 1 {
        problems.add("version", format!("version {} is not known", config.version), "write `version: 1`");
    }
    let id = config.organization.id.strip_prefix("o-").unwrap_or_default();
    if !(10..=32).contains(&id.len()) || !id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()) {
        let message = format!("{} is not the id of an organization", quoted(&config.organization.id));
        problems.add(
            "organization.id",
            message,
            "it looks like o-a1b2c3d4e5; `aws organizations describe-organization`",
        );
    }
    distinct_accounts(config, problems);
    tags(config, problems);
    owner_groups(config, problems);
    if config.start_on.is_empty() {
        let hint = "list at least one of controlTower, organizations, move";
        problems.add("startOn", "no event starts an onboarding", hint);
    }
    problems.repeated(config.start_on.iter().map(|source| source.as_str()), |n| format!("startOn[{n}]"));
}

/// AWS advises against workloads and networks in the management account, and service control policies do not bind it.
fn distinct_accounts(config: &PlatformConfig, problems: &mut Problems) {
    let management = &config.organization.management_account;
    let hub: Option<&AccountId> = config.hub.as_ref().map(|hub| &hub.account);
    for (path, account) in [("network.account", Some(&config.network.account)), ("hub.account", hub)] {
        if account == Some(management) {
            let message = format!("{management} is the management account");
            problems.add(path, message, "use an account of its own; the management account holds no workloads");
        }
    }
}

fn tags(config: &PlatformConfig, problems: &mut Problems) {
    let tags = [
        ("ignoreTag", &config.ignore_tag),
        ("tenantTag", &config.tenant_tag),
        ("costCenterTag", &config.cost_center_tag),
    ];
    for (path, key) in tags {
        let allowed = |c: char| c.is_alphanumeric() || " _.:/=+-@".contains(c);
        if key.is_empty() || key.chars().count() > 128 || !key.chars().all(allowed) || key.starts_with("aws:") {
            let message = format!("{} is not the key of a tag", quoted(key));
            problems.add(path, message, "use at most 128 letters, digits, spaces and _.:/=+-@, not starting with aws:");
        }
    }
    problems.repeated(tags.map(|(_, key)| key), |n| tags.get(n).map_or_else(String::new, |(path, _)| (*path).into()));
}

fn owner_groups(config: &PlatformConfig, problems: &mut Problems) {
    for (n, group) in config.owner_groups.iter().enumerate() {
        let path = format!("ownerGroups[{n}]");
        if group.trim().is_empty() || group.chars().count() > 256 {
            problems.add(&path, "a group needs a name", "write a name of at most 256 characters, or remove the line");
        }
        if let Some(prefix) = RESERVED_PREFIXES.into_iter().find(|prefix| group.trim_start().starts_with(prefix)) {
            let message = format!("{} begins with {prefix}, which is reserved", quoted(group));
            let hint =
                "name a group of people: what begins so is given by Berth, AWS or Kubernetes, and no Tenant takes it";
            problems.add(&path, message, hint);
        }
        // Which environment it is makes no difference to whether a template is right.
        if let Err(error) = render(group, Names::longest("any")) {
            problems.add(path, error.to_string(), PLACEHOLDERS_HINT);
        }
    }
    problems.repeated(&config.owner_groups, |n| format!("ownerGroups[{n}]"));
}
