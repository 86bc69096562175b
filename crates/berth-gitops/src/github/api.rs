//! Requests to GitHub's API: signed in as an installation of the App, and what each kind of failure means.
//!
//! <https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api>,
//! <https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app>

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use reqwest::{
    Client, RequestBuilder, StatusCode,
    header::{ACCEPT, CONTENT_TYPE, HeaderMap},
    redirect::Policy,
};
use serde_json::{Value, json};
use tokio::sync::Mutex;

use super::{address::Address, app::GitHubApp};
use crate::{
    Clock, Credentials, GitLimits, Missing, RepoError,
    git::http::{Failure, broken},
};

/// A token is not used in its last minutes: a request must not outlive it.
const TOKEN_MARGIN_SECONDS: i64 = 300;
/// GitHub asks to wait at least this long where it says nothing else.
const QUIET_SECONDS: i64 = 60;

/// The API, for one repository.
pub(super) struct Api {
    client: Client,
    pub(super) address: Address,
    app: GitHubApp,
    clock: Clock,
    limits: GitLimits,
    token: Mutex<Option<Token>>,
    /// Until when GitHub wants to be left alone, in seconds since 1970. Asking meanwhile makes it longer.
    quiet_until: AtomicI64,
    /// Whether pull requests are needed: an App that only pushes needs no right to them.
    proposes: AtomicBool,
}

#[derive(Clone)]
struct Token {
    text: String,
    ends_unix_seconds: i64,
    proposes: bool,
}

/// An answer that is there whole.
pub(super) struct Reply {
    pub(super) status: StatusCode,
    pub(super) body: Vec<u8>,
}

impl Reply {
    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// What GitHub says is wrong.
    pub(super) fn message(&self) -> String {
        let value = self.json();
        let errors = value.get("errors").and_then(Value::as_array).into_iter().flatten();
        let more = errors.filter_map(|error| error.get("message").and_then(Value::as_str));
        let first = value.get("message").and_then(Value::as_str);
        first.into_iter().chain(more).collect::<Vec<_>>().join(": ")
    }
}

impl Api {
    pub(super) fn new(address: Address, app: GitHubApp, clock: Clock, limits: GitLimits) -> Result<Self, RepoError> {
        let mut client = Client::builder()
            .redirect(Policy::none())
            .connect_timeout(limits.connect_timeout)
            .timeout(limits.request_timeout)
            .user_agent("berth");
        if address.is_loopback {
            client = client.no_proxy();
        }
        let client = client.build().map_err(|_| RepoError::Invalid("no TLS client can be made on this machine"))?;
        let (token, quiet_until, proposes) = (Mutex::default(), AtomicI64::new(0), AtomicBool::new(false));
        Ok(Self { client, address, app, clock, limits, token, quiet_until, proposes })
    }

    /// Sends a GraphQL document. The answer may hold errors: [`super::graphql`] reads them.
    pub(super) async fn graphql(&self, what: &'static str, body: &Value) -> Result<Value, Failure> {
        let reply = self.send(what, |client| json_body(client.post(&self.address.graphql), body)).await?;
        if reply.status != StatusCode::OK {
            return Err(Failure::Clear(RepoError::Protocol(format!("it could not {what} (HTTP {})", reply.status))));
        }
        // A body that is no JSON is an answer that was lost.
        serde_json::from_slice(&reply.body).map_err(|error| {
            let source = Some(Box::new(error).into());
            Failure::Uncertain(RepoError::Transport { what, status: Some(200), source })
        })
    }

    /// Sends a request to the REST API. Statuses below 400, and 404 and 422, are the caller's to understand.
    pub(super) async fn send(
        &self,
        what: &'static str,
        request: impl Fn(&Client) -> RequestBuilder,
    ) -> Result<Reply, Failure> {
        let (token, is_fresh) = self.token().await.map_err(Failure::Clear)?;
        match self.send_once(what, request(&self.client), &token).await {
            // It may have been revoked, or expired early: a request that was refused so had no effect.
            Err(Failure::Clear(RepoError::Unauthorized { status: 401, .. })) if !is_fresh => {
                self.token.lock().await.take();
                let (token, _) = self.token().await.map_err(Failure::Clear)?;
                self.send_once(what, request(&self.client), &token).await
            }
            Err(Failure::Clear(error @ RepoError::Unauthorized { .. })) => {
                self.token.lock().await.take();
                Err(Failure::Clear(error))
            }
            result => result,
        }
    }

    /// Makes sure that there is a token with the rights that are needed.
    pub(super) async fn sign_in(&self) -> Result<(), RepoError> {
        self.token().await.map(drop)
    }

    /// From now on tokens may do pull requests, too.
    pub(super) fn begin_to_propose(&self) {
        self.proposes.store(true, Ordering::Relaxed);
    }

    /// Sends a JSON body to the REST API; see [`Self::send`].
    pub(super) async fn post(&self, what: &'static str, url: &str, body: &Value) -> Result<Reply, Failure> {
        self.send(what, |client| json_body(client.post(url), body)).await
    }

    /// As [`Self::post`], with PATCH.
    pub(super) async fn patch(&self, what: &'static str, url: &str, body: &Value) -> Result<Reply, Failure> {
        self.send(what, |client| json_body(client.patch(url), body)).await
    }

    /// What GitHub said, fit to be shown.
    pub(super) async fn scrub(&self, said: &str) -> String {
        let token = self.token.lock().await.clone();
        token.map_or_else(Credentials::anonymous, |token| bearer(&token.text)).scrub(said)
    }

    /// A token of the installation for this repository alone, and whether it was made just now.
    /// [GitHub "Create an installation access token for an app"]
    async fn token(&self) -> Result<(String, bool), RepoError> {
        let mut known = self.token.lock().await;
        let (now, proposes) = ((self.clock)(), self.proposes.load(Ordering::Relaxed));
        let lasts =
            |token: &&Token| token.ends_unix_seconds > now + TOKEN_MARGIN_SECONDS && (token.proposes || !proposes);
        if let Some(token) = known.as_ref().filter(lasts) {
            return Ok((token.text.clone(), false));
        }
        let proof = self.app.proof(now)?;
        let url = format!("{}/app/installations/{}/access_tokens", self.address.rest, self.app.installation());
        let mut permissions = json!({ "contents": "write", "metadata": "read" });
        if let (true, Some(permissions)) = (proposes, permissions.as_object_mut()) {
            permissions.insert("pull_requests".to_owned(), json!("write"));
        }
        let body = json!({ "repositories": [self.address.name], "permissions": permissions });
        let what = "sign the App in";
        let reply = self.send_once(what, json_body(self.client.post(url), &body), &proof).await;
        let reply = reply.map_err(Failure::into_error)?;
        if reply.status == StatusCode::UNPROCESSABLE_ENTITY {
            let said = bearer(&proof).scrub(&reply.message());
            return Err(RepoError::Rejected {
                reason: format!("the App's installation lacks this repository or a permission: {said}"),
            });
        }
        let answer = reply.json();
        let text = answer.get("token").and_then(Value::as_str).filter(|_| reply.status == StatusCode::CREATED);
        let text = text.ok_or_else(|| RepoError::Protocol("it signed the App in without a token".into()))?;
        // Tokens live an hour. Their end is told as a date; ours is counted from now on, a bit earlier.
        *known = Some(Token { text: text.to_owned(), ends_unix_seconds: now + 3600, proposes });
        Ok((text.to_owned(), true))
    }

    async fn send_once(&self, what: &'static str, request: RequestBuilder, bearer: &str) -> Result<Reply, Failure> {
        let now = (self.clock)();
        let left = self.quiet_until.load(Ordering::Relaxed).saturating_sub(now);
        if left > 0 {
            let retry_after_seconds = u64::try_from(left).ok();
            return Err(Failure::Clear(RepoError::Throttled { status: 429, retry_after_seconds }));
        }
        let request = request.bearer_auth(bearer).header("x-github-api-version", "2022-11-28");
        let mut response = request.send().await.map_err(|error| broken(what, error))?;
        let (status, headers) = (response.status(), response.headers().clone());
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| broken(what, error))? {
            if body.len() + chunk.len() > self.limits.response_bytes_max {
                let limit_bytes = self.limits.response_bytes_max;
                return Err(Failure::Uncertain(RepoError::TooLarge { what: "GitHub's answer", limit_bytes }));
            }
            body.extend_from_slice(&chunk);
        }
        let reply = Reply { status, body };
        if let Some(seconds) = asked_to_wait(&reply, &headers, now) {
            return Err(Failure::Clear(self.be_quiet(status.as_u16(), seconds, now)));
        }
        understood(what, reply, &self::bearer(bearer))
    }

    /// Remembers for how long to ask nothing.
    fn be_quiet(&self, status: u16, seconds: i64, now: i64) -> RepoError {
        self.quiet_until.fetch_max(now.saturating_add(seconds), Ordering::Relaxed);
        RepoError::Throttled { status, retry_after_seconds: u64::try_from(seconds).ok() }
    }

    /// A GraphQL answer of type `RATE_LIMITED`: status 200, and its headers are gone by now.
    pub(super) fn rate_limited(&self) -> RepoError {
        self.be_quiet(200, QUIET_SECONDS, (self.clock)())
    }
}

fn bearer(text: &str) -> Credentials {
    Credentials::token(text).unwrap_or_else(|_| Credentials::anonymous())
}

fn json_body(request: RequestBuilder, body: &Value) -> RequestBuilder {
    request
        .header(ACCEPT, "application/vnd.github+json")
        .header(CONTENT_TYPE, "application/json")
        .body(body.to_string())
}

/// The seconds that GitHub wants us to wait, if it wants that. Primary limits say so with `x-ratelimit-remaining: 0`,
/// secondary ones with `Retry-After` or, at times, only in words.
fn asked_to_wait(reply: &Reply, headers: &HeaderMap, now: i64) -> Option<i64> {
    let number = |name: &str| headers.get(name)?.to_str().ok()?.trim().parse::<i64>().ok();
    let may =
        matches!(reply.status, StatusCode::FORBIDDEN | StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE);
    if !may {
        return None;
    }
    if let Some(seconds) = number("retry-after") {
        return Some(seconds.max(1));
    }
    if number("x-ratelimit-remaining") == Some(0) {
        return Some(number("x-ratelimit-reset").map_or(QUIET_SECONDS, |reset| (reset - now).max(1)));
    }
    let said = reply.message().to_ascii_lowercase();
    let says = said.contains("secondary rate limit") || said.contains("abuse detection");
    (says || reply.status == StatusCode::TOO_MANY_REQUESTS).then_some(QUIET_SECONDS)
}

/// What a status means that asks for no wait.
fn understood(what: &'static str, reply: Reply, credentials: &Credentials) -> Result<Reply, Failure> {
    let code = reply.status.as_u16();
    match reply.status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
            let said = Some(credentials.scrub(&reply.message())).filter(|said| !said.is_empty());
            Err(Failure::Clear(RepoError::Unauthorized { status: code, said }))
        }
        StatusCode::NOT_FOUND => Err(Failure::Clear(RepoError::NotFound(Missing::Repository))),
        status if status.is_redirection() => Err(Failure::Clear(RepoError::Invalid(
            "GitHub redirects to another address (a renamed repository?): put that one into the settings",
        ))),
        status if status.is_server_error() => {
            Err(Failure::Uncertain(RepoError::Transport { what, status: Some(code), source: None }))
        }
        _ => Ok(reply),
    }
}
