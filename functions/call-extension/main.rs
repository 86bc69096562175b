//! Serves `call-extension`.

fn main() -> Result<(), berth_wiring::Error> {
    berth_wiring::serve_step(env!("CARGO_PKG_NAME"), call_extension::CallExtension::new)
}
