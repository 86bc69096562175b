//! Kinds of git server: how a token signs in to each, and where people open a pull request there.
//!
//! The server's own documentation, as read in 2026; docs/gitops.md has the table for people.

use reqwest::Url;

/// A kind of git server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Provider {
    /// Azure Repos. A personal access token is the password of any user.
    AzureRepos,
    /// Bitbucket Cloud. Access tokens and API tokens each have a user name of their own.
    Bitbucket,
    /// Bitbucket Data Center. HTTP access tokens are sent as Bearer.
    BitbucketDataCenter,
    /// AWS `CodeCommit`: the user and password that IAM makes for HTTPS, and no tokens.
    CodeCommit,
    /// Gitea and Forgejo. A token is the password of any user.
    Gitea,
    /// GitHub with a personal access token; an App signs in otherwise (`GitHubRepo`).
    GitHub,
    /// GitLab. Personal, project and group tokens are the password of any user; `OAuth` tokens want `oauth2`.
    GitLab,
}

/// The secret's words for them.
const NAMES: [(&str, Provider); 8] = [
    ("azure", Provider::AzureRepos),
    ("bitbucket", Provider::Bitbucket),
    ("bitbucketDataCenter", Provider::BitbucketDataCenter),
    ("codecommit", Provider::CodeCommit),
    ("forgejo", Provider::Gitea),
    ("gitea", Provider::Gitea),
    ("github", Provider::GitHub),
    ("gitlab", Provider::GitLab),
];

impl Provider {
    /// All of them.
    pub(crate) const ALL: [Self; 7] = [
        Self::AzureRepos,
        Self::Bitbucket,
        Self::BitbucketDataCenter,
        Self::CodeCommit,
        Self::Gitea,
        Self::GitHub,
        Self::GitLab,
    ];

    /// The kind that the secret's `provider` names.
    pub(crate) fn named(name: &str) -> Option<Self> {
        NAMES.iter().find(|(known, _)| *known == name).map(|(_, provider)| *provider)
    }

    /// Its name, as people write it.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::AzureRepos => "Azure Repos",
            Self::Bitbucket => "Bitbucket Cloud",
            Self::BitbucketDataCenter => "Bitbucket Data Center",
            Self::CodeCommit => "CodeCommit",
            Self::Gitea => "Gitea or Forgejo",
            Self::GitHub => "GitHub, with a token",
            Self::GitLab => "GitLab",
        }
    }

    /// The kind that a server's name tells: the public services, and hosts that are called what they run.
    pub(crate) fn of_host(host: &str) -> Option<Self> {
        let host = host.to_ascii_lowercase();
        let is_below = |domain: &str| host == domain || host.strip_suffix(domain).is_some_and(|sub| sub.ends_with('.'));
        let labels: Vec<&str> = host.split('.').collect();
        if is_below("github.com") || is_below("ghe.com") {
            Some(Self::GitHub)
        } else if is_below("bitbucket.org") {
            Some(Self::Bitbucket)
        } else if is_below("dev.azure.com") || is_below("visualstudio.com") {
            Some(Self::AzureRepos)
        } else if labels.first() == Some(&"git-codecommit") || labels.first() == Some(&"git-codecommit-fips") {
            Some(Self::CodeCommit)
        } else if is_below("gitlab.com") || labels.contains(&"gitlab") {
            Some(Self::GitLab)
        } else if is_below("codeberg.org") || labels.contains(&"gitea") || labels.contains(&"forgejo") {
            Some(Self::Gitea)
        } else {
            None
        }
    }

    /// The user whose password a token is. `None`: it is sent as Bearer.
    pub(crate) fn user_of_token(self, token: &str) -> Option<&'static str> {
        match self {
            Self::BitbucketDataCenter => None,
            // An API token is a person's, an access token a repository's, project's or workspace's.
            Self::Bitbucket if token.starts_with("ATATT") => Some("x-bitbucket-api-token-auth"),
            Self::Bitbucket => Some("x-token-auth"),
            Self::GitHub => Some("x-access-token"),
            Self::AzureRepos | Self::CodeCommit | Self::Gitea | Self::GitLab => Some("oauth2"),
        }
    }

    /// Whether the server makes a merge request of a push that asks for one.
    pub(crate) fn takes_merge_requests(self) -> bool {
        self == Self::GitLab
    }

    /// The page where a person makes a pull request of `branch` for `base`; nothing where there is none, or where it
    /// cannot be told from the repository's address.
    pub(crate) fn page(self, url: &str, branch: &str, base: &str) -> Option<String> {
        let (path, parameters): (&str, Vec<(&str, &str)>) = match self {
            Self::AzureRepos => ("pullrequestcreate", vec![("sourceRef", branch), ("targetRef", base)]),
            Self::Bitbucket => ("pull-requests/new", vec![("source", branch), ("dest", base)]),
            Self::GitHub | Self::Gitea => (&*format!("compare/{base}...{branch}"), vec![]),
            Self::GitLab => (
                "-/merge_requests/new",
                vec![("merge_request[source_branch]", branch), ("merge_request[target_branch]", base)],
            ),
            Self::BitbucketDataCenter | Self::CodeCommit => return None,
        };
        let mut page = Url::parse(url).ok()?;
        let repository = page.path().trim_end_matches('/');
        let repository = repository.strip_suffix(".git").unwrap_or(repository).to_owned();
        page.set_path(&format!("{repository}/{path}"));
        if !parameters.is_empty() {
            page.query_pairs_mut().extend_pairs(parameters);
        }
        Some(page.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_known_by_its_name_and_by_nothing_that_only_looks_like_it() {
        for (host, provider) in [
            ("github.com", Some(Provider::GitHub)),
            ("acme.ghe.com", Some(Provider::GitHub)),
            ("gitlab.com", Some(Provider::GitLab)),
            ("gitlab.acme.com", Some(Provider::GitLab)),
            ("bitbucket.org", Some(Provider::Bitbucket)),
            ("dev.azure.com", Some(Provider::AzureRepos)),
            ("acme.visualstudio.com", Some(Provider::AzureRepos)),
            ("git-codecommit.eu-west-1.amazonaws.com", Some(Provider::CodeCommit)),
            ("codeberg.org", Some(Provider::Gitea)),
            ("notgithub.com", None),
            ("github.com.example.org", None),
            ("git.acme.com", None),
            ("127.0.0.1", None),
        ] {
            assert_eq!(Provider::of_host(host), provider, "{host}");
        }
    }

    #[test]
    fn each_server_gets_a_token_in_the_form_that_it_takes() {
        for (provider, token, user) in [
            (Provider::GitLab, "glpat-1", Some("oauth2")),
            (Provider::Bitbucket, "ATCTT3x", Some("x-token-auth")),
            (Provider::Bitbucket, "ATATT3x", Some("x-bitbucket-api-token-auth")),
            (Provider::BitbucketDataCenter, "BBDC-1", None),
            (Provider::GitHub, "github_pat_1", Some("x-access-token")),
            (Provider::AzureRepos, "pat", Some("oauth2")),
        ] {
            assert_eq!(provider.user_of_token(token), user, "{provider:?}");
        }
    }

    #[test]
    fn the_page_for_a_pull_request_is_made_from_the_repositorys_address() {
        let page = |provider: Provider, url| provider.page(url, "berth/0a", "main");
        for (provider, url, wanted) in [
            (Provider::GitHub, "https://github.com/a/b.git", "https://github.com/a/b/compare/main...berth/0a"),
            (
                Provider::GitLab,
                "https://gitlab.com/g/s/p.git",
                "https://gitlab.com/g/s/p/-/merge_requests/new?merge_request%5Bsource_branch%5D=berth%2F0a&merge_request%5Btarget_branch%5D=main",
            ),
            (
                Provider::Bitbucket,
                "https://bitbucket.org/w/r",
                "https://bitbucket.org/w/r/pull-requests/new?source=berth%2F0a&dest=main",
            ),
            (
                Provider::AzureRepos,
                "https://dev.azure.com/o/p/_git/r",
                "https://dev.azure.com/o/p/_git/r/pullrequestcreate?sourceRef=berth%2F0a&targetRef=main",
            ),
        ] {
            assert_eq!(page(provider, url).as_deref(), Some(wanted));
        }
        assert_eq!(page(Provider::CodeCommit, "https://git-codecommit.us-east-1.amazonaws.com/v1/repos/r"), None);
    }
}
