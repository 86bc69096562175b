//! The chart, rendered by a real helm, and its objects on a real API server.

use std::{path::PathBuf, process::Command};

use berth_kube_testing::{Feature, say_skipped};
use serde_json::Value;

use crate::cluster::{Cluster, cluster};

fn checkout() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// helm, as `make test` gets it. None, said loudly, where it is not.
fn helm() -> Option<Command> {
    let helm = checkout().join("target/tools/helm/helm");
    if helm.is_file() {
        return Some(Command::new(helm));
    }
    say_skipped("no helm, so the chart was not rendered", "make target/tools/helm/helm");
    None
}

/// What helm makes of the chart with these values; or what it says against them.
fn rendered(values: &[&str]) -> Option<Result<Vec<Value>, String>> {
    rendered_for("v1.36.0", values)
}

/// The same for a server of another version.
pub(crate) fn rendered_for(version: &str, values: &[&str]) -> Option<Result<Vec<Value>, String>> {
    let mut helm = helm()?;
    helm.args(["template", "berth-operator"]).arg(checkout().join("operator/chart")).args(["-n", "default"]);
    helm.args(["--kube-version", version]);
    for value in values {
        helm.args(["--set", value]);
    }
    let output = helm.output().unwrap();
    if !output.status.success() {
        return Some(Err(String::from_utf8_lossy(&output.stderr).into_owned()));
    }
    let text = String::from_utf8(output.stdout).unwrap();
    let documents = text.split("\n---\n").map(|document| serde_saphyr::from_str::<Value>(document).unwrap());
    Some(Ok(documents.filter(Value::is_object).collect()))
}

/// Path of an object, by what the server says of its kind. None where it does not serve that.
async fn path(cluster: &Cluster, object: &Value) -> Option<String> {
    let (version, kind) = (object["apiVersion"].as_str().unwrap(), object["kind"].as_str().unwrap());
    let base = if version.contains('/') { format!("/apis/{version}") } else { format!("/api/{version}") };
    let answer = cluster.http.get(format!("{}{base}", cluster.server.url())).send().await.unwrap();
    let resources: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap_or_default();
    let resource = resources["resources"].as_array()?.iter().find(|resource| resource["kind"] == kind)?;
    let (plural, name) = (resource["name"].as_str().unwrap(), object["metadata"]["name"].as_str().unwrap());
    let namespace = if resource["namespaced"] == true { "/namespaces/default" } else { "" };
    Some(format!("{base}{namespace}/{plural}/{name}"))
}

/// Applies an object as helm does, with more for the query; what the server says against it. None where it does not serve
/// the kind.
pub(crate) async fn apply(cluster: &Cluster, object: &Value, query: &str) -> Option<Result<(), String>> {
    let path = path(cluster, object).await?;
    let url = format!("{}{path}?fieldManager=helm&force=true{query}", cluster.server.url());
    let request = cluster.http.patch(url).header("content-type", "application/apply-patch+yaml");
    let answer = request.body(object.to_string()).send().await.unwrap();
    let is_success = answer.status().is_success();
    Some(if is_success { Ok(()) } else { Err(answer.text().await.unwrap()) })
}

#[tokio::test]
async fn the_server_takes_every_object_of_the_chart_that_it_knows() {
    let Some(all) = rendered(&["awaitReady=true", "admission.enabled=true", "replicas=3"]) else { return };
    let Some(cluster) = cluster().await else { return };
    let (mut taken, mut unknown) = (Vec::new(), Vec::new());
    for object in all.unwrap() {
        let kind = object["kind"].as_str().unwrap().to_owned();
        // The shared server has it already, on the part that knows its rules.
        if kind == "CustomResourceDefinition" {
            assert_eq!(object["metadata"]["annotations"]["helm.sh/resource-policy"], "keep");
            continue;
        }
        let Some(answer) = apply(&cluster, &object, "&dryRun=All").await else {
            unknown.push(kind);
            continue;
        };
        assert_eq!(answer, Ok(()), "{kind}");
        taken.push(kind);
    }
    for kind in ["ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding", "ServiceAccount", "Deployment", "Service"]
    {
        assert!(taken.iter().any(|one| one == kind), "{kind} is not in {taken:?}");
    }
    // Core objects of 1.20 have none of them; KUBEBUILDER_ASSETS has all.
    let mut newer = vec!["PodDisruptionBudget", "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"];
    if cluster.server.has_or_says(Feature::Admission, "whether it takes the chart's admission policies") {
        newer.clear();
    }
    assert!(unknown.iter().all(|kind| newer.contains(&kind.as_str())), "{unknown:?}");
}

#[test]
fn values_that_mean_nothing_are_refused_before_anything_is_installed() {
    for value in ["replicas=many", "image.digest=latest", "settings.quotta=1", "awaitReady=yes-please"] {
        let Some(said) = rendered(&[value]) else { return };
        let said = said.expect_err(value);
        assert!(said.contains("values don't meet the specifications of the schema"), "{value}: {said}");
    }
}

#[test]
fn what_is_off_by_default_is_not_there() {
    let Some(plain) = rendered(&[]) else { return };
    let names: Vec<String> = plain.unwrap().iter().map(|object| object["metadata"]["name"].to_string()).collect();
    assert!(names.iter().all(|name| !name.contains("await") && !name.contains("berth-tenant-")), "{names:?}");
}
