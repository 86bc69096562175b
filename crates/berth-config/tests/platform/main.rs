//! platform.yaml from outside: the example, its schema, bad files, and what the file means for accounts.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod bad_access;
mod bad_addresses;
mod bad_baselines;
mod bad_files;
mod bad_roles;
mod bad_shapes;
mod bad_tags;
mod example;
mod matching;

use std::path::PathBuf;

use berth_config::{ConfigError, PlatformConfig};

/// How the example's workload role is trusted.
const PODS: &str = r#"trust:
            podIdentityChain:
              platformRole: "arn:aws:iam::{clusterAccount}:role/tenant-pods"
              namespace: "{tenant}-{environment}"
              serviceAccount: "{tenant}""#;

/// The example that newcomers copy.
const EXAMPLE: &str = include_str!("../../../../infra/platform.example.yaml");

/// A file in `infra/`.
fn infra(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../infra").join(name)
}

/// The example, checked.
fn example() -> PlatformConfig {
    PlatformConfig::parse(EXAMPLE).unwrap_or_else(|errors| panic!("{errors}"))
}

/// One bad configuration: a text of the example, what replaces its first occurrence, and the error that it gives.
struct Bad {
    from: &'static str,
    to: &'static str,
    /// A text on the line that the error names.
    line_of: &'static str,
    path: &'static str,
    message: &'static str,
}

/// The errors of the example with one edit, and the edited text.
fn edited(from: &str, to: &str) -> (String, Vec<ConfigError>) {
    assert!(EXAMPLE.contains(from), "the example has no {from:?}");
    let text = EXAMPLE.replacen(from, to, 1);
    let errors = PlatformConfig::parse(&text).err().map(|errors| errors.into_iter().collect()).unwrap_or_default();
    (text, errors)
}

/// Asserts that each edit gives exactly the error that it should, on the right line, with something to do.
fn assert_bad(table: &[Bad]) {
    for Bad { from, to, line_of, path, message } in table {
        let (text, errors) = edited(from, to);
        let [error] = errors.as_slice() else { panic!("{to:?}: not one error but {errors:#?}") };
        assert_eq!((error.path.as_str(), error.message.as_str()), (*path, *message), "{to:?}");
        let line = usize::try_from(error.line).unwrap();
        let found = text.lines().nth(line - 1).unwrap_or_default();
        assert!(found.contains(line_of), "{to:?}: line {line} is {found:?}");
        let width = u64::try_from(found.chars().count()).unwrap();
        assert!((1..=width + 1).contains(&error.column), "{to:?}: column {} of {found:?}", error.column);
        assert!(error.hint.len() > 10, "{to:?}: {error}");
    }
}
