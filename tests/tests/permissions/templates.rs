//! The roles in `infra/` are written from the policies beside the functions, and allow nothing else.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::PathBuf,
};

use berth_aws::{FunctionPolicy, Part, Statement};
use berth_tests::{
    generated::{assert_current, filled},
    permissions::policies,
    registry::{Hub, in_order, machines},
    rig::checkout,
};
use serde::Serialize;
use serde_json::Value;

/// The line before the statements of a part of a policy, and the line after them.
const BEGIN: &str = "# policy: functions/";
const END: &str = "# end of policy";

/// A statement as templates have it.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Allow<'a> {
    sid: &'a str,
    effect: &'static str,
    action: &'a [String],
    resource: &'a Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    condition: Option<&'a Value>,
}

impl<'a> From<&'a Statement> for Allow<'a> {
    fn from(Statement { sid, action, resource, condition }: &'a Statement) -> Self {
        Self { sid, effect: "Allow", action, resource, condition: condition.as_ref() }
    }
}

/// Which part of which policy a line announces.
fn announced(line: &str) -> Option<(&str, Part)> {
    let (function, part) = line.trim().strip_prefix(BEGIN)?.split_once("/policy.json ")?;
    let part = serde_json::from_value(Value::String(part.to_owned())).ok()?;
    Some((function, part))
}

/// The template with the statements of today between its markers, and what they are.
fn written(text: &str, policies: &BTreeMap<String, FunctionPolicy>) -> (String, Vec<(String, Part)>) {
    let (mut out, mut found) = (String::new(), Vec::new());
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        out.push_str(line);
        out.push('\n');
        let Some((function, part)) = announced(line) else {
            assert!(!line.contains(BEGIN), "not understood: {line}");
            continue;
        };
        let policy = policies.get(function).unwrap_or_else(|| panic!("there is no function {function}"));
        let statements = policy.0.get(&part).unwrap_or_else(|| panic!("{function} has no part {part}"));
        let statements: Vec<Allow<'_>> = statements.iter().map(Allow::from).collect();
        let indent = &line[..line.len() - line.trim_start().len()];
        for written in serde_yaml_ng::to_string(&statements).unwrap().lines() {
            out.push_str(indent);
            out.push_str(written);
            out.push('\n');
        }
        found.push((function.to_owned(), part));
        let end = lines.find(|line| line.trim() == END).unwrap_or_else(|| panic!("{line}: no line '{END}' follows"));
        out.push_str(end);
        out.push('\n');
    }
    (out, found)
}

/// Parts whose statements a template has: those between markers, and the hub's where whole roles are written.
fn parts(text: &str, policies: &BTreeMap<String, FunctionPolicy>) -> Vec<(String, Part)> {
    let mut found = written(text, policies).1;
    if text.contains("# generated: functions\n") {
        found.extend(policies.keys().map(|function| (function.clone(), Part::Hub)));
    }
    found
}

/// The templates of `infra/`.
fn templates() -> BTreeMap<PathBuf, String> {
    let files = fs::read_dir(checkout().join("infra")).unwrap().flatten().map(|entry| entry.path());
    let yaml = files.filter(|path| path.extension().is_some_and(|extension| extension == "yaml"));
    let read = yaml.map(|path| (path.clone(), fs::read_to_string(path).unwrap()));
    read.filter(|(_, text)| text.contains("AWSTemplateFormatVersion")).collect()
}

/// One test writes all of it: two that write one file would undo each other's work.
#[test]
fn the_templates_are_written_from_the_folders_of_the_functions() {
    let (functions, policies) = (in_order(), policies());
    let hub = Hub { functions: &functions, policies: &policies, machines: machines() };
    let mut blocks = BTreeSet::new();
    let fresh = templates().into_iter().map(|(path, text)| {
        let (text, found) = filled(&written(&text, &policies).0, |name| hub.block(name)).unwrap();
        blocks.extend(found);
        (path, text)
    });
    assert_current(fresh.collect::<Vec<_>>(), "functions/*/Cargo.toml, functions/*/policy.json and statemachines/");
    assert_eq!(Vec::from_iter(blocks), ["functions", "roles that other accounts trust", "state machines"]);
}

#[test]
fn every_part_of_every_policy_is_in_a_role() {
    let policies = policies();
    let found: BTreeSet<(String, Part)> = templates().values().flat_map(|text| parts(text, &policies)).collect();
    let every: BTreeSet<(String, Part)> =
        policies.iter().flat_map(|(function, policy)| policy.0.keys().map(|part| (function.clone(), *part))).collect();
    assert_eq!(found, every);
}

/// Statements that allow something beside those of the policies: whose role, and why.
const OTHERS: [(&str, &str, &str); 0] = [];

/// A role that has statements of a policy has no others that allow something: a permission by hand would be missed by the
/// table of permissions and by the comparison with journeys.
#[test]
fn roles_of_functions_allow_nothing_besides() {
    let policies = policies();
    let mut roles = 0;
    for (path, text) in templates() {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let template: serde_yaml_ng::Value = serde_yaml_ng::from_str(&text).unwrap();
        let found = parts(&text, &policies);
        let expected: Vec<Value> = found
            .iter()
            .flat_map(|(function, part)| policies[function].0[part].iter())
            .map(|statement| serde_json::to_value(Allow::from(statement)).unwrap())
            .collect();
        for (id, resource) in template["Resources"].as_mapping().unwrap() {
            let statements = statements(resource);
            if !statements.iter().any(|statement| expected.contains(statement)) {
                continue;
            }
            roles += 1;
            let sids: BTreeSet<&str> = statements.iter().filter_map(|each| each["Sid"].as_str()).collect();
            assert_eq!(sids.len(), statements.len(), "{name}, {}: two statements have one Sid", id.as_str().unwrap());
            for statement in statements {
                let sid = statement["Sid"].as_str().unwrap_or_default().to_owned();
                let known = expected.contains(&statement)
                    || statement["Effect"] == "Deny"
                    || OTHERS.iter().any(|(file, other, _)| *file == name && *other == sid);
                assert!(known, "{name}, {}: {sid} is in no policy.json", id.as_str().unwrap_or_default());
            }
        }
    }
    assert!(roles >= policies.len(), "{roles} roles");
}

/// Statements of a role or of a managed policy. Short forms of CloudFormation's functions, which no policy.json has, become
/// null.
fn statements(resource: &serde_yaml_ng::Value) -> Vec<Value> {
    let properties = &resource["Properties"];
    let documents = properties["Policies"].as_sequence().into_iter().flatten().map(|policy| &policy["PolicyDocument"]);
    let documents = documents.chain([&properties["PolicyDocument"]]);
    documents
        .filter_map(|document| document["Statement"].as_sequence())
        .flatten()
        .map(|statement| serde_json::to_value(plain(statement)).unwrap())
        .collect()
}

/// A value without tags, which JSON does not know.
fn plain(value: &serde_yaml_ng::Value) -> serde_yaml_ng::Value {
    use serde_yaml_ng::Value as Yaml;
    match value {
        Yaml::Tagged(_) => Yaml::Null,
        Yaml::Sequence(items) => Yaml::Sequence(items.iter().map(plain).collect()),
        Yaml::Mapping(pairs) => Yaml::Mapping(pairs.iter().map(|(key, value)| (key.clone(), plain(value))).collect()),
        other => other.clone(),
    }
}

#[test]
fn statements_are_put_between_their_markers_and_nothing_else_changes() {
    let policy = r#"{"hub": [{"Sid": "A", "Action": ["sqs:SendMessage"], "Resource": {"Fn::GetAtt": ["Q", "Arn"]}}]}"#;
    let policies = BTreeMap::from([("f".to_owned(), FunctionPolicy::read(policy).unwrap())]);
    let old =
        "a: 1\nStatement:\n  # policy: functions/f/policy.json hub\n  - Sid: Old\n  # end of policy\n  - !Ref B\n";
    let (fresh, found) = written(old, &policies);
    let expected = "a: 1\nStatement:\n  # policy: functions/f/policy.json hub\n  - Sid: A\n    Effect: Allow\n    Action:\n    \
                    - sqs:SendMessage\n    Resource:\n      Fn::GetAtt:\n      - Q\n      - Arn\n  # end of policy\n  - !Ref B\n";
    assert_eq!((fresh.as_str(), found), (expected, vec![("f".to_owned(), Part::Hub)]));
    assert_eq!(written(&fresh, &policies).0, fresh, "once more changes nothing");
}
