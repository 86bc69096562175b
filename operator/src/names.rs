//! Names that the operator gives and reads: labels, annotations, groups, objects. People and policies rely on them.

use berth_crd::Tenant;
use berth_tenancy::Access;

/// Field manager of server-side apply, and value of [`MANAGED_BY`].
pub const MANAGER: &str = "berth-operator";
/// Label of every object of the operator, with the value [`MANAGER`].
pub const MANAGED_BY: &str = "app.kubernetes.io/managed-by";
/// Label: the tenant that an object belongs to.
pub const TENANT: &str = "tenancy.berth.dev/tenant";
/// Label of a namespace: its environment.
pub const ENVIRONMENT: &str = "tenancy.berth.dev/environment";
/// Label of a namespace: the node pool that its pods should run on.
pub const NODE_POOL: &str = "tenancy.berth.dev/node-pool";
/// Label that a cluster administrator puts on an object of somebody else, with the tenant's name as its value: the
/// operator may take it over for this tenant.
pub const ADOPT: &str = "tenancy.berth.dev/adopt";
/// Annotation of a service account: the IAM role that its pods get, by EKS Pod Identity.
pub const ROLE: &str = "tenancy.berth.dev/role-arn";
/// Annotation of a namespace whose tenant is gone: since when it has been seen so (RFC 3339).
pub const ORPHANED_SINCE: &str = "tenancy.berth.dev/orphaned-since";
/// Annotation by which a cluster administrator confirms that a tenant is meant to be gone. On a namespace or a Tenant;
/// its value is the tenant's name. What is confirmed does not count for the brake.
pub const CONFIRM_GONE: &str = "tenancy.berth.dev/confirm-gone";
/// Finalizer of a Tenant with `deletionPolicy: Delete`. Without it the namespaces stay.
pub const FINALIZER: &str = "tenancy.berth.dev/namespaces";

/// Full name of a tenant's namespace.
#[must_use]
pub fn namespace(tenant: &str, suffix: &str) -> String {
    format!("{tenant}-{suffix}")
}

/// The tenant that a namespace of this name would belong to. A suffix has no hyphen, so there is only one.
#[must_use]
pub fn tenant_of_namespace(namespace: &str) -> Option<&str> {
    namespace.rsplit_once('-').map(|(tenant, _)| tenant)
}

/// The group of everybody with this access to an environment of a tenant: the group of the EKS access entries.
#[must_use]
pub fn group(tenant: &str, environment: &str, access: Access) -> String {
    format!("tenant:{tenant}:{environment}:{}", access.as_str())
}

/// The `ClusterRole` that a kind of access is bound to. The chart brings them.
#[must_use]
pub fn cluster_role(access: Access) -> String {
    format!("berth:tenant-{}", access.as_str())
}

/// Name of a tenant; empty only for an object that no server sent.
#[must_use]
pub fn of(tenant: &Tenant) -> &str {
    tenant.metadata.name.as_deref().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_namespace_name_leads_back_to_its_tenant_whatever_hyphens_it_has() {
        for (tenant, suffix) in [("payments", "dev"), ("a-b", "prod"), ("a", "b")] {
            assert_eq!(tenant_of_namespace(&namespace(tenant, suffix)), Some(tenant));
        }
        assert_eq!(tenant_of_namespace("default"), None);
    }
}
