//! A cluster for `make demo KUBERNETES=1` and its test: a real API server with what the chart installs, the operator, and a
//! sync of one folder of a git repository, as Argo CD and Flux make it.
//!
//! It prints a line of JSON that says where the server is and how to be an administrator there. When its standard input
//! ends, it prints what the operator has made, and ends with everything that it started.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a tool of the checkout: its failure is the demo's")]

mod setup;

use std::{
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use berth_crd::Tenant;
use berth_kube_testing::Server;
use berth_operator::object::Kind;
use clap::Parser;
use k8s_openapi::api::core::v1::Namespace;
use kube_client::{
    Api, Client, ResourceExt,
    api::{DynamicObject, ListParams, Patch, PatchParams},
    core::{ApiResource, GroupVersionKind},
};
use serde_json::{Value, json};
use tokio::sync::oneshot;

use crate::setup::Failure;

/// Between two looks at the repository.
const PAUSE: Duration = Duration::from_millis(300);
const BRANCH: &str = "main";

#[derive(Debug, Parser)]
struct Args {
    /// The bare repository.
    #[arg(long)]
    repository: PathBuf,
    /// The folder of this cluster.
    #[arg(long)]
    folder: String,
    /// The operator's binary.
    #[arg(long)]
    operator: PathBuf,
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let args = Args::parse();
    let (server, client) = setup::start().await?;
    let _operator = setup::operator(&args.operator, &server, "demo")?;
    println!("{}", access(&server)?);

    let mut synced = String::new();
    let mut looks = tokio::time::interval(PAUSE);
    let mut said = String::new();
    let mut end = end_of_input();
    loop {
        tokio::select! {
            _ = &mut end => break,
            _ = looks.tick() => {}
        }
        // As a GitOps tool does, it says what is wrong, and tries again.
        if let Err(error) = sync(&client, &args, &mut synced).await
            && said != error.to_string()
        {
            said = error.to_string();
            eprintln!("the sync of {}: {said}", args.folder);
        }
    }
    show(&client).await
}

/// Ready when standard input has ended.
fn end_of_input() -> oneshot::Receiver<()> {
    let (ended, end) = oneshot::channel();
    // A thread that the end of this process does not wait for.
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
        ended.send(())
    });
    end
}

fn access(server: &Server) -> Result<Value, Failure> {
    let file = |name: &str| std::fs::read_to_string(server.folder().join(name));
    Ok(json!({
        "url": server.url(), "certificateAuthority": server.certificate_authority(),
        "clientCertificate": file("admin.crt")?, "clientKey": file("admin.key")?,
    }))
}

fn git(args: &Args, arguments: &[&str]) -> Result<Option<String>, Failure> {
    let mut git = std::process::Command::new("git");
    let output = git.arg("--git-dir").arg(&args.repository).args(arguments).stderr(Stdio::null()).output()?;
    Ok(output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned()))
}

/// Applies the files of the newest commit, when there is a new one.
async fn sync(client: &Client, args: &Args, synced: &mut String) -> Result<(), Failure> {
    let Some(head) = git(args, &["rev-parse", "--verify", "--quiet", BRANCH])? else { return Ok(()) };
    if head == *synced {
        return Ok(());
    }
    let files = git(args, &["ls-tree", "-r", "--name-only", &head, "--", &args.folder])?.unwrap_or_default();
    let tenants: Api<Tenant> = Api::all(client.clone());
    for path in files.lines().filter(|path| Path::new(path).extension().is_some_and(|extension| extension == "yaml")) {
        let text = git(args, &["show", &format!("{head}:{path}")])?.unwrap_or_default();
        let document: Value = serde_saphyr::from_str(&text)?;
        let name = document["metadata"]["name"].as_str().ok_or("a file without a name")?.to_owned();
        tenants.patch(&name, &PatchParams::apply("gitops").force(), &Patch::Apply(document)).await?;
    }
    *synced = head;
    Ok(())
}

/// What the operator has made.
async fn show(client: &Client) -> Result<(), Failure> {
    let ours = ListParams::default().labels("app.kubernetes.io/managed-by=berth-operator");
    for namespace in Api::<Namespace>::all(client.clone()).list(&ours).await? {
        let namespace = namespace.name_any();
        println!("  namespace {namespace}");
        for kind in Kind::ALL.into_iter().filter(|kind| kind.is_built_in()) {
            let (group, version, name, plural) = kind.resource();
            let resource = ApiResource::from_gvk_with_plural(&GroupVersionKind::gvk(group, version, name), plural);
            let objects: Api<DynamicObject> = Api::namespaced_with(client.clone(), &namespace, &resource);
            let names: Vec<String> = objects.list(&ours).await?.iter().map(ResourceExt::name_any).collect();
            if !names.is_empty() {
                println!("    {name:<15} {}", names.join(", "));
            }
        }
    }
    Ok(())
}
