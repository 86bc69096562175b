//! Serves `attach-transit-gateway`.

fn main() -> Result<(), berth_wiring::Error> {
    let make = |wiring| attach_transit_gateway::AttachTransitGateway::new(wiring, jiff::Timestamp::now);
    berth_wiring::serve_step(env!("CARGO_PKG_NAME"), make)
}
