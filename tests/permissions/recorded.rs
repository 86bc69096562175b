//! What the journeys of all test binaries used, as the gateway of each local AWS wrote it down, against the policies.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

use berth_aws::{FunctionPolicy, Part};
use berth_tenancy::ExtensionArn;
use serde::Deserialize;

use super::{Demanded, EVENT_SOURCE};
use crate::rig::recordings;

/// Operations whose IAM action has another name, by signing name and operation. All others have the operation's.
const OTHER_NAMES: [(&str, &str, &str); 6] = [
    // A transaction is authorized by what is in it; Berth's updates.
    // https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis-iam.html
    ("dynamodb", "TransactWriteItems", "dynamodb:UpdateItem"),
    // https://docs.aws.amazon.com/AmazonS3/latest/API/API_control_PutPublicAccessBlock.html
    ("s3", "GetPublicAccessBlock", "s3:GetAccountPublicAccessBlock"),
    ("s3", "PutPublicAccessBlock", "s3:PutAccountPublicAccessBlock"),
    // https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
    ("lambda", "Invoke", "lambda:InvokeFunction"),
    // https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-api-permissions-reference.html
    ("sqs", "DeleteMessageBatch", "sqs:DeleteMessage"),
    ("sqs", "SendMessageBatch", "sqs:SendMessage"),
];

/// Whether a function is the platform's own: no policy of Berth's is its.
pub(super) fn is_extension(function: &str) -> bool {
    function.starts_with(ExtensionArn::NAME_PREFIX)
}

/// One use of an operation.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Use {
    /// The function, with `berth-`.
    pub function: String,
    /// The role that called, or [`EVENT_SOURCE`].
    pub role: String,
    /// The service, by its signing name.
    pub service: String,
    /// The operation.
    pub operation: String,
}

/// A function, a role, an action.
pub type Permission = (String, Part, String);

impl Use {
    /// The permission that it needs.
    #[must_use]
    pub fn permission(&self) -> Permission {
        let Self { function, role, service, operation } = self;
        let name = function.strip_prefix("berth-").unwrap_or(function);
        let part = part_of(function, role);
        let other = OTHER_NAMES.iter().find(|(of, named, _)| of == service && named == operation);
        let action = other.map_or_else(|| format!("{service}:{operation}"), |(_, _, action)| (*action).to_owned());
        (name.to_owned(), part, action)
    }
}

/// The part of a policy that a role of a function is about.
pub(super) fn part_of(function: &str, role: &str) -> Part {
    match role {
        own if own == function || own == EVENT_SOURCE => Part::Hub,
        "BerthTenant" => Part::Tenant,
        "BerthNetwork" => Part::Network,
        "BerthRead" | "BerthSignIn" => Part::Management,
        "BerthCluster" => Part::Cluster,
        other => panic!("{function} used the role {other}, which is of no part of a policy"),
    }
}

/// What differs between the policies and what was used.
#[must_use]
pub fn differences(
    policies: &BTreeMap<String, FunctionPolicy>,
    demanded: &[Demanded],
    used: &BTreeSet<Permission>,
) -> Vec<String> {
    let was_used =
        |function: &str, part: Part, action: &str| used.contains(&(function.to_owned(), part, action.to_owned()));
    let is_demanded = |function: &str, part: Part, action: &str| {
        let here = |each: &&Demanded| each.function == function && each.part == part && each.action == action;
        let holds = |by: &String| match by.as_str() {
            EVENT_SOURCE => was_used(function, Part::Hub, "sqs:ReceiveMessage"),
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

/// What all local organizations wrote down since `make test` began, and how many they were.
#[must_use]
pub fn recorded() -> (BTreeSet<Permission>, usize) {
    let files = fs::read_dir(recordings()).into_iter().flatten().flatten().map(|entry| entry.path());
    let texts: Vec<String> = files.map(|path| fs::read_to_string(path).unwrap()).collect();
    let lines = texts.iter().flat_map(|text| text.lines());
    // A gateway that is killed may leave half a line.
    let whole = lines.filter(|line| line.ends_with('}'));
    let used = whole.map(|line| serde_json::from_str::<Use>(line).unwrap_or_else(|error| panic!("{line}: {error}")));
    let ours = used.filter(|each| !is_extension(&each.function));
    (ours.map(|each| each.permission()).collect(), texts.len())
}
