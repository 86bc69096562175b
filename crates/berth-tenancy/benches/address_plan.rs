//! How long the address plan of a VPC takes: `cargo bench -p berth-tenancy`; benches/README.md.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::time::{Duration, Instant};

use berth_tenancy::{TierPlan, TierRouting, subnet_blocks};

/// Times that each plan is made; the fastest counts, because others use the machine too.
const TIMES: usize = 200;

fn main() {
    println!("{:<52} {:>10}", "address plan", "fastest");
    measure("a /20, three zones, three tiers", "10.0.0.0/20", 3, &[22, 24, 28]);
    measure("a /16, 200 subnets, which is EC2's quota for a VPC", "10.0.0.0/16", 200, &[28]);
}

fn measure(name: &str, vpc: &str, zones: usize, tiers: &[u8]) {
    let vpc = vpc.parse().unwrap();
    let zones: Vec<String> = (1..=zones).map(|number| format!("euw1-az{number}")).collect();
    let tier = |(number, prefix_length): (usize, &u8)| TierPlan {
        name: format!("tier{number}"),
        prefix_length: *prefix_length,
        routing: TierRouting::Private,
    };
    let tiers: Vec<TierPlan> = tiers.iter().enumerate().map(tier).collect();
    let once = || {
        let began = Instant::now();
        let blocks = subnet_blocks(vpc, std::hint::black_box(&zones), &tiers, &[], &[]).unwrap();
        assert_eq!(std::hint::black_box(blocks).len(), zones.len() * tiers.len());
        began.elapsed()
    };
    let fastest: Duration = (0..TIMES).map(|_| once()).min().unwrap();
    println!("{name:<52} {:>7.1} µs", fastest.as_secs_f64() * 1e6);
}
