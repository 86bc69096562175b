//! The binary: wiring only.

use std::{net::SocketAddr, path::PathBuf, process::ExitCode, sync::Arc, time::Duration};

use berth_operator::{
    client::{self, Candidate, Fence, Operator},
    metrics::Metrics,
    settings::Settings,
};
use clap::Parser;
use kube_client::Config;
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
};

/// Keeps the namespaces, limits, network policies, access and certificates of this cluster's Tenants as they say.
#[derive(Debug, Parser)]
#[command(version, about)]
struct Args {
    /// Settings for this cluster, YAML or JSON; without it, the defaults hold.
    #[arg(long, env = "BERTH_OPERATOR_SETTINGS", value_name = "FILE")]
    settings: Option<PathBuf>,
    /// Namespace of the lease, by which one of several replicas acts.
    #[arg(long, env = "BERTH_OPERATOR_NAMESPACE", default_value = "berth-system")]
    namespace: String,
    /// Name of this replica in the lease: unlike that of any other. In a pod: the pod's name.
    #[arg(long, env = "BERTH_OPERATOR_REPLICA", value_name = "NAME")]
    replica: String,
    /// Address of /healthz, /readyz and /metrics.
    #[arg(long, env = "BERTH_OPERATOR_LISTEN", default_value = "0.0.0.0:8080", value_name = "ADDRESS")]
    listen: SocketAddr,
    /// Seconds between two looks at what no watch tells: tenants that are gone, and CRDs that came or went.
    #[arg(long, env = "BERTH_OPERATOR_SCAN_SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..))]
    scan_seconds: u64,
    /// What is logged, as `tracing_subscriber` reads it.
    #[arg(
        long,
        env = "BERTH_OPERATOR_LOG",
        default_value = "info,kube_client=warn,kube_runtime=warn",
        value_name = "FILTER"
    )]
    log: String,
}

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// On one thread: it waits for the API server nearly always, and malloc keeps apart what several threads have freed.
#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let args = Args::parse();
    tracing_subscriber::fmt().json().flatten_event(true).with_target(false).with_env_filter(&args.log).init();
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
    let client = client::connect(Config::infer().await?)?;
    let (metrics, fence) = (Arc::new(Metrics::default()), Fence::default());
    let listener = TcpListener::bind(args.listen).await?;
    tracing::info!(version = env!("CARGO_PKG_VERSION"), listen = %listener.local_addr()?, "started");
    tokio::spawn(client::serve(listener, metrics.clone()));
    let mut candidate = Candidate::new(client.clone(), &args.namespace, args.replica.clone(), fence.clone());
    let operator = Operator {
        client,
        settings: Arc::new(settings),
        metrics: metrics.clone(),
        fence,
        look_pause: Duration::from_secs(args.scan_seconds),
        replica: args.replica,
    };
    let mut terminate = signal(SignalKind::terminate())?;
    let acts = async {
        candidate.acquire().await;
        tracing::info!("this replica acts");
        metrics.leads(true);
        tokio::select! {
            () = client::run(operator) => {}
            () = candidate.hold() => {}
        }
    };
    tokio::select! {
        // Whoever lost the lease ends: nothing of what it began may go on beside the next holder.
        () = acts => Err("the lease is lost; the next replica acts".into()),
        _ = terminate.recv() => { candidate.release().await; Ok(()) }
        _ = tokio::signal::ctrl_c() => { candidate.release().await; Ok(()) }
    }
}
