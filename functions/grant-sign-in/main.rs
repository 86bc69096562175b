//! Wiring of `grant-sign-in`: settings, clients, serve.

fn main() {}
