//! `make faults`: breaks every AWS call of every scenario, one at a time and in every way.

use std::{
    io::{IsTerminal, Write},
    process::ExitCode,
    time::Instant,
};

use berth_tests::faults::{Campaign, Finished, Found, Scenario, Schedule, Tally, ThrottlingScenario, kill, schedules};
use clap::Parser;

/// Breaks every AWS call of every scenario, one at a time and in every way, and checks what is left.
#[derive(Debug, Parser)]
#[command(name = "faults")]
struct Arguments {
    /// One run by its name, as a violation prints it; or several of different functions, with ` + ` between them.
    #[arg(long)]
    fault: Option<Schedule>,
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
    #[arg(long, alias = "stands", default_value_t = 3)]
    testbeds: usize,
    /// A throttling scenario instead: so many accounts at once, against buckets so many times tighter than AWS's.
    #[arg(long, alias = "storm", num_args = 2, value_names = ["ACCOUNTS", "TIGHTNESS"])]
    throttling: Option<Vec<u32>>,
    /// Makes mutants instead: a copy of the checkout with one mistake each, which some run must catch. With a text, only
    /// those whose name holds it.
    #[arg(long, alias = "planted", num_args = 0..=1, default_missing_value = "")]
    mutants: Option<String>,
    /// Goes on with a campaign that was interrupted, a whole one or one of `--only`: what ended well is not made again.
    #[arg(long = "continue")]
    goes_on: bool,
    /// Lists the runs and makes none.
    #[arg(long)]
    list: bool,
}

fn main() -> ExitCode {
    match campaign(&Arguments::parse()) {
        Ok(tally) if tally.is_clean() => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(why) => {
            eprintln!("{why}");
            ExitCode::FAILURE
        }
    }
}

fn campaign(arguments: &Arguments) -> Result<Tally, String> {
    if let Some(text) = &arguments.mutants {
        return kill(text);
    }
    if let Some([accounts, tightness]) = arguments.throttling.as_deref() {
        let tally = ThrottlingScenario { accounts: *accounts as usize, tightness: *tightness }.report()?;
        println!("{tally}");
        return Ok(tally);
    }
    let campaign = chosen(arguments)?;
    if arguments.list {
        campaign.runs().iter().for_each(|run| println!("{run}"));
        return Ok(Tally::default());
    }
    let is_whole = arguments.fault.is_none() && arguments.only.is_none() && arguments.sample.is_none();
    let mut tally = if is_whole || arguments.goes_on {
        interruptible(campaign, arguments)?
    } else {
        perform(campaign, arguments, Tally::default(), |_| ())?
    };
    if is_whole {
        for scenario in ThrottlingScenario::ALL {
            tally.add(scenario.report()?);
        }
    }
    println!("{tally}");
    Ok(tally)
}

/// Runs that take hours, of which those that ended well are kept.
fn interruptible(campaign: Campaign, arguments: &Arguments) -> Result<Tally, String> {
    let mut finished = Finished::open(arguments.goes_on)?;
    let before = finished.tally(campaign.runs());
    let left = campaign.only(|run| !finished.holds(run));
    perform(left, arguments, before, |found| finished.keep(found))
}

/// Makes the runs, shows how far it is, and counts them in addition to those before.
fn perform(
    campaign: Campaign,
    arguments: &Arguments,
    before: Tally,
    mut keep: impl FnMut(&Found),
) -> Result<Tally, String> {
    let onboardings = schedules(campaign.runs().to_vec()).len();
    let (count, testbeds) = (campaign.runs().len(), arguments.testbeds.min(onboardings));
    println!(
        "{count} runs in {onboardings} onboardings on {testbeds} local AWS organizations, seed {}",
        arguments.seed
    );
    let is_terminal = std::io::stderr().is_terminal();
    let progress = Progress { began: Instant::now(), count, is_terminal };
    let mut tally = Tally::default();
    campaign.perform(testbeds, |found| {
        tally.count(&found.outcome);
        keep(found);
        progress.show(found, &tally);
    })?;
    progress.end();
    tally.add(before);
    Ok(tally)
}

fn chosen(arguments: &Arguments) -> Result<Campaign, String> {
    if let Some(schedule) = &arguments.fault {
        return Ok(Campaign::of(schedule.runs().to_vec()));
    }
    eprintln!("recording the scenarios");
    let mut campaign = Campaign::recorded(&Scenario::ALL)?;
    if let Some(text) = &arguments.only {
        campaign = campaign.only(|run| run.to_string().contains(text));
    }
    Ok(match arguments.sample {
        Some(count) => campaign.sample(count, arguments.seed),
        None => campaign,
    })
}

/// Shows how far a campaign is: one line that is drawn over on a terminal, a line for every fiftieth run elsewhere.
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
