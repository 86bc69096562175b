//! The desk of somebody in the platform's team: `berth` by a profile of each kind that people have, on the local AWS.

use std::{collections::BTreeMap, fs, os::unix::fs::PermissionsExt, path::PathBuf};

use serde_json::{Value, json};

use super::{HUB, Rig};

/// Where the token of the session `corp` is: the SHA-1 of its name.
const TOKEN: &str = ".aws/sso/cache/ee0bfd2552fbd840c02cc48b6e823320543c450f.json";

/// What the outputs of the hub's stack say.
const FOUND_OUT: [&str; 2] = ["BERTH_LEDGER_TABLE", "BERTH_STATE_MACHINE_ARN"];

/// How a person signs in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignIn {
    /// `aws sso login`, a moment ago.
    IdentityCenter,
    /// `aws sso login`, long ago: the token has run out, and can be renewed.
    IdentityCenterLongAgo,
    /// A program that hands keys out, as granted and aws-sso-cli are.
    Process,
    /// `aws login`, whose session the AWS CLI hands over. The program is ours: a session of it cannot be had here.
    AwsLogin,
}

impl SignIn {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::IdentityCenter, Self::IdentityCenterLongAgo, Self::Process, Self::AwsLogin];

    fn profile(self) -> String {
        match self {
            Self::IdentityCenter | Self::IdentityCenterLongAgo => format!(
                "sso_session = corp\nsso_account_id = {HUB}\nsso_role_name = PlatformAdmin\n\
                 [sso-session corp]\nsso_region = us-east-1\nsso_start_url = https://corp.awsapps.com/start\n"
            ),
            Self::Process => "credential_process = keys --of hub\n".to_owned(),
            Self::AwsLogin => format!("login_session = arn:aws:iam::{HUB}:user/mia\n"),
        }
    }
}

impl Rig {
    /// Runs `berth` as somebody who signs in like this, with an empty environment; its exit code and standard output.
    ///
    /// # Panics
    /// When the desk cannot be made.
    #[must_use]
    pub fn berth_signed_in(&self, sign_in: SignIn, arguments: &[&str]) -> (i32, String) {
        let home = self.desk(sign_in);
        let path = format!("{}:/usr/bin:/bin", home.join("bin").display());
        let mut environment: BTreeMap<String, String> = self.environment.clone();
        environment.retain(|name, _| !name.starts_with("AWS_") && !FOUND_OUT.contains(&name.as_str()));
        environment.insert("HOME".to_owned(), home.display().to_string());
        environment.insert("PATH".to_owned(), path);
        let named = [&["--profile", "hub"], arguments].concat();
        Self::berth_in(&environment, &named)
    }

    /// Runs `berth` with the keys of a user of the hub, who is made when he or she is first needed; its exit code, standard
    /// output and standard error.
    ///
    /// # Panics
    /// When the user cannot be made.
    #[must_use]
    pub fn berth_as(&self, user: &str, arguments: &[&str]) -> (i32, String, String) {
        let kept = self.folder.join(format!("user-{user}.json"));
        let keys: Value = fs::read(&kept).map_or_else(
            |_| {
                self.call(HUB, "iam", "create_user", &json!({ "UserName": user }));
                let made = self.call(HUB, "iam", "create_access_key", &json!({ "UserName": user }));
                fs::write(&kept, made["AccessKey"].to_string()).expect("a file for the keys");
                made["AccessKey"].clone()
            },
            |text| serde_json::from_slice(&text).expect("the keys are kept as JSON"),
        );
        let mut environment = self.environment.clone();
        for (name, key) in [("AWS_ACCESS_KEY_ID", "AccessKeyId"), ("AWS_SECRET_ACCESS_KEY", "SecretAccessKey")] {
            environment.insert(name.to_owned(), keys[key].as_str().expect("a key").to_owned());
        }
        environment.remove("AWS_SESSION_TOKEN");
        Self::said(&environment, arguments)
    }

    fn desk(&self, sign_in: SignIn) -> PathBuf {
        let home = self.folder.join(format!("desks/{sign_in:?}"));
        let write = |path: &str, text: &str| {
            let path = home.join(path);
            fs::create_dir_all(path.parent().expect("it is in a folder")).expect("a folder");
            fs::write(&path, text).expect("a file");
            path
        };
        let hub =
            format!("[profile hub]\nregion = {}\nendpoint_url = {}\n", self.environment["AWS_REGION"], self.endpoint);
        write(".aws/config", &(hub + &sign_in.profile()));
        let (key, secret) = (&self.environment["AWS_ACCESS_KEY_ID"], &self.environment["AWS_SECRET_ACCESS_KEY"]);
        let keys = json!({ "Version": 1, "AccessKeyId": key, "SecretAccessKey": secret });
        for name in ["aws", "keys"] {
            let program = write(&format!("bin/{name}"), &format!("#!/bin/sh\necho '{keys}'\n"));
            fs::set_permissions(program, fs::Permissions::from_mode(0o755)).expect("it may run");
        }
        let role =
            json!({ "accountId": HUB, "roleName": "PlatformAdmin", "accessKeyId": key, "secretAccessKey": secret });
        let signed_in = self.gateway(reqwest::Method::POST, "portal/sessions", Some(&json!({ "roles": [role] })));
        let is_old = sign_in == SignIn::IdentityCenterLongAgo;
        let token = json!({
            "accessToken": if is_old { "expired" } else { signed_in["accessToken"].as_str().expect("a token") },
            "expiresAt": if is_old { "2020-01-01T00:00:00Z" } else { "2100-01-01T00:00:00Z" },
            "refreshToken": signed_in["refreshToken"],
            "clientId": "berth", "clientSecret": "none", "registrationExpiresAt": "2100-01-01T00:00:00Z",
        });
        write(TOKEN, &token.to_string());
        home
    }
}
