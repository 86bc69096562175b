//! The binary: wiring only.

use std::{path::PathBuf, process::ExitCode, sync::Arc};

use berth_operator::{client, settings::Settings};
use clap::Parser;
use kube_client::Client;
use tokio::signal::unix::{SignalKind, signal};

/// Keeps the namespaces, limits, network policies, access and certificates of this cluster's Tenants as they say.
#[derive(Debug, Parser)]
#[command(version, about)]
struct Args {
    /// Settings for this cluster, YAML or JSON; without it, the defaults hold.
    #[arg(long, env = "BERTH_OPERATOR_SETTINGS", value_name = "FILE")]
    settings: Option<PathBuf>,
    /// What is logged, as `tracing_subscriber` reads it.
    #[arg(long, env = "BERTH_OPERATOR_LOG", default_value = "info,kube_client=warn,kube_runtime=warn")]
    log: String,
}

type Failure = Box<dyn std::error::Error + Send + Sync>;

#[tokio::main]
async fn main() -> ExitCode {
    let args = Args::parse();
    tracing_subscriber::fmt().json().flatten_event(true).with_env_filter(&args.log).init();
    match operate(args).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(error = error.to_string(), causes = ?causes(&*error), "the operator cannot go on");
            ExitCode::FAILURE
        }
    }
}

fn causes(error: &(dyn std::error::Error + 'static)) -> Vec<String> {
    std::iter::successors(error.source(), |cause| cause.source()).map(ToString::to_string).collect()
}

async fn operate(args: Args) -> Result<(), Failure> {
    let settings = match &args.settings {
        Some(path) => Settings::read(&std::fs::read_to_string(path)?)?,
        None => Settings::default(),
    };
    let client = Client::try_default().await?;
    let kinds = client::discover(&client).await?;
    let mut terminate = signal(SignalKind::terminate())?;
    let stop = async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = tokio::signal::ctrl_c() => {}
        }
    };
    tracing::info!(version = env!("CARGO_PKG_VERSION"), optional_kinds = ?kinds, "started");
    client::run(client, Arc::new(settings), kinds, stop).await;
    Ok(())
}
