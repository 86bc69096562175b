//! A real cluster for the demo: an API server with the tenant operator, behind the EKS cluster of its environment.
//!
//! The server, the operator and the sync of the cluster's folder are a program of their own (`operator/examples/cluster/`),
//! which needs what nothing here does; `make demo KUBERNETES=1` builds it.

use std::{
    io::{BufRead as _, BufReader, Read as _},
    process::{Child, ChildStdout, Command, Stdio},
};

use crate::{local, outcome::Problem};

/// The environment whose cluster it is.
const ENVIRONMENT: &str = "dev";

/// What runs. It ends with this value.
pub(crate) struct Cluster {
    child: Child,
    output: BufReader<ChildStdout>,
    /// Its name in the platform configuration.
    pub(crate) name: String,
}

impl Cluster {
    /// Starts all of it, and puts it behind the cluster's endpoint.
    pub(crate) fn start() -> Result<Self, Problem> {
        let binaries = local::checkout()?.join("target/debug");
        let program = binaries.join("examples/cluster");
        if !program.is_file() {
            let missing = format!("{} is not built", program.display());
            return Err(Problem::failed(missing, "make demo KUBERNETES=1, which builds it"));
        }
        // Its folder of the repository bears the name by which Berth knows the cluster.
        let name = local::answer(&["cluster", "detach", "--environment", ENVIRONMENT])?;
        let mut child = Command::new(program)
            .arg("--repository")
            .arg(local::repository()?)
            .args(["--folder", &format!("clusters/{name}")])
            .arg("--operator")
            .arg(binaries.join("berth-operator"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| Problem::failed(format!("the cluster of the demo: {error}"), "make demo KUBERNETES=1"))?;
        let Some(output) = child.stdout.take() else {
            return Err(Problem::failed("the cluster of the demo has no output", "report this"));
        };
        let mut cluster = Self { child, output: BufReader::new(output), name };
        let server = cluster.server()?;
        local::answer_to(&["cluster", "attach", "--environment", ENVIRONMENT], &server)?;
        Ok(cluster)
    }

    /// Where the API server is, once it is there.
    fn server(&mut self) -> Result<String, Problem> {
        let mut line = String::new();
        match self.output.read_line(&mut line) {
            Ok(length) if length > 0 => Ok(line),
            // It has said why.
            _ => Err(Problem::failed(
                "there is no Kubernetes API server for the demo",
                "set KUBEBUILDER_ASSETS, or run make kubernetes once; or make demo, without KUBERNETES=1",
            )),
        }
    }

    /// Ends it, and answers what the operator has made.
    pub(crate) fn end(mut self) -> String {
        drop(self.child.stdin.take());
        let mut made = String::new();
        // What it could not say is not shown.
        let _ = self.output.read_to_string(&mut made);
        made
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        // The local AWS may have ended already: then there is nothing to put back.
        let _ = put_back();
        let _ = self.child.wait();
    }
}

/// Has the cluster as it was without the demo.
pub(crate) fn put_back() -> Result<(), Problem> {
    local::answer(&["cluster", "detach", "--environment", ENVIRONMENT]).map(drop)
}
