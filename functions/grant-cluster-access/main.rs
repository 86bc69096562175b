//! Wiring of `grant-cluster-access`: settings, clients, serve.

fn main() {}
