//! Signing in: the instance of Identity Center, and templates of groups that mean exactly one group each.

use berth_tenancy::{EnvironmentName, Partition};

use super::{
    ids::is_permission_set,
    problems::{Problems, quoted},
};
use crate::{
    IdentityCenter, PlatformConfig, SignIn,
    template::{Names, PLACEHOLDERS_HINT, render},
};

/// Longest display name of a group. [identitystore `CreateGroup`]
const GROUP_CHARS_MAX: usize = 1_024;
/// What to do about a name that is no permission set's.
const NAME_HINT: &str = "use its exact name: at most 32 letters, digits and +=,.@_-, no template and no wildcard";

/// Checks the instance of Identity Center.
pub(super) fn check_center(config: &PlatformConfig, problems: &mut Problems) {
    let Some(center) = &config.identity_center else { return };
    let hint = "`aws sso-admin list-instances` in the account and region of Identity Center shows it";
    let instance = instance_of(center);
    if instance.is_none() {
        let message = format!("{} is not the ARN of an instance", quoted(&center.instance_arn));
        problems.add("identityCenter.instanceArn", message, hint);
    }
    if !is_store(&center.identity_store_id) {
        let message = format!("{} is not the id of an identity store", quoted(&center.identity_store_id));
        problems.add("identityCenter.identityStoreId", message, hint);
    }
    for (name, arn) in &center.permission_sets {
        let path = format!("identityCenter.permissionSets.{name}");
        if !is_permission_set(name) {
            problems.add(&path, format!("{} is not the name of a permission set", quoted(name)), NAME_HINT);
        }
        if instance.is_some_and(|instance| !is_arn_of(arn, instance)) {
            let message = format!("{} is not the ARN of a permission set of this instance", quoted(arn));
            let hint = "it looks like arn:aws:sso:::permissionSet/ssoins-0123456789abcdef/ps-0123456789abcdef";
            problems.add(path, message, hint);
        }
    }
}

/// Checks who signs in to the accounts of one environment.
pub(super) fn check(config: &PlatformConfig, name: &EnvironmentName, declared: &[SignIn], problems: &mut Problems) {
    let base = format!("environments.{name}.signIn");
    if !declared.is_empty() && config.identity_center.is_none() {
        let hint = "add `identityCenter` with region, instanceArn, identityStoreId and role; or remove signIn";
        problems.add(&base, "there is no Identity Center to sign in through", hint);
    }
    for (n, SignIn { group, permission_set }) in declared.iter().enumerate() {
        self::group(&format!("{base}[{n}].group"), group, Names::longest(name.as_str()), problems);
        if !is_permission_set(permission_set) {
            let message = format!("{} is not the name of a permission set", quoted(permission_set));
            problems.add(format!("{base}[{n}].permissionSet"), message, NAME_HINT);
        }
    }
    let pairs = declared.iter().map(|one| format!("{} with {}", one.group, one.permission_set));
    problems.repeated(pairs, |n| format!("{base}[{n}]"));
}

/// A group is named exactly: Identity Center knows no patterns, so a wildcard would only be a group that is missing.
fn group(path: &str, template: &str, names: Names<'_>, problems: &mut Problems) {
    let length = match render(template, names) {
        Err(error) => return problems.add(path, error.to_string(), PLACEHOLDERS_HINT),
        Ok(text) => text.chars().count(),
    };
    if template.contains(['*', '?']) {
        let hint = "name one group, such as \"{tenant}-developers\"; list a second one for more";
        problems.add(path, format!("{} holds a wildcard", quoted(template)), hint);
    } else if template.trim().is_empty() || template.trim() != template || template.chars().any(char::is_control) {
        let message = format!("{} is not the name of a group", quoted(template));
        problems.add(path, message, "write the display name of a group as Identity Center has it");
    } else if length > GROUP_CHARS_MAX {
        let message = format!("the name has up to {length} characters, Identity Center takes {GROUP_CHARS_MAX}");
        problems.add(path, message, "name the group otherwise");
    }
}

/// The id of the instance (`ssoins-…`) in its ARN.
fn instance_of(center: &IdentityCenter) -> Option<&str> {
    let id = resource(&center.instance_arn)?.strip_prefix("instance/")?;
    let tail = id.strip_prefix("ssoins-").or_else(|| id.strip_prefix("ins-"))?;
    (tail.len() == 16 && tail.bytes().all(|b| b.is_ascii_alphanumeric() || b"-.".contains(&b))).then_some(id)
}

fn is_arn_of(arn: &str, instance: &str) -> bool {
    let set = resource(arn).and_then(|rest| rest.strip_prefix("permissionSet/")?.strip_prefix(instance));
    let tail = set.and_then(|rest| rest.strip_prefix("/ps-")).unwrap_or_default();
    tail.len() == 16 && tail.bytes().all(|b| b.is_ascii_alphanumeric() || b"-./".contains(&b))
}

/// What follows partition and service in an ARN of Identity Center.
fn resource(arn: &str) -> Option<&str> {
    let (partition, rest) = arn.strip_prefix("arn:")?.split_once(":sso:::")?;
    Partition::named(partition).map(|_| rest)
}

/// `d-` and ten hexadecimal digits, or a UUID.
fn is_store(id: &str) -> bool {
    let hex = |text: &str| text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    let parts: Vec<&str> = id.split('-').collect();
    let lengths: Vec<usize> = parts.iter().map(|part| part.len()).collect();
    match parts.as_slice() {
        ["d", digits] => digits.len() == 10 && hex(digits),
        _ => lengths == [8, 4, 4, 4, 12] && parts.iter().all(|part| hex(part)),
    }
}
