//! Problems that checks find, and the words that their messages share.

use std::{collections::BTreeMap, fmt::Display};

/// One thing that is wrong, by the path of the value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    /// Path of the value.
    pub(crate) path: String,
    /// What is wrong.
    pub(crate) message: String,
    /// What to do.
    pub(crate) hint: String,
}

/// The problems found so far.
#[derive(Debug, Default)]
pub(super) struct Problems {
    /// In the order in which they were found.
    pub(super) all: Vec<Problem>,
}

impl Problems {
    pub(super) fn add(&mut self, path: impl Into<String>, message: impl Into<String>, hint: impl Into<String>) {
        self.all.push(Problem { path: path.into(), message: message.into(), hint: hint.into() });
    }

    /// Adds a problem for every item that was there before; `path` gives the item's path by its number.
    pub(super) fn repeated<T: Ord + Display>(
        &mut self,
        items: impl IntoIterator<Item = T>,
        path: impl Fn(usize) -> String,
    ) {
        let mut first: BTreeMap<T, usize> = BTreeMap::new();
        for (n, item) in items.into_iter().enumerate() {
            match first.get(&item) {
                // The other place is in the hint: messages that aliases repeat are told apart by their text.
                Some(at) => {
                    let hint = format!("keep one of the two; the first is {}", path(*at));
                    self.add(path(n), format!("{item} is there twice"), hint);
                }
                None => {
                    first.insert(item, n);
                }
            }
        }
    }
}

/// The path of a region of an environment.
pub(super) fn region_path(environment: impl Display, region: impl Display) -> String {
    format!("environments.{environment}.regions.{region}")
}

/// Text for a message: quoted, escaped, and never longer than 80 characters.
pub(super) fn quoted(text: &str) -> String {
    format!("{:?}", text.chars().take(80).collect::<String>())
}
