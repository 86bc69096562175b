//! Measures the operator on a real API server: `make bench-operator`. It prints the table of docs/figures.md.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a benchmark: its failure is the run's")]

#[path = "../cluster/setup.rs"]
mod setup;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use berth_crd::{ConditionStatus, Tenant};
use berth_kube_testing::Server;
use berth_operator::object::Kind;
use clap::Parser;
use futures::{StreamExt as _, stream};
use kube_client::{
    Api, Client, ResourceExt as _,
    api::{DeleteParams, DynamicObject, ListParams, Patch, PatchParams},
    core::{ApiResource, GroupVersionKind},
};
use serde_json::{Value, json};

use crate::setup::Failure;

/// Tenants of the first figures, and of the one about memory.
const FEW: usize = 100;
const MANY: usize = 1000;
const APPLIED_AT_ONCE: usize = 16;
/// Between two looks: what a time may be too long by.
const PAUSE: Duration = Duration::from_millis(20);

/// In this time the operator looks for tenants that are gone at least twice.
const LOOKED_AT: Duration = Duration::from_secs(15);

#[derive(Debug, Parser)]
struct Args {
    /// The operator's binary, a release.
    #[arg(long)]
    operator: PathBuf,
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let args = Args::parse();
    let (server, client) = setup::start().await?;
    apply(&client, 0..1).await?;
    let began = Instant::now();
    let mut first = setup::operator(&args.operator, &server, "first")?;
    until(async || reconciles(&server, "first").len() == 1).await;
    let cold = began.elapsed();
    until(async || ready(&client).await == 1).await;

    let began = Instant::now();
    apply(&client, 1..=FEW).await?;
    let stored = began.elapsed();
    until(async || ready(&client).await == FEW + 1).await;
    let all_ready = began.elapsed();

    let back = slowest_return(&client).await?;

    first.kill().await?;
    let before = versions(&client).await?;
    let mut second = setup::operator(&args.operator, &server, "second")?;
    until(async || reconciles(&server, "second").len() > FEW).await;
    let again = reconciles(&server, "second");
    let writes: u64 = again.iter().map(|line| line["changes"].as_u64().unwrap()).sum();
    let statuses = again.iter().filter(|line| line["status_written"] == true).count();
    let after = versions(&client).await?;
    let other = before.iter().filter(|(object, version)| after.get(*object) != Some(version)).count();

    apply(&client, FEW + 1..MANY).await?;
    until(async || ready(&client).await == MANY).await;
    let (now, peak) = memory_after_looks(second.id().unwrap()).await?;
    second.kill().await?;
    let size = std::fs::metadata(&args.operator)?.len();

    let seconds = |time: Duration| format!("{:.2}", time.as_secs_f64());
    let megabytes = |bytes: u64| format!("{}.{}", bytes / 1_000_000, bytes / 100_000 % 10);
    let held = |holds: bool| if holds { "held" } else { "not held" };
    println!("| | measured | asked |\n|---|--:|---|");
    let after_crs = all_ready.saturating_sub(stored);
    println!(
        "| {FEW} tenants Ready, seconds after the first CR was sent (after the last was stored) | {} ({}) | 10: {} |",
        seconds(all_ready),
        seconds(after_crs),
        held(all_ready <= Duration::from_secs(10))
    );
    println!(
        "| of {} tenants again, by a new replica: changes, statuses written, objects of another version | {writes}, {statuses}, {other} | 0: {} |",
        FEW + 1,
        held((writes, statuses, other) == (0, 0, 0))
    );
    println!(
        "| a deleted child is back, slowest of all kinds, seconds | {} | 5: {} |",
        seconds(back),
        held(back <= Duration::from_secs(5))
    );
    println!(
        "| memory with {MANY} tenants: now, peak, MB | {}, {} | 32: {} |",
        megabytes(now),
        megabytes(peak),
        held(peak <= 32_000_000)
    );
    println!("| program, MB | {} | 20: {} |", megabytes(size), held(size <= 20_000_000));
    println!(
        "| start to the end of the first reconcile, seconds | {} | 1: {} |",
        seconds(cold),
        held(cold <= Duration::from_secs(1))
    );
    Ok(())
}

/// Looks until it is so.
async fn until(mut so: impl AsyncFnMut() -> bool) {
    let mut looks = tokio::time::interval(PAUSE);
    while !so().await {
        looks.tick().await;
    }
}

/// Stores tenants of these numbers, as GitOps tools do.
async fn apply(client: &Client, numbers: impl IntoIterator<Item = usize>) -> Result<(), Failure> {
    let tenants: Api<Tenant> = Api::all(client.clone());
    let all: Vec<_> = stream::iter(numbers)
        .map(|number| {
            let tenants = tenants.clone();
            async move {
                let name = format!("bench-{number}");
                let account = format!("{:012}", 100_000_000_000 + number);
                let tenant = json!({
                    "apiVersion": "tenancy.berth.dev/v1alpha1", "kind": "Tenant", "metadata": { "name": name },
                    "spec": {
                        "placement": { "cluster": "dev-euw1", "region": "eu-west-1" },
                        "accounts": [{ "environment": "dev", "accountId": account,
                            "networks": [{ "region": "eu-west-1", "cidrs": ["10.42.0.0/20"] }],
                            "workloads": [{ "namespace": "dev", "serviceAccount": "app",
                                "roleArn": format!("arn:aws:iam::{account}:role/app") }] }],
                        "namespaces": [{ "name": "dev", "environment": "dev" }],
                    },
                });
                tenants.patch(&name, &PatchParams::apply("gitops"), &Patch::Apply(tenant)).await
            }
        })
        .buffer_unordered(APPLIED_AT_ONCE)
        .collect()
        .await;
    all.into_iter().collect::<Result<Vec<_>, _>>()?;
    Ok(())
}

/// How many tenants are Ready.
async fn ready(client: &Client) -> usize {
    let tenants = Api::<Tenant>::all(client.clone()).list(&ListParams::default()).await.unwrap();
    let is_ready = |tenant: &&Tenant| {
        let conditions = tenant.status.iter().flat_map(|status| &status.conditions);
        conditions.into_iter().any(|one| one.type_ == "Ready" && one.status == ConditionStatus::True)
    };
    tenants.iter().filter(is_ready).count()
}

/// Lines of a replica's log about reconciles that have ended.
fn reconciles(server: &Server, replica: &str) -> Vec<Value> {
    let text = std::fs::read_to_string(server.folder().join(format!("{replica}.log"))).unwrap_or_default();
    let lines = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    lines.filter(|line| line["step"] == "reconcile-tenant").collect()
}

fn objects(client: &Client, kind: Kind, namespace: Option<&str>) -> Api<DynamicObject> {
    let (group, version, name, plural) = kind.resource();
    let resource = ApiResource::from_gvk_with_plural(&GroupVersionKind::gvk(group, version, name), plural);
    match namespace {
        Some(namespace) => Api::namespaced_with(client.clone(), namespace, &resource),
        None => Api::all_with(client.clone(), &resource),
    }
}

fn ours() -> ListParams {
    ListParams::default().labels("app.kubernetes.io/managed-by=berth-operator")
}

/// Versions of everything that the operator writes. Not of quotas: Kubernetes counts in their status.
async fn versions(client: &Client) -> Result<BTreeMap<String, String>, Failure> {
    let mut versions = BTreeMap::new();
    for kind in Kind::ALL.into_iter().filter(|kind| kind.is_built_in() && *kind != Kind::ResourceQuota) {
        for object in objects(client, kind, None).list(&ours()).await? {
            let name = format!("{kind:?} {}/{}", object.namespace().unwrap_or_default(), object.name_any());
            versions.insert(name, object.resource_version().unwrap_or_default());
        }
    }
    for tenant in Api::<Tenant>::all(client.clone()).list(&ListParams::default()).await? {
        versions.insert(format!("Tenant {}", tenant.name_any()), tenant.resource_version().unwrap_or_default());
    }
    Ok(versions)
}

/// Deletes one object of each kind; the longest time until one is there again.
async fn slowest_return(client: &Client) -> Result<Duration, Failure> {
    let mut slowest = Duration::ZERO;
    for kind in Kind::ALL.into_iter().filter(|kind| kind.is_built_in()) {
        let there = objects(client, kind, Some("bench-0-dev"));
        let name = there.list(&ours()).await?.items[0].name_any();
        there.delete(&name, &DeleteParams::default()).await?;
        let began = Instant::now();
        until(async || there.get_opt(&name).await.unwrap().is_some()).await;
        slowest = slowest.max(began.elapsed());
    }
    Ok(slowest)
}

/// Memory after the operator has looked for tenants that are gone, which sees all of them.
async fn memory_after_looks(process: u32) -> Result<(u64, u64), Failure> {
    let mut looks = tokio::time::interval(LOOKED_AT);
    looks.tick().await;
    looks.tick().await;
    memory(process)
}

/// Resident memory of a process: now and at its peak, in bytes.
fn memory(process: u32) -> Result<(u64, u64), Failure> {
    let text = std::fs::read_to_string(Path::new("/proc").join(process.to_string()).join("status"))?;
    let of = |field: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(field));
        line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok()).unwrap_or_default() * 1024
    };
    Ok((of("VmRSS:"), of("VmHWM:")))
}
