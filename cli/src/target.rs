//! Which AWS a command talks to, and the clients for it.

use std::env;

use aws_config::{Region, SdkConfig};
use aws_sdk_dynamodb::config::{Credentials, SharedCredentialsProvider};
use berth_aws::shared_config;
use berth_ledger::Ledger;
use tokio::sync::OnceCell;

use crate::{
    args::{Target, Which},
    aws::{self, Reached, certificates::Bundle, stack},
    hubs::{LEDGER_TABLE, STACK, Told},
    local::{self, Running},
    outcome::Problem,
    paint,
};

/// The output of the hub's stack that is the state machine.
const MACHINE_OUTPUT: &str = "StateMachineArn";

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
    stack: String,
    state_machine: OnceCell<String>,
}

impl Deployment {
    /// ARN of the state machine: what somebody said, else the output of the hub's stack.
    pub(crate) async fn state_machine(&self) -> Result<&str, Problem> {
        let found = self.state_machine.get_or_try_init(|| async {
            let mut outputs = stack::outputs(self, &self.stack).await?;
            outputs.remove(MACHINE_OUTPUT).ok_or_else(|| {
                Problem::bad_input(
                    format!("the stack {} has no output {MACHINE_OUTPUT}", self.stack),
                    "name the stack of the hub (infra/hub.yaml), or set BERTH_STATE_MACHINE_ARN",
                )
            })
        });
        found.await.map(String::as_str)
    }

    /// ARN of the state machine that takes accounts away: it lies beside that of onboardings.
    pub(crate) async fn offboarding_machine(&self) -> Result<String, Problem> {
        Ok(self.state_machine().await?.replacen(":berth-onboard-account", ":berth-offboard-account", 1))
    }
}

/// The local AWS, when it is the one that is meant. `auto` takes it while it runs and nobody names another.
pub(crate) fn local_one(target: &Target, told: &Told) -> Result<Option<Running>, Problem> {
    let is_set = |name: &str| env::var_os(name).is_some();
    let named = target.profile.is_some() || told.names_a_hub() || NAMES_AN_AWS.into_iter().any(is_set);
    match target.which {
        Which::Aws => Ok(None),
        Which::Auto if named => Ok(None),
        Which::Auto => Ok(local::running()),
        Which::Local => local::running().ok_or_else(local::not_running).map(Some),
    }
}

/// Connects to the deployment that was asked for.
pub(crate) async fn connect(target: &Target) -> Result<Deployment, Problem> {
    let told = Told::read(target)?;
    let Some(running) = local_one(target, &told)? else {
        return Ok(on_aws(&told, aws::reach(&told).await?));
    };
    if target.which == Which::Auto {
        anstream::eprintln!("{}", paint::faint(&format!("on the local AWS at {}", running.endpoint)));
    }
    on_local(&running).await
}

/// The deployment on an AWS that was signed in to.
pub(crate) fn on_aws(told: &Told, reached: Reached) -> Deployment {
    let machine = told.state_machine_arn.as_ref().map(|machine| machine.value.clone());
    deployment(reached.config, reached.bundle, &told.ledger_table.value, &told.stack.value, machine)
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
    let table = variable("BERTH_LEDGER_TABLE").unwrap_or_else(|| LEDGER_TABLE.to_owned());
    Ok(deployment(config, None, &table, STACK, variable("BERTH_STATE_MACHINE_ARN")))
}

fn deployment(
    config: SdkConfig,
    bundle: Option<Bundle>,
    table: &str,
    stack: &str,
    machine: Option<String>,
) -> Deployment {
    Deployment {
        ledger: Ledger::new(aws_sdk_dynamodb::Client::new(&config), table.to_owned()),
        step_functions: aws_sdk_sfn::Client::new(&config),
        config,
        bundle,
        stack: stack.to_owned(),
        state_machine: OnceCell::new_with(machine),
    }
}
