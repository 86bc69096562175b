//! Serves `attach-transit-gateway`.
use attach_transit_gateway::AttachTransitGateway as Step;
fn main() -> Result<(), berth_wiring::Error> {
    berth_wiring::serve_step(env!("CARGO_PKG_NAME"), Step::with_clock(jiff::Timestamp::now))
}
