//! Our strict evaluator against an independent implementation of JSONata, on every expression of the state machine and on
//! the shapes where JSONata surprises.

use std::collections::{BTreeSet, HashMap};

use bumpalo::Bump;
use jsonata_rs::JsonAta;
use serde_json::{Value, json};

use crate::{
    expression::{Scope, evaluate, expression},
    onboard_account,
};

/// What the other implementation makes of an expression; none when it gives nothing or fails.
fn reference(source: &str, scope: &Scope) -> Option<Value> {
    let arena = Bump::new();
    let program = JsonAta::new(source, &arena).ok()?;
    let bindings: HashMap<&str, &Value> = scope.iter().map(|(name, value)| (name.as_str(), value)).collect();
    let value = program.evaluate(None, Some(&bindings)).ok()?;
    if value.is_undefined() { None } else { serde_json::from_str(&value.serialize(false)).ok() }
}

/// Every expression in the state machine.
fn expressions(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::String(text) => found.extend(expression(text).unwrap().map(str::to_owned)),
        Value::Array(items) => items.iter().for_each(|item| expressions(item, found)),
        Value::Object(fields) => fields.values().for_each(|field| expressions(field, found)),
        _ => {}
    }
}

fn scope(values: &Value) -> Scope {
    values.as_object().unwrap().clone()
}

/// Values of every shape that a run can have: lists of none, of one and of many, and null.
fn scopes() -> Vec<Scope> {
    let region = |name: &str, changes: Value| json!({ "region": name, "summary": changes, "changes": changes, "leftOver": changes, "given": [{ "thing": name }] });
    let lists = [
        json!([]),
        json!([region("a", json!([]))]),
        json!([region("a", json!(["x"]))]),
        json!([region("a", json!(["x", "y"])), region("b", json!([]))]),
        json!([region("a", json!(["x"])), region("b", json!([]))]),
        json!([region("a", json!(["x"])), region("b", json!(["y", "z"]))]),
    ];
    let of = |regions: &Value| {
        let network = json!({
            "vpcId": "v", "cidr": "c", "attachmentSubnets": ["s"], "privateRouteTable": null, "duplicates": [], "changes": ["made"], "summary": [{ "step": "v" }],
            "plannedChanges": [{ "what": "w" }],
        });
        let payload = json!({
            "attachmentId": "t", "isolation": { "spokeRoutes": {} }, "plannedChanges": [], "changes": [], "summary": [], "roles": [{ "name": "r" }], "left": [],
            "signIn": [], "clusterAccess": [{ "cluster": "c" }], "readiness": { "state": "ready" },
            "leftOver": [{ "thing": 1 }], "given": [{ "thing": 2 }],
        });
        let left = json!({ "left": [{ "region": "a" }], "changes": ["gone"], "summary": [] });
        let networks = json!({ "regions": regions, "changes": ["did"], "summary": [] });
        let result = json!([networks, { "roles": [{ "name": "r" }], "changes": [], "summary": [{ "step": "r" }], "leftOver": [] }, regions, left]);
        let item = json!({
            "decision": "onboard", "plan": { "regions": [1], "run": {} }, "run": { "mode": "apply" }, "approvals": regions, "region": "a", "network": {}, "transitGateway": { "routes": [] },
        });
        scope(&json!({
            "plan": { "changes": ["join"], "summary": [{ "step": "p" }], "approval": { "answerSecondsMax": 86400 }, "regions": regions, "roles": { "roles": [] }, "baselines": regions, "signIn": null, "clusters": [], "podIdentity": [{ "cluster": "c" }], "awaitedClusters": [], "extensions": { "network": [], "end": ["arn"] }, "gitOps": { "path": "p", "answerSecondsMax": 3600 }, "defaultVpc": "remove",
                "leftOver": { "roles": [{ "thing": 1 }], "signIn": [], "access": [{ "thing": 1 }, { "thing": 2 }], "reported": regions, "baselines": regions } },
            "run": { "mode": "apply" }, "approvals": regions,
            "roleLeftOver": [{ "thing": 1 }], "signInLeftOver": [], "accessLeftOver": [{ "thing": 2 }],
            "networks": regions, "readiness": [], "networkExtensionChanges": ["did"], "networkExtensionSummary": [{ "step": "e" }],
            "regions": regions, "roles": [], "roleChanges": ["made"], "roleSummary": [{ "step": "r" }], "defaultVpcSummary": [], "commitSummary": [], "signInSummary": [{ "step": "s" }], "accessSummary": [], "baselines": regions, "defaultVpcs": [], "defaultVpcChanges": [],
            "signIn": [], "signInChanges": ["assigned"], "clusterAccess": [], "accessChanges": [], "entry": { "tenant": "t" },
            "commit": { "sha": null, "path": "p" }, "commitChanges": ["commit p"],
            "region": "a", "network": network,
            "transitGateway": { "propagateTo": ["t"] }, "item": item, "parallel": result, "payload": payload,
        }))
    };
    lists.iter().map(of).collect()
}

/// The same scope with a `$states` that fits one of the three kinds of results.
fn with_states(scope: &Scope, result: &Value) -> Scope {
    let context = json!({ "Execution": { "Id": "e", "RedriveCount": 0 }, "State": { "RetryCount": 0 }, "Task": { "Token": "t" } });
    let mut scope = scope.clone();
    let input = scope["item"].clone();
    scope.insert("states".to_owned(), json!({ "input": input, "result": result, "context": context }));
    scope
}

#[test]
fn every_expression_of_the_state_machine_gives_what_jsonata_gives() {
    let mut sources = BTreeSet::new();
    expressions(&onboard_account(), &mut sources);
    assert!(sources.len() > 20, "{sources:?}");
    let mut agreed = BTreeSet::new();
    for scope in scopes() {
        let commit = json!({ "sha": null, "path": "p", "entry": { "tenant": "t" }, "isSuspended": true, "changes": ["commit p"], "summary": [] });
        let results =
            [scope["parallel"].clone(), json!({ "Payload": scope["payload"] }), commit, scope["regions"].clone()];
        for scope in results.map(|result| with_states(&scope, &result)) {
            for source in &sources {
                if let Ok(ours) = evaluate(source, &scope) {
                    assert_eq!(Some(ours), reference(source, &scope), "{source} in {scope:?}");
                    agreed.insert(source.clone());
                }
            }
        }
    }
    let never: Vec<&String> = sources.difference(&agreed).collect();
    assert!(never.is_empty(), "no scope of this test fits {never:?}: add one");
}

#[test]
fn lists_of_one_are_what_jsonata_makes_of_them() {
    let scope = scope(&json!({
        "one": [{ "list": ["x"] }], "two": [{ "list": ["x"] }, { "list": [] }], "none": [], "null": { "field": null },
        "nested": { "list": [{ "list": [1] }, { "list": [2, 3] }] },
    }));
    for (source, value) in [
        ("$one.list", json!(["x"])),
        ("$two.list", json!("x")), // a list that JSONata made: one element is no list
        ("[$two.list]", json!(["x"])),
        ("[$none.list, $two.list]", json!(["x"])),
        ("$null.field", json!(null)),
        ("$nested.list.list", json!([1, 2, 3])),
        ("$nested.list[1].list[0]", json!(2)),
        ("$one", json!([{ "list": ["x"] }])),
    ] {
        assert_eq!(evaluate(source, &scope), Ok(value.clone()), "{source}");
        assert_eq!(reference(source, &scope), Some(value), "{source}");
    }
}

#[test]
fn what_jsonata_passes_over_in_silence_is_an_error() {
    let scope = scope(&json!({ "network": { "changes": ["x"] }, "list": [{ "a": 1 }, {}] }));
    for (source, problem) in [
        ("$network.changez", "no field `changez`; there are: changes"),
        ("[$network.changes, $network.changez]", "no field `changez`"),
        ("$nowhere.changes", "no variable $nowhere"),
        ("$list.a", "no field `a`"),
        ("$network[0]", "[0] of what is no array"),
        ("$list[2]", "no [2]: there are 2"),
        ("$list[a=1]", "[a=1] is not understood"),
        ("$network.changes.length", "field `length` of what is no object"),
        ("$count($list)", "no variable $count"),
        ("$list($list)", "not understood"),
        ("$network.changes & 'x'", "not understood"),
        ("", "not understood"),
    ] {
        let found = evaluate(source, &scope).unwrap_err();
        assert!(found.contains(problem), "{source}: {found}");
    }
    assert!(expression("{% $a %} and more").is_err());
}
