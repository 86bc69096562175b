//! How long the recogniser takes for the worst messages of 256 KiB: `cargo bench -p berth-events`, or with `--profile dev`.
#![allow(missing_docs, clippy::unwrap_used)]

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
