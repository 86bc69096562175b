//! Which AWS a command talks to, and the clients for it.

use aws_config::{Region, SdkConfig};
use aws_sdk_dynamodb::config::{Credentials, SharedCredentialsProvider};
use berth_aws::shared_config;
use berth_ledger::Ledger;

use crate::{
    args::{Target, Which},
    aws::{self, certificates::Bundle},
    local::{self, Running},
    outcome::Problem,
    paint,
};

/// Environment variables that name an AWS. Any of them keeps `auto` from choosing the local one.
const NAMES_AN_AWS: [&str; 4] = ["AWS_ENDPOINT_URL", "AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_WEB_IDENTITY_TOKEN_FILE"];

/// Clients and names of one deployment of Berth.
pub(crate) struct Deployment {
    pub(crate) ledger: Ledger,
    pub(crate) step_functions: aws_sdk_sfn::Client,
    /// What the clients are made from, for a call that has none.
    pub(crate) config: SdkConfig,
    /// Certificates to trust in place of the system's.
    pub(crate) bundle: Option<Bundle>,
    state_machine: Option<String>,
}

impl Deployment {
    /// ARN of the state machine.
    pub(crate) fn state_machine(&self) -> Result<&str, Problem> {
        self.state_machine.as_deref().ok_or_else(|| {
            Problem::bad_input(
                "which state machine? BERTH_STATE_MACHINE_ARN is not set",
                "set it to the output StateMachineArn of the hub's stack",
            )
        })
    }
}

impl Deployment {
    /// ARN of the state machine that takes accounts away: it lies beside that of onboardings.
    pub(crate) fn offboarding_machine(&self) -> Result<String, Problem> {
        Ok(self.state_machine()?.replacen(":berth-onboard-account", ":berth-offboard-account", 1))
    }
}

/// Connects to the deployment that was asked for.
pub(crate) async fn connect(target: &Target) -> Result<Deployment, Problem> {
    let variable = |name: &str| std::env::vars().find(|(key, _)| key == name).map(|(_, value)| value);
    let named = target.profile.is_some() || NAMES_AN_AWS.iter().any(|name| variable(name).is_some());
    let running = match target.which {
        Which::Aws => None,
        Which::Auto if named => None,
        Which::Auto => local::running(),
        Which::Local => Some(local::running().ok_or_else(local::not_running)?),
    };
    let Some(running) = running else {
        let aws::Reached { config, bundle } = aws::reach(target).await?;
        return Ok(Deployment { bundle, ..deployment(&config, variable) });
    };
    if target.which == Which::Auto {
        anstream::eprintln!("{}", paint::faint(&format!("on the local AWS at {}", running.endpoint)));
    }
    on_local(&running).await
}

/// Connects to the local AWS.
pub(crate) async fn on_local(running: &Running) -> Result<Deployment, Problem> {
    let variable = |name: &str| running.environment.get(name).cloned();
    let needed = |name: &str| {
        variable(name).ok_or_else(|| {
            Problem::failed(format!("the local AWS did not say its {name}"), "berth local down, then berth local up")
        })
    };
    let credentials =
        Credentials::new(needed("AWS_ACCESS_KEY_ID")?, needed("AWS_SECRET_ACCESS_KEY")?, None, None, "berth-local");
    // Of the person's own settings nothing counts here, so no profile and no metadata service is asked for them.
    let config = shared_config()
        .await
        .to_builder()
        .endpoint_url(&running.endpoint)
        .region(Region::new(needed("AWS_REGION")?))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .build();
    Ok(deployment(&config, variable))
}

fn deployment(config: &SdkConfig, variable: impl Fn(&str) -> Option<String>) -> Deployment {
    let or = |name: &str, default: &str| variable(name).unwrap_or_else(|| default.to_owned());
    Deployment {
        ledger: Ledger::new(aws_sdk_dynamodb::Client::new(config), or("BERTH_LEDGER_TABLE", "berth-ledger")),
        step_functions: aws_sdk_sfn::Client::new(config),
        config: config.clone(),
        bundle: None,
        state_machine: variable("BERTH_STATE_MACHINE_ARN"),
    }
}
