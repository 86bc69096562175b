//! Serves `grant-sign-in`.

fn main() -> Result<(), berth_wiring::Error> {
    berth_wiring::serve_step(env!("CARGO_PKG_NAME"), grant_sign_in::GrantSignIn::new)
}
