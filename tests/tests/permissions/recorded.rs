//! The comparison at the end of `make test` finds what is superfluous and what is missing.

use std::collections::{BTreeMap, BTreeSet};

use berth_aws::{FunctionPolicy, Part};
use berth_tests::permissions::{Demanded, EVENT_SOURCE, Permission, Use, differences};

/// Policies of two functions, what is demanded, and uses that fit them exactly.
fn fitting() -> (BTreeMap<String, FunctionPolicy>, Vec<Demanded>, BTreeSet<Permission>) {
    let of = |text| FunctionPolicy::read(text).unwrap();
    let policies = BTreeMap::from([
        (
            "make".to_owned(),
            of(r#"{
                "hub": [{"Sid": "Q", "Action": ["sqs:GetQueueAttributes", "sqs:ReceiveMessage"], "Resource": "q"}],
                "tenant": [{"Sid": "A", "Action": ["iam:CreateRole", "iam:TagRole"], "Resource": "*"}]
            }"#),
        ),
        ("read".to_owned(), of(r#"{"management": [{"Sid": "B", "Action": ["sso:ListInstances"], "Resource": "*"}]}"#)),
    ]);
    let entry = |part, action: &str, by: &str| Demanded {
        function: "make".to_owned(),
        part,
        action: action.to_owned(),
        by: vec![by.to_owned()],
        why: String::new(),
        url: String::new(),
    };
    let demanded = vec![
        entry(Part::Tenant, "iam:TagRole", "iam:CreateRole"),
        entry(Part::Hub, "sqs:GetQueueAttributes", EVENT_SOURCE),
    ];
    let line = |function: &str, role: &str, service: &str, operation: &str| {
        let [function, role, service, operation] = [function, role, service, operation].map(str::to_owned);
        Use { function, role, service, operation }.permission()
    };
    let used = BTreeSet::from([
        line("berth-make", "BerthTenant", "iam", "CreateRole"),
        line("berth-make", EVENT_SOURCE, "sqs", "ReceiveMessage"),
        line("berth-read", "BerthSignIn", "sso", "ListInstances"),
    ]);
    (policies, demanded, used)
}

#[test]
fn what_fits_has_no_differences() {
    let (policies, demanded, used) = fitting();
    assert_eq!(differences(&policies, &demanded, &used), Vec::<String>::new());
}

#[test]
fn a_superfluous_permission_is_found_with_what_only_it_demands() {
    let (policies, demanded, mut used) = fitting();
    used.remove(&("make".to_owned(), Part::Tenant, "iam:CreateRole".to_owned()));
    assert_eq!(
        differences(&policies, &demanded, &used),
        [
            "make may iam:CreateRole with the role of tenant, and no journey used it",
            "make may iam:TagRole with the role of tenant, and no journey used it",
        ]
    );
}

#[test]
fn a_missing_permission_is_found_also_when_another_role_or_function_has_it() {
    let (policies, demanded, mut used) = fitting();
    used.insert(("read".to_owned(), Part::Management, "iam:CreateRole".to_owned()));
    used.insert(("make".to_owned(), Part::Network, "iam:CreateRole".to_owned()));
    used.insert(("new".to_owned(), Part::Hub, "sqs:SendMessage".to_owned()));
    assert_eq!(
        differences(&policies, &demanded, &used),
        [
            "make used iam:CreateRole with the role of network, which its policy does not allow",
            "new used sqs:SendMessage with the role of hub, which its policy does not allow",
            "read used iam:CreateRole with the role of management, which its policy does not allow",
        ]
    );
}

#[test]
fn an_operation_with_another_name_becomes_its_action() {
    let role = "BerthTenant".to_owned();
    let function = "berth-apply-baseline".to_owned();
    let [service, operation] = ["s3", "PutPublicAccessBlock"].map(str::to_owned);
    let (_, part, action) = Use { function, role, service, operation }.permission();
    assert_eq!((part, action.as_str()), (Part::Tenant, "s3:PutAccountPublicAccessBlock"));
}
