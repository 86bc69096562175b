//! For tests: recorded answers of AWS, given to real SDK clients in place of the network.
//!
//! A step's `observe` stands or falls with what it makes of real answers: fields that are absent, pages, states that
//! nobody knows. Here the SDK builds the request and parses the answer as always; only the wire is missing.
//!
//! ```
//! use berth_recorded::Recorded;
//!
//! let ec2 = Recorded::default()
//!     .on(&["Action=DescribeVpcs", "NextToken=2"], "<DescribeVpcsResponse/>")
//!     .on(&["Action=DescribeVpcs"], "<DescribeVpcsResponse><nextToken>2</nextToken></DescribeVpcsResponse>");
//! let _client = ec2.http_client(); // for `Config::builder().http_client(…)`
//! assert!(ec2.asked().is_empty());
//! ```
#![warn(missing_docs)]
#![allow(clippy::panic, clippy::expect_used, clippy::missing_panics_doc, reason = "for tests")]

use std::sync::{Arc, Mutex};

use aws_smithy_runtime_api::{
    client::{
        http::{HttpConnector, HttpConnectorFuture, SharedHttpClient, http_client_fn},
        orchestrator::{HttpRequest, HttpResponse},
    },
    shared::IntoShared,
};
use aws_smithy_types::body::SdkBody;

/// One recorded answer.
#[derive(Debug, Clone)]
struct Answer {
    /// Texts that are all in the request's body.
    when: Vec<String>,
    status: u16,
    body: String,
}

/// Recorded answers, and what was asked of them. A request without an answer fails the test.
#[derive(Debug, Clone, Default)]
pub struct Recorded {
    answers: Vec<Answer>,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Recorded {
    /// Answers requests whose body has all these texts. Of several that fit, the one that was added first answers.
    #[must_use]
    pub fn on(self, when: &[&str], body: impl Into<String>) -> Self {
        self.with(when, 200, body)
    }

    /// Refuses such requests with this code, as the EC2 and Query protocols word it.
    #[must_use]
    pub fn refuse(self, when: &[&str], code: &str) -> Self {
        let error = format!("<Error><Code>{code}</Code><Message>recorded</Message></Error>");
        self.with(when, 400, format!("<Response><Errors>{error}</Errors></Response>"))
    }

    /// The same answers, and this one before them.
    #[must_use]
    pub fn but(self, when: &[&str], body: impl Into<String>) -> Self {
        Self::default().on(when, body).followed_by(self)
    }

    /// These answers, and those of `other` for what they do not answer.
    #[must_use]
    pub fn followed_by(mut self, other: Self) -> Self {
        self.answers.extend(other.answers);
        self
    }

    fn with(mut self, when: &[&str], status: u16, body: impl Into<String>) -> Self {
        let when = when.iter().map(|text| (*text).to_owned()).collect();
        self.answers.push(Answer { when, status, body: body.into() });
        self
    }

    /// The HTTP client for an SDK client's configuration.
    #[must_use]
    pub fn http_client(&self) -> SharedHttpClient {
        let recorded = self.clone();
        http_client_fn(move |_, _| recorded.clone().into_shared())
    }

    /// Bodies of the requests, in the order of their arrival.
    #[must_use]
    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().expect("no test panics while it holds this").clone()
    }

    fn answer(&self, asked: &str) -> (u16, String) {
        let fits = |answer: &&Answer| answer.when.iter().all(|text| asked.contains(text));
        let answer = self.answers.iter().find(fits);
        let Some(answer) = answer else { panic!("nothing answers {asked}") };
        (answer.status, answer.body.clone())
    }
}

impl HttpConnector for Recorded {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let body = request.body().bytes().unwrap_or_default().to_vec();
        // The end marks the last parameter, so that `Id=1` can be told from `Id=12`.
        let asked = String::from_utf8(body).expect("requests are text") + "&";
        self.asked.lock().expect("no test panics while it holds this").push(asked.clone());
        let (status, body) = self.answer(&asked);
        let status = status.try_into().expect("a status of HTTP");
        HttpConnectorFuture::ready(Ok(HttpResponse::new(status, SdkBody::from(body))))
    }
}
