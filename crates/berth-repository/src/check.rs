//! What will work with the repository of a deployment, tried without changing anything there.

use std::{collections::BTreeSet, sync::Arc};

use berth_contract::repository::{About, Check, Finding, Report, Works};
use berth_gitops::{Abilities, FileState, Missing, RepoError, RepoPath, Snapshot};
use berth_step::StepError;
use berth_tenancy::{ClusterName, TenantName, after_waiting};

use crate::{CommitFailure, Repository};

/// A tenant whose file is looked for in each cluster's folder; it need not be there.
const TENANT: &str = "berth-validate";
/// Branches that a line names.
const NAMED_MAX: usize = 5;
/// Commit ids are shown with so many digits.
const SHORT: usize = 12;

/// What was seen of a repository that could be opened.
struct Observed<'a> {
    branch: &'a str,
    clusters: &'a [ClusterName],
    /// How the secret signs in.
    form: String,
    read: Result<Snapshot, RepoError>,
    /// None where reading failed for a reason that everything else would fail for, too.
    abilities: Option<Abilities>,
}

impl Repository {
    /// Tries the secret, the address and the branch as they are now, whatever this copy of the function has open.
    pub async fn check(&self, check: &Check) -> Report {
        let findings = match self.see(check).await {
            Ok(seen) => decide(seen),
            Err(finding) => vec![finding],
        };
        Report { url: self.url.clone(), branch: self.branch.clone(), findings }
    }

    async fn see<'a>(&'a self, check: &'a Check) -> Result<Observed<'a>, Finding> {
        let secret = self.secret().await.map_err(|error| no(About::Secret, &error))?;
        let host = berth_gitops::open(secret, &self.url, &self.branch, Arc::clone(&self.clock));
        let host = host.map_err(|error| failed(About::Read, error))?;
        let paths: BTreeSet<RepoPath> = check.clusters.iter().filter_map(path).collect();
        let read = host.read(&paths).await;
        let goes_on = matches!(read, Ok(_) | Err(RepoError::NotFound(Missing::Branch)));
        let abilities = if goes_on { Some(host.abilities().await) } else { None };
        Ok(Observed { branch: &self.branch, clusters: &check.clusters, form: host.signs_in_with(), read, abilities })
    }
}

/// What it means, in the order in which it was tried.
fn decide(seen: Observed<'_>) -> Vec<Finding> {
    let Observed { branch, clusters, form, read, abilities } = seen;
    let Some(Abilities { host, branches, write, proposals }) = abilities else {
        let what = read.err().unwrap_or(RepoError::NotFound(Missing::Repository));
        return vec![yes(About::Secret, format!("{form}; whether it is taken shows below")), failed(About::Read, what)];
    };
    let mut findings = vec![yes(About::Secret, form), yes(About::Read, format!("{host} lets us read"))];
    match read {
        Ok(snapshot) => {
            let head = snapshot.head.as_str();
            findings.push(yes(About::Branch, format!("{branch} is at {}", head.get(..SHORT).unwrap_or(head))));
            findings.extend(clusters.iter().filter_map(|cluster| folder(cluster, &snapshot)));
        }
        Err(_) => findings.push(no_branch(branch, branches)),
    }
    findings.push(match write {
        Ok(()) => yes(About::Write, "the server takes commits from us; hooks and protected branches show at the first"),
        Err(error) => failed(About::Write, error),
    });
    findings.push(match proposals {
        Ok(means) => yes(About::Proposals, means),
        Err(error) => failed(About::Proposals, error),
    });
    findings
}

fn path(cluster: &ClusterName) -> Option<RepoPath> {
    TENANT.parse::<TenantName>().ok().map(|tenant| RepoPath::for_tenant(cluster, &tenant))
}

/// Whether a tenant's file can be put into a cluster's folder.
fn folder(cluster: &ClusterName, snapshot: &Snapshot) -> Option<Finding> {
    let name = format!("clusters/{cluster}/tenants");
    Some(match snapshot.files.get(&path(cluster)?)? {
        FileState::Absent | FileState::Regular(_) => yes(About::Folder, format!("{name}: nothing is in the way")),
        FileState::Refused(refusal) => Finding {
            next: Some("replace what is in the way by a folder".to_owned()),
            ..finding(About::Folder, Works::No, format!("{name}: {refusal}"))
        },
    })
}

/// A branch that is not there, and those that are.
fn no_branch(branch: &str, branches: Result<Vec<String>, RepoError>) -> Finding {
    let (seen, next) = match branches {
        Ok(names) if names.is_empty() => {
            ("the repository is empty".to_owned(), format!("make a first commit on {branch} by hand"))
        }
        Ok(mut names) => {
            let more = if names.len() > NAMED_MAX { ", …" } else { "" };
            names.truncate(NAMED_MAX);
            let seen = format!("the repository has no branch {branch}; it has {}{more}", names.join(", "));
            (seen, "set the parameter GitOpsBranch to the branch that clusters follow, or make that one".to_owned())
        }
        Err(_) => (
            format!("the repository has no branch {branch}"),
            "set the parameter GitOpsBranch, or make a first commit by hand".to_owned(),
        ),
    };
    Finding { next: Some(next), ..finding(About::Branch, Works::No, seen) }
}

fn finding(about: About, works: Works, seen: impl Into<String>) -> Finding {
    Finding { about, works, seen: seen.into(), next: None }
}

fn yes(about: About, seen: impl Into<String>) -> Finding {
    finding(about, Works::Yes, seen)
}

fn failed(about: About, error: RepoError) -> Finding {
    no(about, &CommitFailure::Repository(error).for_nobody())
}

/// The same words as in the failure of an onboarding. No execution is there to be redriven.
fn no(about: About, error: &StepError) -> Finding {
    let hint = after_waiting(&error.hint);
    let next = hint.split(", then redrive").next().unwrap_or(hint).to_owned();
    let seen = format!("{}: {}", error.fault.name(), error.message);
    Finding { next: Some(next), ..finding(about, Works::No, seen) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
    use std::collections::BTreeMap;

    use super::*;

    fn abilities(branches: Result<Vec<String>, RepoError>) -> Abilities {
        Abilities { host: "a git server".into(), branches, write: Ok(()), proposals: Ok("a branch".into()) }
    }

    fn decided(read: Result<Snapshot, RepoError>, abilities: Option<Abilities>) -> Vec<Finding> {
        let clusters = ["dev-1".parse().unwrap(), "dev-2".parse().unwrap()];
        decide(Observed { branch: "main", clusters: &clusters, form: "a form".into(), read, abilities })
    }

    fn wrong(findings: &[Finding]) -> Vec<(About, String, String)> {
        let no = findings.iter().filter(|finding| finding.works == Works::No);
        no.map(|finding| (finding.about, finding.seen.clone(), finding.next.clone().unwrap())).collect()
    }

    #[test]
    fn what_cannot_be_read_is_said_as_a_fault_and_nothing_else_is_guessed() {
        for (error, fault, next) in [
            (RepoError::Unauthorized { status: 401, said: None }, "Denied: ", "renew the credentials"),
            (RepoError::NotFound(Missing::Repository), "InvalidInput: ", "check BERTH_GITOPS_URL"),
            (RepoError::Transport { what: "answer", status: None, source: None }, "Throttled: ", "see whether the git"),
            (RepoError::Invalid("a web page"), "InvalidInput: ", "correct what is named"),
        ] {
            let findings = decided(Err(error), None);
            let [(About::Read, seen, hint)] = &*wrong(&findings) else { panic!("{findings:?}") };
            assert!(seen.starts_with(fault) && hint.starts_with(next), "{seen} {hint}");
            assert!(!hint.contains("redrive"), "there is nothing to redrive: {hint}");
            assert_eq!(findings.len(), 2);
        }
    }

    #[test]
    fn a_folder_is_free_unless_something_else_is_there() {
        let head = "0123456789abcdef0123456789abcdef01234567".parse().unwrap();
        let at = "clusters/dev-2".to_owned();
        let refusal = berth_gitops::Refusal { at, found: berth_gitops::RefusedKind::Symlink };
        let states = [FileState::Absent, FileState::Refused(refusal)];
        let paths = ["dev-1", "dev-2"].map(|cluster| path(&cluster.parse().unwrap()).unwrap());
        let files: BTreeMap<RepoPath, FileState> = paths.into_iter().zip(states).collect();
        let findings = decided(
            Ok(Snapshot { head, parents: vec![], files, elsewhere: BTreeMap::new() }),
            Some(abilities(Ok(vec!["main".into()]))),
        );
        let [(About::Folder, seen, _)] = &*wrong(&findings) else { panic!("{findings:?}") };
        assert!(seen.starts_with("clusters/dev-2/tenants: "), "{seen}");
        assert!(findings.iter().any(|finding| finding.seen == "main is at 0123456789ab"), "{findings:?}");
    }

    #[test]
    fn a_branch_that_is_missing_is_told_with_those_that_are_there() {
        let missing = |branches| wrong(&decided(Err(RepoError::NotFound(Missing::Branch)), Some(abilities(branches))));
        assert_eq!(missing(Ok(vec![]))[0].1, "the repository is empty");
        let names: Vec<String> = (0..9).map(|number| format!("b{number}")).collect();
        let [(About::Branch, seen, _)] = &*missing(Ok(names)) else { panic!("something else is wrong, too") };
        assert_eq!(seen, "the repository has no branch main; it has b0, b1, b2, b3, b4, …");
        assert_eq!(missing(Err(RepoError::Invalid("x")))[0].1, "the repository has no branch main");
    }
}
