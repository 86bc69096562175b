//! Wiring of `sweep-accounts`: settings, clients, serve.

fn main() {}
