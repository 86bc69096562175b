//! A call that says whose credentials these are, signed here for somebody else to make.

use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_sigv4::{
    http_request::{SignableBody, SignableRequest, SignatureLocation, SigningSettings, sign},
    sign::v4,
};
use berth_tenancy::Partition;

/// A presigned `GetCallerIdentity`: whoever gets it asks STS with it who has signed.
#[derive(Debug, Clone)]
pub struct PresignedIdentity<'a> {
    /// Region whose STS is asked.
    pub region: &'a str,
    /// A header that must come with the call, and its value: it says what the call is good for.
    pub header: (&'a str, &'a str),
    /// When it is signed.
    pub at: SystemTime,
    /// How long it is good for.
    pub valid: Duration,
}

impl PresignedIdentity<'_> {
    /// The address without its signature.
    #[must_use]
    pub fn url(&self) -> String {
        format!("https://{}/?Action=GetCallerIdentity&Version=2011-06-15", self.host())
    }

    /// The parameters of the signature, as they follow those of the address. No call is made. [STS `GetCallerIdentity`;
    /// Signature Version 4, "query string"]
    ///
    /// # Errors
    /// When a value cannot be signed.
    pub fn signature(
        &self,
        credentials: Credentials,
    ) -> Result<Vec<(String, String)>, Box<dyn std::error::Error + Send + Sync>> {
        let mut settings = SigningSettings::default();
        settings.signature_location = SignatureLocation::QueryParams;
        settings.expires_in = Some(self.valid);
        let identity = credentials.into();
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region(self.region)
            .name("sts")
            .time(self.at)
            .settings(settings)
            .build()?
            .into();
        let (url, host) = (self.url(), self.host());
        let headers = [("host", host.as_str()), self.header];
        let request = SignableRequest::new("GET", &url, headers.into_iter(), SignableBody::Bytes(&[]))?;
        let (instructions, _) = sign(request, &parameters)?.into_parts();
        Ok(instructions.params().iter().map(|(name, value)| ((*name).to_owned(), value.to_string())).collect())
    }

    fn host(&self) -> String {
        format!("sts.{}.{}", self.region, Partition::of(self.region).dns_suffix())
    }
}
