//! Time and traffic of one commit, by how many tenants the repository holds. `make bench-gitops`; benches/README.md.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_precision_loss
)]
#![allow(clippy::similar_names, clippy::print_stdout)]

#[allow(dead_code, unreachable_pub, unused_imports)] // Shared with the tests, which use all of it.
#[path = "../tests/against_git/support/mod.rs"]
mod support;

use std::time::{Duration, Instant};

use support::{GitServer, Repository, Service, open, run, set};

/// Commits that are measured of each kind; the median is shown.
const ROUNDS: usize = 9;

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    println!("tenants | cold, ms | cold, kB read | warm, ms | warm, kB read");
    for tenants in [10, 1_000, 10_000] {
        let server = GitServer::start(Repository::with_tenants(tenants));
        let (mut cold, mut warm) = (Vec::new(), Vec::new());
        for round in 0..ROUNDS {
            let repo = open(&server);
            let name = format!("tenant-{round}");
            cold.push(runtime.block_on(commit(&server, &repo, &name, &format!("cold {round}\n"))));
            warm.push(runtime.block_on(commit(&server, &repo, &name, &format!("warm {round}\n"))));
        }
        let ((cold_ms, cold_kb), (warm_ms, warm_kb)) = (median(&mut cold), median(&mut warm));
        println!("{tenants} | {cold_ms:.0} | {cold_kb:.1} | {warm_ms:.0} | {warm_kb:.1}");
    }
}

/// One commit: how long it took, and how many bytes the server sent.
async fn commit(server: &GitServer, repo: &berth_gitops::GitRepo, tenant: &str, text: &str) -> (Duration, usize) {
    server.take_served();
    let began = Instant::now();
    run(repo, &[tenant], set(tenant, text)).await.unwrap();
    let took = began.elapsed();
    let answers: Vec<(Service, usize)> = server.take_served();
    assert!(answers.iter().any(|(service, _)| *service == Service::Push), "nothing was committed");
    (took, answers.iter().map(|(_, bytes)| bytes).sum())
}

/// Median time in milliseconds, and the kilobytes of that commit.
fn median(measured: &mut [(Duration, usize)]) -> (f64, f64) {
    measured.sort();
    let (took, bytes) = measured[measured.len() / 2];
    (took.as_secs_f64() * 1e3, bytes as f64 / 1e3)
}
