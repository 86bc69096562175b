//! The GitOps repository as GitHub has it: an App instead of a password, pull requests, and a person who merges them.

use std::fs;

use reqwest::Method;
use serde_json::{Value, json};

use super::{HUB, Rig};

impl Rig {
    /// Lets Berth sign in as a GitHub App, and has the environment staging reviewed. Before anything else: functions
    /// read both once.
    pub fn review_staging_on_github(&self) {
        let secret = self.app()["secret"].clone();
        let arn = &self.environment["BERTH_GITOPS_SECRET"];
        let _ =
            self.call(HUB, "secretsmanager", "put_secret_value", &json!({ "SecretId": arn, "SecretString": secret }));
        let path = self.folder.join("platform/platform.yaml");
        let text = fs::read_to_string(&path).expect("platform.yaml");
        let mut platform: serde_yaml_ng::Value = serde_yaml_ng::from_str(&text).expect("YAML");
        let review = serde_yaml_ng::to_value(json!({ "mode": "pullRequest" })).expect("a value");
        platform["environments"]["staging"]["gitOps"] = review;
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
        let state = self.github(Method::POST, "_berth/state", &json!({}));
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
        let url = format!("{}/2015-03-31/functions/berth-complete-merges/invocations", self.endpoint);
        // The gateway asks who calls, and nobody for a signature.
        let key = &self.environment["AWS_ACCESS_KEY_ID"];
        let scope = format!("{key}/20260101/us-east-1/lambda/aws4_request");
        let signed = format!("AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0");
        let request = self.http.post(url).header("authorization", signed).body("{}");
        let answer = self.runtime.block_on(async { request.send().await?.error_for_status() }).expect("Invoke");
        assert!(answer.headers().get("x-amz-function-error").is_none(), "complete-merges failed");
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
