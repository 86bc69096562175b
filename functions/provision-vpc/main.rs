//! Serves `provision-vpc`.

fn main() -> Result<(), berth_wiring::Error> {
    let make = |wiring| provision_vpc::ProvisionVpc::new(wiring, jiff::Timestamp::now);
    berth_wiring::serve_step(env!("CARGO_PKG_NAME"), make)
}
