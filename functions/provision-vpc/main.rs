//! Serves `provision-vpc`.

fn main() -> Result<(), berth_wiring::Error> {
    berth_wiring::serve_step(env!("CARGO_PKG_NAME"), provision_vpc::ProvisionVpc::with_clock(jiff::Timestamp::now))
}
