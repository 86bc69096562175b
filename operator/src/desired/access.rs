//! Who may do what: bindings of groups to roles of our own, and the service accounts of workloads.

use std::collections::BTreeMap;

use berth_crd::{OwnerKind, Workload};
use berth_tenancy::Access;
use serde_json::{Value, json};

use super::Context;
use crate::{
    names,
    object::{Kind, Object},
};

const RBAC: &str = "rbac.authorization.k8s.io";

/// One binding for each kind of access: the group of the environment, and the owners. None for a suspended tenant or account.
pub(super) fn bindings(context: &Context<'_>) -> Vec<Object> {
    if context.tenant.spec.is_suspended(&context.spec.environment) {
        return Vec::new();
    }
    let bound = |access: Access| {
        let group = names::group(context.owner, context.spec.environment.as_str(), access);
        let mut subjects = vec![subject("Group", &group)];
        let owners = context.tenant.spec.owners.iter().filter(|owner| owner.role == access);
        subjects.extend(owners.map(|owner| match owner.kind {
            OwnerKind::Group => subject("Group", &owner.name),
            OwnerKind::User => subject("User", &owner.name),
        }));
        let role = json!({ "apiGroup": RBAC, "kind": "ClusterRole", "name": names::cluster_role(access) });
        let name = format!("berth-{}", access.as_str());
        context.object(Kind::RoleBinding, &name, json!({ "roleRef": role, "subjects": subjects }))
    };
    [Access::Admin, Access::Edit, Access::View].map(bound).into()
}

fn subject(kind: &str, name: &str) -> Value {
    json!({ "apiGroup": RBAC, "kind": kind, "name": name })
}

/// The service accounts of the workloads of the namespace, by name. The role itself is given in AWS, by an EKS Pod Identity
/// association; the annotation only says which, for people.
pub(super) fn service_accounts(context: &Context<'_>) -> Vec<Object> {
    let accounts = context.tenant.spec.accounts.iter();
    let here = accounts.filter(|account| account.environment == context.spec.environment);
    let workloads = here.flat_map(|account| &account.workloads);
    let workloads = workloads.filter(|workload| workload.namespace == context.spec.name);
    let made = |workload: &Workload| {
        let role = BTreeMap::from([(names::ROLE.to_owned(), workload.role_arn.clone())]);
        context.object(Kind::ServiceAccount, &workload.service_account, json!({})).annotated(&role)
    };
    workloads.map(made).collect()
}
