//! A real API server with what the chart installs, and the operator as its service account.

#[path = "../../tests/operator/roles.rs"]
mod roles;

use std::{error::Error, path::Path, process::Stdio};

use berth_kube_testing::{Scope, Server};
use kube_client::{
    Client, Config,
    config::{KubeConfigOptions, Kubeconfig},
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
    roles::install(&client).await;
    Ok((server, client))
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
