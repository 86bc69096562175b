//! `berth validate --repository`: tries the GitOps repository and the secret of a deployment without changing anything.
//!
//! It invokes the function that looks at merges: that one has the address, may read the secret and is where Berth's network
//! is, so that what works for it works for Berth, and no person needs the secret.

use berth_contract::repository::{About, Check, Finding, Report, Works};
use berth_tenancy::ClusterName;
use serde_json::json;

use crate::{args::Target, invoke::invoke, outcome::Problem, paint, target};

/// Name of the function in every deployment.
const FUNCTION: &str = "berth-complete-merges";

/// What is known of the repository, with the folders of these clusters.
pub(crate) async fn report(wanted: &Target, clusters: Vec<ClusterName>) -> Result<Report, Problem> {
    let deployment = target::connect(wanted).await?;
    let answer = invoke(&deployment, FUNCTION, &json!({ "check": Check { clusters } })).await?;
    serde_json::from_value(answer).map_err(|error| {
        Problem::failed(format!("{FUNCTION} answered what this version cannot read: {error}"), "deploy this version")
    })
}

pub(crate) fn print(report: &Report) {
    let verdict = if report.is_good() { paint::good("works") } else { paint::bad("does not work") };
    anstream::println!("{verdict}: {}, branch {}", report.url, report.branch);
    for Finding { about, works, seen, next } in &report.findings {
        let sign = if *works == Works::Yes { paint::good("✓") } else { paint::bad("✗") };
        anstream::println!("  {sign} {:<9}  {seen}", word(*about));
        if let Some(next) = next {
            anstream::println!("  {:<11}  {}", "", paint::faint(&format!("Next: {next}")));
        }
    }
}

fn word(about: About) -> &'static str {
    match about {
        About::Secret => "secret",
        About::Read => "read",
        About::Branch => "branch",
        About::Folder => "folder",
        About::Write => "write",
        About::Proposals => "proposals",
    }
}
