//! Signs in with what the person has, once and before anything is asked of AWS, and says what to type when that fails.

use std::sync::{Mutex, PoisonError};

use aws_config::{
    Region, credential_process::CredentialProcessProvider, default_provider::credentials::DefaultCredentialsChain,
    profile::ProfileFileCredentialsProvider, provider_config::ProviderConfig,
};
use aws_credential_types::{
    Credentials,
    provider::{ProvideCredentials, Result as Provided, SharedCredentialsProvider, future},
};
use aws_smithy_runtime_api::client::http::SharedHttpClient;

use super::source::{Base, Source};
use crate::{outcome::Problem, paint};

/// What signs in, and where from.
pub(super) struct Signer {
    provider: SharedCredentialsProvider,
    source: Source,
}

impl Signer {
    /// The provider of a source. `named` is the profile of the command line.
    pub(super) async fn new(
        source: Source,
        named: Option<&str>,
        http_client: SharedHttpClient,
        region: Region,
    ) -> Self {
        let config = ProviderConfig::without_region().with_http_client(http_client).with_region(Some(region));
        let provider = match (&source.base, named) {
            (Base::Login { .. }, _) => {
                SharedCredentialsProvider::new(CredentialProcessProvider::new(by_aws_cli(&source.profile)))
            }
            // Keys in the environment would beat a profile that only the chain is told.
            (_, Some(name)) => SharedCredentialsProvider::new(
                ProfileFileCredentialsProvider::builder().configure(&config).profile_name(name).build(),
            ),
            (_, None) => {
                SharedCredentialsProvider::new(DefaultCredentialsChain::builder().configure(config).build().await)
            }
        };
        Self { provider, source }
    }

    /// Signs in. What is answered has the credentials already, and renews them when they expire.
    pub(super) async fn sign_in(self) -> Result<SharedCredentialsProvider, Problem> {
        if self.source.leaves_keys_out {
            let text = format!("AWS_ACCESS_KEY_ID is left out: --profile {} was named", self.source.profile);
            anstream::eprintln!("{}", paint::faint(&text));
        }
        match self.provider.provide_credentials().await {
            Ok(first) => {
                let first = Mutex::new(Some(first));
                Ok(SharedCredentialsProvider::new(SignedIn { first, provider: self.provider }))
            }
            Err(error) => {
                let what = format!("no credentials from {}: {}", self.source.described(), causes(&error));
                Err(Problem::credentials(what, self.source.remedy()))
            }
        }
    }
}

/// A session of `aws login` is renewed by the AWS CLI, which made it and keeps its key. The SDK's own provider would bring a
/// second implementation of elliptic curves (docs/decisions/0001).
fn by_aws_cli(profile: &str) -> String {
    format!("aws configure export-credentials --format process --profile '{}'", profile.replace('\'', r"'\''"))
}

/// What went wrong, without what is said twice.
fn causes(error: &(dyn std::error::Error + 'static)) -> String {
    let chain = std::iter::successors(Some(error), |error| error.source());
    let mut texts: Vec<String> = Vec::new();
    for text in chain.map(|error| error.to_string().trim().to_owned()) {
        if !texts.iter().any(|told| told.contains(&text)) {
            texts.push(text);
        }
    }
    texts.join(": ")
}

/// Credentials that are there, and what renews them.
#[derive(Debug)]
struct SignedIn {
    first: Mutex<Option<Credentials>>,
    provider: SharedCredentialsProvider,
}

impl SignedIn {
    async fn next(&self) -> Provided {
        let first = self.first.lock().unwrap_or_else(PoisonError::into_inner).take();
        match first {
            Some(credentials) => Ok(credentials),
            None => self.provider.provide_credentials().await,
        }
    }
}

impl ProvideCredentials for SignedIn {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(self.next())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_profile_is_no_shell() {
        let command = by_aws_cli("it's; $(rm)");
        assert!(command.ends_with(r"--profile 'it'\''s; $(rm)'"), "{command}");
    }
}
