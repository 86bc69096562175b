//! Settings from the environment, read once when a function starts, all problems reported together.

use std::{collections::BTreeMap, str::FromStr};

/// Every setting that is absent or wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.join("; "))]
pub struct SettingsError(Vec<String>);

/// The settings of one kind of function.
pub trait FromEnv: Sized {
    /// Reads every setting before it gives up, so that all problems are reported together.
    fn read(settings: &mut Settings) -> Option<Self>;
}

/// A function that has no settings of its own.
impl FromEnv for () {
    fn read(_: &mut Settings) -> Option<Self> {
        Some(())
    }
}

/// Settings of two kinds: their problems are reported together, too.
impl<A: FromEnv, B: FromEnv> FromEnv for (A, B) {
    fn read(settings: &mut Settings) -> Option<Self> {
        let (first, second) = (A::read(settings), B::read(settings));
        first.zip(second)
    }
}

/// Declares the settings of one kind of function: its fields, and the environment variable of each.
///
/// ```
/// berth_step::settings! {
///     /// Settings of a function that writes to the ledger.
///     pub struct LedgerSettings {
///         /// Name of the table.
///         pub table: String = "BERTH_LEDGER_TABLE",
///     }
/// }
/// let settings = berth_step::Settings::from_pairs([("BERTH_LEDGER_TABLE".to_owned(), "ledger".to_owned())]);
/// let LedgerSettings { table } = settings.load()?;
/// assert_eq!(table, "ledger");
/// # Ok::<(), berth_step::SettingsError>(())
/// ```
#[macro_export]
macro_rules! settings {
    ($(#[$about:meta])* $vis:vis struct $name:ident {
        $($(#[$doc:meta])* $field_vis:vis $field:ident: $kind:ty = $variable:literal,)+
    }) => {
        $(#[$about])*
        #[derive(Debug, Clone, PartialEq, Eq)]
        $vis struct $name { $($(#[$doc])* $field_vis $field: $kind,)+ }

        impl $crate::FromEnv for $name {
            fn read(settings: &mut $crate::Settings) -> Option<Self> {
                $(let $field = settings.required($variable);)+
                Some(Self { $($field: $field?,)+ })
            }
        }
    };
}

/// Reads settings from environment variables.
#[derive(Debug, Default)]
pub struct Settings {
    values: BTreeMap<String, String>,
    problems: Vec<String>,
}

impl Settings {
    /// The settings of this process.
    #[must_use]
    pub fn from_env() -> Self {
        Self::from_pairs(std::env::vars())
    }

    /// Settings from anywhere else, for tests.
    pub fn from_pairs(pairs: impl IntoIterator<Item = (String, String)>) -> Self {
        Self { values: pairs.into_iter().collect(), problems: Vec::new() }
    }

    /// A required setting. When it is absent or does not parse, the problem is kept for [`Settings::finish`].
    pub fn required<T: FromStr>(&mut self, name: &str) -> Option<T>
    where
        T::Err: std::fmt::Display,
    {
        match self.values.get(name).map(String::as_str) {
            None | Some("") => {
                self.problems.push(format!("environment variable {name} is not set"));
                None
            }
            Some(text) => match text.parse() {
                Ok(value) => Some(value),
                Err(error) => {
                    self.problems.push(format!("environment variable {name}: {error}"));
                    None
                }
            },
        }
    }

    /// All settings of one kind of function.
    ///
    /// # Errors
    /// Every setting that is absent or wrong.
    pub fn load<T: FromEnv>(mut self) -> Result<T, SettingsError> {
        let read = T::read(&mut self);
        self.finish(read)
    }

    /// Ends reading: `read` when everything was there, else every problem.
    pub fn finish<T>(self, read: Option<T>) -> Result<T, SettingsError> {
        match read {
            Some(value) if self.problems.is_empty() => Ok(value),
            _ => Err(SettingsError(self.problems)),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    settings! {
        struct Three {
            a: u8 = "A",
            b: String = "B",
            c: String = "C",
        }
    }

    #[test]
    fn all_problems_are_reported_together() {
        let settings = Settings::from_pairs([("A".to_owned(), "x".to_owned()), ("C".to_owned(), String::new())]);
        let error = settings.load::<Three>().unwrap_err().to_string();
        for name in ["A:", "B is not set", "C is not set"] {
            assert!(error.contains(name), "{error}");
        }
    }

    #[test]
    fn what_is_there_is_read() {
        let pairs = [("A", "80"), ("B", "b"), ("C", "c")].map(|(name, value)| (name.to_owned(), value.to_owned()));
        let read = Settings::from_pairs(pairs).load();
        assert_eq!(read, Ok(Three { a: 80, b: "b".to_owned(), c: "c".to_owned() }));
    }
}
