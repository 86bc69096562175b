//! Serves `create-tenant-roles`.

fn main() -> Result<(), berth_wiring::Error> {
    berth_wiring::serve_step(env!("CARGO_PKG_NAME"), create_tenant_roles::CreateTenantRoles::new)
}
