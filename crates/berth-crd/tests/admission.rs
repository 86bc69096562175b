//! What the chart's `ValidatingAdmissionPolicies` make of a Tenant's registries. Their CEL is evaluated here: an API server of
//! 1.30 is needed for the whole policy (`KUBEBUILDER_ASSETS`).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use cel::{Context, Program, Value};
use serde_json::json;

const POLICIES: &str = include_str!("../../../operator/chart/templates/admission.yaml");

/// What must hold of each container `c`: the part of the rule after `all(c, `.
fn rule() -> Program {
    let (_, rest) = POLICIES.split_once(".all(c, params.spec.registries").expect("the chart has lost the rule");
    let (rule, _) = rest.split_once(")\")").expect("the rule ends with its string");
    Program::compile(&format!("params.spec.registries{rule}")).unwrap()
}

fn is_allowed(registries: &[&str], image: &str) -> bool {
    let mut context = Context::default();
    context.add_variable("params", json!({ "spec": { "registries": registries } })).unwrap();
    context.add_variable("c", json!({ "image": image })).unwrap();
    matches!(rule().execute(&context).unwrap(), Value::Bool(true))
}

#[test]
fn a_registry_is_a_whole_part_of_an_images_path() {
    for (registries, image) in [
        (vec!["ghcr.io/acme"], "ghcr.io/acme/app:1"),
        (vec!["ghcr.io/acme/"], "ghcr.io/acme/app"),
        (vec!["ghcr.io/acme/app"], "ghcr.io/acme/app:1"),
        (vec!["ghcr.io/acme/app"], "ghcr.io/acme/app"),
        (vec!["ghcr.io/acme/app"], "ghcr.io/acme/app@sha256:00"),
        (vec!["quay.io/acme", "ghcr.io"], "ghcr.io/acme/app"),
    ] {
        assert!(is_allowed(&registries, image), "{registries:?} {image}");
    }
    for (registries, image) in [
        (vec!["ghcr.io/acme"], "ghcr.io/acme-2/app:1"),
        (vec!["ghcr.io/acme/"], "ghcr.io/acme-2/app:1"),
        (vec!["ghcr.io/acme/app"], "ghcr.io/acme/app2:1"),
        (vec!["ghcr.io"], "ghcr.io.example.com/app"),
        (vec!["ghcr.io"], "app"),
    ] {
        assert!(!is_allowed(&registries, image), "{registries:?} {image}");
    }
}
