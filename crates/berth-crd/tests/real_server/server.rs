//! What a real server says of a Tenant, by both ways in: `POST` and server-side apply.

use berth_kube_testing::{Scope, Server};
use serde_json::Value;

/// The server with the CRD.
pub(crate) struct Tenants {
    client: reqwest::Client,
    url: String,
    _server: Server,
}

impl Tenants {
    /// None where there is no server; that was said loudly.
    pub(crate) async fn start() -> Option<Self> {
        let server = Server::start(Scope::CustomResources).await.unwrap()?;
        server.install(&serde_json::to_value(berth_crd::tenant_crd()).unwrap()).await.unwrap();
        let url = format!("{}/apis/tenancy.berth.dev/v1alpha1/tenants", server.url());
        Some(Self { client: server.client().unwrap(), url, _server: server })
    }

    /// What the stricter of the two ways says. Nothing is stored.
    pub(crate) async fn verdict(&self, document: &Value) -> Result<(), String> {
        self.post(document, true).await?;
        self.apply(document).await
    }

    pub(crate) async fn post(&self, document: &Value, strict: bool) -> Result<(), String> {
        let validation = if strict { "Strict" } else { "Ignore" };
        let url = format!("{}?dryRun=All&fieldValidation={validation}", self.url);
        answer("POST", self.client.post(url).header("content-type", "application/json"), document).await
    }

    async fn apply(&self, document: &Value) -> Result<(), String> {
        let name = document.pointer("/metadata/name").and_then(Value::as_str).unwrap_or("none");
        let mut url = reqwest::Url::parse(&self.url).unwrap();
        url.path_segments_mut().unwrap().push(name);
        url.query_pairs_mut().extend_pairs([("dryRun", "All"), ("fieldManager", "flux"), ("force", "true")]);
        let request = self.client.patch(url).header("content-type", "application/apply-patch+yaml");
        answer("server-side apply", request, document).await
    }
}

async fn answer(way: &str, request: reqwest::RequestBuilder, document: &Value) -> Result<(), String> {
    let answer = request.body(document.to_string()).send().await.unwrap();
    let status = answer.status();
    if status.is_success() {
        return Ok(());
    }
    let text = answer.text().await.unwrap();
    let message = serde_json::from_str::<Value>(&text).ok().and_then(|body| Some(body["message"].as_str()?.to_owned()));
    Err(format!("{way}: {status}: {}", message.unwrap_or(text)))
}
