//! Settings from the environment, read once when a function starts, all problems reported together.

use std::{collections::BTreeMap, str::FromStr};

/// Every setting that is absent or wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.join("; "))]
pub struct SettingsError(Vec<String>);

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

    #[test]
    fn all_problems_are_reported_together() {
        let mut settings = Settings::from_pairs([("A".to_owned(), "x".to_owned()), ("C".to_owned(), String::new())]);
        let (a, b, c) =
            (settings.required::<u8>("A"), settings.required::<String>("B"), settings.required::<String>("C"));
        let error = settings.finish(a.zip(b).zip(c)).unwrap_err().to_string();
        for name in ["A:", "B is not set", "C is not set"] {
            assert!(error.contains(name), "{error}");
        }
    }

    #[test]
    fn what_is_there_is_read() {
        let mut settings = Settings::from_pairs([("PORT".to_owned(), "80".to_owned())]);
        let port = settings.required::<u16>("PORT");
        assert_eq!(settings.finish(port), Ok(80));
    }
}
