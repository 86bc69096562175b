//! Credentials of any kind of profile sign the calls; where there are none, the error says whose fault it is and what to
//! type, and the exit code is 3.

use std::sync::{Arc, Mutex};

use crate::{
    aws::{Answer, Aws, ReceivedRequest},
    desk::Desk,
};

/// `~/.aws/sso/cache/` has the token under the SHA-1 of the session's name: `corp`.
const CACHE: &str = ".aws/sso/cache/ee0bfd2552fbd840c02cc48b6e823320543c450f.json";
const IDENTITY_CENTER: &str = "\
[profile hub]
sso_session = corp
sso_account_id = 210987654321
sso_role_name = PlatformAdmin
region = eu-west-1
[sso-session corp]
sso_region = us-east-1
sso_start_url = https://corp.awsapps.com/start
[profile beyond]
role_arn = arn:aws:iam::210987654321:role/Platform
source_profile = hub
region = eu-west-1
";
const PROCESS_SAYS: &str = r#"{"Version":1,"AccessKeyId":"ASIAPROCESS","SecretAccessKey":"s","SessionToken":"t"}"#;

fn token(access: &str, expires: &str, refresh: &str) -> String {
    format!(
        r#"{{"startUrl":"https://corp.awsapps.com/start","region":"us-east-1","accessToken":"{access}","expiresAt":"{expires}"{refresh}}}"#
    )
}

/// The access portal: this token may take this role.
fn portal(asked: &ReceivedRequest) -> Option<Answer> {
    let path = asked.line.strip_prefix("GET /federation/credentials?")?;
    let is_ours = path.contains("role_name=PlatformAdmin") && path.contains("account_id=210987654321");
    if !is_ours || asked.headers.get("x-amz-sso_bearer_token").is_none_or(|token| token != "good") {
        return Some((401, r#"{"message":"Session token not found or invalid"}"#.to_owned()));
    }
    let keys = r#"{"accessKeyId":"ASIAPORTAL","secretAccessKey":"s","sessionToken":"t","expiration":4102444800000}"#;
    Some((200, format!(r#"{{"roleCredentials":{keys}}}"#)))
}

/// STS, for both ways to a role.
fn sts(asked: &ReceivedRequest) -> Option<Answer> {
    let action = asked.body.split('&').find_map(|part| part.strip_prefix("Action="))?;
    let key = if action == "AssumeRole" { "ASIAASSUMED" } else { "ASIAWEBIDENTITY" };
    let user = "<AssumedRoleUser><AssumedRoleId>A:b</AssumedRoleId>\
                <Arn>arn:aws:sts::210987654321:assumed-role/r/b</Arn></AssumedRoleUser>";
    Some((
        200,
        format!(
            "<{action}Response xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><{action}Result><Credentials>\
             <AccessKeyId>{key}</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken>\
             <Expiration>2100-01-01T00:00:00Z</Expiration></Credentials>{user}</{action}Result></{action}Response>"
        ),
    ))
}

#[test]
fn a_profile_of_identity_center_signs_with_the_keys_of_its_role() {
    let aws = Aws::start(portal);
    let desk = Desk::at(&aws.url).config(IDENTITY_CENTER).file(CACHE, &token("good", "2100-01-01T00:00:00Z", ""));
    let ended = desk.berth(&["status", "--profile", "hub"]);
    assert_eq!((ended.code, ended.out.as_str(), ended.err.as_str()), (0, "no account to show\n", ""));
    assert_eq!(aws.scanned_by(), "ASIAPORTAL");
    let portals = aws.asked().iter().filter(|asked| asked.line.starts_with("GET /federation")).count();
    assert_eq!(portals, 1, "it signs in once");
}

#[test]
fn a_role_behind_identity_center_is_taken_with_the_keys_of_the_portal() {
    let aws = Aws::start(|asked| portal(asked).or_else(|| sts(asked)));
    let desk = Desk::at(&aws.url).config(IDENTITY_CENTER).file(CACHE, &token("good", "2100-01-01T00:00:00Z", ""));
    desk.with("AWS_PROFILE", "beyond").berth(&["status"]).with_code(0);
    let assumed = aws.asked().into_iter().find(|asked| asked.body.contains("Action=AssumeRole")).unwrap();
    assert_eq!((assumed.key(), aws.scanned_by().as_str()), ("ASIAPORTAL", "ASIAASSUMED"));
}

#[test]
fn a_token_that_has_run_out_is_renewed_with_the_refresh_token_and_kept() {
    let aws = Aws::start(|asked| match asked.line.as_str() {
        "POST /token" if asked.body.contains(r#""refreshToken":"again""#) => {
            Some((200, r#"{"accessToken":"good","tokenType":"Bearer","expiresIn":28800}"#.to_owned()))
        }
        _ => portal(asked),
    });
    let registered = r#","clientId":"c","clientSecret":"s","registrationExpiresAt":"2100-01-01T00:00:00Z""#;
    let refresh = format!(r#"{registered},"refreshToken":"again""#);
    let desk = Desk::at(&aws.url).config(IDENTITY_CENTER).file(CACHE, &token("old", "2020-01-01T00:00:00Z", &refresh));
    desk.berth(&["status", "--profile", "hub"]).with_code(0);
    assert_eq!(aws.scanned_by(), "ASIAPORTAL");
    let kept = desk.read(CACHE);
    assert!(kept.contains("good") && kept.contains("again"), "{kept}");
}

#[test]
fn without_a_sign_in_the_error_says_aws_sso_login_and_exits_with_3() {
    let aws = Aws::start(portal);
    for file in [None, Some(token("old", "2020-01-01T00:00:00Z", "")), Some(token("bad", "2100-01-01T00:00:00Z", ""))] {
        let mut desk = Desk::at(&aws.url).config(IDENTITY_CENTER);
        if let Some(text) = &file {
            desk = desk.file(CACHE, text);
        }
        let ended = desk.berth(&["status", "--profile", "hub"]);
        let said = ended.with_code(3);
        assert!(said.contains("IAM Identity Center, by the session corp of profile hub"), "{file:?}: {said}");
        assert!(said.ends_with("Next: aws sso login --sso-session corp\n"), "{file:?}: {said}");
    }
    assert!(aws.asked().iter().all(|asked| asked.operation() != "Scan"), "nothing is asked without credentials");
}

#[test]
fn a_credential_process_signs_and_what_it_says_when_it_fails_is_shown() {
    let aws = Aws::start(|_| None);
    let config = "[profile granted]\ncredential_process = assume-it hub\nregion = eu-west-1\n";
    let desk = Desk::at(&aws.url).config(config).program("assume-it", &format!("echo '{PROCESS_SAYS}'"));
    desk.with("AWS_PROFILE", "granted").berth(&["status"]).with_code(0);
    assert_eq!(aws.scanned_by(), "ASIAPROCESS");
    let desk = Desk::at(&aws.url).config(config).program("assume-it", "echo 'the vault is locked' >&2; exit 7");
    let ended = desk.berth(&["status", "--profile", "granted"]);
    let said = ended.with_code(3);
    assert!(said.contains("the credential_process of profile granted"), "{said}");
    assert!(said.contains("the vault is locked"), "{said}");
}

#[test]
fn a_session_of_aws_login_is_handed_over_by_the_aws_cli() {
    let aws = Aws::start(|_| None);
    let config = "[profile mia]\nlogin_session = arn:aws:iam::210987654321:user/mia\nregion = eu-west-1\n";
    let says = format!("printf '%s\\n' \"$@\" > \"$HOME/asked\"; echo '{PROCESS_SAYS}'");
    let desk = Desk::at(&aws.url).config(config).program("aws", &says);
    desk.berth(&["status", "--profile", "mia"]).with_code(0);
    assert_eq!(aws.scanned_by(), "ASIAPROCESS");
    assert_eq!(desk.read("asked"), "configure\nexport-credentials\n--format\nprocess\n--profile\nmia\n");
    let desk = Desk::at(&aws.url).config(config).program("aws", "echo 'Your session has expired.' >&2; exit 255");
    let ended = desk.berth(&["status", "--profile", "mia"]);
    let said = ended.with_code(3);
    assert!(said.contains("Your session has expired."), "{said}");
    assert!(said.ends_with("Next: aws login --profile mia\n"), "{said}");
}

#[test]
fn a_web_identity_of_a_pipeline_takes_its_role() {
    let aws = Aws::start(sts);
    let desk =
        Desk::at(&aws.url).file("token", "a.b.c").with("AWS_ROLE_ARN", "arn:aws:iam::210987654321:role/Pipeline");
    let file = desk.path("token").display().to_string();
    desk.with("AWS_WEB_IDENTITY_TOKEN_FILE", &file).berth(&["status"]).with_code(0);
    assert_eq!(aws.scanned_by(), "ASIAWEBIDENTITY");
    let asked = aws.asked();
    assert!(asked.iter().any(|asked| asked.body.contains("WebIdentityToken=a.b.c")), "{asked:#?}");
}

#[test]
fn an_instance_signs_with_the_role_of_its_metadata_service() {
    let keys = r#"{"Code":"Success","Type":"AWS-HMAC","LastUpdated":"2026-01-01T00:00:00Z","AccessKeyId":"ASIAINSTANCE",
                   "SecretAccessKey":"s","Token":"t","Expiration":"2100-01-01T00:00:00Z","AccountId":"210987654321"}"#;
    let asked_with = Arc::new(Mutex::new(Vec::new()));
    let tokens = Arc::clone(&asked_with);
    let instance = Aws::start(move |asked| {
        if asked.line == "PUT /latest/api/token" {
            return Some((200, "imds-token".to_owned()));
        }
        let path = asked.line.strip_prefix("GET /latest/meta-data/iam/security-credentials")?;
        tokens.lock().unwrap().push(asked.headers["x-aws-ec2-metadata-token"].clone());
        let path = path.trim_start_matches("-extended");
        Some((200, if path == "/" { "Builder".to_owned() } else { keys.to_owned() }))
    });
    let aws = Aws::start(|_| None);
    let desk = Desk::at(&aws.url).with("AWS_EC2_METADATA_DISABLED", "false");
    desk.with("AWS_EC2_METADATA_SERVICE_ENDPOINT", &instance.url).berth(&["status"]).with_code(0);
    assert_eq!(aws.scanned_by(), "ASIAINSTANCE");
    let tokens = asked_with.lock().unwrap();
    assert!(!tokens.is_empty() && tokens.iter().all(|token| token == "imds-token"), "{tokens:?}");
}

#[test]
fn a_container_signs_with_the_role_of_its_task() {
    let keys = r#"{"AccessKeyId":"ASIATASK","SecretAccessKey":"s","Token":"t","Expiration":"2100-01-01T00:00:00Z"}"#;
    let aws = Aws::start(|asked| asked.line.starts_with("GET /task").then(|| (200, keys.to_owned())));
    let uri = format!("{}/task", aws.url);
    Desk::at(&aws.url).with("AWS_CONTAINER_CREDENTIALS_FULL_URI", &uri).berth(&["status"]).with_code(0);
    assert_eq!(aws.scanned_by(), "ASIATASK");
}

#[test]
fn a_named_profile_leaves_keys_of_the_environment_out_and_says_so() {
    let aws = Aws::start(|_| None);
    let config = "[profile other]\naws_access_key_id = AKIAOTHER\naws_secret_access_key = s\n";
    let desk = Desk::at(&aws.url).config(config).with("AWS_ACCESS_KEY_ID", "AKIAENVIRONMENT");
    let desk = desk.with("AWS_SECRET_ACCESS_KEY", "s");
    let ended = desk.berth(&["--profile", "other", "status"]);
    assert!(ended.with_code(0).contains("AWS_ACCESS_KEY_ID is left out"), "{ended:#?}");
    assert_eq!(aws.scanned_by(), "AKIAOTHER");
}

#[test]
fn a_profile_that_does_not_exist_is_told_with_those_that_do() {
    let aws = Aws::start(|_| None);
    let desk = Desk::at(&aws.url).config("[profile dev]\nregion = eu-west-1\n[profile hub]\nregion = eu-west-1\n");
    for desk in [&["status", "--profile", "hubb"][..], &["--profile", "hubb", "sweep", "--dry-run"]] {
        let ended = Desk::at(&aws.url).config("[profile dev]\n[profile hub]\n").berth(desk);
        assert!(ended.with_code(3).contains("there is no profile hubb\nNext: name one of dev, hub;"), "{ended:#?}");
    }
    let ended = desk.with("AWS_PROFILE", "gone").berth(&["status"]);
    assert!(ended.with_code(3).contains("there is no profile gone"), "{ended:#?}");
    let ended = Desk::at(&aws.url).config("[profile dev\nregion").berth(&["status"]);
    assert!(ended.with_code(3).contains(".aws/config"), "{ended:#?}");
    assert!(aws.asked().is_empty(), "{:#?}", aws.asked());
}

#[test]
fn nothing_at_all_says_how_to_get_a_profile() {
    let ended = Desk::at("http://127.0.0.1:9").berth(&["status"]);
    let said = ended.with_code(3);
    assert!(said.contains("no credentials") && said.contains("--profile or AWS_PROFILE"), "{said}");
}

#[test]
fn keys_that_aws_does_not_take_exit_with_3_and_say_to_sign_in() {
    let says =
        r#"{"__type":"com.amazon.coral.service#ExpiredTokenException","message":"The security token is expired"}"#;
    let aws = Aws::start(|asked| (asked.operation() == "Scan").then(|| (400, says.to_owned())));
    let desk = Desk::at(&aws.url).with("AWS_ACCESS_KEY_ID", "ASIAOLD").with("AWS_SECRET_ACCESS_KEY", "s");
    let ended = desk.berth(&["status"]);
    let said = ended.with_code(3);
    assert!(said.contains("ExpiredTokenException") && said.contains("sign in anew"), "{said}");
}
