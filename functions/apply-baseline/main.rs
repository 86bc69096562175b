//! Wiring of `apply-baseline`: settings, clients, serve.

fn main() {}
