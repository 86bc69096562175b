//! Role templates: names that fit for every tenant, paths, and policies.

use std::collections::BTreeMap;

use berth_tenancy::EnvironmentName;
use serde_json::Value;

use super::{
    ids::is_iam_name,
    problems::{Problems, quoted},
    trust,
};
use crate::{
    Boundary, PlatformConfig, RoleTemplate, Roles, policy,
    template::{Names, PLACEHOLDERS_HINT, render},
};

/// Longest name of a role (`CreateRole`).
const ROLE_NAME_CHARS_MAX: usize = 64;
/// Longest name of a policy (`CreatePolicy`, `PutRolePolicy`).
const POLICY_NAME_CHARS_MAX: usize = 128;
/// All inline policies of a role together, and a managed policy.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>
const INLINE_CHARS_MAX: usize = 10_240;
const MANAGED_CHARS_MAX: usize = 6_144;

/// Checks the roles of one environment.
pub(super) fn check(config: &PlatformConfig, name: &EnvironmentName, roles: &Roles, problems: &mut Problems) {
    let base = format!("environments.{name}.roles");
    let names = Names::longest(name.as_str());
    boundary(&format!("{base}.boundary"), &roles.boundary, names, problems);
    if roles.roles.iter().all(|role| role.access.is_none()) {
        let hint = "give at least one role `access` (admin, edit or view)";
        problems.add(format!("{base}.roles"), "no role has access to the cluster", hint);
    }
    problems.repeated(roles.roles.iter().map(|role| &role.key), |n| format!("{base}.roles[{n}].key"));
    // IAM compares names of roles without regard to case.
    let rendered = roles.roles.iter().map(|role| render(&role.name, names).unwrap_or_default().to_ascii_lowercase());
    let names_used: Vec<String> = rendered.collect();
    let own = config.tenant_role.as_str().rsplit('/').next().unwrap_or_default().to_ascii_lowercase();
    let mut first: BTreeMap<&str, usize> = BTreeMap::new();
    for (n, used) in names_used.iter().enumerate() {
        let path = format!("{base}.roles[{n}].name");
        if *used == own {
            problems.add(&path, "the name is that of tenantRole", "name the role otherwise");
        }
        let before = *first.entry(used).or_insert(n);
        if before != n && !used.is_empty() {
            let hint = format!("the first is roles[{before}]; give every role its own name, case makes no difference");
            problems.add(path, "two roles have this name", hint);
        }
    }
    for (n, role) in roles.roles.iter().enumerate() {
        one(&format!("{base}.roles[{n}]"), role, names, problems);
    }
}

fn boundary(path: &str, boundary: &Boundary, names: Names<'_>, problems: &mut Problems) {
    name(&format!("{path}.name"), &boundary.name, POLICY_NAME_CHARS_MAX, names, problems);
    iam_path(&format!("{path}.path"), &boundary.path, problems);
    let length = document(&format!("{path}.document"), &boundary.document, names, problems);
    if length > MANAGED_CHARS_MAX {
        let message = format!("the boundary has {length} characters, IAM takes {MANAGED_CHARS_MAX}");
        problems.add(format!("{path}.document"), message, "use fewer statements, or wildcards in actions");
    }
}

fn one(path: &str, role: &RoleTemplate, names: Names<'_>, problems: &mut Problems) {
    if !is_key(&role.key) {
        let message = format!("{} is not a key", quoted(&role.key));
        let hint = "use 1 to 32 lower-case letters, digits and hyphens, starting with a letter";
        problems.add(format!("{path}.key"), message, hint);
    }
    name(&format!("{path}.name"), &role.name, ROLE_NAME_CHARS_MAX, names, problems);
    iam_path(&format!("{path}.path"), &role.path, problems);
    trust::check(&format!("{path}.trust"), &role.trust, names, problems);
    for (n, arn) in role.managed_policies.iter().enumerate() {
        managed_policy(&format!("{path}.managedPolicies[{n}]"), arn, names, problems);
    }
    problems.repeated(&role.managed_policies, |n| format!("{path}.managedPolicies[{n}]"));
    let mut length = 0;
    for (policy, value) in &role.inline_policies {
        let at = format!("{path}.inlinePolicies.{policy}");
        if !is_iam_name(policy) || policy.len() > POLICY_NAME_CHARS_MAX {
            let message = format!("{} is not the name of a policy", quoted(policy));
            problems.add(&at, message, "use at most 128 letters, digits and +=,.@_-");
        }
        length += document(&at, value, names, problems);
    }
    if length > INLINE_CHARS_MAX {
        let message = format!("the inline policies have {length} characters, IAM takes {INLINE_CHARS_MAX}");
        problems.add(format!("{path}.inlinePolicies"), message, "move statements to a managed policy");
    }
    if !(3_600..=43_200).contains(&role.session_seconds_max) {
        let message = format!("{} seconds is not the length of a session", role.session_seconds_max);
        problems.add(format!("{path}.sessionSecondsMax"), message, "use 3600 (one hour) to 43200 (twelve hours)");
    }
}

/// Checks the template of a name: its placeholders, its characters, and its length for the longest tenant.
fn name(path: &str, template: &str, chars_max: usize, names: Names<'_>, problems: &mut Problems) {
    match render(template, names) {
        Err(error) => problems.add(path, error.to_string(), PLACEHOLDERS_HINT),
        Ok(text) if !is_iam_name(&text) => {
            let message = format!("{} is not a name that IAM takes", quoted(template));
            problems.add(path, message, "use letters, digits and +=,.@_- besides placeholders");
        }
        Ok(text) if text.len() > chars_max => {
            let message = format!("the name has up to {} characters, IAM takes {chars_max}", text.len());
            problems.add(path, message, "shorten it: a tenant's name alone may have 40");
        }
        Ok(_) => {}
    }
}

fn is_key(key: &str) -> bool {
    let right = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    key.len() <= 32
        && key.bytes().all(right)
        && key.bytes().next().is_some_and(|b| b.is_ascii_lowercase())
        && !key.ends_with('-')
}

fn iam_path(path: &str, text: &str, problems: &mut Problems) {
    let inner = text.strip_prefix('/').and_then(|rest| if rest.is_empty() { Some("") } else { rest.strip_suffix('/') });
    let right = |part: &str| part.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b)) && !part.is_empty();
    if !inner.is_some_and(|inner| inner.is_empty() || inner.split('/').all(right)) || text.len() > 512 || text == "//" {
        let message = format!("{} is not a path", quoted(text));
        problems.add(path, message, "write letters, digits and ._- with a slash at both ends, like /tenant/");
    }
}

fn managed_policy(path: &str, template: &str, names: Names<'_>, problems: &mut Problems) {
    let arn = match render(template, names) {
        Ok(arn) => arn,
        Err(error) => return problems.add(path, error.to_string(), PLACEHOLDERS_HINT),
    };
    if !trust::is_iam_arn(&arn, "policy", true) {
        let message = format!("{} is not the ARN of a managed policy", quoted(template));
        problems.add(
            path,
            message,
            "it looks like arn:aws:iam::aws:policy/ReadOnlyAccess or arn:aws:iam::{account}:policy/x",
        );
    }
}

/// Checks one document and returns its length for the longest tenant.
fn document(path: &str, document: &Value, names: Names<'_>, problems: &mut Problems) -> usize {
    for (below, message, hint) in policy::outline(document) {
        problems.add(format!("{path}{below}"), message, hint);
    }
    match policy::render_document(document, names) {
        Ok(rendered) => policy::length(&rendered),
        Err(_) if !document.is_object() => 0,
        Err(error) => {
            let hint = format!("{PLACEHOLDERS_HINT}; variables of IAM are written ${{aws:...}}");
            problems.add(path, error.to_string(), hint);
            0
        }
    }
}
