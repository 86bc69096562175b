//! The gate at the end of `make test` finds calls that IAM would refuse and statements that no call needed.

use std::collections::{BTreeMap, BTreeSet};

use berth_aws::FunctionPolicy;
use berth_tests::permissions::{Decided, denied, unneeded};

fn decision(action: &str, statements: &[&str], allowed: bool) -> Decided {
    Decided {
        function: "berth-make".to_owned(),
        role: "BerthTenant".to_owned(),
        action: action.to_owned(),
        resource: "*".to_owned(),
        statements: statements.iter().map(|&sid| sid.to_owned()).collect(),
        allowed,
        reason: if allowed { String::new() } else { "session policy".to_owned() },
    }
}

#[test]
fn a_denied_call_and_a_statement_that_nothing_needs_are_found() {
    let policy = r#"{"tenant": [
        {"Sid": "A", "Action": ["ec2:CreateVpc"], "Resource": "*"},
        {"Sid": "B", "Action": ["ec2:CreateVpc"], "Resource": "*"},
        {"Sid": "Never", "Effect": "Deny", "Action": ["ec2:DeleteVpc"], "Resource": "*"}
    ]}"#;
    let policies = BTreeMap::from([("make".to_owned(), FunctionPolicy::read(policy).unwrap())]);
    let both = BTreeSet::from([decision("ec2:CreateVpc", &["A", "B"], true)]);
    assert_eq!((denied(&both), unneeded(&policies, &both)), (vec![], vec![]));
    let one = BTreeSet::from([decision("ec2:CreateVpc", &["A"], true), decision("ec2:DeleteVpc", &[], false)]);
    assert_eq!(
        denied(&one),
        [
            "berth-make was denied ec2:DeleteVpc on * with the role BerthTenant: no session policy allows it, or one denies it"
        ]
    );
    assert_eq!(unneeded(&policies, &one), ["make: no journey needed B of tenant"]);
}
