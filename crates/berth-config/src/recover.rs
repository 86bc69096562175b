//! More errors of types than the first: what is wrong is taken out of the text, and the rest is read again.

use std::collections::BTreeSet;

use crate::{
    ConfigError,
    locate::{Position, Positions, parent},
};

/// Most errors that are looked for: one more would be no help to anybody.
const ERRORS_MAX: usize = 50;

/// What reading a text gives: nothing that is wrong, or an error of types with the positions of that text.
pub(crate) type Reading = Result<(), Option<Box<(ConfigError, Positions)>>>;

/// All errors of types that can be found, the given one first. `read` reads a text; it answers no error where the text is
/// no YAML any more, because what was taken out was needed.
pub(crate) fn all(text: &str, first: (ConfigError, Positions), read: impl Fn(&str) -> Reading) -> Vec<ConfigError> {
    let mut lines: Vec<&str> = text.lines().collect();
    let mut taken: BTreeSet<String> = BTreeSet::new();
    let mut errors: Vec<ConfigError> = Vec::new();
    let (mut error, mut positions) = first;
    while errors.len() < ERRORS_MAX {
        // A field that was taken out is missing now, under its right name too, and what held it may be empty.
        let is_absent = !positions.has(&error.path);
        let is_ours =
            taken.iter().any(|path| is_within(path, &error.path) || (is_absent && parent(path) == parent(&error.path)));
        let path = if is_ours || is_absent { parent(&error.path) } else { &error.path };
        let Some(path) = take_out(&mut lines, path, &positions) else {
            push(&mut errors, error, is_ours);
            break;
        };
        taken.insert(path);
        push(&mut errors, error, is_ours);
        match read(&lines.join("\n")) {
            Err(Some(next)) => (error, positions) = *next,
            Ok(()) | Err(None) => break,
        }
    }
    errors
}

fn push(errors: &mut Vec<ConfigError>, error: ConfigError, is_ours: bool) {
    if !is_ours && !errors.contains(&error) {
        errors.push(error);
    }
}

/// Whether a path is the other one, or of something in it.
fn is_within(path: &str, other: &str) -> bool {
    let rest = path.strip_prefix(other);
    rest.is_some_and(|rest| other.is_empty() || rest.is_empty() || rest.starts_with(['.', '[']))
}

/// Empties the lines of a field, or of the nearest one above it that has lines of its own. Its path; none when there is none
/// below the document. Other lines keep their numbers.
fn take_out(lines: &mut [&str], path: &str, positions: &Positions) -> Option<String> {
    let mut path = path;
    loop {
        if path.is_empty() {
            return None;
        }
        if let Some(range) = positions.key_of(path).and_then(|key| own_lines(lines, key)) {
            for line in lines.get_mut(range)? {
                *line = "";
            }
            return Some(path.to_owned());
        }
        path = parent(path);
    }
}

/// The lines that a key and its value have for themselves; none where something else is before the key on its line, or
/// where the value is within brackets.
fn own_lines(lines: &[&str], key: Position) -> Option<std::ops::Range<usize>> {
    let first = usize::try_from(key.line).ok()?.checked_sub(1)?;
    let indent = usize::try_from(key.column).ok()?.checked_sub(1)?;
    let line = lines.get(first)?;
    let is_alone = line.chars().take(indent).all(|character| character == ' ') && indentation(line) == Some(indent);
    if !is_alone {
        return None;
    }
    let belongs = |line: &&&str| match indentation(line) {
        None => true,
        Some(own) => own > indent || (own == indent && line.trim_start().starts_with("- ")),
    };
    let rest = lines.get(first + 1..)?.iter().take_while(belongs).count();
    Some(first..first + 1 + rest)
}

/// Spaces before the text of a line; none for an empty line or a comment.
fn indentation(line: &str) -> Option<usize> {
    let text = line.trim_start_matches(' ');
    (!text.trim().is_empty() && !text.starts_with('#')).then(|| line.len() - text.len())
}

#[cfg(test)]
mod tests {
    use crate::PlatformConfig;

    const EXAMPLE: &str = include_str!("../../../infra/platform.example.yaml");

    /// Paths of the errors of the example with these edits.
    fn paths(edits: &[(&str, &str)]) -> Vec<String> {
        let mut text = EXAMPLE.to_owned();
        for (from, to) in edits {
            assert!(text.contains(from), "{from}");
            text = text.replacen(from, to, 1);
        }
        PlatformConfig::parse(&text).unwrap_err().into_iter().map(|error| error.path).collect()
    }

    #[test]
    fn a_misspelt_field_is_one_error_wherever_it_is() {
        let mut misspelt = 0;
        for line in EXAMPLE.lines().filter(|line| !line.trim_start().starts_with(['#', '-'])) {
            let Some((key, rest)) = line.split_once(':') else { continue };
            let wrong = EXAMPLE.replacen(line, &format!("{key}x:{rest}"), 1);
            let Err(errors) = PlatformConfig::parse(&wrong) else { continue };
            if errors.as_slice().iter().any(|error| error.message.starts_with("unknown field")) {
                assert_eq!(errors.as_slice().len(), 1, "{line}: {errors}");
                misspelt += 1;
            }
        }
        assert!(misspelt > 30, "{misspelt}");
    }

    #[test]
    fn mistakes_in_several_parts_are_all_found_in_the_order_of_lines() {
        let found = paths(&[
            ("managementAccount:", "managmentAccount:"),
            ("startOn: [controlTower", "startOn: [controltower"),
            ("clusters:\n", "clusters:\n  other: 7\n"),
        ]);
        assert_eq!(found, ["organization.managmentAccount", "startOn[0]", "clusters.other"]);
    }
}
