//! Serves `await-tenant`.

fn main() -> Result<(), berth_wiring::Error> {
    berth_wiring::serve_step(env!("CARGO_PKG_NAME"), await_tenant::AwaitTenant::with_clock(jiff::Timestamp::now))
}
