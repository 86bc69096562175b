//! Permissions boundaries that do not protect themselves: whoever is within one could step out of it. Warned of, since an
//! organization may forbid the same by a service control policy (infra/guardrails.yaml).

use serde_json::Value;

use super::problems::Problems;
use crate::{
    PlatformConfig, policy,
    template::{Names, render},
};

/// What a principal within the boundary could do to be without it: action, on what, in words.
const WAYS_OUT: [(&str, On, &str); 9] = [
    ("iam:DeleteRolePermissionsBoundary", On::Role, "take it off a role"),
    ("iam:DeleteUserPermissionsBoundary", On::User, "take it off a user"),
    ("iam:PutRolePermissionsBoundary", On::Role, "put another in its place"),
    ("iam:CreatePolicyVersion", On::Boundary, "rewrite it"),
    ("iam:SetDefaultPolicyVersion", On::Boundary, "bring back an older version of it"),
    ("iam:CreateRole", On::Role, "make a role without it"),
    ("iam:CreateUser", On::User, "make a user without it"),
    ("iam:UpdateAssumeRolePolicy", On::TenantRole, "open Berth's own role"),
    ("iam:PutRolePolicy", On::TenantRole, "change Berth's own role"),
];

/// On what a way out is.
#[derive(Clone, Copy)]
enum On {
    Role,
    User,
    Boundary,
    TenantRole,
}

/// Warns of each boundary, with every way out of it.
pub(super) fn check(config: &PlatformConfig, problems: &mut Problems) {
    let partition = config.partition();
    for (name, environment) in &config.environments {
        let boundary = &environment.roles.boundary;
        let names = Names::longest(name.as_str());
        let (Ok(document), Ok(own)) =
            (policy::render_document(&boundary.document, names), render(&boundary.name, names))
        else {
            continue;
        };
        let arn = |kind: &str, path: &str| format!("arn:{partition}:iam::{}:{kind}{path}", names.account);
        let on = |on: On| match on {
            On::Role => arn("role", "/anybody"),
            On::User => arn("user", "/anybody"),
            On::Boundary => arn("policy", &format!("{}{own}", boundary.path)),
            On::TenantRole => arn("role", &format!("/{}", config.tenant_role.as_str())),
        };
        let open = WAYS_OUT.iter().filter(|(action, kind, _)| allows(&document, action, &on(*kind)));
        let open: Vec<String> = open.map(|(action, _, what)| format!("{what} ({action})")).collect();
        if !open.is_empty() {
            problems.add(
                format!("environments.{name}.roles.boundary.document"),
                format!("whoever is within the boundary can step out of it: {}", open.join(", ")),
                "deny these, as infra/platform.example.yaml does, and attach infra/guardrails.yaml to the units: people who \
                 sign in have no boundary",
            );
        }
    }
}

/// Whether a boundary leaves an action to a role that has every permission.
fn allows(document: &Value, action: &str, resource: &str) -> bool {
    let statements = match &document["Statement"] {
        Value::Array(items) => items.iter().collect(),
        one => vec![one],
    };
    let about = |effect: &str| {
        statements.iter().any(|statement| {
            statement["Effect"] == effect
                && names(statement, "Action", "NotAction", &action.to_ascii_lowercase(), true)
                && names(statement, "Resource", "NotResource", resource, false)
                && (effect == "Allow" || holds_for_a_way_out(&statement["Condition"]))
        })
    };
    about("Allow") && !about("Deny")
}

/// Whether the conditions of a denial hold for whoever steps out: "unless it has the boundary", "unless it is this role".
fn holds_for_a_way_out(condition: &Value) -> bool {
    let operators = condition.as_object().into_iter().flatten();
    operators
        .flat_map(|(operator, keys)| keys.as_object().into_iter().flatten().map(move |(key, _)| (operator, key)))
        .all(|(operator, key)| {
            let key = key.to_ascii_lowercase();
            operator.contains("Not") && (key == "iam:permissionsboundary" || key == "aws:principalarn")
        })
}

fn names(statement: &Value, named: &str, except: &str, text: &str, lower: bool) -> bool {
    let among = |patterns: &Value| {
        let all = patterns.as_array().map_or_else(|| vec![patterns], |items| items.iter().collect());
        let mut all = all.into_iter().filter_map(Value::as_str);
        all.any(|pattern| if lower { like(&pattern.to_ascii_lowercase(), text) } else { like(pattern, text) })
    };
    match (statement.get(named), statement.get(except)) {
        (Some(patterns), _) => among(patterns),
        (None, Some(patterns)) => !among(patterns),
        (None, None) => false,
    }
}

/// Whether a text fits a pattern of IAM: `*` for any characters, `?` for one.
fn like(pattern: &str, text: &str) -> bool {
    let Some(first) = pattern.chars().next() else { return text.is_empty() };
    let rest = &pattern[first.len_utf8()..];
    match first {
        '*' => text.char_indices().map(|(at, _)| at).chain([text.len()]).any(|at| like(rest, &text[at..])),
        _ => text.chars().next().is_some_and(|c| (first == '?' || first == c) && like(rest, &text[c.len_utf8()..])),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const ROLE: &str = "arn:aws:iam::111122223333:role/anybody";

    fn denied(deny: &Value) -> bool {
        let allow = json!({"Effect": "Allow", "Action": "*", "Resource": "*"});
        !allows(&json!({"Statement": [allow, deny]}), "iam:CreateRole", ROLE)
    }

    #[test]
    fn a_denial_counts_when_it_holds_for_whoever_steps_out() {
        let unless =
            json!({"StringNotLike": {"iam:PermissionsBoundary": "x"}, "ArnNotLike": {"aws:PrincipalArn": "y"}});
        assert!(denied(&json!({"Effect": "Deny", "Action": "iam:Create*", "Resource": "*", "Condition": unless})));
        assert!(denied(
            &json!({"Effect": "Deny", "Action": ["IAM:createrole"], "Resource": ["arn:aws:iam::*:role/*"]})
        ));
        assert!(denied(&json!({"Effect": "Deny", "NotAction": "s3:*", "NotResource": "arn:aws:iam::*:role/x"})));
    }

    #[test]
    fn a_denial_of_other_things_or_under_other_conditions_does_not() {
        let region = json!({"StringNotEquals": {"aws:RequestedRegion": "eu-west-1"}});
        let only = json!({"StringEquals": {"iam:PermissionsBoundary": "x"}});
        for condition in [region, only] {
            assert!(!denied(&json!({"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": condition})));
        }
        assert!(!denied(&json!({"Effect": "Deny", "Action": "iam:CreateUser", "Resource": "*"})));
        assert!(!denied(&json!({"Effect": "Deny", "Action": "*", "Resource": "arn:aws:iam::*:role/x"})));
        assert!(!denied(&json!({"Effect": "Deny", "NotAction": "iam:*", "Resource": "*"})));
    }

    #[test]
    fn what_is_not_allowed_need_not_be_denied() {
        let narrow = json!({"Statement": {"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}});
        assert!(!allows(&narrow, "iam:CreateRole", ROLE));
        assert!(allows(&narrow, "s3:CreateBucket", ROLE));
    }
}
