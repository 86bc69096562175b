//! Serves `detach-transit-gateway`.

fn main() -> Result<(), berth_wiring::Error> {
    berth_wiring::serve_step(env!("CARGO_PKG_NAME"), detach_transit_gateway::DetachTransitGateway::new)
}
