//! The three requests of git over HTTP, and what each kind of failure means.
//!
//! <https://git-scm.com/docs/gitprotocol-http>. Redirects are not followed: they would carry the credentials along.

use std::sync::atomic::{AtomicBool, Ordering};

use reqwest::{
    Client, RequestBuilder, Response, StatusCode,
    header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE},
    redirect::Policy,
};

use super::settings::{Checked, GitSettings};
use crate::{Credentials, GitLimits, Missing, Provider, RepoError};

/// The most that is read of an answer that refuses: its first words.
const REFUSAL_BYTES_MAX: usize = 4096;

/// Which half of a repository's server is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Service {
    /// Reads.
    UploadPack,
    /// Takes pushes.
    ReceivePack,
}

impl Service {
    fn name(self) -> &'static str {
        match self {
            Self::UploadPack => "git-upload-pack",
            Self::ReceivePack => "git-receive-pack",
        }
    }
}

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
    provider: Option<Provider>,
    authorization: Option<HeaderValue>,
    /// Another form of the same credentials, for a server that asks for it.
    fallback: Option<HeaderValue>,
    falls_back: AtomicBool,
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
        let credentials = settings.credentials.clone();
        let provider = credentials.provider().or_else(|| Provider::of_host(&checked.host));
        if provider == Some(Provider::CodeCommit) && credentials.is_token() {
            return Err(RepoError::Invalid(
                "CodeCommit takes no token: put the user and password that IAM makes for HTTPS Git into the secret",
            ));
        }
        let (first, second) = credentials.authorization(provider);
        let (authorization, fallback) = (header(first)?, header(second)?);
        let (url, limits, falls_back) = (checked.url.clone(), settings.limits, AtomicBool::new(false));
        Ok(Self { client, url, provider, authorization, fallback, falls_back, credentials, limits })
    }

    /// Address of the repository, as it was set.
    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// A token for the server's API, if there is one.
    pub(super) fn api_token(&self) -> Option<&str> {
        self.credentials.api_token()
    }

    /// The form of the credentials, in words.
    pub(super) fn signs_in_with(&self) -> String {
        self.credentials.form(self.provider)
    }

    /// What kind of server it is, as far as that is known.
    pub(super) fn provider(&self) -> Option<Provider> {
        self.provider
    }

    /// Asks what the server can do; for reading, preferring protocol version 2, which has no push.
    pub(super) async fn advertisement(&self, service: Service) -> Result<Vec<u8>, RepoError> {
        let mut request = self.client.get(format!("{}/info/refs?service={}", self.url, service.name()));
        if service == Service::UploadPack {
            request = request.header("git-protocol", "version=2");
        }
        self.send("be asked what it can do", request).await.map_err(Failure::into_error)
    }

    /// Sends a request that reads.
    pub(super) async fn upload_pack(&self, what: &'static str, body: Vec<u8>, v2: bool) -> Result<Vec<u8>, RepoError> {
        let mut request = self.service(Service::UploadPack, body);
        if v2 {
            request = request.header("git-protocol", "version=2");
        }
        self.send(what, request).await.map_err(Failure::into_error)
    }

    /// Sends a push.
    pub(super) async fn receive_pack(&self, body: Vec<u8>) -> Result<Vec<u8>, Failure> {
        self.send("take the commit", self.service(Service::ReceivePack, body)).await
    }

    /// What a server said, fit to be shown.
    pub(super) fn scrub(&self, said: &str) -> String {
        self.credentials.scrub(said)
    }

    /// A question to the server's own API, at `url`, with `header` for the credentials. For GitLab.
    pub(super) async fn api(&self, what: &'static str, url: &str, header: (&str, &str)) -> Result<Vec<u8>, RepoError> {
        let mut token = HeaderValue::from_str(header.1)
            .map_err(|_| RepoError::Invalid("the credentials do not fit into a header"))?;
        token.set_sensitive(true);
        let request = self.client.get(url).header(header.0, token);
        let response = request.send().await.map_err(|error| broken(what, error)).map_err(Failure::into_error)?;
        self.body(what, response).await.map_err(Failure::into_error)
    }

    fn service(&self, service: Service, body: Vec<u8>) -> RequestBuilder {
        let name = service.name();
        self.client
            .post(format!("{}/{name}", self.url))
            .header(CONTENT_TYPE, format!("application/x-{name}-request"))
            .header(ACCEPT, format!("application/x-{name}-result"))
            .body(body)
    }

    async fn send(&self, what: &'static str, request: RequestBuilder) -> Result<Vec<u8>, Failure> {
        let again = request.try_clone();
        let response = self.ask(what, request).await?;
        let wants_other = self.fallback.is_some()
            && response.status() == StatusCode::UNAUTHORIZED
            && wants_basic(response.headers())
            && !self.falls_back.swap(true, Ordering::Relaxed);
        match again.filter(|_| wants_other) {
            Some(again) => self.body(what, self.ask(what, again).await?).await,
            None => self.body(what, response).await,
        }
    }

    async fn ask(&self, what: &'static str, mut request: RequestBuilder) -> Result<Response, Failure> {
        let fallback = self.fallback.as_ref().filter(|_| self.falls_back.load(Ordering::Relaxed));
        if let Some(authorization) = fallback.or(self.authorization.as_ref()) {
            request = request.header(AUTHORIZATION, authorization.clone());
        }
        request.send().await.map_err(|error| broken(what, error))
    }

    async fn body(&self, what: &'static str, mut response: Response) -> Result<Vec<u8>, Failure> {
        let (status, headers) = (response.status(), response.headers().clone());
        let is_good = status == StatusCode::OK;
        let limit_bytes = if is_good { self.limits.response_bytes_max } else { REFUSAL_BYTES_MAX };
        let mut body = Vec::new();
        loop {
            match response.chunk().await {
                Ok(Some(chunk)) if body.len() + chunk.len() <= limit_bytes => body.extend_from_slice(&chunk),
                Ok(Some(_)) if is_good => {
                    return Err(Failure::Uncertain(RepoError::TooLarge {
                        what: "the git server's answer",
                        limit_bytes,
                    }));
                }
                Err(error) if is_good => return Err(broken(what, error)),
                Ok(None) if is_good => return Ok(body),
                // What came of a refusal has to do.
                Ok(_) | Err(_) => return Err(refused(what, status, &headers, self.words(&headers, &body))),
            }
        }
    }

    /// What a refusal says to people; a web page says nothing to them here.
    fn words(&self, headers: &HeaderMap, body: &[u8]) -> Option<String> {
        let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let text = String::from_utf8_lossy(body);
        let is_page = kind.contains("html") || text.trim_start().starts_with('<');
        let said = self.scrub(&text);
        (!is_page && !said.is_empty()).then_some(said)
    }
}

fn header(text: Option<String>) -> Result<Option<HeaderValue>, RepoError> {
    let Some(text) = text else { return Ok(None) };
    let value = HeaderValue::from_str(&text);
    let mut value = value.map_err(|_| RepoError::Invalid("the credentials do not fit into a header"))?;
    value.set_sensitive(true);
    Ok(Some(value))
}

/// Whether a server asks for Basic and not for Bearer.
fn wants_basic(headers: &HeaderMap) -> bool {
    let asked = headers.get_all(WWW_AUTHENTICATE).iter().filter_map(|value| value.to_str().ok());
    let asked: String = asked.map(|value| format!("{value}, ").to_ascii_lowercase()).collect();
    asked.contains("basic") && !asked.contains("bearer")
}

/// A request without a whole answer. Only one that never got a connection is sure to have had no effect.
pub(crate) fn broken(what: &'static str, error: reqwest::Error) -> Failure {
    let is_unsent = error.is_connect() || error.is_builder();
    let source = Some(Box::new(error.without_url()).into());
    let error = RepoError::Transport { what, status: None, source };
    if is_unsent { Failure::Clear(error) } else { Failure::Uncertain(error) }
}

/// What a status other than 200 means.
fn refused(what: &'static str, status: StatusCode, headers: &HeaderMap, said: Option<String>) -> Failure {
    let retry_after = headers.get(RETRY_AFTER);
    // The other form, a date, would need a clock: the caller then waits as long as it thinks best.
    let retry_after_seconds = retry_after.and_then(|value| value.to_str().ok()?.trim().parse().ok());
    let code = status.as_u16();
    let broken_off = || Failure::Uncertain(RepoError::Transport { what, status: Some(code), source: None });
    match status {
        StatusCode::TOO_MANY_REQUESTS => Failure::Clear(RepoError::Throttled { status: code, retry_after_seconds }),
        StatusCode::FORBIDDEN | StatusCode::SERVICE_UNAVAILABLE if retry_after.is_some() => {
            Failure::Clear(RepoError::Throttled { status: code, retry_after_seconds })
        }
        // Azure Repos shows its sign-in page with 203.
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::NON_AUTHORITATIVE_INFORMATION => {
            Failure::Clear(RepoError::Unauthorized { status: code, said })
        }
        StatusCode::NOT_FOUND | StatusCode::GONE => Failure::Clear(RepoError::NotFound(Missing::Repository)),
        StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_EARLY => broken_off(),
        _ if status.is_redirection() => Failure::Clear(RepoError::Invalid(
            "the git server redirects to another address: put that one into the settings",
        )),
        _ if status.is_client_error() => {
            let reason = said.map_or_else(|| format!("HTTP {code}"), |said| format!("{said} (HTTP {code})"));
            Failure::Clear(RepoError::Refused { what, reason })
        }
        _ => broken_off(),
    }
}
