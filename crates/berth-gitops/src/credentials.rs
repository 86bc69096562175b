//! What proves to the git server who we are; it shows itself in no log and no error.

use std::fmt;

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::Value;

/// The secret is not JSON with `username` and `password`, or with `token`. Says nothing of what it is instead.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the git secret must be JSON with \"username\" and \"password\", with \"token\", or, for a GitHub App, with \
     \"clientId\" (or \"appId\"), \"installationId\" and \"privateKey\" (PEM)"
)]
pub struct MalformedSecret;

/// How to sign in to a git server. `Debug` is redacted, and there is no `Display`.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials(Kind);

#[derive(Clone, PartialEq, Eq)]
enum Kind {
    Anonymous,
    Basic { username: String, password: String },
    Bearer { token: String },
}

impl Credentials {
    /// No sign-in at all.
    #[must_use]
    pub fn anonymous() -> Self {
        Self(Kind::Anonymous)
    }

    /// HTTP Basic: a user (or an app) and its password or access token.
    ///
    /// # Errors
    /// [`MalformedSecret`] if a part is empty, is not printable ASCII, or the user name has a colon.
    pub fn basic(username: &str, password: &str) -> Result<Self, MalformedSecret> {
        if !is_printable(username) || !is_printable(password) || username.contains(':') {
            return Err(MalformedSecret);
        }
        Ok(Self(Kind::Basic { username: username.to_owned(), password: password.to_owned() }))
    }

    /// HTTP Bearer: an access token.
    ///
    /// # Errors
    /// [`MalformedSecret`] if the token is empty or is not printable ASCII.
    pub fn bearer(token: &str) -> Result<Self, MalformedSecret> {
        if !is_printable(token) {
            return Err(MalformedSecret);
        }
        Ok(Self(Kind::Bearer { token: token.to_owned() }))
    }

    /// Reads the text of the secret (Secrets Manager `GetSecretValue`, `SecretString`): `{"username", "password"}` or
    /// `{"token"}`.
    ///
    /// # Errors
    /// [`MalformedSecret`] for anything else; the parser's own error is dropped, because it quotes what it read.
    pub fn from_secret(secret: &str) -> Result<Self, MalformedSecret> {
        let value: Value = serde_json::from_str(secret).map_err(|_| MalformedSecret)?;
        let text = |key: &str| value.get(key).and_then(Value::as_str);
        match (text("username"), text("password"), text("token")) {
            (Some(username), Some(password), None) => Self::basic(username, password),
            (None, None, Some(token)) => Self::bearer(token),
            _ => Err(MalformedSecret),
        }
    }

    /// The value of the `Authorization` header.
    pub(crate) fn authorization(&self) -> Option<String> {
        match &self.0 {
            Kind::Anonymous => None,
            Kind::Basic { username, password } => {
                Some(format!("Basic {}", STANDARD.encode(format!("{username}:{password}"))))
            }
            Kind::Bearer { token } => Some(format!("Bearer {token}")),
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

    fn secrets(&self) -> Vec<String> {
        match &self.0 {
            Kind::Anonymous => Vec::new(),
            Kind::Basic { username, password } => {
                vec![STANDARD.encode(format!("{username}:{password}")), password.clone()]
            }
            Kind::Bearer { token } => vec![token.clone()],
        }
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Kind::Anonymous => "Credentials(anonymous)",
            Kind::Basic { .. } => "Credentials(basic, [redacted])",
            Kind::Bearer { .. } => "Credentials(bearer, [redacted])",
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
            Credentials::bearer("canary-token").unwrap()
        );
        assert!(!shown.contains("canary"), "{shown}");
    }

    #[test]
    fn a_secret_is_a_user_with_a_password_or_a_token() {
        let basic = Credentials::from_secret(r#"{"username":"u","password":"p"}"#).unwrap();
        assert_eq!(basic.authorization().unwrap(), "Basic dTpw");
        let bearer = Credentials::from_secret(r#"{"token":"t"}"#).unwrap();
        assert_eq!(bearer.authorization().unwrap(), "Bearer t");
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
        ] {
            let error = Credentials::from_secret(bad).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("canary"), "{bad}");
        }
    }

    #[test]
    fn what_a_server_echoes_is_scrubbed_and_becomes_one_short_line() {
        let credentials = Credentials::basic("user", "canary").unwrap();
        let header = credentials.authorization().unwrap();
        let shown = credentials.scrub(&format!("got {header}\nand canary\u{1b}[31m {}", "x".repeat(500)));
        assert!(!shown.contains("canary") && !shown.contains("dXNlcjpj"), "{shown}");
        assert!(!shown.contains('\n') && !shown.contains('\u{1b}') && shown.chars().count() <= 200, "{shown}");
    }
}
