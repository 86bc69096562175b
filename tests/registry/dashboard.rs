//! The rows of the dashboard: each metric of the steps has one for each of them.

use std::{fmt::Write as _, io};

use serde::Serialize;
use serde_json::{Serializer, ser::Formatter};

/// A metric of a step, as `CloudWatch` has it in a widget: namespace, metric, name and value of the dimension.
type Row = [String; 4];

/// The text of a dashboard in which the rows of each metric of the steps are those of these steps. Rows stand on lines of
/// their own. Everything else stays as it is, byte for byte.
#[must_use]
pub fn with_rows(text: &str, steps: &[&str]) -> String {
    let mut out = String::new();
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        let Some([namespace, metric, dimension, _]) = row(line) else {
            let _ = writeln!(out, "{line}");
            continue;
        };
        while lines.next_if(|next| row(next).is_some_and(|next| next[1] == metric)).is_some() {}
        let indent = &line[..line.len() - line.trim_start().len()];
        for (index, step) in steps.iter().enumerate() {
            let row = json(&[&namespace, &metric, &dimension, *step]);
            let comma = if index + 1 < steps.len() { "," } else { "" };
            let _ = writeln!(out, "{indent}{row}{comma}");
        }
    }
    out
}

/// The row of a step that a line holds.
fn row(line: &str) -> Option<Row> {
    let row: Row = serde_json::from_str(line.trim().trim_end_matches(',')).ok()?;
    (row[2] == "Step").then_some(row)
}

/// JSON on one line, as people write it: with a space after each comma.
fn json(row: &[&str]) -> String {
    struct Spaced;
    impl Formatter for Spaced {
        fn begin_array_value<W: io::Write + ?Sized>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
            writer.write_all(if first { b"" } else { b", " })
        }
    }
    let mut out = Vec::new();
    row.serialize(&mut Serializer::with_formatter(&mut out, Spaced)).expect("text is written");
    String::from_utf8(out).expect("JSON is UTF-8")
}

#[cfg(test)]
mod tests {
    use super::with_rows;

    #[test]
    fn rows_of_steps_are_replaced_and_nothing_else_changes() {
        let old = "  [\n    [\"Berth\", \"Calls\", \"Step\", \"a\"],\n    [\"Berth\", \"Calls\", \"Step\", \"gone\"]\n  ],\n  \
                   [\"Berth\", \"Calls\", \"Fault\", \"Bug\"]\n  [\"Berth\", \"Duration\", \"Step\", \"a\"]\n";
        let fresh = "  [\n    [\"Berth\", \"Calls\", \"Step\", \"a\"],\n    [\"Berth\", \"Calls\", \"Step\", \"b\"]\n  ],\n  \
                     [\"Berth\", \"Calls\", \"Fault\", \"Bug\"]\n  [\"Berth\", \"Duration\", \"Step\", \"a\"],\n  \
                     [\"Berth\", \"Duration\", \"Step\", \"b\"]\n";
        assert_eq!(with_rows(old, &["a", "b"]), fresh);
        assert_eq!(with_rows(fresh, &["a", "b"]), fresh, "once more changes nothing");
    }
}
