//! Serves `delete-vpc`.

fn main() -> Result<(), berth_wiring::Error> {
    berth_wiring::serve_step(env!("CARGO_PKG_NAME"), delete_vpc::DeleteVpc::with_clock(jiff::Timestamp::now))
}
