//! The policies as they lie beside the functions.

use std::{collections::BTreeMap, fs};

use berth_aws::FunctionPolicy;

use crate::rig::checkout;

/// Every function's policy, by the function's name.
#[must_use]
pub fn policies() -> BTreeMap<String, FunctionPolicy> {
    let functions = fs::read_dir(checkout().join("functions")).unwrap().flatten();
    let names = functions.filter(|entry| entry.path().join("main.rs").is_file());
    names
        .map(|entry| {
            let name = entry.file_name().into_string().unwrap();
            let policy = FunctionPolicy::read(&policy_text(&name)).unwrap_or_else(|error| panic!("{name}: {error}"));
            (name, policy)
        })
        .collect()
}

/// The text of a function's policy.
#[must_use]
pub fn policy_text(function: &str) -> String {
    let path = checkout().join("functions").join(function).join("policy.json");
    fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("{}: {error}; each function has its policy", path.display()))
}
