//! The CRD's rules are core CEL and cheap, so that Kubernetes takes them: it refuses a CRD whose rules could cost more
//! than its budget, and functions that it does not know.
//!
//! <https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#resource-use-by-validation-functions>
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use cel::Program;
use serde_json::Value;

/// What one rule may cost, by Kubernetes' estimate.
const RULE_COST_MAX: u64 = 10_000_000;
/// What all rules of a CRD may cost.
const CRD_COST_MAX: u64 = 100_000_000;
/// The functions of the rules: all are of CEL's own standard library.
/// <https://github.com/google/cel-spec/blob/master/doc/langdef.md#list-of-standard-definitions>
const CORE: [&str; 12] =
    ["!_", "_!=_", "_&&_", "_+_", "_<=_", "_==_", "_?_:_", "_[_]", "_||_", "matches", "size", "startsWith"];
/// What Kubernetes reckons `metadata.name` with, whatever `maxLength` its schema gives: the largest request.
const NAME_BYTES: u64 = 3_145_728;
/// What CEL's own macros `all` and `exists` expand to.
const OF_MACROS: [&str; 1] = ["@not_strictly_false"];

/// One rule, and how often its place can occur in a document.
struct Rule {
    text: String,
    places: u64,
}

fn bound(schema: &Value, word: &str) -> u64 {
    schema.get(word).and_then(Value::as_u64).unwrap_or(1)
}

fn rules(schema: &Value, places: u64, found: &mut Vec<Rule>) {
    for rule in schema.get("x-kubernetes-validations").and_then(Value::as_array).into_iter().flatten() {
        found.push(Rule { text: rule["rule"].as_str().unwrap().to_owned(), places });
    }
    for child in schema.get("properties").and_then(Value::as_object).into_iter().flat_map(|map| map.values()) {
        rules(child, places, found);
    }
    if let Some(items) = schema.get("items") {
        rules(items, places * bound(schema, "maxItems"), found);
    }
}

/// `maxItems` of every list, by the name of its field.
fn lists<'a>(schema: &'a Value, found: &mut Vec<(&'a str, u64)>) {
    for (name, child) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
        if child["type"] == "array" {
            found.push((name, bound(child, "maxItems")));
        }
        lists(child, found);
        lists(&child["items"], found);
    }
}

/// How often the innermost part of a rule runs: every loop inside every other one.
fn turns(rule: &Rule, lists: &[(&str, u64)]) -> u64 {
    let loops = [".all(", ".exists(", ".exists_one("].iter().flat_map(|word| rule.text.match_indices(word));
    loops
        .map(|(at, _)| {
            let list = rule.text[..at].rsplit(['.', ' ', '(', '!']).next().unwrap();
            let bounds = lists.iter().filter(|(name, _)| *name == list).map(|(_, items)| *items);
            // `self` is the map of labels; Kubernetes takes its keys for empty.
            let labels = (list == "self").then_some(16);
            bounds.max().or(labels).unwrap_or_else(|| panic!("{list} is no list: {}", rule.text))
        })
        .product()
}

/// More than Kubernetes would say: every operator at every turn; every pattern over the longest text that the rule
/// reads, at a tenth of a unit a byte and a quarter a byte of the pattern; every comparison over the longest bounded one.
fn cost(rule: &Rule, lists: &[(&str, u64)]) -> u64 {
    let operators = rule.text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).count() as u64;
    let bounded = if rule.text.contains("rn.") { 2048 } else { 256 };
    let read = if rule.text.contains("metadata.name") { NAME_BYTES } else { bounded };
    let patterns: u64 = rule
        .text
        .split(".matches('")
        .skip(1)
        .map(|rest| (read / 10 + 1) * (rest.split('\'').next().unwrap().len() as u64 / 4 + 1))
        .sum();
    rule.places * turns(rule, lists) * (operators * (bounded / 10) + patterns)
}

fn schema() -> Value {
    let crd = serde_json::to_value(berth_crd::tenant_crd()).unwrap();
    crd.pointer("/spec/versions/0/schema/openAPIV3Schema").unwrap().clone()
}

#[test]
fn every_rule_uses_functions_of_core_cel_only() {
    let (schema, mut found) = (schema(), Vec::new());
    rules(&schema, 1, &mut found);
    assert_eq!(found.len(), 14);
    for rule in &found {
        let program = Program::compile(&rule.text).unwrap();
        let references = program.references();
        let known = |name: &&str| CORE.contains(name) || OF_MACROS.contains(name);
        let unknown: Vec<&str> = references.functions().into_iter().filter(|name| !known(name)).collect();
        assert_eq!(unknown, Vec::<&str>::new(), "{}", rule.text);
        let read =
            references.variables().into_iter().filter(|name| !["n", "a", "b", "d", "k", "r", "w"].contains(name));
        assert!(
            read.into_iter().all(|name| name == "self" || name == "oldSelf" || name.starts_with('@')),
            "{}",
            rule.text
        );
    }
}

#[test]
fn no_rule_can_cost_more_than_kubernetes_allows() {
    let (schema, mut found, mut bounds) = (schema(), Vec::new(), Vec::new());
    rules(&schema, 1, &mut found);
    lists(&schema, &mut bounds);
    let costs: Vec<u64> = found.iter().map(|rule| cost(rule, &bounds)).collect();
    let dearest = costs.iter().max().unwrap();
    assert!((10_000..RULE_COST_MAX).contains(dearest), "{costs:?}");
    assert!(costs.iter().sum::<u64>() < CRD_COST_MAX, "{costs:?}");
    let unbounded = Rule { text: found[0].text.clone(), places: u64::from(u32::MAX) };
    assert!(cost(&unbounded, &bounds) > CRD_COST_MAX, "the estimate can fail");
    // The server of 1.36 refuses this one, "by factor of 3.0x": a text of 38 bytes sought in the name at 24 turns.
    let refused = "self.spec.namespaces.all(n, !self.metadata.name.matches('aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'))";
    assert!(cost(&Rule { text: refused.to_owned(), places: 1 }, &bounds) > RULE_COST_MAX);
}
