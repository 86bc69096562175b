//! `berth completions` and `berth man`: what a shell and `man` know of this command, made from its own description.

use std::{fs, path::Path};

use clap::CommandFactory;
use clap_complete::Shell;
use serde_json::json;

use crate::{
    args::Cli,
    outcome::{Exit, Problem},
    output,
};

/// Prints the completions of a shell.
pub(crate) fn completions(shell: Shell) -> Exit {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "berth", &mut script);
    anstream::print!("{}", String::from_utf8_lossy(&script));
    Exit::Done
}

/// Writes a page of the manual for the command and for each of its subcommands.
pub(crate) fn man(folder: &Path) -> Result<Exit, Problem> {
    let cannot = |error: std::io::Error| {
        Problem::failed(format!("cannot write into {}: {error}", folder.display()), "name a folder that you may write")
    };
    fs::create_dir_all(folder).map_err(cannot)?;
    clap_mangen::generate_to(Cli::command(), folder).map_err(cannot)?;
    let shown = folder.display().to_string();
    output::done(&format!("written: man -l {shown}/berth.1"), &json!({ "folder": shown }));
    Ok(Exit::Done)
}
