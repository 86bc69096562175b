//! The organization's own tags: what AWS takes, and what a resource has room for.

use std::collections::BTreeMap;

use berth_tenancy::{EnvironmentName, ORGANIZATION_TAGS_MAX, ResourceKind};

use super::problems::{Problems, quoted};
use crate::{
    Environment, PlatformConfig, RoleTemplate,
    template::{Names, PLACEHOLDERS_HINT, render},
};

/// Longest key and longest value. [EC2 `Tag`, IAM `Tag`]
const KEY_CHARS_MAX: usize = 128;
const VALUE_CHARS_MAX: usize = 256;
/// What keys start with that nobody else may set: AWS's, and those that say what is Berth's.
const RESERVED: [&str; 2] = ["aws:", "berth:"];
/// Key that Berth sets on what the console of EC2 shows by name.
const NAME: &str = "Name";

type Layer<'a> = (String, &'a BTreeMap<String, String>);

/// Checks every place that has tags, then what comes together on one resource.
pub(super) fn check(config: &PlatformConfig, problems: &mut Problems) {
    let longest = config.environments.keys().map(EnvironmentName::as_str).max_by_key(|name| name.len());
    let names = Names::longest(longest.unwrap_or_default());
    every("tags", &config.tags, names, problems);
    for (n, specification) in config.tag_specifications.iter().enumerate() {
        every(&format!("tagSpecifications[{n}].tags"), &specification.tags, names, problems);
    }
    let types = config.tag_specifications.iter().map(|specification| specification.resource_type);
    problems.repeated(types, |n| format!("tagSpecifications[{n}].resourceType"));
    for (name, environment) in &config.environments {
        let names = Names::longest(name.as_str());
        every(&format!("environments.{name}.tags"), &environment.tags, names, problems);
        for (n, RoleTemplate { tags, .. }) in environment.roles.roles.iter().enumerate() {
            each(&role_path(name, n), tags, names, problems);
        }
        for layers in together(config, name, environment) {
            fit(&layers, problems);
        }
    }
}

fn role_path(environment: &EnvironmentName, n: usize) -> String {
    format!("environments.{environment}.roles.roles[{n}].tags")
}

/// What resources of an environment get, the more special last: resources of any type, of each that is specified, and
/// each role.
fn together<'a>(
    config: &'a PlatformConfig,
    name: &EnvironmentName,
    environment: &'a Environment,
) -> Vec<Vec<Layer<'a>>> {
    let base: Vec<Layer<'a>> =
        vec![("tags".to_owned(), &config.tags), (format!("environments.{name}.tags"), &environment.tags)];
    let mut all = vec![base.clone()];
    let mut of_roles = base.clone();
    for (n, specification) in config.tag_specifications.iter().enumerate() {
        let layer: Layer<'a> = (format!("tagSpecifications[{n}].tags"), &specification.tags);
        all.push(base.iter().cloned().chain([layer.clone()]).collect());
        if specification.resource_type == ResourceKind::Role {
            of_roles.push(layer);
        }
    }
    for (n, RoleTemplate { tags, .. }) in environment.roles.roles.iter().enumerate() {
        all.push(of_roles.iter().cloned().chain([(role_path(name, n), tags)]).collect());
    }
    all
}

/// IAM takes keys that differ only in case for one. [IAM "Rules for tagging"]
fn fit(layers: &[Layer<'_>], problems: &mut Problems) {
    let mut seen: BTreeMap<String, (&str, &str)> = BTreeMap::new();
    for (path, tags) in layers {
        for key in tags.keys() {
            let (first, at) = *seen.entry(key.to_lowercase()).or_insert((key, path));
            if first != key {
                let message = format!("{} and {} differ only in case", quoted(key), quoted(first));
                let hint = format!("write the key as in `{at}`, or keep one of the two: IAM takes them for one key");
                problems.add(format!("{path}.{key}"), message, hint);
            }
        }
        if seen.len() > ORGANIZATION_TAGS_MAX {
            let message = format!("{} tags come together on one resource; at most {ORGANIZATION_TAGS_MAX}", seen.len());
            let hint = "remove some: AWS takes 50 on a resource, and Berth's own are among them";
            return problems.add(path, message, hint);
        }
    }
}

/// Tags of resources of several types, among them those that Berth names.
fn every(path: &str, tags: &BTreeMap<String, String>, names: Names<'_>, problems: &mut Problems) {
    each(path, tags, names, problems);
    if tags.contains_key(NAME) {
        let hint = "use another key: Berth names what it makes, and finds it again by that";
        problems.add(format!("{path}.{NAME}"), "the tag Name is Berth's to set", hint);
    }
}

fn each(path: &str, tags: &BTreeMap<String, String>, names: Names<'_>, problems: &mut Problems) {
    for (key, template) in tags {
        let at = format!("{path}.{key}");
        let lower = key.to_lowercase();
        if !(1..=KEY_CHARS_MAX).contains(&key.chars().count()) {
            let message = format!("the key of a tag has 1 to {KEY_CHARS_MAX} characters");
            problems.add(&at, message, "write a shorter key, or one at all");
        } else if !key.chars().all(is_taken) {
            problems.add(&at, format!("{} is not a key that AWS takes", quoted(key)), CHARACTERS_HINT);
        } else if let Some(reserved) = RESERVED.iter().find(|reserved| lower.starts_with(**reserved)) {
            let message = format!("keys that start with {reserved} are reserved");
            problems.add(&at, message, "use another key: these are AWS's and Berth's own to set");
        }
        match render(template, names) {
            Err(error) => problems.add(&at, error.to_string(), PLACEHOLDERS_HINT),
            Ok(value) if value.chars().count() > VALUE_CHARS_MAX => {
                let message =
                    format!("the value has up to {} characters, AWS takes {VALUE_CHARS_MAX}", value.chars().count());
                problems.add(&at, message, "shorten it: a tenant's name alone may have 40");
            }
            Ok(value) if !value.chars().all(is_taken) => {
                problems.add(&at, format!("{} is not a value that AWS takes", quoted(&value)), CHARACTERS_HINT);
            }
            Ok(_) => {}
        }
    }
}

const CHARACTERS_HINT: &str = "use letters, digits, spaces and _.:/=+-@";

/// Characters that IAM takes, the strictest of the services: `[\p{L}\p{Z}\p{N}_.:/=+\-@]`. [IAM `Tag`]
fn is_taken(c: char) -> bool {
    let is_separator = c.is_whitespace() && !c.is_control();
    c.is_alphanumeric() || is_separator || "_.:/=+-@".contains(c)
}
