//! A real Kubernetes API server for tests: found on this machine, started on free ports, ended with the test.
//!
//! Reading order: `programs` (where they come from), `certificates`, `arguments` (how each is started), `process` (how
//! it ends with the test), and here the server as a whole. Only tests depend on this crate.
//!
//! ```no_run
//! use berth_kube_testing::{Scope, Server, ServerError};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), ServerError> {
//! let Some(server) = Server::start(Scope::Core).await? else { return Ok(()) }; // it has said what is missing
//! println!("KUBECONFIG={}", server.kubeconfig().display());
//! # Ok(())
//! # }
//! ```
#![warn(missing_docs)]

mod arguments;
mod certificates;
mod process;
mod programs;
mod start;

use std::{
    io::Write as _,
    path::{Path, PathBuf},
};

use serde_json::Value;

use crate::{certificates::Authority, process::Process};
pub use crate::{
    certificates::Identity,
    programs::{Programs, Source},
    start::without_rules,
};

/// What a test needs of the server. Fewer processes start for less.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Custom resources only: CRDs with CEL, server-side apply, status.
    CustomResources,
    /// Core objects too: namespaces, RBAC, quota, garbage collection.
    Core,
}

/// What one kind of server has and another lacks. A test that needs it says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Feature {
    /// Namespaces, RBAC, impersonation.
    CoreObjects,
    /// Garbage collection, quota, deletion of namespaces: what `kube-controller-manager` does.
    Controllers,
    /// `ValidatingAdmissionPolicy` and Pod Security: core objects of 1.30 or newer.
    Admission,
}

/// Why there is no server although its programs are there.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServerError {
    /// `BERTH_KUBERNETES=required` is set, and no programs were found.
    #[error("no Kubernetes API server was found, and BERTH_KUBERNETES=required; {hint}")]
    Required {
        /// Where they could come from.
        hint: &'static str,
    },
    /// A file or a process could not be made.
    #[error("{what}")]
    Io {
        /// What was tried.
        what: String,
        /// What the system says.
        source: std::io::Error,
    },
    /// A key or a certificate could not be made.
    #[error("a certificate could not be made")]
    Certificate(#[from] rcgen::Error),
    /// The client could not be made.
    #[error("the HTTP client could not be made")]
    Client(#[source] reqwest::Error),
    /// A process ended, or did not answer in time.
    #[error("{program} did not become ready; the end of its log:\n{log}")]
    NotReady {
        /// The program.
        program: &'static str,
        /// The last lines that it wrote.
        log: String,
    },
    /// The server refused what the harness itself asked for.
    #[error("the server refused {what}: {answer}")]
    Refused {
        /// What was asked for.
        what: String,
        /// What it answered.
        answer: String,
    },
}

/// Says that something was not tested, and what to do so that it is, past libtest's capture: a test that did not look must
/// not pass unnoticed. `make test` collects these lines and closes with them.
pub fn say_skipped(what: &str, next: &str) {
    let line = format!("\nSKIPPED: {what}. Next: {next}\n");
    // Nobody to tell when standard error is closed.
    drop(std::io::stderr().write_all(line.as_bytes()));
}

/// A running server. It ends with its value, and with the process however that ends.
#[derive(Debug)]
pub struct Server {
    // In this order they end: clients of etcd before etcd, whose end removes the folder.
    processes: Vec<Process>,
    folder: PathBuf,
    authority: Authority,
    features: Vec<Feature>,
    url: String,
    crd_url: String,
    admin: Identity,
}

/// How long a server is given to start, on a slow and loaded machine.
const START_SECONDS_MAX: u64 = 600;

impl Server {
    /// Starts a server, or returns none and says so loudly when this machine has no programs for one: no variable
    /// `KUBEBUILDER_ASSETS`, no `../shared/kubernetes` beside the checkout, nothing built by `make kubernetes`.
    ///
    /// # Errors
    /// When the programs are there and the server does not start, or when there are none and
    /// `BERTH_KUBERNETES=required` says that there must be.
    pub async fn start(scope: Scope) -> Result<Option<Self>, ServerError> {
        let Some(programs) = Programs::find()? else {
            if std::env::var_os("BERTH_KUBERNETES").is_some_and(|value| value == "required") {
                return Err(ServerError::Required { hint: programs::HINT });
            }
            say_skipped("no Kubernetes API server on this machine, so nothing was tested on one", programs::HINT);
            return Ok(None);
        };
        start::with_retries(&programs, scope).await.map(Some)
    }

    /// Address of the server for everything but CRDs of the group `tenancy.berth.dev`.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Address of the server that takes CRDs of the group `tenancy.berth.dev`: with some sources another process.
    #[must_use]
    pub fn crd_url(&self) -> &str {
        &self.crd_url
    }

    /// A kubeconfig for [`Self::url`], as an administrator.
    #[must_use]
    pub fn kubeconfig(&self) -> PathBuf {
        self.folder.join("kubeconfig")
    }

    /// A kubeconfig for [`Self::crd_url`], as an administrator.
    #[must_use]
    pub fn crd_kubeconfig(&self) -> PathBuf {
        self.folder.join("crd.kubeconfig")
    }

    /// The folder with logs and certificates; removed with the server.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The certificate authority of all its certificates, in PEM.
    #[must_use]
    pub fn certificate_authority(&self) -> String {
        self.authority.pem()
    }

    /// A client certificate for a user in one group. For more groups, impersonate as an administrator.
    ///
    /// # Errors
    /// When the certificate cannot be made.
    pub fn identity(&self, user: &str, group: &str) -> Result<Identity, ServerError> {
        Ok(self.authority.client(user, group)?)
    }

    /// Whether the server has a feature.
    #[must_use]
    pub fn has(&self, feature: Feature) -> bool {
        self.features.contains(&feature)
    }

    /// Whether the server has a feature; where it has not, says loudly what was not tested for that.
    #[must_use]
    pub fn has_or_says(&self, feature: Feature, what: &str) -> bool {
        let next = match feature {
            Feature::CoreObjects | Feature::Controllers => "start a server with kube-controller-manager beside it",
            Feature::Admission => "set KUBEBUILDER_ASSETS to a folder with etcd and kube-apiserver 1.30 or newer",
        };
        let has = self.has(feature);
        if !has {
            say_skipped(&format!("{what}: the server lacks {feature:?}"), next);
        }
        has
    }

    /// A new HTTP client that trusts the server and is an administrator to it. Every test makes its own: a connection
    /// belongs to the runtime that opened it, and ends with it under the requests of others.
    ///
    /// # Errors
    /// When the client cannot be made.
    pub fn client(&self) -> Result<reqwest::Client, ServerError> {
        start::client(&self.authority, &self.admin)
    }

    /// Makes or replaces a CRD of the group `tenancy.berth.dev`, and returns when its objects are served at
    /// [`Self::url`]. Where another process serves them, the CRD is made here, too, without its rules: whoever asks about
    /// the CRD asks here.
    ///
    /// # Errors
    /// When the server refuses the CRD.
    pub async fn install(&self, crd: &Value) -> Result<(), ServerError> {
        start::install(self, crd).await
    }
}
