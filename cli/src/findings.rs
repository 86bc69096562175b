//! What is wrong in a file, for a person with the lines it is in, or as annotations of GitHub.

use std::path::Path;

use berth_config::ConfigError;
use clap::ValueEnum;

use crate::paint;

/// How mistakes are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum FindingFormat {
    /// Each with its line.
    Text,
    /// As commands of a GitHub workflow: a pull request shows them beside the lines.
    Github,
}

/// How much it matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Severity {
    Error,
    Warning,
}

/// Characters of a line that are shown around the place.
const SHOWN_MAX: usize = 100;

/// Prints one finding: for a person on standard error, for GitHub on standard output, where it reads.
pub(crate) fn print(file: &Path, text: &str, finding: &ConfigError, severity: Severity, format: FindingFormat) {
    match format {
        FindingFormat::Github => anstream::println!("{}", annotation(file, finding, severity)),
        FindingFormat::Text => {
            let warning = match severity {
                Severity::Error => String::new(),
                Severity::Warning => format!("{} ", paint::waiting("warning:")),
            };
            let told = finding.to_string();
            let (what, next) = told.rsplit_once("\n  Next: ").unwrap_or((&told, ""));
            anstream::eprintln!("{}: {warning}{what}", file.display());
            for line in snippet(text, finding) {
                anstream::eprintln!("{}", paint::faint(&line));
            }
            anstream::eprintln!("  Next: {next}");
        }
    }
}

/// The line with its number, and a mark below the place. A long line is cut so that the place is seen.
fn snippet(text: &str, finding: &ConfigError) -> Vec<String> {
    let index = usize::try_from(finding.line).unwrap_or(usize::MAX).saturating_sub(1);
    let Some(line) = text.lines().nth(index).filter(|line| !line.trim().is_empty()) else { return Vec::new() };
    let before = usize::try_from(finding.column).unwrap_or(1).saturating_sub(1).min(line.chars().count());
    let cut = before.saturating_sub(SHOWN_MAX * 2 / 3);
    let shown: String = line.chars().skip(cut).take(SHOWN_MAX).map(|c| if c.is_control() { ' ' } else { c }).collect();
    let number = finding.line.to_string();
    let margin = " ".repeat(number.len());
    let mark = " ".repeat(before - cut);
    vec![format!("  {number} | {shown}"), format!("  {margin} | {mark}^")]
}

/// A workflow command. [GitHub "Workflow commands for GitHub Actions"]
fn annotation(file: &Path, finding: &ConfigError, severity: Severity) -> String {
    let kind = match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    let ConfigError { line, column, path, message, hint } = finding;
    let title = if path.is_empty() { "platform.yaml" } else { path };
    format!(
        "::{kind} file={},line={line},col={column},title={}::{}",
        property(&file.display().to_string()),
        property(title),
        data(&format!("{message}\nNext: {hint}"))
    )
}

/// A text after `::`: what would end it is encoded.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// A text before `::`.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(line: u64, column: u64) -> ConfigError {
        ConfigError {
            line,
            column,
            path: "regions[0]".to_owned(),
            message: "100% wrong:\nno region, anyhow".to_owned(),
            hint: "name one".to_owned(),
        }
    }

    #[test]
    fn the_mark_is_below_the_place_however_long_the_line() {
        assert_eq!(snippet("a: 1\nregions: [x]\n", &finding(2, 11)), ["  2 | regions: [x]", "    |           ^"]);
        let long = format!("{}HERE{}", "-".repeat(300), "-".repeat(300));
        let shown = snippet(&long, &finding(1, 301));
        let at = shown[1].find('^').unwrap();
        assert_eq!(shown[0].get(at..at + 4), Some("HERE"));
        assert!(shown.iter().all(|line| line.len() < 110), "{shown:?}");
        assert!(snippet("a: 1\n", &finding(7, 1)).is_empty());
        assert_eq!(snippet("naïve: [ü]\n", &finding(1, 9))[1], "    |         ^");
    }

    #[test]
    fn an_annotation_ends_where_it_ends_whatever_is_in_it() {
        let text = annotation(Path::new("a,b:c.yaml"), &finding(2, 11), Severity::Error);
        assert_eq!(
            text,
            "::error file=a%2Cb%3Ac.yaml,line=2,col=11,title=regions[0]::100%25 wrong:%0Ano region, anyhow%0ANext: name one"
        );
    }
}
