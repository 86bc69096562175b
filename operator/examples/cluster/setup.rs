//! A real API server with what the chart installs, and the operator as its service account.

#[path = "../../tests/operator/roles.rs"]
mod roles;

use std::{error::Error, path::Path, process::Stdio};

use berth_kube_testing::{Scope, Server};
use kube_client::{
    Api, Client, Config,
    api::{DynamicObject, Patch, PatchParams},
    config::{KubeConfigOptions, Kubeconfig},
    core::{ApiResource, GroupVersionKind},
};
use serde_json::Value;
use tokio::process::{Child, Command};

/// Often enough that it is part of what is shown and measured.
const SCAN_SECONDS: &str = "5";

pub(crate) type Failure = Box<dyn Error + Send + Sync>;

/// Starts the server, and installs.
pub(crate) async fn start() -> Result<(Server, Client), Failure> {
    let Some(server) = Server::start(Scope::Core).await? else { return Err("no API server".into()) };
    server.install(&serde_json::to_value(berth_crd::tenant_crd())?).await?;
    let kubeconfig = Kubeconfig::read_from(server.kubeconfig())?;
    let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await?;
    let client = Client::try_from(config)?;
    install_crd_beside(&server, &client).await?;
    roles::install(&client).await;
    Ok((server, client))
}

/// Where another process serves our CRD, the operator asks this one about it all the same.
async fn install_crd_beside(server: &Server, client: &Client) -> Result<(), Failure> {
    if server.crd_url() == server.url() {
        return Ok(());
    }
    let mut crd = serde_json::to_value(berth_crd::tenant_crd())?;
    without_rules(&mut crd);
    let resource =
        ApiResource::from_gvk(&GroupVersionKind::gvk("apiextensions.k8s.io", "v1", "CustomResourceDefinition"));
    let crds: Api<DynamicObject> = Api::all_with(client.clone(), &resource);
    let name = crd["metadata"]["name"].as_str().unwrap().to_owned();
    crds.patch(&name, &PatchParams::apply("helm").force(), &Patch::Apply(crd)).await?;
    Ok(())
}

/// Takes away what a server of 1.20 does not know.
fn without_rules(schema: &mut Value) {
    match schema {
        Value::Object(fields) => {
            fields.remove("x-kubernetes-validations");
            fields.values_mut().for_each(without_rules);
        }
        Value::Array(items) => items.iter_mut().for_each(without_rules),
        _ => {}
    }
}

/// The operator, as its service account. It logs to `REPLICA.log` in the server's folder.
pub(crate) fn operator(program: &Path, server: &Server, replica: &str) -> Result<Child, Failure> {
    let mut kubeconfig: Value = serde_json::from_str(&std::fs::read_to_string(server.kubeconfig())?)?;
    kubeconfig["users"][0]["user"]["as"] = "system:serviceaccount:berth-system:berth-operator".into();
    let path = server.folder().join("operator.kubeconfig");
    std::fs::write(&path, kubeconfig.to_string())?;
    let log = std::fs::File::create(server.folder().join(format!("{replica}.log")))?;
    let operator = Command::new(program)
        .args([
            "--replica",
            replica,
            "--listen",
            "127.0.0.1:0",
            "--namespace",
            "default",
            "--scan-seconds",
            SCAN_SECONDS,
        ])
        .env("KUBECONFIG", path)
        .stdin(Stdio::null())
        .stdout(Stdio::from(log))
        .kill_on_drop(true)
        .spawn()?;
    Ok(operator)
}
