//! How long the recogniser takes for the worst messages of 256 KiB: `cargo bench -p berth-events`.
//!
//! Measured on one busy core of the machine that builds this, in the release profile (opt-level "z"): 5.8 to 6.1 ms for
//! the slowest, where 10 ms are promised (benches/README.md). `--profile dev` takes two to four times as long:
//! `serde_json` is not optimised there.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::time::{Duration, Instant};

#[path = "../tests/hostile/mod.rs"]
mod hostile;

use berth_events::recognise;

/// Times that each message is recognised; the fastest counts, because others use the machine too.
const TIMES: usize = 15;

fn main() {
    println!("{:<46} {:>9} {:>12}", "message of 256 KiB", "fastest", "decision");
    let mut slowest = Duration::ZERO;
    for (name, message) in hostile::messages() {
        let answer = recognise(message.as_bytes());
        let once = || {
            let began = Instant::now();
            std::hint::black_box(recognise(std::hint::black_box(message.as_bytes())));
            began.elapsed()
        };
        let fastest = (0..TIMES).map(|_| once()).min().unwrap();
        slowest = slowest.max(fastest);
        println!("{name:<46} {:>6.2} ms {:>12}", fastest.as_secs_f64() * 1e3, answer.decision.as_str());
    }
    println!("slowest: {:.2} ms", slowest.as_secs_f64() * 1e3);
}
