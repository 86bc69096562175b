//! Where a repository on GitHub and its API are: made from the address that people clone from.

use reqwest::Url;

use crate::{
    RepoError,
    git::settings::{is_branch, is_loopback},
};

/// A branch of a repository on GitHub, and the addresses of its API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Address {
    /// Base of the REST API, without a slash at its end.
    pub(super) rest: String,
    /// The GraphQL API.
    pub(super) graphql: String,
    /// Who owns the repository.
    pub(super) owner: String,
    /// Its name.
    pub(super) name: String,
    /// The branch, without `refs/heads/`.
    pub(super) branch: String,
    /// Whether the server is this machine.
    pub(super) is_loopback: bool,
}

impl Address {
    /// The address of `https://host/owner/name`, with or without `.git`.
    ///
    /// github.com has its API at api.github.com, GitHub Enterprise Cloud with data residency at api.SUBDOMAIN.ghe.com,
    /// and GitHub Enterprise Server under `/api` of its own host.
    pub(super) fn of(url: &str, branch: &str) -> Result<Self, RepoError> {
        let url = Url::parse(url).map_err(|_| RepoError::Invalid("the git address is not a URL"))?;
        if !url.username().is_empty() || url.password().is_some() || url.query().is_some() || url.fragment().is_some() {
            return Err(RepoError::Invalid("the git address must be https://host/owner/repository and nothing more"));
        }
        let host = url.host_str().unwrap_or_default().to_owned();
        let is_loopback = is_loopback(&host);
        match url.scheme() {
            "https" => {}
            "http" if is_loopback => {}
            _ => return Err(RepoError::Invalid("only this machine is asked over http: the git address needs https")),
        }
        if !is_branch(branch) {
            return Err(RepoError::Invalid("the branch is not a plain branch name"));
        }
        let parts: Vec<&str> = url.path().trim_matches('/').split('/').collect();
        let [owner, name] = parts.as_slice() else {
            return Err(RepoError::Invalid("an address on GitHub is https://host/owner/repository"));
        };
        let name = name.strip_suffix(".git").unwrap_or(name);
        if !is_name(owner) || !is_name(name) {
            return Err(RepoError::Invalid("an address on GitHub is https://host/owner/repository"));
        }
        let origin = url.origin().ascii_serialization();
        let (rest, graphql) = if host == "github.com" || host == "www.github.com" {
            ("https://api.github.com".to_owned(), "https://api.github.com/graphql".to_owned())
        } else if host.ends_with(".ghe.com") {
            (format!("https://api.{host}"), format!("https://api.{host}/graphql"))
        } else {
            (format!("{origin}/api/v3"), format!("{origin}/api/graphql"))
        };
        let (owner, name, branch) = ((*owner).to_owned(), name.to_owned(), branch.to_owned());
        Ok(Self { rest, graphql, owner, name, branch, is_loopback })
    }

    /// The repository's address in the REST API.
    pub(super) fn repository(&self) -> String {
        format!("{}/repos/{}/{}", self.rest, self.owner, self.name)
    }
}

/// What GitHub allows in names of owners and repositories.
fn is_name(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    !text.is_empty() && text.len() <= 100 && text.bytes().all(plain) && text != "." && text != ".."
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_api_is_found_from_the_address_that_people_clone_from() {
        for (url, rest, graphql) in [
            ("https://github.com/acme/tenants.git", "https://api.github.com", "https://api.github.com/graphql"),
            ("https://acme.ghe.com/a/b", "https://api.acme.ghe.com", "https://api.acme.ghe.com/graphql"),
            ("https://git.acme.com/a/b/", "https://git.acme.com/api/v3", "https://git.acme.com/api/graphql"),
            ("http://127.0.0.1:81/a/b", "http://127.0.0.1:81/api/v3", "http://127.0.0.1:81/api/graphql"),
        ] {
            let address = Address::of(url, "main").unwrap();
            assert_eq!((address.rest.as_str(), address.graphql.as_str()), (rest, graphql), "{url}");
        }
        assert_eq!(Address::of("https://github.com/acme/tenants.git", "main").unwrap().name, "tenants");
    }

    #[test]
    fn other_addresses_are_refused() {
        for bad in [
            "http://github.com/a/b",
            "https://github.com/a",
            "https://github.com/a/b/c",
            "https://github.com/a/..",
            "https://u:p@github.com/a/b",
            "https://github.com/a/b?x=1",
            "ssh://git@github.com/a/b",
            "github.com/a/b",
            "https://github.com/a/b%2f..",
        ] {
            assert!(Address::of(bad, "main").is_err(), "{bad}");
        }
        assert!(Address::of("https://github.com/a/b", "-x").is_err());
    }
}
