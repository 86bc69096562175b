//! How an account leaves its tenant's custom resource, and how it is suspended in it. Pure.
//!
//! With the account go what the CRD ties to its environment: the namespaces, the domains in them, and the blocks that only
//! this account had. Everything else of the file stays as people wrote it.

use std::collections::BTreeSet;

use berth_tenancy::{AccountId, ClusterName, EnvironmentName, TenantName};
use serde_json::{Map, Value};

use crate::{
    CrError, edit,
    join::{blocks, check_identity, object, quoted, text, wrong},
    yaml,
};

/// Field of an account's entry: whether its people's access is taken away.
const SUSPENDED: &str = "suspended";

/// An account that leaves its tenant, or that is suspended in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leaving {
    /// The tenant.
    pub tenant: TenantName,
    /// The cluster that the file belongs to.
    pub cluster: ClusterName,
    /// Environment of the account.
    pub environment: EnvironmentName,
    /// The account.
    pub account_id: AccountId,
}

/// What becomes of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Left {
    /// It stays as it is: the account is not in it, or as it shall be.
    Unchanged,
    /// It becomes this text.
    Changed(String),
    /// The account was its last one: it goes.
    Removed,
}

/// The tenant's file without this account.
///
/// # Errors
/// When the file is not the Tenant of this name on this cluster, has the account for another environment, or has fields of
/// the wrong type. See [`CrError`].
pub fn leave(existing: &str, leaving: &Leaving) -> Result<Left, CrError> {
    let (before, Some(index)) = find(existing, leaving)? else { return Ok(Left::Unchanged) };
    let mut document = before.clone();
    let spec = spec(&mut document)?;
    let accounts = list(spec, "accounts")?.ok_or_else(|| wrong("spec.accounts", "a list"))?;
    let gone = blocks(&accounts.remove(index));
    if accounts.is_empty() {
        return Ok(Left::Removed);
    }
    let kept: BTreeSet<String> = accounts.iter().flat_map(blocks).collect();
    leave_namespaces(spec, leaving)?;
    leave_egress(spec, &gone, &kept)?;
    changed(existing, &before, &document)
}

/// The tenant's file with this account suspended in it, or not any more.
///
/// # Errors
/// As for [`leave`].
pub fn suspend(existing: &str, leaving: &Leaving, is_suspended: bool) -> Result<Left, CrError> {
    let (before, Some(index)) = find(existing, leaving)? else { return Ok(Left::Unchanged) };
    let mut document = before.clone();
    let accounts = list(spec(&mut document)?, "accounts")?.ok_or_else(|| wrong("spec.accounts", "a list"))?;
    let account = accounts.get_mut(index).and_then(Value::as_object_mut);
    let account = account.ok_or_else(|| wrong(format!("spec.accounts[{index}]"), "a mapping"))?;
    if is_suspended {
        account.insert(SUSPENDED.to_owned(), true.into());
    } else {
        account.remove(SUSPENDED);
    }
    if before == document { Ok(Left::Unchanged) } else { changed(existing, &before, &document) }
}

/// Whether this account is in the tenant's file, and suspended.
///
/// # Errors
/// As for [`leave`].
pub fn is_suspended(existing: &str, leaving: &Leaving) -> Result<bool, CrError> {
    let (document, place) = find(existing, leaving)?;
    let suspended = |index| document.pointer(&format!("/spec/accounts/{index}/{SUSPENDED}")).and_then(Value::as_bool);
    Ok(place.and_then(suspended).unwrap_or_default())
}

fn changed(existing: &str, before: &Value, after: &Value) -> Result<Left, CrError> {
    let edited = edit::edit(existing, before, after);
    edited.map(Left::Changed).map_err(|edit::Unkeepable(found)| CrError::Unkeepable { found })
}

/// The document, and where the account stands in it. An environment that another account has is none of ours.
fn find(existing: &str, leaving: &Leaving) -> Result<(Value, Option<usize>), CrError> {
    let mut document: Value = yaml::read(existing).map_err(CrError::Unreadable)?;
    check_identity(&document, &leaving.tenant)?;
    let cluster = document.pointer("/spec/placement/cluster");
    if cluster.and_then(Value::as_str) != Some(leaving.cluster.as_str()) {
        return Err(CrError::OtherCluster { found: quoted(cluster), expected: leaving.cluster.clone() });
    }
    let Some(accounts) = list(spec(&mut document)?, "accounts")? else { return Ok((document, None)) };
    let mut place = None;
    for (index, account) in accounts.iter().enumerate() {
        let account = account.as_object().ok_or_else(|| wrong(format!("spec.accounts[{index}]"), "a mapping"))?;
        if text(account, "accountId") != Some(leaving.account_id.as_str()) {
            continue;
        }
        if text(account, "environment") != Some(leaving.environment.as_str()) {
            let (account_id, found) = (leaving.account_id.clone(), quoted(account.get("environment")));
            return Err(CrError::OtherEnvironment {
                account: account_id,
                found,
                expected: leaving.environment.clone(),
            });
        }
        place = Some(index);
    }
    Ok((document, place))
}

/// Takes the environment's namespaces out, and the domains that lead to them.
fn leave_namespaces(spec: &mut Map<String, Value>, leaving: &Leaving) -> Result<(), CrError> {
    let Some(namespaces) = list(spec, "namespaces")? else { return Ok(()) };
    let of_environment =
        |value: &Value| value.get("environment").and_then(Value::as_str) == Some(leaving.environment.as_str());
    let name = |value: &Value| value.get("name").and_then(Value::as_str).map(str::to_owned);
    let gone: BTreeSet<String> = namespaces.iter().filter(|value| of_environment(value)).filter_map(name).collect();
    namespaces.retain(|value| !of_environment(value));
    let leads_there = |value: &Value| {
        value.get("namespace").and_then(Value::as_str).is_some_and(|namespace| gone.contains(namespace))
    };
    if let Some(domains) = list(spec, "domains")? {
        domains.retain(|value| !leads_there(value));
        if domains.is_empty() {
            spec.remove("domains");
        }
    }
    Ok(())
}

/// Takes blocks out that no other account has: the address pool will give them to another tenant.
fn leave_egress(
    spec: &mut Map<String, Value>,
    gone: &BTreeSet<String>,
    kept: &BTreeSet<String>,
) -> Result<(), CrError> {
    let Some(network) = spec.get_mut("network") else { return Ok(()) };
    let network = object(network, "spec.network")?;
    let Some(egress) = list(network, "egressCidrs")? else { return Ok(()) };
    egress.retain(|block| block.as_str().is_none_or(|block| !gone.contains(block) || kept.contains(block)));
    Ok(())
}

fn spec(document: &mut Value) -> Result<&mut Map<String, Value>, CrError> {
    document.get_mut("spec").and_then(Value::as_object_mut).ok_or_else(|| wrong("spec", "a mapping"))
}

/// A list; none when it is absent or null.
fn list<'a>(parent: &'a mut Map<String, Value>, key: &str) -> Result<Option<&'a mut Vec<Value>>, CrError> {
    match parent.get_mut(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Array(list)) => Ok(Some(list)),
        Some(_) => Err(wrong(key.to_owned(), "a list")),
    }
}
