//! Where the code calls the operation that an action allows, in the function or in a crate that the function uses.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    sync::{LazyLock, Mutex},
};

use berth_tests::{
    permissions::{demanded_of, policies},
    rig::checkout,
};

/// Files below the checkout that call an action's operation on behalf of a function: those that name the action for its
/// faults, or call the SDK's method of that name.
pub fn files(function: &str, action: &str) -> Vec<String> {
    let named = naming(function, action);
    if !named.is_empty() {
        return named;
    }
    let operation = action.split(':').next_back().unwrap_or_default();
    let method: String = operation.chars().fold(String::new(), |mut method, c| {
        if c.is_ascii_uppercase() {
            method.push('_');
        }
        method.push(c.to_ascii_lowercase());
        method
    });
    of(function, &format!(".{}()", method.trim_start_matches('_')))
}

/// Those of them that name the action.
pub fn naming(function: &str, action: &str) -> Vec<String> {
    of(function, &format!("\"{action}\""))
}

/// Files that hold a text: of the function, or else of the crates that it uses.
fn of(function: &str, text: &str) -> Vec<String> {
    let own = holding(&checkout().join("functions").join(function), text);
    if own.is_empty() { crates_of(function).iter().flat_map(|folder| holding(folder, text)).collect() } else { own }
}

/// Files of a folder that hold a text, tests left out, and the changes of a step: they name the actions that a plan tells.
fn holding(folder: &Path, text: &str) -> Vec<String> {
    let tells = |path: &Path| path.parent() == Some(folder) && path.ends_with("change.rs");
    let named = |(path, _): &(PathBuf, String)| path.strip_prefix(checkout()).unwrap().display().to_string();
    sources(folder).iter().filter(|(path, source)| !tells(path) && source.contains(text)).map(named).collect()
}

/// Paths and what is in them.
type Sources = Vec<(PathBuf, String)>;

/// Rust files of a folder, read once.
fn sources(folder: &Path) -> Vec<(PathBuf, String)> {
    static READ: LazyLock<Mutex<BTreeMap<PathBuf, Sources>>> = LazyLock::new(Mutex::default);
    let mut read = READ.lock().unwrap();
    read.entry(folder.to_path_buf()).or_insert_with(|| rust_files(folder)).clone()
}

/// Rust files below a folder with their code: without tests, and without comments, whose examples call things, too.
pub fn rust_files(folder: &Path) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let (path, name) = (entry.path(), entry.file_name().into_string().unwrap());
        if path.is_dir() && name != "tests" && name != "fuzz" {
            found.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") && !name.ends_with("tests.rs") {
            let text = fs::read_to_string(&path).unwrap();
            let product = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
            let code = product.lines().filter(|line| !line.trim_start().starts_with("//"));
            found.push((path, code.map(|line| format!("{line}\n")).collect()));
        }
    }
    found.sort();
    found
}

/// Folders of the crates of ours that a function uses, directly or through others.
fn crates_of(function: &str) -> Vec<PathBuf> {
    let (mut known, mut next) = (BTreeSet::new(), vec![function.to_owned()]);
    while let Some(name) = next.pop() {
        let folders = [checkout().join("functions").join(&name), checkout().join("crates").join(&name)];
        let Some(folder) = folders.into_iter().find(|folder| folder.is_dir()) else { continue };
        let manifest = fs::read_to_string(folder.join("Cargo.toml")).unwrap();
        let dependencies = manifest.split("[dev-dependencies]").next().unwrap_or_default();
        let names = dependencies.lines().filter_map(|line| line.split_once(".workspace = true")).map(|(name, _)| name);
        if known.insert(folder) {
            next.extend(names.map(str::to_owned));
        }
    }
    // It does no I/O: the actions that it names are in documents that others send.
    known.into_iter().filter(|folder| !folder.ends_with("crates/berth-tenancy")).collect()
}

#[test]
fn every_permission_has_a_call_in_the_code_or_an_action_demanding_it() {
    let mut idle = Vec::new();
    for (function, policy) in policies() {
        for part in policy.0.keys().copied() {
            for action in policy.actions(part) {
                if files(&function, action).is_empty() && demanded_of(&function, part, action).is_none() {
                    idle.push(format!("{function}, {part}: {action}"));
                }
            }
        }
    }
    assert!(idle.is_empty(), "nothing in the code needs these:\n{}", idle.join("\n"));
}

#[test]
fn a_call_is_found_in_its_function_and_in_the_crates_that_it_uses() {
    assert_eq!(files("provision-vpc", "ec2:CreateVpc"), ["functions/provision-vpc/act/vpc.rs"]);
    assert!(files("provision-vpc", "dynamodb:UpdateItem").iter().all(|file| file.starts_with("crates/berth-ledger/")));
    assert!(!files("provision-vpc", "dynamodb:UpdateItem").is_empty());
    assert!(files("provision-vpc", "organizations:ListAccounts").is_empty(), "another function's call");
}
