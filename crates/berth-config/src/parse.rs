//! From text to a checked configuration: limits, syntax, types, then the checks that need to see the whole.

use std::collections::BTreeSet;

use serde_saphyr::{
    Options, Spanned,
    options::{DuplicateKeyPolicy, MergeKeyPolicy},
};

use crate::{
    ConfigError, ConfigErrors, PlatformConfig,
    check::{self, Problem},
    locate::{Node, Position, Positions},
    recover, shape,
};

/// Largest platform.yaml, in bytes. One of a thousand regions has half of this.
const TEXT_BYTES_MAX: usize = 1 << 20;
/// Deepest nesting. The format itself needs 12; policy documents a few more.
const DEPTH_MAX: usize = 40;
/// Most values after aliases are expanded: what stops an alias bomb.
const NODES_MAX: usize = 100_000;

impl PlatformConfig {
    /// Reads and checks a platform.yaml.
    ///
    /// Aliases are allowed, within limits; merge keys (`<<`), duplicate keys and unknown fields are not. A file that
    /// is not YAML gives one error. Fields of the wrong shape are reported at once, one for each part of the file that
    /// has any; what is wrong beyond that, when all have the right one. All in the order of lines. Never panics, whatever
    /// the text is.
    pub fn parse(text: &str) -> Result<Self, ConfigErrors> {
        Self::checked(text).map(|(config, _)| config)
    }

    /// The same, with what is allowed and yet worth a look, such as routes that lead into tenants' blocks. That is for people:
    /// a function that reads its configuration asks for none of it.
    pub fn parse_with_warnings(text: &str) -> Result<(Self, Vec<ConfigError>), ConfigErrors> {
        let (config, positions) = Self::checked(text)?;
        let warnings = located(check::warnings(&config), &positions);
        Ok((config, warnings))
    }

    /// A configuration that is right, and where everything in it stands.
    fn checked(text: &str) -> Result<(Self, Positions), ConfigErrors> {
        if text.len() > TEXT_BYTES_MAX {
            let message = format!("the file has {} bytes, more than {TEXT_BYTES_MAX}", text.len());
            return Err(ConfigErrors::new(vec![whole(message, "keep platform.yaml below 1 MiB")]));
        }
        let (config, positions) = match read(text) {
            Ok(read) => read,
            Err(ReadError::Text(error)) => return Err(ConfigErrors::new(vec![*error])),
            Err(ReadError::Shape(found)) => {
                let again = |text: &str| match read(text) {
                    Ok(_) => Ok(()),
                    Err(ReadError::Shape(found)) => Err(Some(found)),
                    Err(ReadError::Text(_)) => Err(None),
                };
                return Err(ConfigErrors::new(recover::all(text, *found, again)));
            }
        };
        let problems = check::all(&config);
        if !problems.is_empty() {
            return Err(ConfigErrors::new(located(problems, &positions)));
        }
        Ok((config, positions))
    }
}

/// What is wrong with a text.
enum ReadError {
    /// It is no YAML, or not within the limits.
    Text(Box<ConfigError>),
    /// A field has another shape than it should; and where everything stands.
    Shape(Box<(ConfigError, Positions)>),
}

/// Reads a text, and where everything in it stands.
fn read(text: &str) -> Result<(PlatformConfig, Positions), ReadError> {
    // The outline accepts duplicate keys, so that the error about them, in the next pass, knows its path.
    let outline: Spanned<Node> = serde_saphyr::from_str_with_options(text, options(DuplicateKeyPolicy::LastWins))
        .map_err(|error| ReadError::Text(Box::new(shape::syntax_error(&error))))?;
    if matches!(outline.value, Node::Scalar | Node::Sequence(_)) {
        let nothing = whole("the file has no fields".into(), "start from infra/platform.example.yaml");
        return Err(ReadError::Text(Box::new(nothing)));
    }
    let positions = Positions::of(&outline);
    match serde_saphyr::from_str_with_options(text, options(DuplicateKeyPolicy::Error)) {
        Ok(config) => Ok((config, positions)),
        Err(error) => Err(ReadError::Shape(Box::new((shape::type_error(&error, &positions), positions)))),
    }
}

fn options(duplicate_keys: DuplicateKeyPolicy) -> Options {
    serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_documents: 1,
            max_depth: DEPTH_MAX,
            max_nodes: NODES_MAX,
            max_events: 4 * NODES_MAX,
        },
        alias_limits: serde_saphyr::alias_limits! {
            max_total_replayed_events: 2 * NODES_MAX,
            max_replay_stack_depth: 8,
        },
        duplicate_keys: duplicate_keys,
        merge_keys: MergeKeyPolicy::Error,
        // `no` is a fine name for a tenant, and `on` for a group.
        strict_booleans: true,
        with_snippet: false,
    }
}

/// An error about the file as a whole.
fn whole(message: String, hint: &str) -> ConfigError {
    let Position { line, column } = Position::START;
    ConfigError { line, column, path: String::new(), message, hint: hint.to_owned() }
}

/// Gives each problem its position. A mistake that aliases repeat is reported once, at its first line.
fn located(problems: Vec<Problem>, positions: &Positions) -> Vec<ConfigError> {
    let with_positions = problems.into_iter().map(|problem| (positions.find(&problem.path), problem));
    let mut sorted: Vec<_> = with_positions.collect();
    sorted.sort_by_key(|((shown, _), _)| *shown);
    let mut seen = BTreeSet::new();
    let mut errors = Vec::new();
    for ((Position { line, column }, written), Problem { path, message, hint }) in sorted {
        if seen.insert((written, message.clone())) {
            errors.push(ConfigError { line, column, path, message, hint });
        }
    }
    errors
}
