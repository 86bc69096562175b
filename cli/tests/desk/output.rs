//! What a person sees and what a script reads: tables, names, JSON, YAML, and errors in the same form.

use serde_json::{Value, json};

use crate::{
    aws::Aws,
    desk::{Desk, Ended},
};

/// Three accounts; one has a tenant of forty characters, and one cannot be read.
fn ledger(extra: Option<Value>) -> Aws {
    let item = |account: &str, tenant: &str, status: &str| {
        json!({
            "pk": { "S": format!("account#{account}") }, "sk": { "S": "record" }, "accountId": { "S": account },
            "tenant": { "S": tenant }, "environment": { "S": "dev" }, "status": { "S": status },
            "generation": { "N": "1" }, "since": { "S": "2020-01-01T00:00:00Z" },
        })
    };
    let mut items = vec![
        item("222233334444", "a-tenant-whose-name-has-forty-characters", "onboarded"),
        item("111122223333", "shop", "failed"),
        item("333344445555", "books", "onboarded"),
    ];
    items.extend(extra);
    let answer = json!({ "Items": items, "Count": items.len(), "ScannedCount": items.len() }).to_string();
    Aws::start(move |asked| (asked.operation() == "Scan").then(|| (200, answer.clone())))
}

fn berth(aws: &Aws, arguments: &[&str]) -> Ended {
    let desk = Desk::at(&aws.url).with("AWS_ACCESS_KEY_ID", "AKIADESK").with("AWS_SECRET_ACCESS_KEY", "s");
    desk.berth(arguments)
}

#[test]
fn a_table_is_as_wide_as_what_is_in_it_and_shows_ages() {
    let ended = berth(&ledger(None), &["status"]);
    let lines: Vec<&str> = ended.out.lines().collect();
    assert_eq!(lines[0], "ACCOUNT       STATUS     ENVIRONMENT  TENANT                                    AGE");
    assert!(lines[1].starts_with("111122223333  failed     dev          shop                                      "));
    assert!(lines[2].contains("  a-tenant-whose-name-has-forty-characters  "), "{lines:#?}");
    let age = lines[1].rsplit(' ').next().unwrap();
    assert!(age.ends_with('d') && age.trim_end_matches('d').parse::<u32>().unwrap() > 2_000, "{age}");
    let wide = berth(&ledger(None), &["status", "-o", "wide"]).out;
    assert!(wide.contains("SINCE") && wide.contains("2020-01-01T00:00:00Z") && wide.contains("EXECUTION"), "{wide}");
}

#[test]
fn names_json_and_yaml_say_the_same_accounts_in_the_same_order() {
    let aws = ledger(None);
    let names = berth(&aws, &["status", "-o", "name", "--sort", "tenant"]).out;
    assert_eq!(names, "222233334444\n333344445555\n111122223333\n");
    let accounts = |rows: Value| -> Vec<String> {
        rows.as_array().unwrap().iter().map(|row| row["accountId"].as_str().unwrap().to_owned()).collect()
    };
    let json = berth(&aws, &["status", "--sort", "tenant", "--json"]).out;
    assert_eq!(berth(&aws, &["-o", "json", "status", "--sort", "tenant"]).out, json);
    let listed = accounts(serde_json::from_str(&json).unwrap());
    assert_eq!(listed, names.lines().collect::<Vec<_>>());
    let yaml = berth(&aws, &["status", "-o", "yaml", "--sort", "tenant"]).out;
    assert_eq!(serde_saphyr::from_str::<Value>(&yaml).unwrap(), serde_json::from_str::<Value>(&json).unwrap());
    let one = berth(&aws, &["status", "-o", "json", "--limit", "1"]).out;
    assert_eq!(accounts(serde_json::from_str(&one).unwrap()), ["111122223333"]);
}

#[test]
fn a_record_that_cannot_be_read_is_in_every_form() {
    let broken = json!({ "pk": { "S": "account#444455556666" }, "sk": { "S": "record" }, "status": { "N": "7" } });
    let aws = ledger(Some(broken));
    for format in ["table", "wide", "json", "yaml", "name"] {
        let ended = berth(&aws, &["status", "-o", format, "--limit", "1"]);
        assert!(ended.code == 1 && ended.out.contains("444455556666"), "{format}: {ended:#?}");
    }
}

#[test]
fn an_error_is_json_for_whoever_asked_for_json() {
    let error = |ended: &Ended| {
        assert_eq!(ended.out, "", "{ended:#?}");
        let value: Value = serde_json::from_str(&ended.err).unwrap();
        value["error"].clone()
    };
    let signed_out = Desk::empty().berth(&["status", "-o", "json"]);
    let told = error(&signed_out);
    assert_eq!((signed_out.code, &told["exitCode"]), (3, &json!(3)));
    assert!(told["message"].as_str().unwrap().contains("no credentials"), "{told}");
    assert!(told["next"].as_str().unwrap().contains("--profile"), "{told}");
    for line in
        [&["status", "--nonsense", "--json"][..], &["-ojson", "status", "--nonsense"], &["-o", "json", "nonsense"]]
    {
        let wrong = Desk::empty().berth(line);
        assert_eq!((wrong.code, &error(&wrong)["exitCode"]), (2, &json!(2)), "{wrong:#?}");
        assert!(error(&wrong)["message"].as_str().unwrap().contains("nonsense"), "{wrong:#?}");
    }
    let yaml = Desk::empty().berth(&["status", "-o", "yaml"]);
    assert!(yaml.err.starts_with("---\nerror:\n"), "{yaml:#?}");
    let plain = Desk::empty().berth(&["status", "--nonsense"]);
    assert!(plain.code == 2 && plain.err.contains("Usage:"), "{plain:#?}");
}
