//! What the contract needs of `infra/hub.yaml`: the functions behind the state machine's substitutions.

use std::collections::BTreeMap;

use serde_yaml_ng::Value;

/// One function of the template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Function {
    /// Name of its binary.
    pub binary: String,
    /// Its time-out, in seconds.
    pub timeout_seconds: u64,
}

/// The template, as far as the state machine rests on it.
#[derive(Debug, Clone, Default)]
pub struct Template {
    /// The function that each substitution leads to: itself, or the reader of the queue that is named.
    pub functions: BTreeMap<String, Function>,
    /// Substitutions that lead to no function.
    pub loose: Vec<String>,
}

/// Reads the template, as far as the state machine of this name rests on it.
pub fn read(text: &str, machine: &str) -> Template {
    let template: Value = serde_yaml_ng::from_str(text).expect("infra/hub.yaml is YAML");
    let resources = template["Resources"].as_mapping().expect("infra/hub.yaml has Resources");
    let mut by_id = BTreeMap::new();
    let mut by_queue = BTreeMap::new();
    for (id, resource) in resources {
        if resource["Type"] != "AWS::Serverless::Function" {
            continue;
        }
        let id = id.as_str().unwrap_or_default().to_owned();
        let binary = resource["Metadata"]["BuildProperties"]["Binary"].as_str().expect("a function has a Binary");
        let timeout_seconds = resource["Properties"]["Timeout"].as_u64().expect("a function has a Timeout");
        let function = Function { binary: binary.to_owned(), timeout_seconds };
        for (_, event) in resource["Properties"]["Events"].as_mapping().into_iter().flatten() {
            if let Some(queue) = target(&event["Properties"]["Queue"]) {
                by_queue.insert(queue, function.clone());
            }
        }
        by_id.insert(id, function);
    }
    let name = format!("berth-{machine}");
    let is_it = |resource: &&Value| {
        resource["Type"] == "AWS::Serverless::StateMachine" && resource["Properties"]["Name"] == name.as_str()
    };
    let machine = resources.values().find(is_it).unwrap_or_else(|| panic!("infra/hub.yaml has no {name}"));
    let mut read = Template::default();
    for (name, value) in machine["Properties"]["DefinitionSubstitutions"].as_mapping().into_iter().flatten() {
        let name = name.as_str().unwrap_or_default().to_owned();
        let id = target(value);
        match id.and_then(|id| by_id.get(&id).or_else(|| by_queue.get(&id))) {
            Some(function) => drop(read.functions.insert(name, function.clone())),
            None => read.loose.push(name),
        }
    }
    read
}

/// The logical id in `!Ref Id` or `!GetAtt Id.Attribute`.
fn target(value: &Value) -> Option<String> {
    let Value::Tagged(tagged) = value else { return None };
    let text = tagged.value.as_str()?;
    text.split('.').next().map(str::to_owned)
}
