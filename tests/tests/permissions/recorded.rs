//! What the journeys of all test binaries used, as the gateway of each local AWS wrote it down, against the policies.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

use berth_aws::{FunctionPolicy, Part};
use berth_tests::rig::recordings;
use serde::Deserialize;

use crate::{demanded, demanded::Demanded, policies};

/// Operations whose IAM action has another name, by signing name and operation. All others have the operation's.
const OTHER_NAMES: [(&str, &str, &str); 4] = [
    // https://docs.aws.amazon.com/AmazonS3/latest/API/API_control_PutPublicAccessBlock.html
    ("s3", "GetPublicAccessBlock", "s3:GetAccountPublicAccessBlock"),
    ("s3", "PutPublicAccessBlock", "s3:PutAccountPublicAccessBlock"),
    // https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-api-permissions-reference.html
    ("sqs", "DeleteMessageBatch", "sqs:DeleteMessage"),
    ("sqs", "SendMessageBatch", "sqs:SendMessage"),
];

/// One use of an operation.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(deny_unknown_fields)]
struct Use {
    function: String,
    role: String,
    service: String,
    operation: String,
}

/// A function, a role, an action.
type Permission = (String, Part, String);

impl Use {
    fn permission(&self) -> Permission {
        let Self { function, role, service, operation } = self;
        let name = function.strip_prefix("berth-").unwrap_or(function);
        let part = match role.as_str() {
            own if own == function || own == demanded::EVENT_SOURCE => Part::Hub,
            "BerthTenant" => Part::Tenant,
            "BerthNetwork" => Part::Network,
            "BerthRead" | "BerthSignIn" => Part::Management,
            "BerthCluster" => Part::Cluster,
            other => panic!("{function} used the role {other}, which is of no part of a policy"),
        };
        let other = OTHER_NAMES.iter().find(|(of, named, _)| of == service && named == operation);
        let action = other.map_or_else(|| format!("{service}:{operation}"), |(_, _, action)| (*action).to_owned());
        (name.to_owned(), part, action)
    }
}

/// What differs between the policies and what was used.
fn differences(
    policies: &BTreeMap<String, FunctionPolicy>,
    demanded: &[Demanded],
    used: &BTreeSet<Permission>,
) -> Vec<String> {
    let was_used =
        |function: &str, part: Part, action: &str| used.contains(&(function.to_owned(), part, action.to_owned()));
    let is_demanded = |function: &str, part: Part, action: &str| {
        let here = |each: &&Demanded| each.function == function && each.part == part && each.action == action;
        let holds = |by: &String| match by.as_str() {
            demanded::EVENT_SOURCE => was_used(function, Part::Hub, "sqs:ReceiveMessage"),
            by => was_used(function, part, by),
        };
        demanded.iter().find(here).is_some_and(|each| each.by.iter().any(holds))
    };
    let mut found = Vec::new();
    for (function, policy) in policies {
        for part in policy.0.keys().copied() {
            for action in policy.actions(part) {
                if !was_used(function, part, action) && !is_demanded(function, part, action) {
                    found.push(format!("{function} may {action} with the role of {part}, and no journey used it"));
                }
            }
        }
    }
    for (function, part, action) in used {
        if !policies.get(function).is_some_and(|policy| policy.actions(*part).contains(action.as_str())) {
            found.push(format!("{function} used {action} with the role of {part}, which its policy does not allow"));
        }
    }
    found
}

/// What all stands wrote down since `make test` began, and how many they were.
fn recorded() -> (BTreeSet<Permission>, usize) {
    let files = fs::read_dir(recordings()).into_iter().flatten().flatten().map(|entry| entry.path());
    let texts: Vec<String> = files.map(|path| fs::read_to_string(path).unwrap()).collect();
    let lines = texts.iter().flat_map(|text| text.lines());
    // A stand that is killed may leave half a line.
    let whole = lines.filter(|line| line.ends_with('}'));
    let used = whole.map(|line| serde_json::from_str::<Use>(line).unwrap_or_else(|error| panic!("{line}: {error}")));
    (used.map(|each| each.permission()).collect(), texts.len())
}

#[test]
#[ignore = "compares with what all test binaries used: `make test` runs it last"]
fn journeys_used_every_permission_and_nothing_that_is_not_allowed() {
    let (used, stands) = recorded();
    assert!(stands > 5, "only {stands} test binaries recorded what they used: run `make test`");
    let found = differences(&policies::all(), demanded::all(), &used);
    assert!(found.is_empty(), "of {} uses on {stands} stands:\n{}", used.len(), found.join("\n"));
}

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
        entry(Part::Hub, "sqs:GetQueueAttributes", demanded::EVENT_SOURCE),
    ];
    let line = |function: &str, role: &str, service: &str, operation: &str| {
        let [function, role, service, operation] = [function, role, service, operation].map(str::to_owned);
        Use { function, role, service, operation }.permission()
    };
    let used = BTreeSet::from([
        line("berth-make", "BerthTenant", "iam", "CreateRole"),
        line("berth-make", demanded::EVENT_SOURCE, "sqs", "ReceiveMessage"),
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
fn a_superfluous_permission_is_found_and_so_is_one_that_is_only_demanded_by_it() {
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
