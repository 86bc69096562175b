//! The `berth` command: explain events, check configuration, onboard accounts, see where they are, run the local AWS.

mod addresses;
mod apply;
mod approve;
mod args;
mod aws;
mod cluster;
mod config;
mod demo;
mod drift;
mod execution;
mod explain;
mod findings;
mod follow;
mod forget;
mod history;
mod hubs;
mod input;
mod invoke;
mod ledger;
mod local;
mod logs;
mod offboard;
mod onboard;
mod outcome;
mod output;
mod paint;
mod partial;
mod plan;
mod position;
mod replay;
mod repository;
mod send;
mod shells;
mod status;
mod suspend;
mod sweep;
mod table;
mod target;
mod transfer;
mod validate;
mod watch;

use std::{ffi::OsString, process::ExitCode};

use clap::Parser;

use crate::{
    args::{Cli, Command, LocalCommand},
    outcome::{Exit, Problem},
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let line = args::spelled_out(std::env::args_os());
    let cli = match Cli::try_parse_from(&line) {
        Ok(cli) => cli,
        Err(error) => return not_understood(&error, &line),
    };
    cli.output.choose();
    match run(cli).await {
        Ok(exit) => exit.into(),
        Err(problem) => {
            problem.print();
            problem.exit.into()
        }
    }
}

/// A command line that is wrong, or that asked for help.
fn not_understood(error: &clap::Error, line: &[OsString]) -> ExitCode {
    if error.use_stderr() && output::chosen_in(line) {
        let text = error.to_string();
        let what = text.lines().next().unwrap_or_default().trim_start_matches("error: ");
        Problem::bad_input(what, "berth help lists commands and switches").print();
        return Exit::BadInput.into();
    }
    error.exit()
}

async fn run(cli: Cli) -> Result<Exit, Problem> {
    let wanted = &cli.target;
    match cli.command {
        Command::Explain(args) => explain::run(&args),
        Command::Validate(args) => validate::run(&args, wanted).await,
        Command::Onboard(args) => onboard::run(&args, wanted).await,
        Command::Apply(args) => apply::run(&args, wanted).await,
        Command::Approve(args) => approve::approve(&args, wanted).await,
        Command::Reject(args) => approve::reject(&args, wanted).await,
        Command::Suspend(args) => suspend::run(&args, wanted).await,
        Command::Transfer(args) => transfer::run(&args, wanted).await,
        Command::Offboard(args) => offboard::run(&args, wanted).await,
        Command::Forget(args) => forget::run(&args, wanted).await,
        Command::Status(args) => status::run(&args, wanted).await,
        Command::Logs(args) => logs::run(&args, wanted).await,
        Command::Replay(args) => replay::run(&args, wanted).await,
        Command::Addresses(args) => addresses::run(&args, wanted).await,
        Command::Completions { shell } => Ok(shells::completions(shell)),
        Command::Man { folder } => shells::man(&folder),
        Command::Config => config::run(wanted).await,
        Command::Sweep(args) => sweep::run(&args, wanted).await,
        Command::Drift(args) => drift::run(&args, wanted).await,
        Command::Ledger { command } => ledger::run(&command, wanted).await,
        Command::Local { command } => match command {
            LocalCommand::Up(args) => local::up(&args).await,
            LocalCommand::Down => local::down().await,
            LocalCommand::Env(args) => local::env(&args),
            LocalCommand::CreateAccount(args) => local::create_account(&args),
            LocalCommand::Deploy(args) => local::deploy(&args),
            LocalCommand::Send(args) => send::run(&args),
            LocalCommand::Demo(args) => demo::run(&args).await,
        },
    }
}
