//! Calls that no SDK is taken for, signed here.
//!
//! aws-sdk-lambda and aws-sdk-cloudwatchlogs can stream, and so bring features into crates that every other SDK shares: all
//! of them would be compiled a second time (docs/decisions/0001). One or two calls of a service need no SDK.

use std::time::{Duration, SystemTime};

use aws_config::SdkConfig;
use aws_credential_types::{Credentials, provider::ProvideCredentials};
use aws_sigv4::{
    http_request::{SignableBody, SignableRequest, SigningSettings, sign},
    sign::v4,
};
use berth_aws::PresignedIdentity;
use berth_contract::{DECISION_HEADER, PROOF_SECONDS};
use berth_tenancy::Partition;
use reqwest::{Client, RequestBuilder, Response, Url};

use super::is_near;
use crate::{outcome::Problem, target::Deployment};

/// Longest that an answer may take: a function runs for at most 15 minutes.
const SECONDS_MAX: u64 = 900;

/// Posts a body to a path of a service, in the region of the hub; its answer, whatever it says.
pub(crate) async fn post(
    deployment: &Deployment,
    service: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: String,
) -> Result<Response, Problem> {
    let config = &deployment.config;
    let region = config.region().map(AsRef::as_ref).ok_or_else(super::no_region)?;
    let endpoint = match config.endpoint_url() {
        Some(url) => url.trim_end_matches('/').to_owned(),
        None => endpoint(service, region),
    };
    let url = format!("{endpoint}{path}");
    let credentials = credentials(config).await?;
    let client = client(&url, deployment).map_err(|error| unreachable(&url, &error))?;
    let scope = Scope { service, region };
    let request = signed(client.post(&url), &url, headers, &body, credentials, scope)
        .map_err(|error| Problem::failed(format!("the request cannot be signed: {error}"), "check the credentials"))?;
    request.body(body).send().await.map_err(|error| unreachable(&url, &error))
}

/// A call of STS that says whose credentials these are, signed for whoever is to make it with `digest` in a header of its own:
/// the query of its address, without what is called. [STS `GetCallerIdentity`]
pub(crate) async fn identity(deployment: &Deployment, digest: &str) -> Result<String, Problem> {
    let config = &deployment.config;
    let region = config.region().map(AsRef::as_ref).ok_or_else(super::no_region)?;
    presigned(digest, credentials(config).await?, region)
        .map_err(|error| Problem::failed(format!("who you are cannot be signed: {error}"), "check the credentials"))
}

/// The query of a presigned call, from the signature's first parameter on. [Signature Version 4, "query string"]
fn presigned(
    digest: &str,
    credentials: Credentials,
    region: &str,
) -> Result<String, Box<dyn std::error::Error + Send + Sync>> {
    let call = PresignedIdentity {
        region,
        header: (DECISION_HEADER, digest),
        at: SystemTime::now(),
        valid: Duration::from_secs(PROOF_SECONDS),
    };
    let signature = call.signature(credentials)?;
    let mut signed = Url::parse(&call.url())?;
    signed.query_pairs_mut().clear().extend_pairs(signature);
    Ok(signed.query().unwrap_or_default().to_owned())
}

/// A client that takes the way of the SDK's calls: through the same proxy, by the same certificates.
fn client(url: &str, deployment: &Deployment) -> reqwest::Result<Client> {
    let mut builder = Client::builder().timeout(Duration::from_secs(SECONDS_MAX));
    if is_near(url) {
        builder = builder.no_proxy();
    }
    if let Some(bundle) = &deployment.bundle {
        builder = bundle.trusted_by(builder);
    }
    builder.build()
}

/// The public endpoint of a region.
fn endpoint(service: &str, region: &str) -> String {
    format!("https://{service}.{region}.{}", Partition::of(region).dns_suffix())
}

async fn credentials(config: &SdkConfig) -> Result<Credentials, Problem> {
    let hint = "sign in to the hub account, for example with `aws sso login`";
    let provider = config.credentials_provider().ok_or_else(|| Problem::credentials("there are none", hint))?;
    provider
        .provide_credentials()
        .await
        .map_err(|error| Problem::credentials(format!("they could not be renewed: {error}"), hint))
}

/// What a signature is good for.
#[derive(Clone, Copy)]
struct Scope<'a> {
    service: &'a str,
    region: &'a str,
}

/// The request with its headers and their signature. [Signature Version 4]
fn signed(
    request: RequestBuilder,
    url: &str,
    headers: &[(&str, &str)],
    body: &str,
    credentials: Credentials,
    scope: Scope<'_>,
) -> Result<RequestBuilder, Box<dyn std::error::Error>> {
    let identity = credentials.into();
    let parameters = v4::SigningParams::builder()
        .identity(&identity)
        .region(scope.region)
        .name(scope.service)
        .time(SystemTime::now())
        .settings(SigningSettings::default())
        .build()?
        .into();
    let signable = SignableRequest::new("POST", url, headers.iter().copied(), SignableBody::Bytes(body.as_bytes()))?;
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    let (instructions, _) = sign(signable, &parameters)?.into_parts();
    Ok(instructions.headers().fold(request, |request, (name, value)| request.header(name, value)))
}

fn unreachable(url: &str, error: &reqwest::Error) -> Problem {
    Problem::failed(
        format!("{url} gave no answer: {error}"),
        "check the region, AWS_ENDPOINT_URL and HTTPS_PROXY; for the local AWS: berth local up",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_covers_the_body_the_session_and_the_region() {
        let url = "https://lambda.eu-west-1.amazonaws.com/2015-03-31/functions/berth-x/invocations";
        let sign = |body: &str, region: &str, session: Option<&str>| {
            let keys = Credentials::new("AKIDEXAMPLE", "secret", session.map(str::to_owned), None, "test");
            let scope = Scope { service: "lambda", region };
            let headers = [("x-amz-target", "Target.Name")];
            let request = signed(Client::new().post(url), url, &headers, body, keys, scope).unwrap().build().unwrap();
            assert_eq!(request.headers().get("x-amz-target").unwrap(), "Target.Name");
            let header = |name: &str| request.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
            (header("authorization").unwrap(), header("x-amz-security-token"))
        };
        let (authorization, token) = sign("{}", "eu-west-1", None);
        assert!(authorization.starts_with("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/"), "{authorization}");
        assert!(authorization.contains("/eu-west-1/lambda/aws4_request"), "{authorization}");
        assert!(authorization.contains("x-amz-target"), "every header of AWS's is signed: {authorization}");
        assert_eq!(token, None);
        let (other, _) = sign("{\"dryRun\":true}", "eu-west-1", None);
        let signature = |text: &str| text.rsplit_once("Signature=").unwrap().1.to_owned();
        assert_ne!(signature(&authorization), signature(&other));
        assert_eq!(sign("{}", "eu-west-1", Some("token")).1.as_deref(), Some("token"));
    }

    #[test]
    fn who_somebody_is_is_signed_with_what_is_answered_and_says_nothing_else() {
        let keys = Credentials::new("AKIDEXAMPLE", "secret", Some("token/+=".to_owned()), None, "test");
        let query = presigned("digest-1", keys.clone(), "eu-west-1").unwrap();
        let names: Vec<&str> = query.split('&').map(|pair| pair.split_once('=').unwrap().0).collect();
        assert!(names.iter().all(|name| name.starts_with("X-Amz-")), "{query}");
        assert!(query.contains("X-Amz-SignedHeaders=host%3Bx-berth-decision"), "{query}");
        assert!(query.contains("X-Amz-Expires=60") && query.contains("X-Amz-Security-Token=token%2F%2B%3D"), "{query}");
        assert!(!query.contains("secret") && !query.contains("digest-1"), "{query}");
        assert_ne!(query, presigned("digest-2", keys, "eu-west-1").unwrap());
    }

    #[test]
    fn endpoints_are_those_of_the_partition() {
        assert_eq!(endpoint("lambda", "eu-west-1"), "https://lambda.eu-west-1.amazonaws.com");
        assert_eq!(endpoint("logs", "cn-north-1"), "https://logs.cn-north-1.amazonaws.com.cn");
        assert_eq!(endpoint("lambda", "eusc-de-east-1"), "https://lambda.eusc-de-east-1.amazonaws.eu");
    }
}
