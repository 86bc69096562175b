//! The roles in `infra/` are written from the policies beside the functions, and allow nothing else.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::PathBuf,
};

use berth_aws::{Effect, FunctionPolicy, Part, Statement};
use berth_tests::{
    generated::{assert_current, filled},
    permissions::policies,
    registry::{AssumedRole, Function, Wiring, functions, in_order, machines, steps, with_rows},
    rig::checkout,
};
use serde::Serialize;
use serde_json::Value;

/// A statement as templates have it.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Allow<'a> {
    sid: &'a str,
    effect: Effect,
    action: &'a [String],
    resource: &'a Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    condition: Option<&'a Value>,
}

impl<'a> From<&'a Statement> for Allow<'a> {
    fn from(Statement { sid, why: _, effect, action, resource, condition }: &'a Statement) -> Self {
        Self { sid, effect: *effect, action, resource, condition: condition.as_ref() }
    }
}

/// Parts whose statements a template has, by the names of its generated blocks.
fn parts(text: &str) -> Vec<(String, Part)> {
    let blocks = text.lines().filter_map(|line| line.trim_start().strip_prefix("# generated: "));
    blocks.flat_map(parts_of_block).collect()
}

fn parts_of_block(block: &str) -> Vec<(String, Part)> {
    let named = |function: &Function, part| (function.name.clone(), part);
    if block == "functions" {
        return functions().iter().map(|function| named(function, Part::Hub)).collect();
    }
    let role = block.strip_suffix(" role").and_then(|block| block.split_once("policies of the ")).map(|(_, role)| role);
    let Some(role) = AssumedRole::ALL.into_iter().find(|each| Some(each.name()) == role) else { return Vec::new() };
    let assuming = functions().iter().filter(|function| function.declared.assumes.contains(&role));
    assuming.map(|function| named(function, role.part())).collect()
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
    let wiring = Wiring { functions: &functions, policies: &policies, machines: machines() };
    assert_eq!(wiring.problems(), Vec::<String>::new());
    let steps: Vec<&str> = steps().iter().map(|step| step.name.as_str()).collect();
    let fresh = templates().into_iter().map(|(path, text)| {
        let text =
            filled(&text, |name| wiring.block(name)).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        (path, with_rows(&text, &steps))
    });
    assert_current(fresh, "functions/*/Cargo.toml, functions/*/policy.json and statemachines/");
}

#[test]
fn every_part_of_every_policy_is_in_a_role() {
    let found: BTreeSet<(String, Part)> = templates().values().flat_map(|text| parts(text)).collect();
    let every: BTreeSet<(String, Part)> = policies()
        .iter()
        .flat_map(|(function, policy)| policy.0.keys().map(|part| (function.clone(), *part)))
        .collect();
    assert_eq!(found, every);
}

#[test]
fn every_role_in_another_account_is_written_with_who_may_assume_it() {
    let text: String = templates().into_values().collect();
    for role in AssumedRole::ALL {
        let block = format!("# generated: principals of the {} role\n", role.name());
        assert_eq!(text.matches(&block).count(), 1, "{}", role.name());
    }
    for block in ["functions", "state machines", "roles that other accounts trust"] {
        assert_eq!(text.matches(&format!("# generated: {block}\n")).count(), 1, "{block}");
    }
}

#[test]
fn a_folder_that_contradicts_itself_is_found() {
    let manifest = "[package]\nname = \"f\"\ndescription = \"Does it.\"\n[package.metadata.berth]\ntimeout-seconds = 1\n\
                    trigger.direct = true\nassumes = [\"tenant\"]\n";
    let function = Function::parse("f", manifest).unwrap();
    let policy = r#"{
        "hub": [{"Sid": "A", "Action": ["sts:AssumeRole"], "Resource": {"Fn::Sub": "arn:x:role/${NetworkRoleName}"}}],
        "cluster": [{"Sid": "B", "Action": ["eks:DescribeCluster"], "Resource": "*"}]
    }"#;
    let policies = BTreeMap::from([("f".to_owned(), FunctionPolicy::read(policy).unwrap())]);
    let wiring = Wiring { functions: &[&function], policies: &policies, machines: &[] };
    assert_eq!(
        wiring.problems(),
        [
            "functions/f: policy.json does not allow to assume ${TenantRoleName}",
            "functions/f: policy.json says nothing of tenant, which TenantRoleName needs",
            "functions/f: Cargo.toml: assumes: \"network\" is missing",
            "functions/f: policy.json: no role of cluster is assumed",
        ]
    );
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
        let found = parts(&text);
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
