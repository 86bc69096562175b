//! A plan as people read it: by step and region, a sign before each change, and what is different where that is known. Pure.

use berth_tenancy::{Action, FieldChange, Region, ResourceChange};
use serde_json::Value;

/// Differences of one change that are shown: a policy may have many.
const DIFFERENCES_MAX: usize = 6;
/// Characters of a value that are shown.
const VALUE_CHARS_MAX: usize = 60;

/// A line of the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PlanLine {
    /// A step, with its region.
    Heading(String),
    /// A change.
    Change(Action, String),
    /// What is different by it.
    Difference(String),
}

/// The lines of the list. `account` is the one that needs no mention.
#[must_use]
pub fn plan_lines(changes: &[ResourceChange], account: Option<&str>) -> Vec<PlanLine> {
    let mut groups: Vec<((&str, Option<&Region>), Vec<PlanLine>)> = Vec::new();
    for change in changes {
        let place = (change.step.as_str(), change.region.as_ref());
        // A step may come back to a region: what it does there is told in one place.
        match groups.iter_mut().find(|(known, _)| *known == place) {
            Some((_, lines)) => lines.extend(of_one(change, account)),
            None => groups.push((place, of_one(change, account))),
        }
    }
    let heading = |(step, region): (&str, Option<&Region>)| {
        let region = region.map(|region| format!(" {region}")).unwrap_or_default();
        PlanLine::Heading(format!("{step}{region}"))
    };
    groups.into_iter().flat_map(|(place, lines)| std::iter::once(heading(place)).chain(lines)).collect()
}

/// One change, and what is different by it.
fn of_one(change: &ResourceChange, account: Option<&str>) -> Vec<PlanLine> {
    let elsewhere = account.is_some_and(|account| change.account_id.as_str() != account);
    let there = if elsewhere { format!(" (in {})", change.account_id) } else { String::new() };
    let mut lines = vec![PlanLine::Change(change.action, format!("{}{there}", change.change))];
    if change.action != Action::Create {
        lines.extend(differences(&change.fields).into_iter().map(PlanLine::Difference));
    }
    lines
}

/// What is different, where it is known what it was.
fn differences(fields: &[FieldChange]) -> Vec<String> {
    let mut all = Vec::new();
    for FieldChange { field, before, after, .. } in fields.iter().filter(|field| field.before.is_some()) {
        compare(field, before.as_ref(), after.as_ref(), &mut all);
    }
    let more = all.len().saturating_sub(DIFFERENCES_MAX);
    if more > 0 {
        all.truncate(DIFFERENCES_MAX);
        all.push(format!("and {more} more"));
    }
    all
}

/// The differences of two values, down to where they begin.
fn compare(path: &str, before: Option<&Value>, after: Option<&Value>, found: &mut Vec<String>) {
    match (before, after) {
        (before, after) if before == after => {}
        (Some(Value::Object(old)), Some(Value::Object(new))) => {
            let mut keys: Vec<&String> = old.keys().chain(new.keys()).collect();
            keys.sort();
            keys.dedup();
            for key in keys {
                compare(&format!("{path}.{key}"), old.get(key), new.get(key), found);
            }
        }
        (Some(Value::Array(old)), Some(Value::Array(new))) if old.len() == new.len() => {
            for (index, (old, new)) in old.iter().zip(new).enumerate() {
                compare(&format!("{path}[{index}]"), Some(old), Some(new), found);
            }
        }
        (before, after) => found.push(format!("{path}: {} → {}", shown(before), shown(after))),
    }
}

fn shown(value: Option<&Value>) -> String {
    let Some(value) = value else { return "(none)".to_owned() };
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    if text.chars().count() <= VALUE_CHARS_MAX {
        return text;
    }
    let start: String = text.chars().take(VALUE_CHARS_MAX - 1).collect();
    format!("{start}…")
}

#[cfg(test)]
mod tests {
    use berth_tenancy::{AccountId, Effect, Origin, ResourceKind, UntaggedKind};
    use serde_json::json;

    use super::*;

    fn told(step: &str, region: Option<&Region>, effect: Effect, change: &str) -> ResourceChange {
        let account: AccountId = "111122223333".parse().unwrap();
        ResourceChange::of(&Origin { step, region, account: &account }, effect, change)
    }

    #[test]
    fn changes_are_under_their_step_and_region_with_what_is_different() {
        let region: Region = "eu-west-1".parse().unwrap();
        let network: AccountId = "410987654321".parse().unwrap();
        let vpc = Effect::creates(ResourceKind::Vpc, "ec2:CreateVpc").field("ipamPoolId", (), "ipam-pool-1");
        let subnet = Effect::creates(ResourceKind::Subnet, "ec2:CreateSubnet");
        let joined = Effect::changes(ResourceKind::TransitGatewayAttachment, "ec2:AssociateTransitGatewayRouteTable");
        let session = Effect::changes(ResourceKind::Role, "iam:UpdateRole").field("maxSessionDuration", 3600, 7200);
        let changes = [
            told("provision-vpc", Some(&region), vpc.clone(), "create the VPC"),
            told("provision-vpc", Some(&region), vpc, "create another"),
            told("attach-transit-gateway", Some(&region), joined.in_account(&network), "associate it"),
            told("create-tenant-roles", None, session, "set longest session"),
            told("provision-vpc", Some(&region), subnet, "create a subnet"),
        ];
        let text = |line: PlanLine| match line {
            PlanLine::Heading(text) => text,
            PlanLine::Change(action, text) => format!("{} {text}", action.sign()),
            PlanLine::Difference(text) => format!("  {text}"),
        };
        let shown: Vec<String> = plan_lines(&changes, Some("111122223333")).into_iter().map(text).collect();
        let wanted = [
            "provision-vpc eu-west-1",
            "+ create the VPC",
            "+ create another",
            "+ create a subnet",
            "attach-transit-gateway eu-west-1",
            "~ associate it (in 410987654321)",
            "create-tenant-roles",
            "~ set longest session",
            "  maxSessionDuration: 3600 → 7200",
        ];
        assert_eq!(shown, wanted);
    }

    #[test]
    fn of_a_long_value_only_the_parts_are_shown_that_differ_and_not_too_many() {
        let statement = |action: &str, seconds: u32| json!([{ "Action": action, "Condition": { "seconds": seconds } }]);
        let effect = Effect::changes(ResourceKind::Role, "iam:UpdateAssumeRolePolicy")
            .field("statement", statement("sts:AssumeRole", 1), statement("sts:AssumeRole", 2))
            .field("gone", "it", ())
            .field("unknown", (), "what was not looked at");
        assert_eq!(differences(&effect.fields), ["statement[0].Condition.seconds: 1 → 2", "gone: it → (none)"]);
        let many = (0..9).fold(Effect::changes(UntaggedKind::File, "git:Commit"), |effect, n| {
            effect.field(&format!("f{n}"), n, n + 1)
        });
        let shown = differences(&many.fields);
        assert_eq!((shown.len(), shown.last().map(String::as_str)), (DIFFERENCES_MAX + 1, Some("and 3 more")));
        assert_eq!(super::shown(Some(&json!("x".repeat(61)))).chars().count(), VALUE_CHARS_MAX);
    }
}
