//! Extensions of the platform's own: called at their point for what they say that they would do, and for nothing else.

use berth_ledger::{Record, Status};
use berth_tests::rig::{HUB, Rig, checkout, onboarded};
use serde_json::{Value, json};

use crate::turn;

/// A function `berth-extension-NAME`, which registers accounts in the table NAME: the example of the documentation.
fn function(rig: &Rig, name: &str) -> String {
    table(rig, name);
    let role = rig.call(
        HUB,
        "iam",
        "create_role",
        &json!({ "RoleName": name, "AssumeRolePolicyDocument": policy("lambda.amazonaws.com") }),
    );
    let may = json!({ "Version": "2012-10-17", "Statement": [
        { "Effect": "Allow", "Action": ["dynamodb:GetItem", "dynamodb:PutItem"], "Resource": format!("arn:aws:dynamodb:us-east-1:{HUB}:table/{name}") },
    ] });
    let put = json!({ "RoleName": name, "PolicyName": "register", "PolicyDocument": may.to_string() });
    rig.call(HUB, "iam", "put_role_policy", &put);
    let (example, runtime) =
        (checkout().join("docs/examples/extension.py"), checkout().join("tests/fixtures/python-function"));
    let made = rig.call(
        HUB,
        "lambda",
        "create_function",
        &json!({
            "FunctionName": format!("berth-extension-{name}"), "Role": role["Role"]["Arn"], "Runtime": "provided.al2023",
            "Handler": "bootstrap", "Code": { "ZipFile": "UEsFBgAAAAAAAAAAAAAAAAAAAAAAAA==" }, "Timeout": 30,
            "Environment": { "Variables": { "TABLE": name, "HANDLER_FILE": example } },
            "Tags": { "berth:binary": runtime },
        }),
    );
    made["FunctionArn"].as_str().unwrap().to_owned()
}

/// A state machine `berth-extension-NAME` that has a function do the work.
fn state_machine(rig: &Rig, name: &str, function: &str) -> String {
    let definition = json!({ "QueryLanguage": "JSONata", "StartAt": "Register", "States": { "Register": {
        "Type": "Task", "Resource": "arn:aws:states:::lambda:invoke",
        "Arguments": { "FunctionName": function, "Payload": "{% $states.input %}" },
        "Output": "{% $states.result.Payload %}", "End": true,
    } } });
    let role = format!("arn:aws:iam::{HUB}:role/{name}");
    let asked =
        json!({ "name": format!("berth-extension-{name}"), "definition": definition.to_string(), "roleArn": role });
    rig.call(HUB, "stepfunctions", "create_state_machine", &asked)["stateMachineArn"].as_str().unwrap().to_owned()
}

fn policy(service: &str) -> String {
    let statement = json!({ "Effect": "Allow", "Principal": { "Service": service }, "Action": "sts:AssumeRole" });
    json!({ "Version": "2012-10-17", "Statement": [statement] }).to_string()
}

fn table(rig: &Rig, name: &str) {
    let asked = json!({
        "TableName": name, "BillingMode": "PAY_PER_REQUEST",
        "KeySchema": [{ "AttributeName": "account", "KeyType": "HASH" }],
        "AttributeDefinitions": [{ "AttributeName": "account", "AttributeType": "S" }],
    });
    rig.call(HUB, "dynamodb", "create_table", &asked);
}

/// What a table has about an account.
fn registered(rig: &Rig, table: &str, account: &str) -> Value {
    let asked = json!({ "TableName": table, "Key": { "account": { "S": account } } });
    rig.call(HUB, "dynamodb", "get_item", &asked)["Item"].take()
}

fn after(network: &str, end: &str) -> (&'static str, Value) {
    ("environments.staging.after", json!([{ "at": "network", "call": network }, { "at": "end", "call": end }]))
}

#[test]
fn an_extension_is_called_for_what_it_says_and_not_again() {
    let (rig, _turn) = turn(&[]);
    let (network, end) = (function(rig, "networks"), function(rig, "accounts"));
    let machine = state_machine(rig, "catalog", &end);
    rig.deploy_platform(&[after(&network, &machine)]);
    let account = rig.account("extended-staging", "staging");
    let told = |name: &str| format!("have berth-extension-{name} do: register the account {account} of extended");

    let plan = rig.start_execution(&json!({ "accountId": account, "mode": "plan" }));
    let planned = rig.ended(&plan).changes();
    for name in ["networks", "catalog"] {
        assert_eq!(planned.iter().filter(|change| **change == told(name)).count(), 1, "{name}: {planned:#?}");
    }
    assert_eq!(
        [registered(rig, "networks", &account), registered(rig, "accounts", &account)],
        [Value::Null, Value::Null]
    );

    onboarded(rig, &account);
    let record = rig.wait_for(&account, Status::Onboarded);
    for (name, table) in [("networks", "networks"), ("catalog", "accounts")] {
        let network = record.regions.values().next().unwrap();
        let item = registered(rig, table, &account);
        assert_eq!(item["networks"]["S"], json!(format!("eu-west-1 {}", network.vpc_id)), "{item}");
        assert_eq!(journal(&record).iter().filter(|change| **change == told(name)).count(), 1, "{name}");
    }
    onboarded(rig, &account);
    assert_eq!(
        journal(&rig.wait_for(&account, Status::Onboarded)),
        Vec::<String>::new(),
        "everything is as it should be"
    );

    let key = json!({ "TableName": "accounts", "Key": { "account": { "S": account } } });
    rig.call(HUB, "dynamodb", "delete_item", &key);
    onboarded(rig, &account);
    assert_eq!(
        journal(&rig.wait_for(&account, Status::Onboarded)),
        [told("catalog")],
        "what somebody took away is back"
    );
}

/// What the last run changed.
fn journal(record: &Record) -> Vec<String> {
    record.told_changes().into_iter().map(|told| told.change).collect()
}

#[test]
fn an_extension_that_fails_is_told_by_its_name_and_a_redrive_calls_it_again() {
    let (rig, _turn) = turn(&[]);
    let (network, end) = (function(rig, "first"), function(rig, "last"));
    let machine = state_machine(rig, "failing", &end);
    rig.deploy_platform(&[after(&network, &machine)]);
    let account = rig.account("failing-staging", "staging");
    let deleted = |name: &str| rig.call(HUB, "dynamodb", "delete_table", &json!({ "TableName": name }));
    (deleted("first"), deleted("last"));
    let run = rig.start_execution(&json!({ "accountId": account }));
    for (of, state, name) in [("first", "CallAfterNetwork", "first"), ("last", "CallAtEnd", "failing")] {
        assert_eq!(rig.ended(&run).error.as_deref(), Some("ExtensionFailed"));
        // Of a redriven run the record has the former failure until the next is announced.
        let failure = rig.until(&format!("a failure of {state}"), || {
            rig.record(&account).and_then(|record| record.failure).filter(|failure| failure.state == state)
        });
        assert_eq!(failure.fault, "ExtensionFailed", "{failure:?}");
        let said = failure.message.starts_with(&format!("berth-extension-{name} failed: "));
        assert!(said && failure.message.contains("ResourceNotFoundException"), "{failure:?}");
        assert!(failure.hint.starts_with(&format!("mend berth-extension-{name} in the hub account")), "{failure:?}");
        table(rig, of);
        rig.redrive(&run);
    }
    assert_eq!(rig.ended(&run).error, None);
    rig.wait_for(&account, Status::Onboarded);
    assert!(!registered(rig, "last", &account).is_null());
}
