//! The `berth` command: explain events, check configuration, onboard accounts, see where they are, run the local AWS.

mod addresses;
mod args;
mod aws;
mod cluster;
mod demo;
mod execution;
mod explain;
mod follow;
mod forget;
mod history;
mod input;
mod invoke;
mod ledger;
mod local;
mod logs;
mod offboard;
mod onboard;
mod outcome;
mod paint;
mod partial;
mod position;
mod replay;
mod repository;
mod send;
mod status;
mod suspend;
mod sweep;
mod target;
mod transfer;
mod validate;
mod watch;

use std::process::ExitCode;

use clap::Parser;

use crate::{
    args::{Cli, Command, LocalCommand},
    outcome::Exit,
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let cli = Cli::parse_from(args::spelled_out(std::env::args_os()));
    match run(cli).await {
        Ok(exit) => exit.into(),
        Err(problem) => {
            problem.print();
            problem.exit.into()
        }
    }
}

async fn run(cli: Cli) -> Result<Exit, outcome::Problem> {
    let wanted = &cli.target;
    match cli.command {
        Command::Explain(args) => explain::run(&args),
        Command::Validate(args) => validate::run(&args, wanted).await,
        Command::Onboard(args) => onboard::run(&args, wanted).await,
        Command::Suspend(args) => suspend::run(&args, wanted).await,
        Command::Transfer(args) => transfer::run(&args, wanted).await,
        Command::Offboard(args) => offboard::run(&args, wanted).await,
        Command::Forget(args) => forget::run(&args, wanted).await,
        Command::Status(args) => status::run(&args, wanted).await,
        Command::Logs(args) => logs::run(&args, wanted).await,
        Command::Replay(args) => replay::run(&args, wanted).await,
        Command::Addresses(args) => addresses::run(&args, wanted).await,
        Command::Sweep(args) => sweep::run(&args, wanted).await,
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
