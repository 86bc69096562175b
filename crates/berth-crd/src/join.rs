//! How an account joins the custom resource of its tenant.
//!
//! Berth owns the account's own entry. It fills in what the whole tenant needs where it is absent (name, contact, cost
//! centre, owners, placement, a namespace for the environment), and keeps the VPC's blocks in the egress list. All
//! else is people's. A file that needs no change comes back byte for byte; one that does is changed in those lines only
//! (`edit`).

use std::collections::BTreeSet;

use berth_tenancy::TenantName;
use serde_json::{Map, Value, json};

use crate::{
    API_VERSION, Account, AccountEntry, AccountNetwork, AccountRole, CrError, KIND, Workload, WorkloadEntry, edit,
    yaml::{self, YamlError},
};

type Object = Map<String, Value>;

/// Fields of an account's entry that Berth writes; others in it stay.
const ACCOUNT_FIELDS: [&str; 5] = ["environment", "accountId", "networks", "roles", "workloads"];
/// Fields of a network that Berth writes; others in it stay.
const NETWORK_FIELDS: [&str; 4] = ["region", "vpcId", "cidrs", "transitGatewayAttachmentId"];
/// Fields of a role that Berth writes; others in it stay.
const ROLE_FIELDS: [&str; 3] = ["name", "arn", "access"];
/// Fields of a workload that Berth writes; others in it stay.
const WORKLOAD_FIELDS: [&str; 4] = ["namespace", "serviceAccount", "roleArn", "platformRoleArn"];
/// The lists of an account's entry, each with the keys of its items and the fields that Berth writes.
const ACCOUNT_LISTS: [(&str, &[&str], &[&str]); 3] = [
    ("networks", &["region"], &NETWORK_FIELDS),
    ("roles", &["name"], &ROLE_FIELDS),
    ("workloads", &["namespace", "serviceAccount"], &WORKLOAD_FIELDS),
];
/// Longest namespace suffix that the CRD allows.
const NAMESPACE_CHARS_MAX: usize = 20;
/// Most namespaces that the CRD allows, so most names that are tried.
const NAMESPACES_MAX: usize = 24;

/// The tenant's custom resource with this account in it: `existing`, or a new one, as YAML.
///
/// The same arguments give the same bytes, and joining twice gives what joining once gave.
///
/// # Errors
/// When the existing file is not the Tenant of this name on this cluster, has another account for the environment or
/// the account for another environment, or has fields of the wrong type. See [`CrError`].
pub fn join(existing: Option<&str>, entry: &AccountEntry) -> Result<String, CrError> {
    let skeleton = || json!({ "apiVersion": API_VERSION, "kind": KIND, "metadata": { "name": entry.tenant.as_str() } });
    let before = existing.map(yaml::read::<Value>).transpose().map_err(CrError::Unreadable)?;
    let mut document = before.clone().unwrap_or_else(skeleton);
    check_identity(&document, &entry.tenant)?;
    let root = object(&mut document, "the document")?;
    let spec = object_in(root, "spec", "spec")?;
    fill_tenant(spec, entry)?;
    place(spec, entry)?;
    let blocks_before = join_account(spec, entry)?;
    join_namespace(spec, entry)?;
    join_egress(spec, entry, &blocks_before)?;
    match existing {
        None => yaml::write_file(&document).map_err(CrError::Unwritable),
        Some(text) => match before {
            Some(before) if before != document => {
                edit::edit(text, &before, &document).map_err(|edit::Unkeepable(found)| CrError::Unkeepable { found })
            }
            _ => Ok(text.to_owned()),
        },
    }
}

/// Whether a text is the custom resource of this tenant.
#[must_use]
pub fn is_tenant(text: &str, tenant: &TenantName) -> bool {
    yaml::read::<Value>(text).is_ok_and(|document| check_identity(&document, tenant).is_ok())
}

/// Whether a document is the Tenant of this name.
pub(crate) fn check_identity(document: &Value, tenant: &TenantName) -> Result<(), CrError> {
    let expected = [
        ("apiVersion", "/apiVersion", API_VERSION),
        ("kind", "/kind", KIND),
        ("metadata.name", "/metadata/name", tenant.as_str()),
    ];
    for (field, pointer, expected) in expected {
        let found = document.pointer(pointer);
        if found.and_then(Value::as_str) != Some(expected) {
            return Err(CrError::NotThisTenant { field, found: quoted(found), expected: expected.to_owned() });
        }
    }
    Ok(())
}

/// Fields of the whole tenant: the first account that has a value gives it, and people may change it.
fn fill_tenant(spec: &mut Object, entry: &AccountEntry) -> Result<(), CrError> {
    if !entry.display_name.is_empty() {
        fill(spec, "displayName", || entry.display_name.clone().into());
    }
    if let Some(cost_center) = &entry.cost_center {
        fill(spec, "costCenter", || cost_center.clone().into());
    }
    if let Some(email) = entry.email() {
        fill(object_in(spec, "contact", "spec.contact")?, "email", || email.into());
    }
    if !entry.owner_groups.is_empty() {
        let owner = |name: &String| json!({ "kind": "Group", "name": name, "role": "admin" });
        fill(spec, "owners", || entry.owner_groups.iter().map(owner).collect());
    }
    Ok(())
}

fn place(spec: &mut Object, entry: &AccountEntry) -> Result<(), CrError> {
    let placement = object_in(spec, "placement", "spec.placement")?;
    fill(placement, "cluster", || entry.cluster.as_str().into());
    fill(placement, "region", || entry.cluster_region.as_str().into());
    if let Some(stage) = &entry.stage {
        fill(placement, "stage", || stage.as_str().into());
    }
    let found = placement.get("cluster");
    if found.and_then(Value::as_str) == Some(entry.cluster.as_str()) {
        return Ok(());
    }
    Err(CrError::OtherCluster { found: quoted(found), expected: entry.cluster.clone() })
}

/// Puts the account's entry in place, and returns the blocks that the entry had before.
fn join_account(spec: &mut Object, entry: &AccountEntry) -> Result<BTreeSet<String>, CrError> {
    let ours = serde_json::to_value(typed_account(entry)).map_err(unserializable)?;
    let accounts = list_in(spec, "accounts", "spec.accounts")?;
    let environment = entry.environment.as_str();
    let mut place = None;
    for (index, account) in accounts.iter().enumerate() {
        let account = account.as_object().ok_or_else(|| wrong(format!("spec.accounts[{index}]"), "a mapping"))?;
        let here = text(account, "environment") == Some(environment);
        let same = text(account, "accountId") == Some(entry.account_id.as_str());
        if here && !same {
            let found = quoted(account.get("accountId"));
            let (environment, expected) = (entry.environment.clone(), entry.account_id.clone());
            return Err(CrError::OtherAccount { environment, found, expected });
        }
        if same && !here {
            let found = quoted(account.get("environment"));
            let (account, expected) = (entry.account_id.clone(), entry.environment.clone());
            return Err(CrError::OtherEnvironment { account, found, expected });
        }
        if here {
            place = Some(index);
        }
    }
    let Some(present) = place.and_then(|index| accounts.get_mut(index)) else {
        // By environment, so that the order of two onboardings leaves no trace; what is there is not moved.
        let after = |account: &Value| account.get("environment").and_then(Value::as_str) > Some(environment);
        accounts.insert(accounts.iter().position(after).unwrap_or(accounts.len()), ours);
        return Ok(BTreeSet::new());
    };
    let blocks_before = blocks(present);
    *present = overlay_account(present, ours);
    Ok(blocks_before)
}

fn typed_account(entry: &AccountEntry) -> Account {
    let mut networks: Vec<AccountNetwork> = entry
        .regions
        .iter()
        .map(|region| {
            let blocks: BTreeSet<_> = region.cidrs.iter().map(ipnet::IpNet::trunc).collect();
            AccountNetwork {
                region: region.region.clone(),
                vpc_id: Some(region.vpc_id.clone()),
                cidrs: blocks.iter().map(ToString::to_string).collect(),
                transit_gateway_attachment_id: Some(region.transit_gateway_attachment_id.clone()),
            }
        })
        .collect();
    networks.sort_by(|a, b| a.region.cmp(&b.region));
    let typed_role =
        |role: &crate::RoleEntry| AccountRole { name: role.name.clone(), arn: role.arn.clone(), access: role.access };
    let mut roles: Vec<AccountRole> = entry.roles.iter().map(typed_role).collect();
    roles.sort_by(|a, b| a.name.cmp(&b.name));
    let (environment, account_id) = (entry.environment.clone(), entry.account_id.clone());
    Account { environment, account_id, networks, roles, workloads: typed_workloads(entry), suspended: false }
}

/// The workloads in the tenant's own namespaces; [`AccountEntry::left_out`] names the others.
fn typed_workloads(entry: &AccountEntry) -> Vec<Workload> {
    let typed = |workload: &WorkloadEntry| {
        Some(Workload {
            namespace: entry.suffix(workload)?.to_owned(),
            service_account: workload.service_account.clone(),
            role_arn: workload.role_arn.clone(),
            platform_role_arn: workload.platform_role_arn.clone(),
        })
    };
    let key = |workload: &Workload| (workload.namespace.clone(), workload.service_account.clone());
    let mut workloads: Vec<Workload> = entry.workloads.iter().filter_map(typed).collect();
    workloads.sort_by_key(key);
    workloads.dedup_by_key(|workload| key(workload));
    workloads
}

/// Our fields from `ours`, all other fields from `present`; the same for each network and role.
fn overlay_account(present: &Value, ours: Value) -> Value {
    let mut account = overlay(present, ours, &ACCOUNT_FIELDS);
    for (list, keys, fields) in ACCOUNT_LISTS {
        let Some(items) = account.get_mut(list).and_then(Value::as_array_mut) else { continue };
        for item in items.iter_mut() {
            let before = present.get(list).and_then(Value::as_array).into_iter().flatten();
            let same = |old: &&Value| keys.iter().all(|key| old.get(*key) == item.get(*key));
            if let Some(before) = before.into_iter().find(same) {
                *item = overlay(before, item.take(), fields);
            }
        }
        keep_order(items, present.get(list).and_then(Value::as_array), keys);
    }
    account
}

/// What is there keeps its order; what is new comes behind it.
fn keep_order(items: &mut [Value], present: Option<&Vec<Value>>, keys: &[&str]) {
    let same = |a: &Value, b: &Value| keys.iter().all(|key| a.get(*key) == b.get(*key));
    let place = |item: &Value| present.and_then(|present| present.iter().position(|old| same(old, item)));
    items.sort_by_cached_key(|item| place(item).unwrap_or(usize::MAX));
}

fn overlay(present: &Value, ours: Value, owned: &[&str]) -> Value {
    let (Value::Object(present), Value::Object(ours)) = (present, &ours) else { return ours };
    let kept = present.iter().filter(|(key, _)| !owned.contains(&key.as_str()));
    kept.chain(ours).map(|(key, value)| (key.clone(), value.clone())).collect()
}

/// Gives the environment the namespaces of its workloads, and one of its own when it has none.
fn join_namespace(spec: &mut Object, entry: &AccountEntry) -> Result<(), CrError> {
    let namespaces = list_in(spec, "namespaces", "spec.namespaces")?;
    let environment = entry.environment.as_str();
    for suffix in entry.workloads.iter().filter_map(|workload| entry.suffix(workload)) {
        let there = namespaces.iter().find(|n| n.get("name").and_then(Value::as_str) == Some(suffix));
        let Some(there) = there else {
            namespaces.push(json!({ "name": suffix, "environment": environment }));
            continue;
        };
        if there.get("environment").and_then(Value::as_str) != Some(environment) {
            let (namespace, found) = (suffix.to_owned(), quoted(there.get("environment")));
            return Err(CrError::OtherNamespace { namespace, found, expected: entry.environment.clone() });
        }
    }
    if namespaces.iter().any(|n| n.get("environment").and_then(Value::as_str) == Some(environment)) {
        return Ok(());
    }
    let taken: BTreeSet<&str> = namespaces.iter().filter_map(|n| n.get("name").and_then(Value::as_str)).collect();
    // A suffix has no hyphen: with one, tenant `a` with `b-dev` and tenant `a-b` with `dev` would share a namespace.
    let base = environment.replace('-', "");
    let numbered = |n: usize| {
        let number = if n == 1 { String::new() } else { n.to_string() };
        format!("{}{number}", base.chars().take(NAMESPACE_CHARS_MAX - number.len()).collect::<String>())
    };
    let name = (1..=NAMESPACES_MAX).map(numbered).find(|name| !taken.contains(name.as_str()));
    let name = name.ok_or_else(|| CrError::NoNamespaceName { environment: entry.environment.clone() })?;
    namespaces.push(json!({ "name": name, "environment": environment }));
    Ok(())
}

/// Blocks that the account gained go into the egress list; blocks that it lost go out of it, because the address pool
/// may give them to another tenant. A block that a person took out of the list stays out.
fn join_egress(spec: &mut Object, entry: &AccountEntry, before: &BTreeSet<String>) -> Result<(), CrError> {
    let accounts = spec.get("accounts").and_then(Value::as_array);
    let all: BTreeSet<String> = accounts.into_iter().flatten().flat_map(blocks).collect();
    let now: BTreeSet<String> =
        entry.regions.iter().flat_map(|region| &region.cidrs).map(|cidr| cidr.trunc().to_string()).collect();
    let lost: BTreeSet<&String> = before.difference(&all).collect();
    let gained: Vec<&String> = now.difference(before).collect();
    if lost.is_empty() && gained.is_empty() {
        return Ok(());
    }
    let network = object_in(spec, "network", "spec.network")?;
    let egress = list_in(network, "egressCidrs", "spec.network.egressCidrs")?;
    egress.retain(|block| block.as_str().is_none_or(|block| !lost.iter().any(|lost| *lost == block)));
    for block in gained {
        if !egress.iter().any(|present| present.as_str() == Some(block)) {
            egress.push(block.clone().into());
        }
    }
    Ok(())
}

/// All blocks of an account's networks.
pub(crate) fn blocks(account: &Value) -> BTreeSet<String> {
    let networks = account.get("networks").and_then(Value::as_array).into_iter().flatten();
    let cidrs = networks.filter_map(|network| network.get("cidrs")?.as_array()).flatten();
    cidrs.filter_map(Value::as_str).map(str::to_owned).collect()
}

/// Sets a field that is absent or null.
fn fill(object: &mut Object, key: &str, value: impl FnOnce() -> Value) {
    if object.get(key).is_none_or(Value::is_null) {
        object.insert(key.to_owned(), value());
    }
}

pub(crate) fn object<'a>(value: &'a mut Value, field: &str) -> Result<&'a mut Object, CrError> {
    value.as_object_mut().ok_or_else(|| wrong(field, "a mapping"))
}

fn object_in<'a>(parent: &'a mut Object, key: &str, field: &str) -> Result<&'a mut Object, CrError> {
    fill(parent, key, || json!({}));
    parent.get_mut(key).and_then(Value::as_object_mut).ok_or_else(|| wrong(field, "a mapping"))
}

fn list_in<'a>(parent: &'a mut Object, key: &str, field: &str) -> Result<&'a mut Vec<Value>, CrError> {
    fill(parent, key, || json!([]));
    parent.get_mut(key).and_then(Value::as_array_mut).ok_or_else(|| wrong(field, "a list"))
}

pub(crate) fn text<'a>(object: &'a Object, key: &str) -> Option<&'a str> {
    object.get(key).and_then(Value::as_str)
}

pub(crate) fn wrong(field: impl Into<String>, expected: &'static str) -> CrError {
    CrError::WrongType { field: field.into(), expected }
}

/// A value of the existing file for an error: as JSON, at most 80 characters.
pub(crate) fn quoted(value: Option<&Value>) -> String {
    value.map_or_else(|| "absent".to_owned(), |value| value.to_string().chars().take(80).collect())
}

fn unserializable(error: serde_json::Error) -> CrError {
    CrError::Unwritable(YamlError::unserializable(error))
}
