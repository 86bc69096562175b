//! Serves `grant-cluster-access`.

fn main() -> Result<(), berth_wiring::Error> {
    berth_wiring::serve_step(env!("CARGO_PKG_NAME"), grant_cluster_access::GrantClusterAccess::new)
}
