//! How a person's AWS is reached: with which credentials, in which region, through which proxy, by whose certificates.

pub(crate) mod certificates;
mod credentials;
mod http;
pub(crate) mod query;
pub(crate) mod signed;
mod source;
pub(crate) mod stack;

use aws_config::{
    BehaviorVersion, Region, SdkConfig,
    profile::{ProfileFileLoadError, ProfileSet, load},
};
use aws_types::os_shim_internal::{Env, Fs};
use berth_aws::patient;

pub(crate) use self::source::Source;
use self::{certificates::Bundle, credentials::Signer};
use self::{http::is_near, source::Base};
use crate::{hubs::Told, outcome::Problem};

/// The configuration of every client, with credentials that are there, and the certificates to trust if not the system's.
pub(crate) struct Reached {
    pub(crate) config: SdkConfig,
    pub(crate) bundle: Option<Bundle>,
    /// Where the credentials come from.
    pub(crate) source: Source,
}

/// Reads the person's profiles and signs in, before anything is asked of AWS.
pub(crate) async fn reach(told: &Told) -> Result<Reached, Problem> {
    let env = Env::real();
    let named = told.named_profile();
    let profiles = profiles(&env, named).await.map_err(|error| unreadable(&error))?;
    let source = Source::of(&profiles, &env, named);
    if let Base::NoProfile { profile } = &source.base {
        return Err(no_profile(profile, &profiles));
    }
    let bundle = Bundle::named(&env, profiles.get("ca_bundle"))?;
    let http_client = http::client(bundle.as_ref());
    let mut loader = patient(aws_config::defaults(BehaviorVersion::v2026_01_12())).http_client(http_client.clone());
    if let Some(name) = named {
        loader = loader.profile_name(name);
    }
    if let Some(region) = &told.region {
        loader = loader.region(Region::new(region.value.clone()));
    }
    let config = loader.load().await;
    let region = config.region().cloned().ok_or_else(no_region)?;
    let signer = Signer::new(source.clone(), named, http_client, region).await;
    let provider = signer.sign_in().await?;
    Ok(Reached { config: config.to_builder().credentials_provider(provider).build(), bundle, source })
}

#[expect(clippy::default_trait_access, reason = "the name that aws-config has for the type is deprecated")]
async fn profiles(env: &Env, named: Option<&str>) -> Result<ProfileSet, ProfileFileLoadError> {
    let named = named.map(|name| name.to_owned().into());
    load(&Fs::real(), env, &Default::default(), named).await
}

fn unreadable(error: &ProfileFileLoadError) -> Problem {
    let causes = std::iter::successors(Some(error as &dyn std::error::Error), |error| error.source());
    let texts: Vec<String> = causes.map(ToString::to_string).collect();
    Problem::credentials(
        format!("the profiles of AWS cannot be read: {}", texts.join(": ")),
        "correct the file that is named, or name another with AWS_CONFIG_FILE",
    )
}

/// A profile that is in no file, with those that are.
fn no_profile(name: &str, profiles: &ProfileSet) -> Problem {
    let mut known: Vec<&str> = profiles.profiles().collect();
    known.sort_unstable();
    let hint = if known.is_empty() {
        "aws configure sso makes a profile".to_owned()
    } else {
        format!("name one of {}; aws configure sso makes another", known.join(", "))
    };
    Problem::credentials(format!("there is no profile {name}"), hint)
}

fn no_region() -> Problem {
    Problem::bad_input(
        "which region? none is set",
        "give the region of the hub: --region, AWS_REGION, or region in the profile",
    )
}
