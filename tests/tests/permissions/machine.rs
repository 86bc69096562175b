//! The state machine's own role: the functions and the queue of its definition, and what its log needs.

use std::{collections::BTreeSet, fs};

use berth_tests::rig::checkout;
use serde_json::Value as Json;
use serde_yaml_ng::Value;

/// The logical id behind `!Ref Id` or `!GetAtt Id.Attribute`.
fn target(value: &Value) -> Option<String> {
    let Value::Tagged(tagged) = value else { return None };
    tagged.value.as_str().map(|text| text.split('.').next().unwrap_or_default().to_owned())
}

/// Every text of a document.
fn texts(value: &Json, found: &mut Vec<String>) {
    match value {
        Json::String(text) => found.push(text.clone()),
        Json::Array(items) => items.iter().for_each(|item| texts(item, found)),
        Json::Object(pairs) => pairs.values().for_each(|item| texts(item, found)),
        _ => {}
    }
}

#[test]
fn the_state_machine_may_use_exactly_what_its_definition_names() {
    let template: Value =
        serde_yaml_ng::from_str(&fs::read_to_string(checkout().join("infra/hub.yaml")).unwrap()).unwrap();
    let definition = fs::read_to_string(checkout().join("statemachines/onboard-account.asl.json")).unwrap();
    let mut used = Vec::new();
    texts(&serde_json::from_str(&definition).unwrap(), &mut used);
    let resources = &template["Resources"];
    let substitutions = resources["OnboardAccount"]["Properties"]["DefinitionSubstitutions"].as_mapping().unwrap();
    let wanted: BTreeSet<String> = substitutions
        .iter()
        .filter(|(name, _)| used.contains(&format!("${{{}}}", name.as_str().unwrap_or_default())))
        .filter_map(|(_, value)| target(value))
        .collect();
    let policies = resources["OnboardAccountRole"]["Properties"]["Policies"].as_sequence().unwrap();
    let mut allowed = BTreeSet::new();
    for statement in policies.iter().flat_map(|policy| policy["PolicyDocument"]["Statement"].as_sequence().unwrap()) {
        let actions = statement["Action"].as_sequence().unwrap();
        if !actions
            .iter()
            .all(|action| ["lambda:InvokeFunction", "sqs:SendMessage"].contains(&action.as_str().unwrap()))
        {
            assert!(
                LOGGING.contains(&statement["Sid"].as_str().unwrap_or_default()),
                "what is this for? {statement:?}"
            );
            continue;
        }
        let resource = &statement["Resource"];
        let one = std::slice::from_ref(resource);
        allowed.extend(resource.as_sequence().map_or(one, Vec::as_slice).iter().filter_map(target));
    }
    assert!(wanted.len() > 8, "{wanted:?}");
    assert_eq!(allowed, wanted);
}

/// Statements that Step Functions demands for its log and traces, by their Sid.
/// <https://docs.aws.amazon.com/step-functions/latest/dg/cw-logs.html>
const LOGGING: [&str; 2] = ["DeliverLogs", "Trace"];
