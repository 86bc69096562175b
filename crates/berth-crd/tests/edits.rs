//! What people wrote in a tenant's file stays byte for byte: comments, order, blank lines, quotes. Berth changes its own lines.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use berth_crd::{AccountEntry, CrError, join, validate};
use proptest::prelude::*;
use serde_json::{Value, json};

fn entry(environment: &str, id: &str, block: &str) -> AccountEntry {
    let input = json!({
        "tenant": "payments", "displayName": "payments", "cluster": "shared-dev-1", "clusterRegion": "eu-west-1",
        "environment": environment, "accountId": id,
        "regions": [{
            "region": "eu-west-1", "vpcId": "vpc-0000000000000000a", "cidrs": [block],
            "transitGatewayAttachmentId": "tgw-attach-0000000000000000a",
        }],
        "roles": [{ "name": "developer", "arn": format!("arn:aws:iam::{id}:role/tenant/developer"), "access": "edit" }],
    });
    serde_json::from_value(input).unwrap()
}

fn dev() -> AccountEntry {
    entry("dev", "111122223333", "10.42.0.0/20")
}

fn prod() -> AccountEntry {
    entry("prod", "444455556666", "10.43.0.0/20")
}

fn read(yaml: &str) -> Value {
    serde_yaml_ng::from_str(yaml).expect(yaml)
}

/// Lines of the first text that the second does not have, each as often as it is missing.
fn lost<'a>(before: &'a str, after: &str) -> Vec<&'a str> {
    let mut rest: Vec<&str> = after.lines().collect();
    let mut is_lost = |line: &&str| match rest.iter().position(|other| other == line) {
        Some(at) => {
            rest.remove(at);
            false
        }
        None => true,
    };
    before.lines().filter(|line| is_lost(line)).collect()
}

const BY_HAND: &str = "\
# yaml-language-server: $schema=https://schemas.example.test/tenant.json
# Owner on call: the payments team. Ask before you change quotas.
---
kind: Tenant   # the order is ours, too
apiVersion: tenancy.berth.dev/v1alpha1
metadata: {name: payments, annotations: {example.com/ticket: '1e3'}}

spec:
    displayName: 'Payments'

    costCenter: cc-1
    owners: [{kind: Group, name: payments-leads}]
    placement: {cluster: shared-dev-1, region: eu-west-1}   # never moves
    # One account for each environment.
    accounts:
        -   environment: dev
            accountId: '111122223333'  # ticket 4711
            networks:
            -   region: eu-west-1
                vpcId: vpc-0000000000000000a
                cidrs: [10.42.0.0/20]
                transitGatewayAttachmentId: tgw-attach-0000000000000000a
            roles:
            -   {name: developer, arn: 'arn:aws:iam::111122223333:role/tenant/developer', access: edit}
    # agreed in CHG-0815
    namespaces:
    -   name: dev
        environment: dev
        quota:
            cpu: \"40\"  # was 20
            # memory follows

    network:
        egressCidrs:
        # the office
        -   192.0.2.0/24
        -   10.42.0.0/20  # the VPC
# The end.
";

#[test]
fn comments_order_and_blank_lines_survive_when_a_second_account_joins() {
    let joined = join(Some(BY_HAND), &prod()).unwrap();
    assert_eq!(lost(BY_HAND, &joined), Vec::<&str>::new(), "{joined}");
    assert_eq!(validate(&joined, Some(BY_HAND)), Ok(()), "{joined}");
    let tenant = read(&joined);
    assert_eq!(tenant["spec"]["accounts"][1]["accountId"], "444455556666", "{joined}");
    assert_eq!(tenant["spec"]["namespaces"][1], json!({ "name": "prod", "environment": "prod" }));
    assert_eq!(tenant["spec"]["network"]["egressCidrs"], json!(["192.0.2.0/24", "10.42.0.0/20", "10.43.0.0/20"]));
    assert_eq!(join(Some(&joined), &prod()).unwrap(), joined);
    assert_eq!(join(Some(&joined), &dev()).unwrap(), joined);
}

/// A new file begins with a marker; whoever writes a head with one of its own above it makes an empty document.
#[test]
fn a_head_with_a_marker_of_its_own_stays_and_the_file_is_edited() {
    let written = join(None, &dev()).unwrap();
    for head in ["# Ask the payments team first.\n---\n", "---\n", "---\n# nothing\n---\n~\n"] {
        let by_hand = format!("{head}{written}");
        let joined = join(Some(&by_hand), &prod()).unwrap();
        assert!(joined.starts_with(head) && lost(&by_hand, &joined).is_empty(), "{joined}");
        assert!(joined.contains("444455556666"), "{joined}");
        assert_eq!(join(Some(&joined), &prod()).unwrap(), joined);
        let two = format!("{by_hand}---\n{written}");
        assert!(matches!(join(Some(&two), &prod()), Err(CrError::Unreadable(_))), "two custom resources");
        let twice = by_hand.replace("\nspec:\n", "\nspec:\n  displayName: Payments\n  displayName: Payments\n");
        let unreadable = join(Some(&twice), &prod()).unwrap_err();
        let line = twice.lines().position(|line| line.contains("displayName")).unwrap() + 2;
        let said = format!("it is not one valid YAML document, or has a key twice (line {line})");
        assert!(unreadable.to_string().ends_with(&said), "what a person is told has the place: {unreadable}");
    }
}

#[test]
fn a_value_that_changes_is_changed_in_its_place() {
    let moved = entry("dev", "111122223333", "10.50.0.0/20");
    let joined = join(Some(BY_HAND), &moved).unwrap();
    let changed = ["                cidrs: [10.42.0.0/20]", "        -   10.42.0.0/20  # the VPC"];
    assert_eq!(lost(BY_HAND, &joined), changed, "{joined}");
    assert!(joined.contains("# the VPC"), "a comment behind a line that goes stays: {joined}");
    assert!(joined.contains("cidrs: [\"10.50.0.0/20\"]"), "{joined}");
    let mut renamed = dev();
    renamed.roles[0].arn = "arn:aws:iam::111122223333:role/tenant/engineer".to_owned();
    let joined = join(Some(BY_HAND), &renamed).unwrap();
    assert_eq!(lost(BY_HAND, &joined).len(), 1, "{joined}");
    assert_eq!(read(&joined)["spec"]["accounts"][0]["roles"][0]["arn"], renamed.roles[0].arn);
}

#[test]
fn what_goes_takes_its_own_lines_only() {
    let mut fewer = dev();
    fewer.roles.clear();
    let joined = join(Some(BY_HAND), &fewer).unwrap();
    assert_eq!(lost(BY_HAND, &joined).len(), 2, "{joined}");
    assert_eq!(read(&joined)["spec"]["accounts"][0].get("roles"), None);
}

#[test]
fn windows_line_ends_a_missing_last_newline_and_a_byte_order_mark_stay() {
    let windows = BY_HAND.replace('\n', "\r\n");
    let joined = join(Some(&windows), &prod()).unwrap();
    assert_eq!(joined.matches('\n').count(), joined.matches("\r\n").count(), "{joined:?}");
    assert_eq!(lost(&windows, &joined), Vec::<&str>::new());
    let open = BY_HAND.trim_end_matches("# The end.\n").trim_end();
    let joined = join(Some(open), &prod()).unwrap();
    assert_eq!(read(&joined)["spec"]["accounts"][1]["environment"], "prod");
    let marked = format!("\u{feff}{BY_HAND}");
    let joined = join(Some(&marked), &prod()).unwrap();
    assert!(joined.starts_with('\u{feff}') && lost(&marked, &joined).is_empty(), "{joined}");
}

#[test]
fn a_file_of_one_line_and_one_in_json_are_edited_too() {
    let line = "{apiVersion: tenancy.berth.dev/v1alpha1, kind: Tenant, metadata: {name: payments}, spec: {costCenter: cc-1, note: {a: [1, 2]}}}\n";
    let joined = join(Some(line), &dev()).unwrap();
    assert!(
        joined.starts_with("{apiVersion: tenancy.berth.dev/v1alpha1, kind: Tenant, metadata: {name: payments}"),
        "{joined}"
    );
    assert!(joined.contains("note: {a: [1, 2]}"), "{joined}");
    let pretty = serde_json::to_string_pretty(&read(BY_HAND)).unwrap();
    let joined = join(Some(&pretty), &prod()).unwrap();
    assert_eq!(read(&joined)["spec"]["accounts"][1]["accountId"], "444455556666");
    assert_eq!(lost(&pretty, &joined).len(), 3, "each list's last line gets a neighbour: {joined}");
}

#[test]
fn untouched_anchors_and_tags_stay_and_an_alias_of_a_change_is_an_error() {
    let anchored = BY_HAND
        .replace("displayName: 'Payments'", "displayName: &name !!str Payments")
        .replace("costCenter: cc-1", "costCenter: *name");
    let joined = join(Some(&anchored), &prod()).unwrap();
    assert_eq!(lost(&anchored, &joined), Vec::<&str>::new(), "{joined}");
    let shared = BY_HAND.replace("cidrs: [10.42.0.0/20]", "cidrs: &blocks [10.42.0.0/20]").replace(
        "        egressCidrs:\n        # the office\n        -   192.0.2.0/24\n        -   10.42.0.0/20  # the VPC\n",
        "        egressCidrs: *blocks\n",
    );
    let error = join(Some(&shared), &prod()).unwrap_err();
    assert!(matches!(error, CrError::Unkeepable { .. }) && !error.is_not_owned(), "{error}");
    assert!(error.to_string().contains("alias"), "{error}");
}

#[test]
fn a_new_file_says_who_wrote_it_and_begins_a_document() {
    let yaml = join(None, &dev()).unwrap();
    let mut lines = yaml.lines();
    assert!(lines.next().unwrap().starts_with("# Written by Berth"), "{yaml}");
    assert!(lines.any(|line| line == "---"), "{yaml}");
    let indented =
        yaml.lines().any(|line| line == "  accounts:") && yaml.lines().any(|line| line.starts_with("    - accountId:"));
    assert!(indented, "yamllint wants lists indented: {yaml}");
    assert!(yaml.lines().all(|line| line.len() <= 80 && line == line.trim_end()), "{yaml}");
}

/// A file of people with comments strewn over it at random places.
fn strewn(at: &[usize]) -> String {
    let mut lines = Vec::new();
    for (number, line) in BY_HAND.lines().enumerate() {
        if at.contains(&number) && number > 3 {
            lines.extend([format!("# comment {number}: - not: [a, value]"), String::new()]);
        }
        let behind = at.contains(&(number + 100)) && !line.is_empty() && !line.contains('#');
        lines.push(format!("{line}{}", if behind { "  # behind" } else { "" }));
    }
    lines.join("\n") + "\n"
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_comment_is_lost_wherever_it_stands_and_none_changes_the_meaning(
        at in proptest::collection::vec(0_usize..140, 0..12),
        prefix in 20_u8..60,
        gone in any::<bool>(),
    ) {
        let text = strewn(&at);
        let mut account = entry("dev", "111122223333", &format!("10.{prefix}.0.0/20"));
        if gone {
            account.roles.clear();
        }
        let joined = join(Some(&join(Some(&text), &account).unwrap()), &prod()).unwrap();
        let plain = join(Some(&join(Some(&read(&text).to_string()), &account).unwrap()), &prod()).unwrap();
        prop_assert_eq!(read(&joined), read(&plain), "{}", joined);
        let comments = |text: &str| text.matches('#').count();
        prop_assert_eq!(comments(&text), comments(&joined), "{}", joined);
    }
}
