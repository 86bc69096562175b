//! Serves `remove-default-vpcs`.

fn main() -> Result<(), berth_wiring::Error> {
    berth_wiring::serve_step(env!("CARGO_PKG_NAME"), remove_default_vpcs::RemoveDefaultVpcs::new)
}
