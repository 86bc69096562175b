//! The GitOps repository as GitHub has it: an App instead of a password, pull requests, and a person who merges them.

use std::fs;

use reqwest::Method;
use serde_json::{Value, json};

use super::{HUB, Rig};

impl Rig {
    /// Lets Berth sign in as a GitHub App. Before its first commit: it reads the secret once.
    pub fn sign_in_as_app(&self) {
        self.put_secret(self.app()["secret"].as_str().expect("a secret"));
    }

    /// Replaces the secret of the GitOps repository.
    pub fn put_secret(&self, secret: &str) {
        let arn = &self.environment["BERTH_GITOPS_SECRET"];
        let put = json!({ "SecretId": arn, "SecretString": secret });
        self.call(HUB, "secretsmanager", "put_secret_value", &put);
    }

    /// The secret of the GitOps repository.
    #[must_use]
    pub fn secret(&self) -> String {
        let which = json!({ "SecretId": self.environment["BERTH_GITOPS_SECRET"] });
        let secret = self.call(HUB, "secretsmanager", "get_secret_value", &which);
        secret["SecretString"].as_str().expect("text").to_owned()
    }

    /// Where the deployment's platform.yaml is.
    #[must_use]
    pub fn platform_file(&self) -> String {
        self.folder.join("platform/platform.yaml").display().to_string()
    }

    /// Has people merge what is committed for these environments. Before anything else: functions read it once.
    pub fn review(&self, environments: &[&str]) {
        let path = self.folder.join("platform/platform.yaml");
        let text = fs::read_to_string(&path).expect("platform.yaml");
        let mut platform: serde_yaml_ng::Value = serde_yaml_ng::from_str(&text).expect("YAML");
        for environment in environments {
            let review = serde_yaml_ng::to_value(json!({ "mode": "pullRequest" })).expect("a value");
            platform["environments"][*environment]["gitOps"] = review;
        }
        fs::write(&path, serde_yaml_ng::to_string(&platform).expect("YAML")).expect("platform.yaml");
    }

    /// The App's secret, for tests that look where it must not be.
    #[must_use]
    pub fn app(&self) -> Value {
        let text = fs::read_to_string(self.folder.join("git/github-app.json")).expect("the App of the local AWS");
        serde_json::from_str(&text).expect("JSON")
    }

    /// Pull requests, oldest first, as GitHub knows them.
    #[must_use]
    pub fn pulls(&self) -> Vec<Value> {
        let state = self.tell_github("state", &json!({}));
        state["pulls"].as_array().expect("pulls").clone()
    }

    /// A person merges a pull request.
    pub fn merge(&self, number: &Value) {
        self.github(Method::PUT, &format!("v3/repos/berth/tenants/pulls/{number}/merge"), &json!({}));
    }

    /// A person closes a pull request.
    pub fn close(&self, number: &Value) {
        self.github(Method::PATCH, &format!("v3/repos/berth/tenants/pulls/{number}"), &json!({}));
    }

    /// What the schedule does every minute.
    pub fn complete_merges(&self) {
        let (answer, failed) = self.invoke("berth-complete-merges", &json!({}));
        assert!(!failed, "{answer}");
    }

    /// Has the stand-in do what no client can: `fault`, `heal`, `expire`, `protect` and so on; what it says of itself.
    pub fn tell_github(&self, what: &str, body: &Value) -> Value {
        self.github(Method::POST, &format!("_berth/{what}"), body)
    }

    fn github(&self, method: Method, path: &str, body: &Value) -> Value {
        let url = self.environment["BERTH_GITOPS_URL"].replace("/berth/tenants.git", &format!("/api/{path}"));
        let person = self.app()["person"].as_str().expect("a token").to_owned();
        let request = self.http.request(method, url).bearer_auth(person).header("content-type", "application/json");
        let answer = async { request.body(body.to_string()).send().await?.error_for_status()?.text().await };
        let text = self.runtime.block_on(answer).expect("the stand-in of GitHub answers");
        serde_json::from_str(&text).expect("JSON")
    }
}
