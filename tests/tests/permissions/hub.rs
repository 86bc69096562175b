//! `infra/hub.yaml` says what it said when its functions, roles and state machine were typed by hand.

use std::collections::BTreeMap;

use serde_yaml_ng::Value as Yaml;

/// A template with short forms of functions as long ones, lists of one action or resource as lists, and without names of
/// statements, which mean nothing to IAM.
fn plain(value: &Yaml) -> Yaml {
    match value {
        Yaml::Tagged(tagged) => {
            let name = tagged.tag.to_string().trim_start_matches('!').to_owned();
            let argument = match (name.as_str(), plain(&tagged.value)) {
                ("GetAtt", Yaml::String(text)) => text.split('.').map(Yaml::from).collect(),
                (_, argument) => argument,
            };
            let name = if name == "Ref" { name } else { format!("Fn::{name}") };
            Yaml::Mapping([(name.into(), argument)].into_iter().collect())
        }
        Yaml::Sequence(items) => items.iter().map(plain).collect(),
        Yaml::Mapping(pairs) if pairs.contains_key("Effect") => {
            let listed = |key: &Yaml, value: Yaml| match key.as_str() {
                Some("Action" | "Resource") if !value.is_sequence() => Yaml::Sequence(vec![value]),
                _ => value,
            };
            let kept = pairs.iter().filter(|(key, _)| *key != "Sid");
            Yaml::Mapping(kept.map(|(key, value)| (key.clone(), listed(key, plain(value)))).collect())
        }
        Yaml::Mapping(pairs) => Yaml::Mapping(pairs.iter().map(|(key, value)| (key.clone(), plain(value))).collect()),
        other => other.clone(),
    }
}

/// The sections of a template; resources each on their own, in any order.
fn sections(text: &str) -> BTreeMap<String, Yaml> {
    let template = plain(&serde_yaml_ng::from_str(text).unwrap());
    let mut sections = BTreeMap::new();
    for (name, section) in template.as_mapping().unwrap() {
        for (id, part) in section.as_mapping().unwrap_or(&[(Yaml::Null, section.clone())].into_iter().collect()) {
            sections.insert(format!("{}/{}", name.as_str().unwrap(), id.as_str().unwrap_or_default()), part.clone());
        }
    }
    sections
}

#[test]
fn the_template_means_what_the_typed_one_meant() {
    let before = sections(include_str!("../../fixtures/hub-before-the-registry.txt"));
    let now = sections(include_str!("../../../infra/hub.yaml"));
    assert!(before.len() > 90, "{}", before.len());
    assert_eq!(before.keys().collect::<Vec<_>>(), now.keys().collect::<Vec<_>>());
    for (id, part) in &before {
        assert_eq!(part, &now[id], "{id}");
    }
}
