//! What proves to the git server who we are; it shows itself in no log and no error.

use std::fmt;

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::Value;

use crate::Provider;

/// The secret is not JSON with `username` and `password`, or with `token`. Says nothing of what it is instead.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the git secret must be JSON with \"username\" and \"password\", with \"token\", or, for a GitHub App, with \
     \"clientId\" (or \"appId\"), \"installationId\" and \"privateKey\" (PEM); \"provider\", if it is there, must be one \
     that docs/gitops.md names"
)]
pub struct MalformedSecret;

/// The user whose password a token is, where the server does not care for the user.
const ANY_USER: &str = "oauth2";

/// How to sign in to a git server. `Debug` is redacted, and there is no `Display`.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    kind: Kind,
    /// What kind of server it is for, where the secret says so.
    provider: Option<Provider>,
    /// A token for the server's own API, where the one for git does not do.
    api_token: Option<String>,
}

#[derive(Clone, PartialEq, Eq)]
enum Kind {
    Anonymous,
    Basic {
        username: String,
        password: String,
    },
    /// Sent in the form that the server takes.
    Token {
        token: String,
    },
}

impl From<Kind> for Credentials {
    fn from(kind: Kind) -> Self {
        Self { kind, provider: None, api_token: None }
    }
}

impl Credentials {
    /// No sign-in at all.
    #[must_use]
    pub fn anonymous() -> Self {
        Kind::Anonymous.into()
    }

    /// HTTP Basic: a user (or an app) and its password or access token.
    ///
    /// # Errors
    /// [`MalformedSecret`] if a part is empty, is not printable ASCII, or the user name has a colon.
    pub fn basic(username: &str, password: &str) -> Result<Self, MalformedSecret> {
        if !is_printable(username) || !is_printable(password) || username.contains(':') {
            return Err(MalformedSecret);
        }
        Ok(Kind::Basic { username: username.to_owned(), password: password.to_owned() }.into())
    }

    /// An access token. A server that is not known gets it as HTTP Bearer, and as a password if it asks for one.
    ///
    /// # Errors
    /// [`MalformedSecret`] if the token is empty or is not printable ASCII.
    pub fn token(token: &str) -> Result<Self, MalformedSecret> {
        if !is_printable(token) {
            return Err(MalformedSecret);
        }
        Ok(Kind::Token { token: token.to_owned() }.into())
    }

    /// Reads the text of the secret (Secrets Manager `GetSecretValue`, `SecretString`): `{"username", "password"}` or
    /// `{"token"}`; besides, `provider` may say what kind of server it is, and `apiToken` sign in to its API.
    ///
    /// # Errors
    /// [`MalformedSecret`] for anything else; the parser's own error is dropped, because it quotes what it read.
    pub fn from_secret(secret: &str) -> Result<Self, MalformedSecret> {
        let value: Value = serde_json::from_str(secret).map_err(|_| MalformedSecret)?;
        let text = |key: &str| value.get(key).map(|value| value.as_str().ok_or(MalformedSecret)).transpose();
        let mut credentials = match (text("username")?, text("password")?, text("token")?) {
            (Some(username), Some(password), None) => Self::basic(username, password)?,
            (None, None, Some(token)) => Self::token(token)?,
            _ => return Err(MalformedSecret),
        };
        let provider = text("provider")?.map(|name| Provider::named(name).ok_or(MalformedSecret));
        credentials.provider = provider.transpose()?;
        credentials.api_token = text("apiToken")?.map(str::to_owned);
        let fits = credentials.api_token.as_deref().is_none_or(is_printable);
        if fits { Ok(credentials) } else { Err(MalformedSecret) }
    }

    /// What kind of server the secret says that it is for.
    pub(crate) fn provider(&self) -> Option<Provider> {
        self.provider
    }

    /// Whether it is a token alone, without a user.
    pub(crate) fn is_token(&self) -> bool {
        matches!(self.kind, Kind::Token { .. })
    }

    /// A token for the API of the server.
    pub(crate) fn api_token(&self) -> Option<&str> {
        let own = if let Kind::Token { token } = &self.kind { Some(token.as_str()) } else { None };
        self.api_token.as_deref().or(own)
    }

    /// In which form they are sent to this kind of server, in words.
    pub(crate) fn form(&self, provider: Option<Provider>) -> String {
        let form = match (&self.kind, provider) {
            (Kind::Anonymous, _) => "nothing".to_owned(),
            (Kind::Basic { .. }, _) => "a user and a password".to_owned(),
            (Kind::Token { .. }, None) => {
                "a token, sent as Bearer, or as a password where the server asks for one".to_owned()
            }
            (Kind::Token { token }, Some(provider)) => match provider.user_of_token(token) {
                Some(user) => format!("a token, sent as the password of {user}"),
                None => "a token, sent as Bearer".to_owned(),
            },
        };
        let api = if self.api_token.is_some() { "; another token for the server's API" } else { "" };
        format!("{form}{api}")
    }

    /// The value of the `Authorization` header for this kind of server, and another one to fall back to.
    pub(crate) fn authorization(&self, provider: Option<Provider>) -> (Option<String>, Option<String>) {
        let basic = |user: &str, password: &str| format!("Basic {}", STANDARD.encode(format!("{user}:{password}")));
        match (&self.kind, provider) {
            (Kind::Anonymous, _) => (None, None),
            (Kind::Basic { username, password }, _) => (Some(basic(username, password)), None),
            (Kind::Token { token }, None) => (Some(format!("Bearer {token}")), Some(basic(ANY_USER, token))),
            (Kind::Token { token }, Some(provider)) => match provider.user_of_token(token) {
                Some(user) => (Some(basic(user, token)), None),
                None => (Some(format!("Bearer {token}")), None),
            },
        }
    }

    /// `text` from a server, fit to be shown: one line, at most 200 characters, and without our secret, should the
    /// server have echoed it.
    pub(crate) fn scrub(&self, text: &str) -> String {
        let mut clean = text.to_owned();
        for secret in self.secrets() {
            clean = clean.replace(&secret, "[redacted]");
        }
        clean.chars().map(|c| if c.is_control() { ' ' } else { c }).take(200).collect::<String>().trim().to_owned()
    }

    /// What must not be shown, the longest first.
    fn secrets(&self) -> Vec<String> {
        let mut secrets: Vec<String> = self.api_token.iter().cloned().collect();
        match &self.kind {
            Kind::Anonymous => {}
            Kind::Basic { password, .. } => secrets.push(password.clone()),
            Kind::Token { token } => secrets.push(token.clone()),
        }
        let providers = std::iter::once(None).chain(Provider::ALL.map(Some));
        for form in providers.flat_map(|provider| <[_; 2]>::from(self.authorization(provider))).flatten() {
            secrets.extend(form.strip_prefix("Basic ").map(str::to_owned));
        }
        secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        secrets
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            Kind::Anonymous => "Credentials(anonymous)",
            Kind::Basic { .. } => "Credentials(basic, [redacted])",
            Kind::Token { .. } => "Credentials(token, [redacted])",
        })
    }
}

/// Printable ASCII cannot break out of a header.
fn is_printable(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_neither_user_nor_password_nor_token() {
        let shown = format!(
            "{:?} {:?}",
            Credentials::basic("canary-user", "canary-password").unwrap(),
            Credentials::token("canary-token").unwrap()
        );
        assert!(!shown.contains("canary"), "{shown}");
    }

    #[test]
    fn a_secret_is_a_user_with_a_password_or_a_token() {
        let basic = Credentials::from_secret(r#"{"username":"u","password":"p"}"#).unwrap();
        assert_eq!(basic.authorization(None), (Some("Basic dTpw".into()), None));
        let token = Credentials::from_secret(r#"{"token":"t"}"#).unwrap();
        // `printf oauth2:t | base64`
        let as_password = Some("Basic b2F1dGgyOnQ=".to_owned());
        assert_eq!(token.authorization(None), (Some("Bearer t".into()), as_password.clone()));
        assert_eq!(token.authorization(Some(Provider::GitLab)), (as_password, None));
        assert_eq!(token.authorization(Some(Provider::BitbucketDataCenter)), (Some("Bearer t".into()), None));
        let told = Credentials::from_secret(r#"{"token":"t","provider":"gitlab","apiToken":"a"}"#).unwrap();
        assert_eq!((told.provider(), told.api_token()), (Some(Provider::GitLab), Some("a")));
    }

    #[test]
    fn a_malformed_secret_is_refused_without_being_quoted() {
        for bad in [
            "canary",
            "\"canary\"",
            "{}",
            r#"{"username":"canary"}"#,
            r#"{"username":"a:b","password":"canary"}"#,
            r#"{"username":"a","password":"canary\r\nX-Evil: 1"}"#,
            r#"{"username":"a","password":"canary","token":"canary"}"#,
            r#"{"token":""}"#,
            r#"{"token":"canary","provider":"canary"}"#,
            r#"{"token":"canary","apiToken":"canary\n"}"#,
            r#"{"token":1}"#,
        ] {
            let error = Credentials::from_secret(bad).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("canary"), "{bad}");
        }
    }

    #[test]
    fn what_a_server_echoes_is_scrubbed_and_becomes_one_short_line() {
        let credentials = Credentials::basic("user", "canary").unwrap();
        let header = credentials.authorization(None).0.unwrap();
        let shown = credentials.scrub(&format!("got {header}\nand canary\u{1b}[31m {}", "x".repeat(500)));
        assert!(!shown.contains("canary") && !shown.contains("dXNlcjpj"), "{shown}");
        assert!(!shown.contains('\n') && !shown.contains('\u{1b}') && shown.chars().count() <= 200, "{shown}");
    }
}
