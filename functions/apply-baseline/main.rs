//! Serves `apply-baseline`.

fn main() -> Result<(), berth_wiring::Error> {
    berth_wiring::serve_step(env!("CARGO_PKG_NAME"), apply_baseline::ApplyBaseline::new)
}
