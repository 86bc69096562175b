//! Errors of the YAML parser and of the types, in words of this file's readers.

use crate::{
    ConfigError,
    locate::{Position, Positions, child},
};

/// How messages of the parser are told: a part of its message, the message to show instead (empty: its own), and what
/// to do.
const TOLD: [(&str, &str, &str); 18] = [
    ("unknown field", "", "correct the name, or remove the field; infra/platform.schema.json lists all fields"),
    ("unknown variant", "", "use one of the listed words"),
    (
        "missing field `boundary`",
        "roles need a permissions boundary: without one, BerthTenant may not make them",
        "add `boundary` with a name and a document, before `roles`; infra/platform.example.yaml shows one",
    ),
    ("missing field", "", "add the field; infra/platform.example.yaml shows a complete file"),
    ("duplicate", "", "keep one of the two"),
    ("merge key", "merge keys (<<) are not allowed", "write the fields out, or use an alias for the whole value"),
    ("unknown anchor", "", "define the anchor (`&name`) above, or correct the name"),
    ("documents", "the file holds more than one document", "remove what follows `---`"),
    ("budget", "the file is too deep or has too many values", "write the file with fewer aliases and less nesting"),
    ("alias", "", "write the file with fewer aliases"),
    ("invalid u", "a whole number is expected here", "write a number without quotes, within the bounds of the schema"),
    ("ip address syntax", "an IPv4 block is expected here", "write it like 10.16.0.0/14"),
    ("expected sequence", "a list is expected here", "write `[a, b]`, or one `- a` a line"),
    ("expected mapping start", "fields are expected here", "write `name: value`; an empty kind is `podIdentity: {}`"),
    ("after enum variant", "only one kind is allowed here", "keep one of the two"),
    ("expected string", "a text is expected here", "write one text, in quotes when in doubt"),
    ("into string", "a text is expected here", "write one text, in quotes when in doubt"),
    ("is not", "", "write it as described"),
];

/// An error of syntax, or of a limit: there is no tree yet, so no path.
pub(crate) fn syntax_error(error: &serde_saphyr::Error) -> ConfigError {
    let fallback = "check indentation, quotes and brackets at this line and above it";
    told(error, String::new(), position(error), fallback)
}

/// An error of types.
pub(crate) fn type_error(error: &serde_saphyr::Error, positions: &Positions) -> ConfigError {
    let at = position(error);
    if let Some(field) = missing_field(&own_message(error)) {
        let path = child(positions.mapping_at(at), &field);
        let (at, _) = positions.find(&path);
        return told(error, path, at, "");
    }
    if own_message(error).contains("expected mapping start")
        && let Some(path) = positions.value_before_key(at)
    {
        return told(error, path.to_owned(), positions.find(path).0, "");
    }
    told(error, positions.path_at(at).to_owned(), at, "compare with infra/platform.example.yaml")
}

fn position(error: &serde_saphyr::Error) -> Position {
    error.location().map_or(Position::START, Position::from)
}

fn told(error: &serde_saphyr::Error, path: String, Position { line, column }: Position, fallback: &str) -> ConfigError {
    let own = own_message(error);
    let lower = own.to_ascii_lowercase();
    let found = TOLD.iter().find(|(part, ..)| lower.contains(part));
    let (message, hint) = match found {
        Some((_, "", hint)) => (own, *hint),
        Some((_, message, hint)) => ((*message).to_owned(), *hint),
        None => (own, fallback),
    };
    ConfigError { line, column, path, message, hint: hint.to_owned() }
}

/// The parser's message, without the position at its end and without advice to the programmer.
fn own_message(error: &serde_saphyr::Error) -> String {
    let text = error.without_snippet().to_string();
    let line = text.lines().next().unwrap_or_default();
    let cut = [" at line ", ", set "].iter().filter_map(|end| line.rfind(end)).min();
    cut.and_then(|end| line.get(..end)).unwrap_or(line).to_owned()
}

fn missing_field(message: &str) -> Option<String> {
    message.strip_prefix("missing field `")?.split('`').next().map(str::to_owned)
}
