//! What is printed for scripts: JSON, YAML or names, and errors in the same form.

use std::{ffi::OsString, sync::OnceLock};

use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use crate::outcome::Problem;

/// How a command prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For a person, cut to the terminal.
    Table,
    /// For a person, with all columns and times in place of ages; nothing is cut.
    Wide,
    /// For scripts.
    Json,
    /// The same in YAML.
    Yaml,
    /// One name on each line of what a list has, for `xargs`.
    Name,
}

/// The switches of every command.
#[derive(Debug, Args)]
#[command(next_help_heading = "Output")]
pub(crate) struct OutputArgs {
    /// How it is printed; an error is JSON too under `json`, YAML under `yaml`.
    #[arg(short = 'o', long, global = true, value_enum, value_name = "FORMAT")]
    output: Option<Format>,
    /// The same as `-o json`.
    #[arg(long, global = true, conflicts_with = "output")]
    json: bool,
}

/// Chosen once, when the command line was read.
static CHOSEN: OnceLock<Format> = OnceLock::new();

impl OutputArgs {
    /// Makes every print of this process follow it.
    pub(crate) fn choose(&self) {
        let format = self.output.unwrap_or(if self.json { Format::Json } else { Format::Table });
        // Nobody chooses twice.
        let _ = CHOSEN.set(format);
    }
}

/// Makes an error about the command line follow what that line asks for, as far as that can be read; whether it is data.
pub(crate) fn chosen_in(line: &[OsString]) -> bool {
    let words: Vec<&str> = line.iter().filter_map(|word| word.to_str()).collect();
    let of = |text: &str| Format::from_str(text, true).ok();
    let separate = words.windows(2).find_map(|pair| match pair {
        ["-o" | "--output", format] => of(format),
        _ => None,
    });
    let joined = words.iter().find_map(|word| {
        let text = word.strip_prefix("--output=").or_else(|| word.strip_prefix("-o="));
        text.or_else(|| word.strip_prefix("-o")).and_then(of)
    });
    let json = words.contains(&"--json").then_some(Format::Json);
    // Nobody has chosen before.
    let _ = CHOSEN.set(separate.or(joined).or(json).unwrap_or(Format::Table));
    is_data()
}

/// What was chosen.
pub(crate) fn format() -> Format {
    CHOSEN.get().copied().unwrap_or(Format::Table)
}

/// Whether a script reads it.
pub(crate) fn is_data() -> bool {
    matches!(format(), Format::Json | Format::Yaml)
}

/// Prints a document for scripts.
pub(crate) fn data(value: &Value) {
    anstream::println!("{}", text(value, format()));
}

/// The result of a command that has no list: a text for a person, a document for scripts.
pub(crate) fn done(text: &str, value: &Value) {
    if is_data() { data(value) } else { anstream::println!("{text}") }
}

/// A line for a person. Scripts find it on standard error.
pub(crate) fn say(text: &str) {
    if is_data() { anstream::eprintln!("{text}") } else { anstream::println!("{text}") }
}

/// A remark below a table, which is none of its names.
pub(crate) fn aside(text: &str) {
    if format() == Format::Name { anstream::eprintln!("{text}") } else { say(text) }
}

/// An error for scripts, on standard error.
pub(crate) fn problem(problem: &Problem) {
    let value = json!({ "error": { "message": problem.what, "next": problem.hint, "exitCode": problem.exit.code() } });
    anstream::eprintln!("{}", text(&value, format()));
}

/// YAML begins each document with a line of its own, so that those of a watch are told apart.
fn text(value: &Value, format: Format) -> String {
    if format == Format::Yaml
        && let Ok(text) = serde_saphyr::to_string(value)
    {
        return format!("---\n{}", text.trim_end());
    }
    value.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn yaml_says_what_json_says_and_an_account_stays_text() {
        let value =
            json!({ "accountId": "000011112222", "tenant": null, "since": "2026-11-01T00:00:00Z", "n": [1, "on"] });
        assert_eq!(text(&value, Format::Json), value.to_string());
        let yaml = text(&value, Format::Yaml);
        assert!(yaml.starts_with("---\n"), "{yaml}");
        assert_eq!(serde_saphyr::from_str::<Value>(&yaml).unwrap(), value);
    }
}
