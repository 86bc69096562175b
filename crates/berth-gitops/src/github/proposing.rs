//! Pull requests on GitHub: a branch, one commit on it, one pull request, and what became of it.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use reqwest::StatusCode;
use serde_json::{Value, json};

use super::{GitHubRepo, graphql, reading};
use crate::{
    Abilities, Authorship, Change, CommitId, FileState, Look, Proposal, ProposalBranch, ProposalState, Proposals,
    RepoError, RepoPath, git::http::Failure,
};

/// Branches in one request.
const BRANCHES_MAX: usize = 50;

#[async_trait]
impl Proposals for GitHubRepo {
    async fn propose(&self, proposal: &Proposal, _: &Authorship) -> Result<String, RepoError> {
        self.api.begin_to_propose();
        let branch = proposal.branch.as_str();
        let mut head = self.branch_at(branch, &proposal.base).await?;
        if head != proposal.base && self.is_merged(&head).await? {
            // Its pull request is over, and GitHub opens none without commits.
            self.move_forward(branch, &proposal.base).await?;
            head = proposal.base.clone();
        }
        if !self.holds(&head, &proposal.changes).await? {
            match self.commit_to(branch, &head, &proposal.changes, &proposal.message).await {
                Ok(commit) => head = commit,
                Err(Failure::Clear(error)) => return Err(error),
                Err(Failure::Uncertain(error)) => {
                    return Err(RepoError::AnswerLost { attempted: None, source: Box::new(error) });
                }
            }
        }
        match self.open_pull_request(branch).await? {
            Some(url) => Ok(url),
            None => match self.make_pull_request(proposal).await {
                // Merged between two looks: GitHub wants no pull request without commits, and none is needed.
                Err(RepoError::Rejected { reason }) if self.is_merged(&head).await? => {
                    Err(RepoError::LostRace { reason: Some(reason) })
                }
                made => made,
            },
        }
    }

    async fn look(&self, branches: &[ProposalBranch]) -> Result<Look, RepoError> {
        self.api.begin_to_propose();
        let (mut states, mut mergers) = (Vec::new(), BTreeMap::new());
        for branches in branches.chunks(BRANCHES_MAX) {
            let names: Vec<&str> = branches.iter().map(ProposalBranch::as_str).collect();
            let request = graphql::pull_requests(&self.api, &names);
            let answer = self.api.graphql("list pull requests", &request).await.map_err(Failure::into_error)?;
            let data = graphql::data(&self.api, &answer, false).await.map_err(Failure::into_error)?;
            for (number, branch) in branches.iter().enumerate() {
                let nodes = data.pointer(&format!("/repository/p{number}/nodes")).and_then(Value::as_array);
                let nodes = nodes.ok_or_else(|| RepoError::Protocol("it did not list the pull requests".into()))?;
                states.push(state(nodes));
                if let Some(merger) = merger(nodes) {
                    mergers.insert(branch.clone(), self.api.scrub(merger).await);
                }
            }
        }
        Ok(Look { states, head: None, mergers })
    }

    async fn tip(&self, branch: &ProposalBranch) -> Result<Option<CommitId>, RepoError> {
        match self.branch_head(branch.as_str()).await {
            Ok(head) => Ok(Some(head)),
            Err(Failure::Clear(RepoError::NotFound(_))) => Ok(None),
            Err(failure) => Err(failure.into_error()),
        }
    }

    /// GitHub closes the pull request of a branch that is deleted. [GitHub "Delete a reference"]
    async fn withdraw(&self, branch: &ProposalBranch, left_at: &CommitId) -> Result<(), RepoError> {
        match self.tip(branch).await? {
            None => return Ok(()),
            Some(at) if at != *left_at => return Err(RepoError::LostRace { reason: None }),
            Some(_) => {}
        }
        let url = format!("{}/git/refs/heads/{branch}", self.api.address.repository());
        let deleted = self.api.send("delete a branch", |client| client.delete(&url)).await;
        let deleted = deleted.map_err(Failure::into_error)?;
        if deleted.status == StatusCode::NO_CONTENT || self.tip(branch).await?.is_none() {
            return Ok(());
        }
        Err(RepoError::Rejected { reason: self.api.scrub(&deleted.message()).await })
    }

    fn signs_in_with(&self) -> String {
        "the private key of a GitHub App".to_owned()
    }

    /// A token says which rights the App has: GitHub makes none with a right that was not granted.
    async fn abilities(&self) -> Abilities {
        let (write, branches) = (self.api.sign_in().await, self.branches().await);
        self.api.begin_to_propose();
        let proposals = self.api.sign_in().await.map(|()| "a pull request".to_owned());
        Abilities { host: "GitHub, as an App".to_owned(), branches, write, proposals }
    }
}

/// One that is open counts, else the newest. None at all: it was never opened, or GitHub forgot it with its branch.
///
/// A fork's pull request is nobody's word about ours. So many of them that ours may be hidden tell nothing either: then
/// waiting is right, whatever became of it.
fn state(nodes: &[Value]) -> ProposalState {
    let is_ours = |node: &&Value| node.get("isCrossRepository").and_then(Value::as_bool) == Some(false);
    let ours = nodes.iter().filter(is_ours);
    let states: Vec<&str> = ours.filter_map(|node| node.get("state")?.as_str()).collect();
    match states.last() {
        _ if states.contains(&"OPEN") => ProposalState::Open,
        Some(&"MERGED") => ProposalState::Merged,
        None if nodes.len() >= graphql::PULL_REQUESTS_MAX => ProposalState::Open,
        _ => ProposalState::Closed,
    }
}

/// Who merged the newest one of ours that was merged.
fn merger(nodes: &[Value]) -> Option<&str> {
    let is_ours = |node: &&Value| node.get("isCrossRepository").and_then(Value::as_bool) == Some(false);
    let merged =
        nodes.iter().filter(is_ours).filter(|node| node.get("state").and_then(Value::as_str) == Some("MERGED"));
    merged.last()?.pointer("/mergedBy/login")?.as_str()
}

impl GitHubRepo {
    /// Branches of the repository, the first page of them. [GitHub "List branches"]
    async fn branches(&self) -> Result<Vec<String>, RepoError> {
        let url = format!("{}/branches?per_page=100", self.api.address.repository());
        let listed = self.api.send("list the branches", |client| client.get(&url)).await;
        let listed = listed.map_err(Failure::into_error)?.json();
        let listed = listed.as_array().ok_or_else(|| RepoError::Protocol("it listed no branches".into()))?;
        let mut names = Vec::new();
        for branch in listed.iter().filter_map(|branch| branch.get("name")?.as_str()) {
            names.push(self.api.scrub(branch).await);
        }
        Ok(names)
    }

    /// Makes the branch at `base`, unless it is there; where it is. [GitHub "Create a reference"]
    async fn branch_at(&self, branch: &str, base: &CommitId) -> Result<CommitId, RepoError> {
        let url = format!("{}/git/refs", self.api.address.repository());
        let body = json!({ "ref": format!("refs/heads/{branch}"), "sha": base.as_str() });
        let made = self.api.post("make a branch", &url, &body).await.map_err(Failure::into_error)?;
        if made.status == StatusCode::CREATED {
            return Ok(base.clone());
        }
        // It is there, or something is in the way: the ref tells, and not the words.
        match self.branch_head(branch).await {
            Ok(head) => Ok(head),
            Err(Failure::Clear(RepoError::NotFound(_))) => {
                Err(RepoError::Rejected { reason: self.api.scrub(&made.message()).await })
            }
            Err(failure) => Err(failure.into_error()),
        }
    }

    /// Where a branch is. [GitHub "Get a reference"]
    async fn branch_head(&self, branch: &str) -> Result<CommitId, Failure> {
        let url = format!("{}/git/ref/heads/{branch}", self.api.address.repository());
        let found = self.api.send("find a branch", |client| client.get(&url)).await?.json();
        let sha = found.pointer("/object/sha").and_then(Value::as_str).unwrap_or_default();
        sha.parse().map_err(|_| Failure::Clear(RepoError::Protocol("it sent a branch without a commit".into())))
    }

    /// Whether the branch that people merge to has all of a commit's history. The second page of a comparison has the
    /// same counts as the first, without the files. [GitHub "Compare two commits"]
    async fn is_merged(&self, commit: &CommitId) -> Result<bool, RepoError> {
        let address = &self.api.address;
        let url = format!("{}/compare/{}...{commit}?per_page=1&page=2", address.repository(), address.branch);
        let compared = self.api.send("compare branches", |client| client.get(&url)).await;
        let ahead = compared.map_err(Failure::into_error)?.json().get("ahead_by").and_then(Value::as_u64);
        ahead.map(|ahead| ahead == 0).ok_or_else(|| RepoError::Protocol("it sent no comparison".into()))
    }

    /// Moves a branch to a commit that is further on: without `force`, GitHub moves it nowhere else, so that nothing that
    /// somebody pushed meanwhile is lost. [GitHub "Update a reference"]
    async fn move_forward(&self, branch: &str, to: &CommitId) -> Result<(), RepoError> {
        let url = format!("{}/git/refs/heads/{branch}", self.api.address.repository());
        let body = json!({ "sha": to.as_str(), "force": false });
        let moved = self.api.patch("move a branch", &url, &body).await.map_err(Failure::into_error)?;
        if moved.status == StatusCode::OK {
            return Ok(());
        }
        Err(RepoError::LostRace { reason: Some(self.api.scrub(&moved.message()).await) })
    }

    /// Whether a commit has all the changes already.
    async fn holds(&self, commit: &CommitId, changes: &[Change]) -> Result<bool, RepoError> {
        let paths: BTreeSet<RepoPath> = changes.iter().map(|change| change.path().clone()).collect();
        let files = reading::files(&self.api, &self.limits, commit, &paths).await?;
        Ok(changes.iter().all(|change| match (change, files.get(change.path())) {
            (Change::Write { bytes, .. }, Some(FileState::Regular(there))) => there == bytes,
            (Change::Delete { .. }, Some(FileState::Absent)) => true,
            _ => false,
        }))
    }

    /// The open pull request of a branch. [GitHub "List pull requests"]
    async fn open_pull_request(&self, branch: &str) -> Result<Option<String>, RepoError> {
        let address = &self.api.address;
        let url = format!(
            "{}/pulls?state=open&head={}:{branch}&base={}",
            address.repository(),
            address.owner,
            address.branch
        );
        let listed = self.api.send("list pull requests", |client| client.get(&url)).await;
        let listed = listed.map_err(Failure::into_error)?.json();
        let first = listed.as_array().and_then(|list| list.first()).and_then(|pull| pull.get("html_url"));
        Ok(first.and_then(Value::as_str).map(str::to_owned))
    }

    /// Opens the pull request. [GitHub "Create a pull request"]
    async fn make_pull_request(&self, proposal: &Proposal) -> Result<String, RepoError> {
        let title = proposal.message.lines().next().unwrap_or_default();
        let (branch, base) = (proposal.branch.as_str(), &self.api.address.branch);
        let request = json!({ "title": title.trim(), "head": branch, "base": base, "body": proposal.description });
        let url = format!("{}/pulls", self.api.address.repository());
        let made = match self.api.post("open a pull request", &url, &request).await {
            Ok(made) => made,
            Err(Failure::Clear(error)) => return Err(error),
            Err(Failure::Uncertain(error)) => {
                return Err(RepoError::AnswerLost { attempted: None, source: Box::new(error) });
            }
        };
        if let (StatusCode::CREATED, Some(url)) = (made.status, made.json().get("html_url").and_then(Value::as_str)) {
            return Ok(url.to_owned());
        }
        // Another copy of the function may have opened it meanwhile.
        match self.open_pull_request(branch).await? {
            Some(url) => Ok(url),
            None => Err(RepoError::Rejected { reason: self.api.scrub(&made.message()).await }),
        }
    }
}
