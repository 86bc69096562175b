//! Who we are to GitHub: an App. Its private key signs short-lived proofs and shows itself nowhere.

use std::fmt;

use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};

use crate::{MalformedSecret, RepoError};

/// GitHub advises to date a proof back, because clocks differ.
const BACKDATED_SECONDS: i64 = 60;
/// GitHub takes proofs that end within ten minutes; one less, because clocks differ.
const VALID_SECONDS: i64 = 9 * 60;

/// A GitHub App and one installation of it. `Debug` is redacted, and there is no `Display`.
#[derive(Clone)]
pub struct GitHubApp {
    issuer: String,
    installation: u64,
    key: EncodingKey,
}

impl GitHubApp {
    /// Reads the secret: `{"clientId" or "appId", "installationId", "privateKey"}`. Ids are numbers or texts; the key is
    /// the PEM file that GitHub hands out.
    ///
    /// # Errors
    /// [`MalformedSecret`] for anything else; it never says what it read.
    pub(crate) fn from_json(value: &Value) -> Result<Self, MalformedSecret> {
        let text = |key: &str| match value.get(key) {
            Some(Value::String(text)) => Some(text.trim().to_owned()),
            Some(Value::Number(number)) => Some(number.to_string()),
            _ => None,
        };
        let issuer = text("clientId").or_else(|| text("appId")).ok_or(MalformedSecret)?;
        let installation = text("installationId").ok_or(MalformedSecret)?.parse().map_err(|_| MalformedSecret)?;
        let pem = text("privateKey").ok_or(MalformedSecret)?;
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        if issuer.is_empty() || issuer.len() > 100 || !issuer.bytes().all(plain) {
            return Err(MalformedSecret);
        }
        let key = EncodingKey::from_rsa_pem(pem.as_bytes()).map_err(|_| MalformedSecret)?;
        Ok(Self { issuer, installation, key })
    }

    /// Number of the installation, part of an address.
    pub(super) fn installation(&self) -> u64 {
        self.installation
    }

    /// A proof that we are the App, signed with RS256. [GitHub "Generating a JSON Web Token (JWT) for a GitHub App"]
    pub(super) fn proof(&self, now_unix_seconds: i64) -> Result<String, RepoError> {
        let claims = json!({
            "iat": now_unix_seconds - BACKDATED_SECONDS,
            "exp": now_unix_seconds + VALID_SECONDS,
            "iss": self.issuer,
        });
        // The error of the library may hold parts of the key.
        encode(&Header::new(Algorithm::RS256), &claims, &self.key)
            .map_err(|_| RepoError::Invalid("the private key of the GitHub App cannot sign"))
    }
}

impl fmt::Debug for GitHubApp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("GitHubApp([redacted])")
    }
}
