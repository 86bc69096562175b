//! Who answers, as STS says it: nothing that the answer claims about itself counts.

use std::time::Duration;

use berth_contract::{DECISION_HEADER, Proof};
use berth_step::{Fault, StepError};
use berth_tenancy::Partition;
use reqwest::{Client, redirect::Policy};

/// Longest that STS may take.
const SECONDS_MAX: u64 = 8;
/// Longest proof: a session token is one or two kilobytes.
const PROOF_BYTES_MAX: usize = 16 * 1024;
/// Most of an answer that is read.
const ANSWER_BYTES_MAX: usize = 64 * 1024;
/// What a proof has, each once; the token only where the keys are those of a session.
const PARAMETERS: [&str; 7] = [
    "X-Amz-Algorithm",
    "X-Amz-Credential",
    "X-Amz-Date",
    "X-Amz-Expires",
    "X-Amz-Security-Token",
    "X-Amz-Signature",
    "X-Amz-SignedHeaders",
];
/// Headers that must be signed, as the query has them: without the second, the proof would be good for any answer.
const SIGNED_HEADERS: &str = "X-Amz-SignedHeaders=host%3Bx-berth-decision";
/// What is done about a proof that proves nothing.
const SIGN_AGAIN: &str = "sign in, and run the command again: berth approve or berth reject makes the proof";

/// Asks STS. The address is made here: of the proof only its signature and what belongs to that is sent on.
#[derive(Debug, Clone)]
pub struct Sts {
    client: Client,
    url: String,
}

impl Sts {
    /// STS of a region, or what stands in for it at `endpoint`.
    ///
    /// # Errors
    /// When there is no HTTP client.
    pub fn new(region: &str, endpoint: Option<&str>) -> reqwest::Result<Self> {
        let builder = Client::builder().redirect(Policy::none()).timeout(Duration::from_secs(SECONDS_MAX));
        let builder = if endpoint.is_some() { builder.no_proxy() } else { builder.https_only(true) };
        let own = || format!("https://sts.{region}.{}", Partition::of(region).dns_suffix());
        let url = endpoint.map_or_else(own, str::to_owned);
        Ok(Self { client: builder.build()?, url: url.trim_end_matches('/').to_owned() })
    }

    /// The ARN of whoever signed the proof for this answer. [STS `GetCallerIdentity`]
    ///
    /// # Errors
    /// `InvalidInput` for what is no proof, `Denied` for one that STS does not take, `Throttled` when STS does not answer.
    pub async fn caller(&self, proof: &Proof, digest: &str) -> Result<String, StepError> {
        let query = checked(proof)?;
        let url = format!("{}/?Action=GetCallerIdentity&Version=2011-06-15&{query}", self.url);
        // The error of the client would quote the address, and that has the proof in it.
        let unanswered = |_: reqwest::Error| StepError::new(Fault::Throttled, "sts:GetCallerIdentity gave no answer");
        let answer = self.client.get(url).header(DECISION_HEADER, digest).send().await.map_err(unanswered)?;
        let status = answer.status();
        let mut text = answer.text().await.map_err(unanswered)?;
        text.truncate(text.floor_char_boundary(ANSWER_BYTES_MAX));
        if status.is_server_error() || status.as_u16() == 429 {
            return Err(StepError::new(Fault::Throttled, format!("sts:GetCallerIdentity answered {status}")));
        }
        if !status.is_success() {
            let code = element(&text, "Code").unwrap_or("no code");
            let what = format!("who answers is not proved: sts:GetCallerIdentity said {code}");
            return Err(StepError::new(Fault::Denied, what).hint(SIGN_AGAIN));
        }
        let arn = element(&text, "Arn").filter(|arn| arn.starts_with("arn:"));
        arn.map(str::to_owned)
            .ok_or_else(|| StepError::new(Fault::Bug, "sts:GetCallerIdentity answered without an ARN"))
    }
}

/// The proof, when it is a query with the parameters of a presigned call and nothing else.
fn checked(proof: &Proof) -> Result<&str, StepError> {
    let no = |why: &str| {
        StepError::new(Fault::InvalidInput, format!("the proof of who answers is none: {why}")).hint(SIGN_AGAIN)
    };
    let query = proof.0.as_str();
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~%=&".contains(&byte);
    if query.len() > PROOF_BYTES_MAX || !query.bytes().all(is_plain) {
        return Err(no("it is no query of a presigned call"));
    }
    let mut names: Vec<&str> = query.split('&').map(|pair| pair.split('=').next().unwrap_or_default()).collect();
    if names.iter().any(|name| !PARAMETERS.contains(name)) {
        return Err(no("it has another parameter than those of a signature"));
    }
    names.sort_unstable();
    if names.windows(2).any(|pair| pair.first() == pair.last()) {
        return Err(no("it has a parameter twice"));
    }
    if !query.split('&').any(|pair| pair == SIGNED_HEADERS) {
        return Err(no("the answer is not signed with it"));
    }
    Ok(query)
}

/// The text of the first element of this name. What is read so has no character that XML would escape.
fn element<'a>(xml: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = xml.split_once(&format!("<{name}>"))?;
    rest.split_once(&format!("</{name}>")).map(|(text, _)| text)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const GOOD: &str = "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIA%2F20261130%2Feu-west-1%2Fsts%2Faws4_request&X-Amz-Date=20261130T000000Z&X-Amz-Expires=60&X-Amz-SignedHeaders=host%3Bx-berth-decision&X-Amz-Signature=00";

    #[test]
    fn a_proof_is_a_signature_over_the_answer_and_nothing_else() {
        assert_eq!(checked(&Proof(GOOD.to_owned())).unwrap(), GOOD);
        for (wrong, why) in [
            (String::new(), "another parameter"),
            (format!("{GOOD}&Action=AssumeRole"), "another parameter"),
            (format!("{GOOD}&X-Amz-Expires=900"), "twice"),
            (GOOD.replace("%3Bx-berth-decision", ""), "not signed"),
            (GOOD.replace("x-berth-decision", "x-berth-decision%3Bx-other"), "not signed"),
            (format!("{GOOD}#@example.com"), "no query"),
            (format!("{GOOD}&X-Amz-Security-Token={}", "a".repeat(PROOF_BYTES_MAX)), "no query"),
        ] {
            let error = checked(&Proof(wrong.clone())).unwrap_err();
            assert!(error.fault == Fault::InvalidInput && error.message.contains(why), "{wrong}: {error}");
        }
    }
}
