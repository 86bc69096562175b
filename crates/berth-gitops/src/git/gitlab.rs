//! Merge requests on GitLab: made by the push itself, and looked at by the API where a token for it is given.
//!
//! <https://docs.gitlab.com/topics/git/commit/#push-options>,
//! <https://docs.gitlab.com/api/merge_requests/#list-project-merge-requests>

use std::collections::BTreeMap;

use gix_hash::ObjectId;
use reqwest::Url;
use serde_json::Value;

use super::GitRepo;
use crate::{Proposal, ProposalBranch, ProposalState, Provider, RepoError};

/// Merge requests in one answer; GitLab's most.
const PAGE: usize = 100;
/// Answers that are read at one look.
const PAGES_MAX: usize = 10;
/// The longest title that GitLab takes.
const TITLE_CHARACTERS_MAX: usize = 255;

/// The newest merge request of a branch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct MergeRequest {
    state: ProposalState,
    url: Option<String>,
    /// The commit that it is about.
    sha: Option<String>,
    /// Who merged it.
    merger: Option<String>,
}

impl MergeRequest {
    /// The branch and the merge request, unless it is a fork's.
    fn read(listed: &Value) -> Option<(String, Self)> {
        let text = |key: &str| listed.get(key).and_then(Value::as_str).map(str::to_owned);
        if listed.get("source_project_id") != listed.get("target_project_id") {
            return None;
        }
        let state = match text("state")?.as_str() {
            "merged" => ProposalState::Merged,
            "closed" => ProposalState::Closed,
            _ => ProposalState::Open,
        };
        let merger = listed.pointer("/merge_user/username").and_then(Value::as_str).map(str::to_owned);
        Some((text("source_branch")?, Self { state, url: text("web_url"), sha: text("sha"), merger }))
    }
}

/// What became of a proposal: by its refs, where its branch is, and its newest merge request.
fn together(by_refs: &ProposalState, tip: Option<ObjectId>, request: &MergeRequest) -> ProposalState {
    match by_refs {
        ProposalState::Merged => ProposalState::Merged,
        // The branch is gone: it may have been removed with a merge that left none of its commits.
        ProposalState::Closed if request.state == ProposalState::Merged => ProposalState::Merged,
        ProposalState::Closed => ProposalState::Closed,
        // One that is over is about what it was about, and not about what was pushed since.
        ProposalState::Open if tip.map(|tip| tip.to_string()) == request.sha => request.state.clone(),
        ProposalState::Open => ProposalState::Open,
    }
}

impl GitRepo {
    /// What a push asks the server to do with the branch; nothing on a server that would not know the words.
    pub(super) fn options(&self, proposal: &Proposal) -> Vec<String> {
        if !self.http.provider().is_some_and(Provider::takes_merge_requests) {
            return Vec::new();
        }
        let title = proposal.message.lines().next().unwrap_or_default().trim();
        let title: String = title.chars().filter(|c| !c.is_control()).take(TITLE_CHARACTERS_MAX).collect();
        let target = self.branch();
        vec![
            "merge_request.create".to_owned(),
            format!("merge_request.target={target}"),
            format!("merge_request.title={title}"),
            "merge_request.remove_source_branch".to_owned(),
        ]
    }

    /// Where a person merges the branch: what the server said when it was pushed, else the page for it, else its name.
    pub(super) async fn place(&self, branch: &ProposalBranch, remarks: &[String]) -> String {
        if let Some(said) = self.linked(remarks) {
            return said;
        }
        if let Ok(Some(found)) = self.merge_requests(&[branch.as_str()]).await
            && let Some(MergeRequest { state: ProposalState::Open, url: Some(url), .. }) = found.get(branch.as_str())
        {
            return url.clone();
        }
        let page = self.http.provider().and_then(|kind| kind.page(self.http.url(), branch.as_str(), self.branch()));
        match page {
            Some(page) => format!("the branch {branch}, by a pull request: {page}"),
            None => format!("the branch {branch}"),
        }
    }

    /// Puts in what GitLab knows of proposals whose merge the refs do not show: a merge request that was closed keeps its
    /// branch, and one that was squashed may lose it. Answers who merged those that were. A look without the API is a look all
    /// the same.
    pub(super) async fn ask_gitlab(
        &self,
        asked: &[(&ProposalBranch, Option<ObjectId>)],
        states: &mut [ProposalState],
    ) -> BTreeMap<ProposalBranch, String> {
        let mut mergers = BTreeMap::new();
        let names: Vec<&str> = asked.iter().map(|(branch, _)| branch.as_str()).collect();
        if names.is_empty() {
            return mergers;
        }
        match self.merge_requests(&names).await {
            Ok(None) => {}
            Ok(Some(found)) => {
                for ((branch, tip), state) in asked.iter().zip(states) {
                    let Some(request) = found.get(branch.as_str()) else { continue };
                    *state = together(state, *tip, request);
                    if let (ProposalState::Merged, Some(merger)) = (&request.state, &request.merger) {
                        mergers.insert((*branch).clone(), self.http.scrub(merger));
                    }
                }
            }
            Err(error) => tracing::warn!(%error, "merge requests are told by their branches alone"),
        }
        mergers
    }

    /// Whether the branch's merge request was closed, and nothing was pushed to it since: then only another push makes
    /// another one. Without the API nobody knows.
    pub(super) async fn was_closed(&self, branch: &ProposalBranch, tip: ObjectId) -> bool {
        let found = self.merge_requests(&[branch.as_str()]).await.ok().flatten().unwrap_or_default();
        let request = found.get(branch.as_str());
        request.is_some_and(|request| together(&ProposalState::Open, Some(tip), request) == ProposalState::Closed)
    }

    fn branch(&self) -> &str {
        self.reference.strip_prefix("refs/heads/").unwrap_or(&self.reference)
    }

    /// A page of this server that its remarks name.
    fn linked(&self, remarks: &[String]) -> Option<String> {
        let home = Url::parse(self.http.url()).ok()?;
        let words = remarks.iter().flat_map(|line| line.split_whitespace());
        let mut pages = words.filter_map(|word| Url::parse(word).ok());
        let is_ours = |page: &Url| page.origin() == home.origin() && page.username().is_empty();
        pages.find(is_ours).map(|page| self.http.scrub(page.as_str()))
    }

    /// Merge requests by their branches, the newest of each; `None` where there is no API to ask. Of more than one page,
    /// as many as it takes to find these branches.
    pub(super) async fn merge_requests(
        &self,
        wanted: &[&str],
    ) -> Result<Option<BTreeMap<String, MergeRequest>>, RepoError> {
        let (Some(Provider::GitLab), Some(token)) = (self.http.provider(), self.http.api_token()) else {
            return Ok(None);
        };
        let what = "list merge requests";
        let mut found = BTreeMap::new();
        for page in 1..=PAGES_MAX {
            let url = self.list_address(page)?;
            let answer = self.http.api(what, &url, ("private-token", token)).await?;
            let listed: Value = serde_json::from_slice(&answer).map_err(|error| RepoError::Transport {
                what,
                status: Some(200),
                source: Some(Box::new(error)),
            })?;
            let listed = listed.as_array().ok_or_else(|| RepoError::Protocol("it listed no merge requests".into()))?;
            for (branch, request) in listed.iter().filter_map(MergeRequest::read) {
                // The newest come first.
                found.entry(branch).or_insert(request);
            }
            if listed.len() < PAGE || wanted.iter().all(|branch| found.contains_key(*branch)) {
                break;
            }
        }
        Ok(Some(found))
    }

    fn list_address(&self, page: usize) -> Result<String, RepoError> {
        let invalid = || RepoError::Invalid("the git address is not one of GitLab's");
        let mut url = Url::parse(self.http.url()).map_err(|_| invalid())?;
        let project = url.path().trim_matches('/').trim_end_matches(".git").to_owned();
        url.path_segments_mut().map_err(|()| invalid())?.clear().extend([
            "api",
            "v4",
            "projects",
            &project,
            "merge_requests",
        ]);
        url.query_pairs_mut()
            .append_pair("target_branch", self.branch())
            .append_pair("state", "all")
            .append_pair("order_by", "created_at")
            .append_pair("sort", "desc")
            .append_pair("per_page", &PAGE.to_string())
            .append_pair("page", &page.to_string());
        Ok(url.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_merge_request_tells_nothing_of_what_was_pushed_since() {
        use ProposalState::{Closed, Merged, Open};
        let tip = |digit: char| ObjectId::from_hex(digit.to_string().repeat(40).as_bytes()).ok();
        let sha = tip('1').map(|tip| tip.to_string());
        for (by_refs, at, state, wanted) in [
            (Merged, tip('1'), Closed, Merged),
            (Closed, None, Merged, Merged),
            (Closed, None, Open, Closed),
            (Open, tip('1'), Closed, Closed),
            (Open, tip('1'), Merged, Merged),
            (Open, tip('1'), Open, Open),
            (Open, tip('2'), Closed, Open),
            (Open, tip('2'), Merged, Open),
        ] {
            let request = MergeRequest { state: state.clone(), url: None, sha: sha.clone(), merger: None };
            assert_eq!(together(&by_refs, at, &request), wanted, "{by_refs:?} {at:?} {state:?}");
        }
    }
}
