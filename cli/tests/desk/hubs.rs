//! Named hubs: which one a command is about, and what it finds out by itself.

use serde_json::Value;

use crate::{
    aws::{Answer, Aws, ReceivedRequest},
    desk::Desk,
};

const MACHINE: &str = "arn:aws:states:us-east-1:210987654321:stateMachine:berth-onboard-account";
const FILE: &str = ".config/berth/config.toml";

/// CloudFormation knows one stack, STS who asks, Step Functions starts.
fn hub(asked: &ReceivedRequest) -> Option<Answer> {
    let is = |part: &str| asked.body.contains(part);
    if is("Action=DescribeStacks") && is("StackName=berth-dev") {
        let output = format!("<OutputKey>StateMachineArn</OutputKey><OutputValue>{MACHINE}</OutputValue>");
        return Some((
            200,
            format!("<R><Stacks><member><Outputs><member>{output}</member></Outputs></member></Stacks></R>"),
        ));
    }
    if is("Action=DescribeStacks") {
        let error = "<Code>ValidationError</Code><Message>Stack with id berth does not exist</Message>";
        return Some((400, format!("<ErrorResponse><Error>{error}</Error></ErrorResponse>")));
    }
    if is("Action=GetCallerIdentity") {
        return Some((200, "<R><Arn>arn:aws:iam::210987654321:user/mia</Arn></R>".to_owned()));
    }
    let started =
        r#"{"executionArn":"arn:aws:states:us-east-1:210987654321:execution:berth-onboard-account:x","startDate":1}"#;
    (asked.operation() == "StartExecution").then(|| (200, started.to_owned()))
}

fn desk(aws: &Aws, file: &str) -> Desk {
    let profile = |name: &str, key: &str| {
        format!("[profile {name}]\nendpoint_url = {}\naws_access_key_id = {key}\naws_secret_access_key = s\n", aws.url)
    };
    let config = profile("hub-dev", "AKIADEV") + &profile("mine", "AKIAMINE");
    Desk::empty().config(&config).file(FILE, file)
}

const HUBS: &str = "default = \"prod\"\n[hubs.prod]\nprofile = \"mine\"\nregion = \"eu-west-1\"\n\
                    [hubs.dev]\nprofile = \"hub-dev\"\nregion = \"us-east-1\"\nstack = \"berth-dev\"\n";

#[test]
fn a_hub_by_name_gives_profile_and_region_and_its_stack_says_the_rest() {
    let aws = Aws::start(hub);
    let ended =
        desk(&aws, HUBS).with("AWS_PROFILE", "mine").berth(&["onboard", "111122223333", "--hub", "dev", "-o", "json"]);
    assert_eq!((ended.code, ended.err.as_str()), (0, ""), "{ended:#?}");
    assert!(ended.out.contains("execution:berth-onboard-account:x"), "{ended:#?}");
    let asked = aws.asked();
    let started = asked.iter().find(|asked| asked.operation() == "StartExecution").unwrap();
    assert!(started.body.contains(&format!("\"stateMachineArn\":\"{MACHINE}")), "{started:#?}");
    assert_eq!(started.key(), "AKIADEV");
    assert!(started.headers["authorization"].contains("/us-east-1/states/"), "{started:#?}");
}

#[test]
fn a_stack_that_is_not_there_says_how_to_name_the_right_one() {
    let aws = Aws::start(hub);
    let ended = desk(&aws, HUBS).berth(&["--hub", "prod", "onboard", "111122223333"]);
    let said = ended.with_code(2);
    assert!(said.contains("there is no stack berth in this account and region"), "{said}");
    assert!(said.contains("--profile, --region, and stack of the hub"), "{said}");
    let denied = Aws::start(|asked| {
        asked.body.contains("DescribeStacks").then(|| (403, "<E><Code>AccessDenied</Code></E>".to_owned()))
    });
    let ended = desk(&denied, HUBS).berth(&["--hub", "prod", "onboard", "111122223333"]);
    assert!(ended.with_code(1).contains("allow cloudformation:DescribeStacks"), "{ended:#?}");
}

#[test]
fn config_shows_each_setting_with_where_it_comes_from() {
    let aws = Aws::start(hub);
    let shown = |ended: crate::desk::Ended| {
        assert_eq!(ended.code, 0, "{ended:#?}");
        serde_json::from_str::<Value>(&ended.out).unwrap()
    };
    let dev = shown(desk(&aws, HUBS).berth(&["config", "--hub", "dev", "--json"]));
    let of = |value: &Value, name: &str| {
        [&value[name]["value"], &value[name]["from"]].map(|it| it.as_str().unwrap().to_owned())
    };
    assert_eq!(of(&dev, "hub"), ["dev", "--hub"]);
    let [profile, from] = of(&dev, "profile");
    assert!(profile == "hub-dev" && from.starts_with("hub dev in /") && from.ends_with(FILE), "{from}");
    assert_eq!(of(&dev, "credentials")[0], "the keys of profile hub-dev");
    assert_eq!(of(&dev, "identity")[0], "arn:aws:iam::210987654321:user/mia");
    assert_eq!(of(&dev, "stateMachineArn")[0], MACHINE);
    let machine = desk(&aws, HUBS).with("BERTH_STATE_MACHINE_ARN", "arn:x").with("AWS_PROFILE", "hub-dev");
    let default = shown(machine.berth(&["config", "-o", "json"]));
    assert_eq!(of(&default, "profile"), ["hub-dev", "AWS_PROFILE"]);
    assert_eq!(of(&default, "region"), ["eu-west-1", "AWS_REGION"]);
    assert_eq!(of(&default, "stateMachineArn"), ["arn:x", "BERTH_STATE_MACHINE_ARN"]);
    let table = desk(&aws, HUBS).berth(&["config", "--hub", "dev"]);
    assert!(table.out.starts_with("SETTING          VALUE"), "{}", table.out);
}

#[test]
fn config_shows_what_it_has_before_it_says_that_nobody_signed_in() {
    let ended = Desk::empty().berth(&["config"]);
    assert!(ended.with_code(3).contains("no credentials"), "{ended:#?}");
    assert!(ended.out.contains("\nregion   eu-west-1  AWS_REGION\n"), "{}", ended.out);
}

#[test]
fn a_config_file_that_is_wrong_is_one_error_with_its_line() {
    for (text, says) in [
        ("[hubs.prod]\nregoin = \"eu-west-1\"\n", "unknown field `regoin`"),
        ("[hubs.prod]\nregion = \"Ireland\"\n", "region"),
        ("default = prod\n", "TOML parse error at line 1"),
    ] {
        let ended = Desk::empty().file(FILE, text).berth(&["status"]);
        let said = ended.with_code(2);
        assert!(said.contains(FILE) && said.contains(says) && said.contains("line "), "{said}");
    }
    let ended = Desk::empty().file(FILE, HUBS).berth(&["status", "--hub", "stage"]);
    assert!(ended.with_code(2).ends_with("Next: name one of dev, prod\n"), "{ended:#?}");
}
