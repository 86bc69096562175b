//! `make faults`: breaks every AWS call of every journey, one at a time and in every way.

use std::{
    io::{IsTerminal, Write},
    process::ExitCode,
    time::Instant,
};

use berth_tests::faults::{Found, Journey, Nursery, Outcome, Planted, Run, Storm, Sweep, Tally, planted};
use clap::Parser;

/// Breaks every AWS call of every journey, one at a time and in every way, and checks what is left.
#[derive(Debug, Parser)]
#[command(name = "faults")]
struct Arguments {
    /// One run by its name, as a violation prints it.
    #[arg(long)]
    fault: Option<Run>,
    /// Only runs whose name holds this text, such as `killed-after` or `provision-vpc`.
    #[arg(long)]
    only: Option<String>,
    /// Only so many runs, chosen by the seed.
    #[arg(long)]
    sample: Option<usize>,
    /// What the sample is chosen by.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Local AWS organizations to run on at once; each takes about a core and 500 MB.
    #[arg(long, default_value_t = 3)]
    stands: usize,
    /// A throttling storm instead: so many accounts at once, against buckets so many times tighter than AWS's.
    #[arg(long, num_args = 2, value_names = ["ACCOUNTS", "TIGHTNESS"])]
    storm: Option<Vec<u32>>,
    /// Plants mistakes into a copy of the checkout instead, one after the other, and sees each caught.
    #[arg(long)]
    planted: bool,
    /// Lists the runs and makes none.
    #[arg(long)]
    list: bool,
}

fn main() -> ExitCode {
    match sweep(&Arguments::parse()) {
        Ok(tally) if tally.is_clean() => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(why) => {
            eprintln!("{why}");
            ExitCode::FAILURE
        }
    }
}

fn sweep(arguments: &Arguments) -> Result<Tally, String> {
    if arguments.planted {
        return plant(arguments.only.as_deref().unwrap_or_default());
    }
    if let Some([accounts, tightness]) = arguments.storm.as_deref() {
        return storm(Storm { accounts: *accounts as usize, tightness: *tightness });
    }
    let sweep = chosen(arguments)?;
    if arguments.list {
        sweep.runs().iter().for_each(|run| println!("{run}"));
        return Ok(Tally::default());
    }
    let count = sweep.runs().len();
    let stands = arguments.stands.min(count);
    println!("{count} runs on {stands} local AWS organizations, seed {}", arguments.seed);
    let progress = Progress { began: Instant::now(), count, is_terminal: std::io::stderr().is_terminal() };
    let mut tally = Tally::default();
    let tally = sweep.perform(stands, |found| {
        tally.count(&found.outcome);
        progress.show(found, &tally);
    })?;
    progress.end();
    println!("{tally}");
    Ok(tally)
}

/// A mistake that is caught counts as a run whose fault fired; one that is not, as a violation.
fn plant(text: &str) -> Result<Tally, String> {
    let mistakes: Vec<Planted> = planted()?.into_iter().filter(|mistake| mistake.name.contains(text)).collect();
    eprintln!("building a copy of the checkout");
    let nursery = Nursery::make()?;
    let mut tally = Tally::default();
    for mistake in &mistakes {
        let (is_caught, said) = nursery.catches(mistake)?;
        println!("{} {}", if is_caught { "caught" } else { "MISSED" }, mistake.name);
        for line in said.lines().filter(|line| line.starts_with("  ") || !is_caught).take(3) {
            println!("    {}", line.trim());
        }
        tally.count(&Outcome { fired: true, violations: if is_caught { vec![] } else { vec![said] } });
    }
    println!("caught {} of {}", tally.runs - tally.violations, tally.runs);
    Ok(tally)
}

fn storm(storm: Storm) -> Result<Tally, String> {
    let weather = storm.rage()?;
    weather.violations.iter().for_each(|violation| println!("  {violation}"));
    println!(
        "{} accounts at once, buckets {} times tighter: {} calls refused",
        storm.accounts, storm.tightness, weather.refused
    );
    let fired = usize::from(weather.refused > 0);
    let tally = Tally { runs: 1, fired, violations: weather.violations.len() };
    println!("{tally}");
    Ok(tally)
}

fn chosen(arguments: &Arguments) -> Result<Sweep, String> {
    if let Some(run) = &arguments.fault {
        return Ok(Sweep::of(vec![run.clone()]));
    }
    eprintln!("recording the journeys");
    let mut sweep = Sweep::recorded(&Journey::ALL)?;
    if let Some(text) = &arguments.only {
        sweep = sweep.holding(text);
    }
    Ok(match arguments.sample {
        Some(count) => sweep.sample(count, arguments.seed),
        None => sweep,
    })
}

/// Shows how far a sweep is: one line that is drawn over on a terminal, a line for every fiftieth run elsewhere.
struct Progress {
    began: Instant,
    count: usize,
    is_terminal: bool,
}

impl Progress {
    fn show(&self, found: &Found, tally: &Tally) {
        if !found.outcome.fired || !found.outcome.violations.is_empty() {
            self.end();
            report(found);
        }
        if self.is_terminal || tally.runs.is_multiple_of(50) {
            let seconds = self.began.elapsed().as_secs();
            let left = seconds * (self.count - tally.runs) as u64 / tally.runs as u64;
            let width = 30 * tally.runs / self.count;
            let line = format!(
                "[{:<30}] {}/{} fired {} violations {}, about {} s left",
                "#".repeat(width),
                tally.runs,
                self.count,
                tally.fired,
                tally.violations,
                left
            );
            if self.is_terminal {
                eprint!("\r{line}\x1b[K");
            } else {
                eprintln!("{line}");
            }
            let _ = std::io::stderr().flush();
        }
    }

    fn end(&self) {
        if self.is_terminal {
            eprint!("\r\x1b[K");
        }
    }
}

fn report(found: &Found) {
    let Found { run, outcome } = found;
    println!("{run}");
    if !outcome.fired {
        println!("  the fault did not fire");
    }
    for violation in &outcome.violations {
        println!("  {violation}");
    }
    println!("  again: make faults FAULT='{run}'");
}
