//! docs/permissions.md: for every permission what it is for, written from the policies and the code.

use std::fmt::Write as _;

use berth_aws::{Effect, Part, Statement};
use berth_tests::{
    generated::assert_current,
    permissions::{demanded_of, policies},
    rig::checkout,
};
use serde_json::Value;

use crate::need;

const HEAD: &str = "# Permissions

For whoever reviews what Berth may do. Written by `cargo test -p berth-tests --test permissions` from
`functions/*/policy.json`, which the roles in `infra/` are written from, and from the code; do not edit it by hand.

What each function may do, with which role, on what, and which file calls it. Where AWS demands an action that no file
calls, the reason stands in its place. The text after *when* is the statement's condition; *never* is what is denied, whatever allows it; *wide* says
why a statement reaches further than its use. Every function may besides write
to the log group `/berth/functions` and send traces (`WriteFunctionLogs` in `infra/hub.yaml`). How this is held to be true:
[decision 0023](decisions/0023-policies.md).

- **hub**: the function's own role, `berth-<function>`.
- **tenant**, **network**, **management**, **cluster**: `BerthTenant` in tenant accounts, `BerthNetwork` in the network
  account, `BerthRead` and `BerthSignIn` in the management account (or where Identity Center is called), `BerthCluster` in
  other accounts with a shared cluster. The session that a function takes there is narrowed to the actions listed here.
";

/// The page.
fn page() -> String {
    let mut page = HEAD.to_owned();
    for (function, policy) in policies() {
        for (part, statements) in &policy.0 {
            let _ = write!(page, "\n## {function}, {part}\n\n| action | on | needed by |\n|---|---|---|\n");
            for statement in statements {
                let on = on(statement);
                for action in &statement.action {
                    let _ = match statement.effect {
                        Effect::Allow => {
                            writeln!(page, "| `{action}` | {on} | {} |", needed_by(&function, *part, action))
                        }
                        Effect::Deny => writeln!(page, "| never `{action}` | {on} | |"),
                    };
                }
            }
        }
    }
    page
}

/// Resources and condition of a statement.
fn on(statement: &Statement) -> String {
    let resources: Vec<String> = match &statement.resource {
        Value::Array(items) => items.iter().map(|item| format!("`{}`", shown(item))).collect(),
        one => vec![format!("`{}`", shown(one))],
    };
    let mut on = resources.join(", ");
    let why = statement.why.as_ref().map(|why| format!(" (wide: {why})")).unwrap_or_default();
    for (operator, keys) in statement.condition.iter().filter_map(Value::as_object).flatten() {
        for (key, value) in keys.as_object().into_iter().flatten() {
            let _ = write!(on, "; when {operator} `{key}` `{}`", shown(value));
        }
    }
    on + &why
}

/// A value as a person reads it: without the partition, and functions of CloudFormation as what they stand for.
fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => {
            text.replace("arn:${AWS::Partition}:", "arn:aws:").replace("${AWS::AccountId}", "ACCOUNT")
        }
        Value::Array(items) => items.iter().map(shown).collect::<Vec<_>>().join(", "),
        Value::Object(call) => match call.iter().next() {
            Some((name, argument)) if name == "Fn::Sub" || name == "Ref" => shown(argument),
            Some((name, Value::Array(of))) if name == "Fn::GetAtt" => of.first().map(shown).unwrap_or_default(),
            _ => value.to_string(),
        },
        other => other.to_string(),
    }
}

fn needed_by(function: &str, part: Part, action: &str) -> String {
    if let Some(entry) = demanded_of(function, part, action) {
        return format!("{} ([AWS]({}))", entry.why, entry.url);
    }
    let files = need::files(function, action);
    let links = files.iter().map(|file| {
        let short = file.strip_prefix(&format!("functions/{function}/")).unwrap_or(file);
        format!("[{short}](../{file})")
    });
    links.collect::<Vec<_>>().join(", ")
}

#[test]
fn the_page_of_permissions_is_the_one_of_the_policies_and_the_code() {
    assert_current([(checkout().join("docs/permissions.md"), page())], "functions/*/policy.json and the code");
}
