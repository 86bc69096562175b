//! Where the repository is and how much we are ready to take from it; checked once, when it is opened.

use std::{net::IpAddr, time::Duration};

use reqwest::Url;

use crate::{Credentials, RepoError};

/// Where the tenant repository is.
#[derive(Debug, Clone)]
pub struct GitSettings {
    /// The address that `git clone` would take: `https://host/path.git`, without user, password, query or fragment.
    /// Plain `http` is only for this machine.
    pub url: String,
    /// The branch that is read and committed to, without `refs/heads/`.
    pub branch: String,
    /// How to sign in.
    pub credentials: Credentials,
    /// How much and how long.
    pub limits: GitLimits,
}

/// What we are ready to wait for and to hold in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GitLimits {
    /// How long a connection may take to open.
    pub connect_timeout: Duration,
    /// How long one request may take, from its start to the end of its answer.
    pub request_timeout: Duration,
    /// The largest answer, as it comes over the network.
    pub response_bytes_max: usize,
    /// The most that a fetched pack may unpack to.
    pub unpacked_bytes_max: usize,
    /// The largest file of a tenant; a larger one is refused at its path.
    pub file_bytes_max: usize,
    /// What may be kept in memory between two reads, so that the next fetch brings only what is new.
    pub kept_bytes_max: usize,
}

impl Default for GitLimits {
    /// Fits a function with 512 MB: a repository of 10,000 tenants is about one megabyte where the server can leave
    /// out the contents of files, and some tens where it cannot.
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(5),
            request_timeout: Duration::from_secs(30),
            response_bytes_max: 64 << 20,
            unpacked_bytes_max: 192 << 20,
            file_bytes_max: 1 << 20,
            kept_bytes_max: 64 << 20,
        }
    }
}

/// Settings that have been checked.
pub(super) struct Checked {
    /// The address, without a slash at its end.
    pub(super) url: String,
    /// The server's name.
    pub(super) host: String,
    /// The whole name of the branch, `refs/heads/…`.
    pub(super) reference: String,
    /// Whether the server is this machine.
    pub(super) is_loopback: bool,
}

/// Checks the address and the branch.
pub(super) fn check(settings: &GitSettings) -> Result<Checked, RepoError> {
    let url = Url::parse(&settings.url).map_err(|_| RepoError::Invalid("the git address is not a URL"))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(RepoError::Invalid(
            "the git address must not hold a user or a password: they belong in the secret",
        ));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(RepoError::Invalid("the git address must have neither a query nor a fragment"));
    }
    let is_loopback = url.host_str().is_some_and(is_loopback);
    match url.scheme() {
        "https" => {}
        "http" if is_loopback => {}
        "http" => return Err(RepoError::Invalid("only this machine is asked over http: the git address needs https")),
        _ => return Err(RepoError::Invalid("the git address must begin with https://")),
    }
    if !is_branch(&settings.branch) {
        return Err(RepoError::Invalid("the branch is not a plain branch name (letters, digits, '.', '_', '-', '/')"));
    }
    Ok(Checked {
        host: url.host_str().unwrap_or_default().to_owned(),
        url: url.as_str().trim_end_matches('/').to_owned(),
        reference: format!("refs/heads/{}", settings.branch),
        is_loopback,
    })
}

pub(crate) fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || address.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// A subset of what `git check-ref-format` allows.
pub(crate) fn is_branch(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-/".contains(&byte);
    let part = |part: &str| {
        !part.is_empty()
            && !part.starts_with(['.', '-'])
            && !part.ends_with('.')
            && !part.to_ascii_lowercase().ends_with(".lock")
    };
    name.len() <= 200 && name.bytes().all(plain) && !name.contains("..") && name.split('/').all(part)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(url: &str, branch: &str, credentials: Credentials) -> Result<Checked, RepoError> {
        let limits = GitLimits::default();
        check(&GitSettings { url: url.into(), branch: branch.into(), credentials, limits })
    }

    fn basic() -> Credentials {
        Credentials::basic("user", "password").unwrap()
    }

    #[test]
    fn credentials_travel_over_https_or_stay_on_this_machine() {
        for good in
            ["https://git.example.com/a.git/", "http://127.0.0.1:8080/a.git", "http://[::1]/a", "http://localhost/a"]
        {
            assert!(checked(good, "main", basic()).is_ok(), "{good}");
        }
        assert!(checked("http://git.example.com/a.git", "main", Credentials::anonymous()).is_err());
        for bad in [
            "http://git.example.com/a.git",
            "http://127.0.0.1.example.com/a.git",
            "http://localhost.example.com/a.git",
            "ssh://git@example.com/a.git",
            "file:///etc",
            "git.example.com/a.git",
        ] {
            assert!(checked(bad, "main", basic()).is_err(), "{bad}");
        }
    }

    #[test]
    fn an_address_with_a_password_is_refused_and_not_quoted() {
        let error = checked("https://user:canary@git.example.com/a.git", "main", basic()).map(|_| ()).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("canary"));
    }

    #[test]
    fn a_branch_is_a_plain_name() {
        for good in ["main", "release/1.x", "a-b_c"] {
            assert!(checked("https://h/a", good, basic()).is_ok(), "{good}");
        }
        for bad in ["", "-x", "a b", "a..b", "a//b", "/a", "a/", "a.lock", "a\n", "refs/../x", "a~1", "a:b", ".a", "a."]
        {
            assert!(checked("https://h/a", bad, basic()).is_err(), "{bad:?}");
        }
    }
}
