//! Which kind of policy refused a call, as AWS's message says it, and what a person does about each kind.
//!
//! The message is all that AWS gives; where it does not name a kind, the role's own policy is the likely one.
//! [IAM User Guide, "Troubleshoot access denied error messages":
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html>]

/// A kind of policy, by the words that AWS has for it.
const KINDS: [(&str, &str); 7] = [
    (
        "service control policy",
        "it is not the role that lacks it: where the policy demands tags, write them into `tags:` of platform.yaml and \
         start anew (berth replay ACCOUNT --new); else, in the management account, exempt the role that is named from \
         the service control policy",
    ),
    (
        "resource control policy",
        "it is not the role that lacks it: in the management account, exempt the role that is named from the resource \
         control policy",
    ),
    (
        "permissions boundary",
        "let the permissions boundary of the role that is named allow it, or take the boundary off",
    ),
    (
        "session policy",
        "the session was narrowed to fewer actions than the function calls: deploy the functions and infra/ of one \
         version; if they are, report it",
    ),
    ("VPC endpoint policy", "let the policy of the VPC endpoint that the functions' subnets use allow it"),
    ("resource-based policy", "let the policy of the resource that is named (a bucket, key, queue or trust) allow it"),
    ("identity-based policy", "let the policies of the role that is named allow it"),
];

/// What a person does about a call that was denied with this message, when AWS says which kind of policy denied it.
pub(crate) fn hint(operation: &str, message: &str) -> Option<String> {
    KINDS.iter().find_map(|(kind, advice)| {
        denied_by(message, kind).map(|how| format!("{operation} is {how}: {advice}; then redrive the execution"))
    })
}

/// How AWS says that a policy of this kind denied a call.
fn denied_by(message: &str, kind: &str) -> Option<String> {
    let article = if kind.starts_with('i') { "an" } else { "a" };
    if message.contains(&format!("with an explicit deny in {article} {kind}")) {
        return Some(format!("denied explicitly by {article} {kind}"));
    }
    message.contains(&format!("because no {kind} allows")).then(|| format!("allowed by no {kind}"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// The forms of the User Guide's page, each with the kind in its two sentences.
    #[test]
    fn each_kind_of_policy_is_told_as_what_it_is() {
        for (kind, advice) in KINDS {
            let article = if kind.starts_with('i') { "an" } else { "a" };
            let user = "User: arn:aws:sts::111122223333:assumed-role/BerthTenant/x is not authorized to perform: ec2:CreateVpc";
            let explicit =
                hint("ec2:CreateVpc", &format!("{user} with an explicit deny in {article} {kind}: arn:aws:x")).unwrap();
            assert!(
                explicit.starts_with(&format!("ec2:CreateVpc is denied explicitly by {article} {kind}: {advice}")),
                "{explicit}"
            );
            let missing =
                hint("ec2:CreateVpc", &format!("{user} because no {kind} allows the ec2:CreateVpc action")).unwrap();
            assert!(missing.starts_with(&format!("ec2:CreateVpc is allowed by no {kind}: {advice}")), "{missing}");
        }
        assert_eq!(hint("ec2:CreateVpc", "You are not authorized to perform this operation."), None);
    }
}
