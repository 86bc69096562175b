//! What the chart's `ValidatingAdmissionPolicies` make of a Tenant's registries and hosts. Their CEL is evaluated here; the
//! policies as a whole are tested on an API server of 1.30 or newer (`operator/tests/operator/admission.rs`).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::sync::Arc;

use cel::{Context, Env, Value, extensions};
use serde_json::json;

const POLICIES: &str = include_str!("../../../operator/chart/templates/admission.yaml");

/// The text of the chart that begins so, to the end of its string or line.
fn of_the_chart(begin: &str, end: char) -> &'static str {
    let at = POLICIES.find(begin).expect("the chart has lost the rule");
    POLICIES.get(at..).and_then(|rest| rest.split(end).next()).unwrap()
}

fn holds(rule: &str, variables: &serde_json::Value, host: &str) -> bool {
    let mut env = Env::stdlib();
    env.add_extension(extensions::strings).unwrap();
    let env = Arc::new(env);
    let program = env.compile(rule).unwrap();
    let mut context = Context::with_env(env);
    context.add_variable("variables", variables).unwrap();
    context.add_variable("host", host).unwrap();
    match program.execute(&context).unwrap() {
        Value::Bool(holds) => holds,
        other => panic!("{other:?}"),
    }
}

fn is_allowed(registries: &[&str], images: &[&str]) -> bool {
    let rule = of_the_chart("variables.registries.size() == 0", '"');
    holds(rule, &json!({ "registries": registries, "images": images }), "")
}

fn is_served(hosts: &[&str], host: &str) -> bool {
    let rule = of_the_chart("({{ . }} in variables.hosts", '\n').replace("{{ . }}", "host");
    holds(&rule, &json!({ "hosts": hosts }), host)
}

#[test]
fn a_registry_is_a_whole_part_of_an_images_path() {
    for (registries, image) in [
        (vec!["ghcr.io/acme"], "ghcr.io/acme/app:1"),
        (vec!["ghcr.io/acme/"], "ghcr.io/acme/app"),
        (vec!["ghcr.io/acme/app"], "ghcr.io/acme/app:1"),
        (vec!["ghcr.io/acme/app"], "ghcr.io/acme/app"),
        (vec!["ghcr.io/acme/app"], "ghcr.io/acme/app@sha256:00"),
        (vec!["ghcr.io/acme/app"], "ghcr.io/acme/app:1@sha256:00"),
        (vec!["quay.io/acme", "ghcr.io"], "ghcr.io/acme/app"),
        (vec!["localhost:5000"], "localhost:5000/app:1"),
        (vec![], "anything"),
    ] {
        assert!(is_allowed(&registries, &[image]), "{registries:?} {image}");
    }
    for (registries, image) in [
        (vec!["ghcr.io/acme"], "ghcr.io/acme-2/app:1"),
        (vec!["ghcr.io/acme/"], "ghcr.io/acme-2/app:1"),
        (vec!["ghcr.io/acme/app"], "ghcr.io/acme/app2:1"),
        (vec!["ghcr.io"], "ghcr.io.example.com/app"),
        (vec!["ghcr.io"], "ghcr.io:5000/app"),
        (vec!["ghcr.io"], "app"),
        (vec!["ghcr.io"], ""),
    ] {
        assert!(!is_allowed(&registries, &[image]), "{registries:?} {image}");
    }
    assert!(!is_allowed(&["ghcr.io"], &["ghcr.io/app", "quay.io/app"]), "all of them count");
}

#[test]
fn a_wildcard_stands_for_exactly_one_label() {
    let hosts = ["pay.example.com", "*.shop.example.com"];
    for host in ["pay.example.com", "*.shop.example.com", "a.shop.example.com"] {
        assert!(is_served(&hosts, host), "{host}");
    }
    for host in [
        "shop.example.com",
        "a.b.shop.example.com",
        "*.a.shop.example.com",
        "a.pay.example.com",
        "*.example.com",
        ".shop.example.com",
        "localhost",
        "*",
        "",
    ] {
        assert!(!is_served(&hosts, host), "{host}");
    }
    assert!(!is_served(&[], "pay.example.com"));
}
