//! Asks EKS where the cluster is, and the cluster for the Tenant.

use std::time::Duration;

use aws_credential_types::provider::ProvideCredentials;
use aws_sdk_eks::types::Cluster;
use base64::{
    Engine,
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD},
};
use berth_aws::PresignedIdentity;
use berth_step::{Fault, StepError};
use berth_tenancy::{ClusterName, ClusterPlan, Mode, Region};
use reqwest::{Certificate, Client, Response, Url, redirect::Policy};

use crate::{Clients, Input, State, View};

/// Longest that one request to a cluster may take.
const SECONDS_MAX: u64 = 8;
/// Largest answer that is read: etcd keeps objects of up to 1.5 MiB.
const BYTES_MAX: usize = 4 * 1024 * 1024;
/// Every address: whoever is in no network of the cluster's may reach it only where this is let in.
const EVERYBODY: &str = "0.0.0.0/0";
/// How long the signature is good for; EKS takes a token for 15 minutes at most.
const TOKEN_SECONDS: u64 = 60;
/// How EKS tells its tokens from others.
const TOKEN_PREFIX: &str = "k8s-aws-v1.";
/// Header that is signed with the cluster's name in it, so that no other cluster takes the token.
const CLUSTER_HEADER: &str = "x-k8s-aws-id";

/// Reads the Tenant from the cluster, where its endpoint lets a Lambda in.
pub(crate) async fn observe(clients: &Clients, input: &Input) -> Result<State, StepError> {
    if input.run.mode == Mode::Plan {
        return Ok(State { view: View::Unasked });
    }
    let cluster = berth_eks::describe(&clients.eks, &input.cluster).await?;
    let view = match reachable(&input.cluster, cluster)? {
        Err(view) => view,
        Ok(endpoint) => ask(clients, input, &endpoint).await?,
    };
    Ok(State { view })
}

/// Where a cluster's API server is, and whose certificate it shows.
struct Endpoint {
    url: String,
    authority: Vec<u8>,
}

/// The endpoint; or what is said of the cluster, when nobody outside of its network gets through.
fn reachable(plan: &ClusterPlan, cluster: Cluster) -> Result<Result<Endpoint, View>, StepError> {
    let name = &plan.eks_name;
    let Some(url) = cluster.endpoint else {
        let status = cluster.status.map_or_else(|| "of no status".to_owned(), |status| status.as_str().to_owned());
        return Ok(Err(View::WithoutEndpoint(status)));
    };
    let network = cluster.resources_vpc_config;
    if network.as_ref().is_some_and(|network| !network.endpoint_public_access) {
        let why = format!("the endpoint of {name} is private, and Berth asks from outside of its network");
        return Ok(Err(View::Private(why)));
    }
    let admitted = network.and_then(|network| network.public_access_cidrs).unwrap_or_default();
    if !admitted.is_empty() && !admitted.iter().any(|block| block == EVERYBODY) {
        let blocks = admitted.join(", ");
        let why = format!("the endpoint of {name} is open to {blocks} only, and a Lambda has no address of its own");
        return Ok(Err(View::Private(why)));
    }
    let data = cluster.certificate_authority.and_then(|authority| authority.data).unwrap_or_default();
    let authority = BASE64_STANDARD.decode(data).map_err(|error| {
        let what = format!("eks:DescribeCluster gave no certificate authority of {name}");
        StepError::new(Fault::Bug, what).in_region(&plan.region).because(error)
    })?;
    Ok(Ok(Endpoint { url, authority }))
}

/// The Tenant, as the API server has it. [Kubernetes API, `get`]
async fn ask(clients: &Clients, input: &Input, endpoint: &Endpoint) -> Result<View, StepError> {
    let plan = &input.cluster;
    let token = token(clients, &plan.region, &plan.eks_name).await?;
    let url = format!("{}/apis/{}/tenants/{}", endpoint.url, berth_crd::API_VERSION, input.run.tenant);
    let bug = |what: &str, error: reqwest::Error| {
        StepError::new(Fault::Bug, format!("{what} of {}", plan.eks_name)).in_region(&plan.region).because(error)
    };
    let authority = Certificate::from_pem(&endpoint.authority)
        .map_err(|error| bug("eks:DescribeCluster gave a certificate authority that cannot be read", error))?;
    let client = Client::builder()
        .tls_certs_only([authority])
        .https_only(true)
        .redirect(Policy::none())
        .timeout(Duration::from_secs(SECONDS_MAX))
        .build()
        .map_err(|error| bug("there is no HTTP client for the endpoint", error))?;
    let unanswered = |error: reqwest::Error| {
        let what = format!("the API server of {} did not answer", plan.eks_name);
        StepError::new(Fault::Throttled, what).in_region(&plan.region).because(error)
    };
    let answer = client.get(url).bearer_auth(token).header("accept", "application/json").send().await;
    let answer = answer.map_err(unanswered)?;
    let status = answer.status().as_u16();
    let bytes = read(answer).await.map_err(unanswered)?;
    Ok(View::Answered { status, body: serde_json::from_slice(&bytes).unwrap_or_default() })
}

/// The answer's body, cut where no object can be so long.
async fn read(mut answer: Response) -> Result<Vec<u8>, reqwest::Error> {
    let mut bytes = Vec::new();
    while let Some(chunk) = answer.chunk().await? {
        bytes.extend_from_slice(&chunk);
        if bytes.len() > BYTES_MAX {
            break;
        }
    }
    Ok(bytes)
}

/// The token that EKS takes: a presigned `GetCallerIdentity`, made here without a call. The cluster sends it to STS, which
/// says whose it is. <https://docs.aws.amazon.com/eks/latest/userguide/cluster-auth.html>
async fn token(clients: &Clients, region: &Region, cluster: &ClusterName) -> Result<String, StepError> {
    let failed = |error: Box<dyn std::error::Error + Send + Sync>| {
        StepError::new(Fault::Bug, format!("no token for {cluster} could be signed")).in_region(region).because(error)
    };
    let provider =
        clients.hub.credentials_provider().ok_or_else(|| failed("the function has no credentials".into()))?;
    let identity = provider.provide_credentials().await.map_err(|error| failed(error.into()))?;
    let call = PresignedIdentity {
        region: region.as_str(),
        header: (CLUSTER_HEADER, cluster.as_str()),
        at: clients.now.into(),
        valid: Duration::from_secs(TOKEN_SECONDS),
    };
    let mut presigned = Url::parse(&call.url()).map_err(|error| failed(error.into()))?;
    presigned.query_pairs_mut().extend_pairs(call.signature(identity).map_err(failed)?);
    Ok(format!("{TOKEN_PREFIX}{}", BASE64_URL_SAFE_NO_PAD.encode(presigned.as_str())))
}
