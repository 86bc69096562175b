//! `berth validate`: checks a platform.yaml, says what it would make of accounts that exist, and tries the repository.

use std::{collections::BTreeMap, path::Path};

use berth_config::{ConfigError, PlatformConfig};
use berth_ledger::{Listing, Record};
use berth_tenancy::{AccountId, EnvironmentName, IdentityDifference};
use serde_json::{Value, json};

use crate::{
    args::{Target, ValidateArgs},
    findings::{self, Severity},
    input,
    outcome::{Exit, Problem},
    output, paint, repository, target,
};

/// Accounts that a line names.
const NAMED_MAX: usize = 5;

/// Checks a file, the repository, or both. Exit 2 when anything is wrong in the file, and everything that is wrong is said
/// at once; exit 1 when an account that exists would become another one, or something will not work with the repository.
pub(crate) async fn run(args: &ValidateArgs, wanted: &Target) -> Result<Exit, Problem> {
    let (mut exit, mut document, platform) = match &args.file {
        Some(file) => check(args, file, wanted).await?,
        None => (Exit::Done, json!({}), None),
    };
    if args.repository && exit != Exit::BadInput {
        let clusters = platform.map(|platform| platform.clusters.into_keys().collect());
        let report = repository::report(wanted, clusters.unwrap_or_default()).await?;
        if !report.is_good() {
            exit = Exit::Failed;
        }
        if output::is_data() {
            if let Some(fields) = document.as_object_mut() {
                fields.insert("repository".to_owned(), json!(report));
            }
        } else {
            repository::print(&report);
        }
    }
    if output::is_data() {
        output::data(&document);
    }
    Ok(exit)
}

/// Checks one file: how it ends, what JSON says of it, and the configuration if it is one.
async fn check(
    args: &ValidateArgs,
    file: &Path,
    wanted: &Target,
) -> Result<(Exit, Value, Option<PlatformConfig>), Problem> {
    let bytes = input::read(file)?;
    let name = file.display();
    let text = String::from_utf8(bytes)
        .map_err(|error| Problem::bad_input(format!("{name} is not UTF-8 text: {error}"), "save it as UTF-8"))?;
    let (platform, warnings) = match PlatformConfig::parse_with_warnings(&text) {
        Ok(checked) => checked,
        Err(errors) => {
            if !output::is_data() {
                for error in errors.as_slice() {
                    findings::print(file, &text, error, Severity::Error, args.format);
                }
                let count = errors.as_slice().len();
                anstream::eprintln!("{}: {count} to correct", paint::bad("invalid"));
            }
            return Ok((Exit::BadInput, json!({ "valid": false, "errors": errors }), None));
        }
    };
    let changes = if args.accounts {
        let Listing { records, unreadable } = target::connect(wanted).await?.ledger.list().await?;
        if let Some(item) = unreadable.first() {
            return Err(Problem::failed(format!("{}: {}", item.key, item.error.message), item.error.hint.clone()));
        }
        Some((records.len(), changes(&platform, &records)))
    } else {
        None
    };
    if !output::is_data() {
        for warning in &warnings {
            findings::print(file, &text, warning, Severity::Warning, args.format);
        }
        print(file, &platform, changes.as_ref());
    }
    let exit = if changes.as_ref().is_some_and(|(_, changes)| !changes.is_empty()) { Exit::Failed } else { Exit::Done };
    Ok((exit, document(&warnings, changes.as_ref()), Some(platform)))
}

/// What would become another one, and of which accounts: `environment dev is gone`, or a difference.
type Changes = BTreeMap<String, Vec<AccountId>>;

/// What the configuration would make of accounts that have an identity.
fn changes(platform: &PlatformConfig, records: &[Record]) -> Changes {
    let mut changes = Changes::new();
    for record in records {
        let account = &record.account_id;
        let Some(is) = record.identity() else { continue };
        let lines = match platform.identity_of(account, &is.tenant, &is.environment) {
            Ok(None) => vec![format!("environment {} is gone", is.environment)],
            Ok(Some(would_be)) => of_kind(&is.differences(&would_be), is.environment.as_str()),
            Err(error) => vec![error.to_string()],
        };
        for line in lines {
            changes.entry(line).or_default().push(account.clone());
        }
    }
    changes
}

/// Differences by kind: names and paths have the tenant in them, so each account has its own.
fn of_kind(differences: &[IdentityDifference], environment: &str) -> Vec<String> {
    let line = |IdentityDifference { what, was, would_be }: &IdentityDifference| match what.as_str() {
        "cluster" => format!("environment {environment}: the cluster is {was}, and would be {would_be}"),
        "custom resource" => format!("environment {environment}: the custom resource would be in another file"),
        entries if entries.starts_with("access entries") => {
            format!("environment {environment}: {entries} are for {was}, and would be for {would_be}")
        }
        other => format!("environment {environment}: the {other} would have another name or path"),
    };
    differences.iter().map(line).collect()
}

/// A file that is right, in JSON.
fn document(warnings: &[ConfigError], changes: Option<&(usize, Changes)>) -> Value {
    let accounts = changes.map(|(count, changes)| {
        let rows = changes.iter().map(|(what, accounts)| json!({ "what": what, "accounts": accounts }));
        json!({ "known": count, "changed": rows.collect::<Value>() })
    });
    json!({ "valid": true, "errors": [], "warnings": warnings, "accounts": accounts })
}

fn print(file: &Path, platform: &PlatformConfig, changes: Option<&(usize, Changes)>) {
    let environments: Vec<&str> = platform.environments.keys().map(EnvironmentName::as_str).collect();
    anstream::println!("{}: {}: environments {}", paint::good("valid"), file.display(), environments.join(", "));
    let Some((count, changes)) = changes else { return };
    if changes.is_empty() {
        anstream::println!("{}: every one of {count} accounts stays who it is", paint::good("accounts"));
        return;
    }
    for (what, accounts) in changes {
        let mut named: Vec<&str> = accounts.iter().take(NAMED_MAX).map(AccountId::as_str).collect();
        if accounts.len() > NAMED_MAX {
            named.push("…");
        }
        let noun = if accounts.len() == 1 { "account" } else { "accounts" };
        anstream::println!("{}: {} {noun} ({})", paint::bad(what), accounts.len(), named.join(", "));
    }
    let next = "Next: none of these accounts is onboarded again until it is undone, or transferred (docs/identity.md)";
    anstream::println!("{}", paint::faint(next));
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const EXAMPLE: &str = include_str!("../../infra/platform.example.yaml");

    fn records(platform: &PlatformConfig) -> Vec<Record> {
        let record = |number: u64, tenant: &str, environment: &str| {
            let account: AccountId = format!("{number:012}").parse().unwrap();
            let identity =
                platform.identity_of(&account, &tenant.parse().unwrap(), &environment.parse().unwrap()).unwrap();
            let binding = json!({ "identity": identity, "since": "2026-11-01T00:00:00Z", "revision": 1 });
            serde_json::from_value(json!({
                "accountId": account, "status": "onboarded", "generation": 1, "since": "2026-11-01T00:00:00Z",
                "binding": binding,
            }))
            .unwrap()
        };
        let mut records: Vec<Record> = (1..=9).map(|number| record(number, &format!("t{number}"), "dev")).collect();
        records.push(record(10, "t1", "prod"));
        records
    }

    fn changed(from: &str, to: &str) -> Vec<(String, usize)> {
        assert!(EXAMPLE.contains(from), "{from}");
        let records = records(&PlatformConfig::parse(EXAMPLE).unwrap());
        let platform = PlatformConfig::parse(&EXAMPLE.replacen(from, to, 1)).unwrap();
        changes(&platform, &records).into_iter().map(|(what, accounts)| (what, accounts.len())).collect()
    }

    #[test]
    fn a_new_configuration_says_what_it_makes_of_accounts_that_exist() {
        assert_eq!(changed("version: 1", "version: 1"), []);
        assert_eq!(changed("  dev:\n", "  development:\n"), [("environment dev is gone".to_owned(), 9)]);
        let moved = "environment dev: the cluster is dev-euw1, and would be prod-euw1".to_owned();
        let file = "environment dev: the custom resource would be in another file".to_owned();
        assert_eq!(changed("cluster: dev-euw1", "cluster: prod-euw1"), [(moved, 9), (file, 9)]);
        let role = "environment dev: the role workload would have another name or path".to_owned();
        assert_eq!(changed("{tenant}-workload\"", "{tenant}-pods\""), [(role, 9)]);
    }
}
