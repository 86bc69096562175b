//! The three requests of git over HTTP, and what each kind of failure means.
//!
//! <https://git-scm.com/docs/gitprotocol-http>. Redirects are not followed: they would carry the credentials along.

use reqwest::{
    Client, RequestBuilder, StatusCode,
    header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER},
    redirect::Policy,
};

use super::settings::{Checked, GitSettings};
use crate::{Credentials, GitLimits, Missing, RepoError};

/// A failed request, by whether the server may have done what it was asked to do.
pub(crate) enum Failure {
    /// It has not.
    Clear(RepoError),
    /// It may have.
    Uncertain(RepoError),
}

impl Failure {
    /// The error, where it does not matter: for requests that change nothing.
    pub(crate) fn into_error(self) -> RepoError {
        match self {
            Self::Clear(error) | Self::Uncertain(error) => error,
        }
    }
}

/// A connection to one repository.
pub(super) struct Http {
    client: Client,
    url: String,
    authorization: Option<HeaderValue>,
    credentials: Credentials,
    limits: GitLimits,
}

impl Http {
    pub(super) fn new(checked: &Checked, settings: &GitSettings) -> Result<Self, RepoError> {
        let GitLimits { connect_timeout, request_timeout, .. } = settings.limits;
        let mut client = Client::builder()
            .redirect(Policy::none())
            .connect_timeout(connect_timeout)
            .timeout(request_timeout)
            .user_agent("git/2.0 (berth)");
        if checked.is_loopback {
            client = client.no_proxy();
        }
        let client = client.build().map_err(|_| RepoError::Invalid("no TLS client can be made on this machine"))?;
        let mut authorization = None;
        if let Some(text) = settings.credentials.authorization() {
            let mut value = HeaderValue::from_str(&text)
                .map_err(|_| RepoError::Invalid("the credentials do not fit into a header"))?;
            value.set_sensitive(true);
            authorization = Some(value);
        }
        let (url, credentials, limits) = (checked.url.clone(), settings.credentials.clone(), settings.limits);
        Ok(Self { client, url, authorization, credentials, limits })
    }

    /// Asks what the server can do, preferring protocol version 2.
    pub(super) async fn advertisement(&self) -> Result<Vec<u8>, RepoError> {
        let request = self.client.get(format!("{}/info/refs?service=git-upload-pack", self.url));
        let request = request.header("git-protocol", "version=2");
        self.send("be asked what it can do", request).await.map_err(Failure::into_error)
    }

    /// Sends a request that reads.
    pub(super) async fn upload_pack(&self, what: &'static str, body: Vec<u8>, v2: bool) -> Result<Vec<u8>, RepoError> {
        let mut request = self.service("git-upload-pack", body);
        if v2 {
            request = request.header("git-protocol", "version=2");
        }
        self.send(what, request).await.map_err(Failure::into_error)
    }

    /// Sends a push.
    pub(super) async fn receive_pack(&self, body: Vec<u8>) -> Result<Vec<u8>, Failure> {
        self.send("take the commit", self.service("git-receive-pack", body)).await
    }

    /// What a server said, fit to be shown.
    pub(super) fn scrub(&self, said: &str) -> String {
        self.credentials.scrub(said)
    }

    fn service(&self, name: &str, body: Vec<u8>) -> RequestBuilder {
        self.client
            .post(format!("{}/{name}", self.url))
            .header(CONTENT_TYPE, format!("application/x-{name}-request"))
            .header(ACCEPT, format!("application/x-{name}-result"))
            .body(body)
    }

    async fn send(&self, what: &'static str, mut request: RequestBuilder) -> Result<Vec<u8>, Failure> {
        if let Some(authorization) = &self.authorization {
            request = request.header(AUTHORIZATION, authorization.clone());
        }
        let mut response = request.send().await.map_err(|error| broken(what, error))?;
        if response.status() != StatusCode::OK {
            return Err(refused(what, response.status(), response.headers()));
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| broken(what, error))? {
            if body.len() + chunk.len() > self.limits.response_bytes_max {
                let limit_bytes = self.limits.response_bytes_max;
                return Err(Failure::Uncertain(RepoError::TooLarge { what: "the git server's answer", limit_bytes }));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }
}

/// A request without a whole answer. Only one that never got a connection is sure to have had no effect.
pub(crate) fn broken(what: &'static str, error: reqwest::Error) -> Failure {
    let is_unsent = error.is_connect() || error.is_builder();
    let source = Some(Box::new(error.without_url()).into());
    let error = RepoError::Transport { what, status: None, source };
    if is_unsent { Failure::Clear(error) } else { Failure::Uncertain(error) }
}

/// What a status other than 200 means.
fn refused(what: &'static str, status: StatusCode, headers: &HeaderMap) -> Failure {
    let retry_after = headers.get(RETRY_AFTER);
    // The other form, a date, would need a clock: the caller then waits as long as it thinks best.
    let retry_after_seconds = retry_after.and_then(|value| value.to_str().ok()?.trim().parse().ok());
    let code = status.as_u16();
    match status {
        StatusCode::TOO_MANY_REQUESTS => Failure::Clear(RepoError::Throttled { status: code, retry_after_seconds }),
        StatusCode::FORBIDDEN | StatusCode::SERVICE_UNAVAILABLE if retry_after.is_some() => {
            Failure::Clear(RepoError::Throttled { status: code, retry_after_seconds })
        }
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Failure::Clear(RepoError::Unauthorized { status: code }),
        StatusCode::NOT_FOUND | StatusCode::GONE => Failure::Clear(RepoError::NotFound(Missing::Repository)),
        _ if status.is_redirection() => Failure::Clear(RepoError::Invalid(
            "the git server redirects to another address: put that one into the settings",
        )),
        _ if status.is_client_error() => {
            Failure::Clear(RepoError::Protocol(format!("it could not {what} (HTTP {code})")))
        }
        _ => Failure::Uncertain(RepoError::Transport { what, status: Some(code), source: None }),
    }
}
