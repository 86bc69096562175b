//! The certificates that a network of its own wants trusted: `AWS_CA_BUNDLE`, or `ca_bundle` of the profile.

use std::fs;

use aws_types::os_shim_internal::Env;
use reqwest::{Certificate, Client};

use crate::outcome::Problem;

/// The variable that names the file.
const VARIABLE: &str = "AWS_CA_BUNDLE";

/// Certificates of a file, which are trusted in place of the system's, as by every AWS tool.
#[derive(Debug, Clone)]
pub(crate) struct Bundle {
    pem: Vec<u8>,
    certificates: Vec<Certificate>,
}

impl Bundle {
    /// Reads the file that the environment names, else the one that the profile names.
    pub(super) fn named(env: &Env, in_profile: Option<&str>) -> Result<Option<Self>, Problem> {
        match (env.get(VARIABLE), in_profile) {
            (Ok(path), _) if !path.is_empty() => Self::read(&path, VARIABLE).map(Some),
            (_, Some(path)) => Self::read(path, "ca_bundle").map(Some),
            _ => Ok(None),
        }
    }

    /// The SDK panics on a certificate that it cannot read (aws-smithy-http-client 1.5.2): here it is an error.
    fn read(path: &str, named_by: &str) -> Result<Self, Problem> {
        let unusable = |why: String| {
            Problem::bad_input(
                format!("{named_by} names {path}: {why}"),
                "name a file of certificates in PEM, each between BEGIN CERTIFICATE and END CERTIFICATE",
            )
        };
        let pem = fs::read(path).map_err(|error| unusable(error.to_string()))?;
        let certificates = Certificate::from_pem_bundle(&pem).map_err(|error| unusable(error.to_string()))?;
        if certificates.is_empty() {
            return Err(unusable("it holds no certificate".to_owned()));
        }
        let bundle = Self { pem, certificates };
        bundle.trusted_by(Client::builder()).build().map_err(|error| unusable(error.to_string()))?;
        Ok(bundle)
    }

    /// As the SDK takes it.
    pub(super) fn pem(&self) -> Vec<u8> {
        self.pem.clone()
    }

    /// A client that trusts these certificates and no other.
    pub(crate) fn trusted_by(&self, builder: reqwest::ClientBuilder) -> reqwest::ClientBuilder {
        builder.tls_certs_only(self.certificates.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_missing_empty_or_broken_is_one_clear_error() {
        let folder = tempfile::tempdir().unwrap();
        let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        for (name, text, says) in [
            ("none.pem", None, "No such file"),
            ("empty.pem", Some("# certificates of Example Corp\n"), "it holds no certificate"),
            ("broken.pem", Some(broken), ""),
        ] {
            let path = folder.path().join(name).display().to_string();
            if let Some(text) = text {
                fs::write(&path, text).unwrap();
            }
            let error = Bundle::named(&Env::from_slice(&[(VARIABLE, &path)]), None).unwrap_err().to_string();
            assert!(error.starts_with(&format!("AWS_CA_BUNDLE names {path}: ")) && error.contains(says), "{error}");
            let error = Bundle::named(&Env::from_slice(&[]), Some(&path)).unwrap_err().to_string();
            assert!(error.starts_with("ca_bundle names "), "{error}");
        }
        assert!(Bundle::named(&Env::from_slice(&[(VARIABLE, "")]), None).unwrap().is_none());
    }
}
