//! What a git server lets us do, found out without changing anything.

use super::{GitRepo, Known, proposing::IN_THE_WAY};
use crate::{Abilities, Provider, RepoError};

const BRANCHES: &str = "refs/heads/";

impl GitRepo {
    /// Asks for the branches, and what the server does with pushes: it refuses the question where we have no right to.
    pub(super) async fn find_abilities(&self) -> Abilities {
        let branches = self.branches().await;
        let receives = self.receives().await;
        let agent =
            receives.as_ref().ok().and_then(|capabilities| capabilities.agent().map(|name| self.http.scrub(name)));
        let kind = self.http.provider().map_or("a git server", Provider::label);
        let host = agent.map_or_else(|| kind.to_owned(), |agent| format!("{kind} ({agent})"));
        let is_in_the_way = |names: &Vec<String>| names.iter().any(|name| format!("{BRANCHES}{name}") == IN_THE_WAY);
        let is_in_the_way = branches.as_ref().is_ok_and(is_in_the_way);
        let proposals = match &receives {
            Err(_) => Err(RepoError::Invalid("nothing can be proposed where nothing can be pushed")),
            Ok(_) if is_in_the_way => {
                Err(RepoError::Invalid("a branch named berth is in the way of berth/…: delete it, or rename it"))
            }
            Ok(capabilities) => Ok(self.means(capabilities.has("push-options")).await),
        };
        Abilities { host, branches, write: receives.map(|_| ()), proposals }
    }

    async fn branches(&self) -> Result<Vec<String>, RepoError> {
        let (refs, _) = self.reading().list(&mut Known::default(), &[BRANCHES]).await?;
        let names = refs.keys().filter_map(|name: &String| name.strip_prefix(BRANCHES));
        Ok(names.map(|name| self.http.scrub(name)).collect())
    }

    /// How people merge here.
    async fn means(&self, takes_options: bool) -> String {
        let page = self.http.provider().is_some_and(|provider| provider.page(self.http.url(), "b", "m").is_some());
        match self.http.provider() {
            Some(Provider::GitLab) if takes_options => {
                format!("a merge request, made by the push; {}", self.told_by().await)
            }
            Some(Provider::GitLab) => {
                "a branch and the page where a person makes the merge request: the server takes no push options"
                    .to_owned()
            }
            _ if page => "a branch, and the page where a person makes the pull request".to_owned(),
            _ => "a branch, which a person merges".to_owned(),
        }
    }

    /// How it shows what became of a merge request.
    async fn told_by(&self) -> String {
        match self.merge_requests(&[]).await {
            Ok(None) => "one that is closed is seen when its branch is deleted (no token for the API)".to_owned(),
            Ok(Some(_)) => "one that is closed is seen by the API".to_owned(),
            Err(error) => format!("one that is closed is seen when its branch is deleted: of the API, {error}"),
        }
    }
}
