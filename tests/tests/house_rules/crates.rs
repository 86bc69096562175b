//! Which crate may use what.

use std::fs;

use berth_tests::rig::checkout;

use crate::source::{File, ending, files, none};

/// Crates other than functions that may name an SDK of AWS, and which. Every other crate goes through these. aws-sdk-ec2
/// costs minutes of every build (docs/decisions/0001). A function may name those of the services that its policy allows.
const MAY_USE: [(&str, &[&str]); 14] = [
    ("crates/berth-approval", &["sfn"]),
    ("crates/berth-bus", &["eventbridge"]),
    ("crates/berth-aws", &["sts"]),
    ("crates/berth-history", &["sfn"]),
    ("crates/berth-ec2", &["ec2"]),
    ("crates/berth-eks", &["eks"]),
    ("crates/berth-isolation", &["ec2"]),
    ("crates/berth-iam", &["iam"]),
    ("crates/berth-ledger", &["dynamodb"]),
    ("crates/berth-planning", &["dynamodb", "sfn"]),
    ("crates/berth-repository", &["secretsmanager"]),
    ("crates/berth-wiring", &["dynamodb"]),
    ("cli", &["dynamodb", "eventbridge", "sfn", "sqs"]),
    ("tests", &["dynamodb", "sfn", "sqs"]),
];

/// SDKs whose service has another name in IAM's actions. That of STS is of `berth-aws` alone.
const IN_POLICIES: [(&str, &str); 5] =
    [("eventbridge", "events"), ("s3control", "s3"), ("sfn", "states"), ("ssoadmin", "sso"), ("sts", "-")];

/// Whether the policy beside a function allows something of the service of an SDK.
fn is_allowed(policy: &str, sdk: &str) -> bool {
    let service = IN_POLICIES.iter().find(|(name, _)| *name == sdk).map_or(sdk, |(_, service)| service);
    policy.contains(&format!("\"{service}:"))
}

/// The policy beside a manifest; empty where none is.
fn policy_beside(manifest: &File) -> String {
    fs::read_to_string(checkout().join(folder(manifest)).join("policy.json")).unwrap_or_default()
}

/// The SDKs that a manifest names, and their lines.
fn sdks(manifest: &File) -> Vec<(usize, String)> {
    let lines = manifest.text.lines().enumerate();
    let named = lines.filter_map(|(line, text)| {
        let name: String = text.strip_prefix("aws-sdk-")?.chars().take_while(char::is_ascii_alphanumeric).collect();
        Some((line + 1, name))
    });
    named.collect()
}

fn folder(manifest: &File) -> &str {
    manifest.path.trim_end_matches("Cargo.toml").trim_end_matches('/')
}

fn strangers(manifest: &File, policy: &str) -> Vec<String> {
    let may = MAY_USE.iter().find(|(path, _)| *path == folder(manifest)).map_or(&[][..], |(_, may)| *may);
    let wrong =
        sdks(manifest).into_iter().filter(|(_, name)| !may.contains(&name.as_str()) && !is_allowed(policy, name));
    wrong.map(|(line, name)| manifest.finding(line, format!("aws-sdk-{name} is not for this crate"))).collect()
}

/// SDKs that a crate's manifest names and none of its files uses.
fn unused(manifest: &File, files: &[File]) -> Vec<String> {
    let folder = format!("{}/", folder(manifest));
    let mut found = Vec::new();
    for (line, name) in sdks(manifest) {
        let word = format!("aws_sdk_{name}");
        if !files.iter().any(|file| file.is(".rs") && file.path.starts_with(&folder) && file.text.contains(&word)) {
            found.push(manifest.finding(line, format!("aws-sdk-{name} is not used")));
        }
    }
    found
}

/// Manifests of the workspace's members.
fn members() -> Vec<File> {
    let member = |file: &File| file.path.contains('/') && !file.path.contains("/fuzz/");
    let members: Vec<File> = ending("Cargo.toml").into_iter().filter(member).collect();
    assert!(members.len() > 15, "{}", members.len());
    members
}

fn without_lints(manifest: &File) -> Option<String> {
    let found = !manifest.text.contains("\n[lints]\nworkspace = true");
    found.then(|| manifest.finding(1, "does not take the workspace's lints"))
}

/// Versions and features that a member says by itself, in place of the root's table.
fn own_versions(manifest: &File) -> Vec<String> {
    // Its lines are features that the table does not need otherwise.
    if folder(manifest) == "crates/berth-features" {
        return Vec::new();
    }
    let mut found = Vec::new();
    let mut inside = false;
    for (line, text) in manifest.text.lines().enumerate() {
        if text.starts_with('[') {
            inside = text.contains("dependencies");
        } else if inside && text.contains('=') && !text.contains("workspace = true") {
            found.push(manifest.finding(line + 1, text));
        }
    }
    found
}

#[test]
fn only_the_right_crates_name_an_sdk_of_aws() {
    let (members, files) = (members(), files());
    none(
        &members.iter().flat_map(|manifest| strangers(manifest, &policy_beside(manifest))).collect::<Vec<_>>(),
        "call it in the crate whose subject it is, allow it in policy.json, or extend MAY_USE",
    );
    none(&members.iter().flat_map(|manifest| unused(manifest, &files)).collect::<Vec<_>>(), "remove the line");
}

/// Libraries whose public items may lack docs. Of a function's own types their names say enough.
#[test]
fn every_library_asks_for_docs_of_its_public_items() {
    let libraries = files().into_iter().filter(|file| file.path.starts_with("crates/") && file.is("/src/lib.rs"));
    let silent = libraries.filter(|file| !file.text.contains("\n#![warn(missing_docs)]\n"));
    none(&silent.map(|file| file.finding(1, "lets public items lack docs")).collect::<Vec<_>>(), "ask for them");
}

#[test]
fn every_crate_takes_the_lints_and_versions_of_the_workspace() {
    let members = members();
    none(&members.iter().filter_map(without_lints).collect::<Vec<_>>(), "add [lints] workspace = true");
    none(&members.iter().flat_map(own_versions).collect::<Vec<_>>(), "put it into [workspace.dependencies]");
}

#[test]
fn a_stranger_and_a_crate_without_lints_are_found() {
    let manifest =
        File::new("crates/berth-events/Cargo.toml", "[dependencies]\naws-sdk-ec2.workspace = true\nx = \"1\"\n");
    assert_eq!(strangers(&manifest, ""), ["crates/berth-events/Cargo.toml:2: aws-sdk-ec2 is not for this crate"]);
    assert_eq!(unused(&manifest, &[]), ["crates/berth-events/Cargo.toml:2: aws-sdk-ec2 is not used"]);
    assert!(unused(&manifest, &[File::new("crates/berth-events/src/lib.rs", "use aws_sdk_ec2::Client;")]).is_empty());
    assert!(without_lints(&manifest).is_some());
    assert_eq!(own_versions(&manifest), ["crates/berth-events/Cargo.toml:3: x = \"1\""]);
    let fine = File::new(
        "functions/provision-vpc/Cargo.toml",
        "[dependencies]\naws-sdk-ec2.workspace = true\n\n[lints]\nworkspace = true\n",
    );
    let policy = "{\"tenant\": [{\"Action\": [\"ec2:CreateVpc\", \"states:StartExecution\", \"sts:AssumeRole\"]}]}";
    assert!(["ec2", "sfn"].iter().all(|sdk| is_allowed(policy, sdk)));
    assert!(!["iam", "s3control", "sts"].iter().any(|sdk| is_allowed(policy, sdk)), "{policy}");
    assert!(strangers(&fine, policy).is_empty() && without_lints(&fine).is_none() && own_versions(&fine).is_empty());
}

/// Functions that a manifest outside of the tests depends on: shapes that several read are in `berth-contract`.
fn functions_used(manifest: &File) -> Vec<String> {
    let own = |name: &str| folder(manifest) == format!("functions/{name}");
    let lines = manifest.text.lines().enumerate();
    let used = lines.filter_map(|(line, text)| {
        let name = text.strip_suffix(".workspace = true")?;
        (checkout().join("functions").join(name).is_dir() && !own(name)).then(|| manifest.finding(line + 1, name))
    });
    used.collect()
}

#[test]
fn no_function_depends_on_another_and_the_command_line_on_none() {
    let members: Vec<File> = members().into_iter().filter(|manifest| folder(manifest) != "tests").collect();
    none(&members.iter().flat_map(functions_used).collect::<Vec<_>>(), "move what both need into berth-contract");
    let manifest = File::new("cli/Cargo.toml", "[dependencies]\nprovision-vpc.workspace = true\n");
    assert_eq!(functions_used(&manifest), ["cli/Cargo.toml:2: provision-vpc"]);
}
