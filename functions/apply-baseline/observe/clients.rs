//! The clients of one invocation.

use aws_config::SdkConfig;
use aws_sdk_s3control::config::endpoint::{Endpoint, EndpointFuture, Params, ResolveEndpoint};

/// One client for each service, all with the session in the tenant account.
#[derive(Debug, Clone)]
pub struct Clients {
    pub(crate) backup: aws_sdk_backup::Client,
    pub(crate) config: aws_sdk_config::Client,
    pub(crate) ec2: aws_sdk_ec2::Client,
    pub(crate) iam: aws_sdk_iam::Client,
    pub(crate) s3control: aws_sdk_s3control::Client,
}

impl Clients {
    pub(crate) fn new(config: &SdkConfig) -> Self {
        Self {
            backup: aws_sdk_backup::Client::new(config),
            config: aws_sdk_config::Client::new(config),
            ec2: aws_sdk_ec2::Client::new(config),
            iam: aws_sdk_iam::Client::new(config),
            s3control: s3control(config),
        }
    }
}

/// S3 Control puts the account before the host (`111122223333.s3-control.…`), before a host that was set too. Before an
/// IP address, which is what the local AWS has, that is no host, so there the address is used as it is; the account is
/// in the header `x-amz-account-id` as well.
fn s3control(config: &SdkConfig) -> aws_sdk_s3control::Client {
    let mut builder = aws_sdk_s3control::config::Builder::from(config);
    if let Some(url) = config.endpoint_url().filter(|url| is_at_an_address(url)) {
        builder = builder.endpoint_resolver(AsItIs(url.to_owned()));
    }
    aws_sdk_s3control::Client::from_conf(builder.build())
}

/// Whether the host of a URL is an IP address.
fn is_at_an_address(url: &str) -> bool {
    let authority = url.split_once("://").map_or(url, |(_, rest)| rest).split('/').next().unwrap_or_default();
    authority.parse::<std::net::SocketAddr>().is_ok() || authority.parse::<std::net::IpAddr>().is_ok()
}

#[derive(Debug)]
struct AsItIs(String);

impl ResolveEndpoint for AsItIs {
    fn resolve_endpoint<'a>(&'a self, _: &'a Params) -> EndpointFuture<'a> {
        EndpointFuture::ready(Ok(Endpoint::builder().url(self.0.clone()).build()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_ip_address_takes_no_account_before_it() {
        for at_an_address in ["http://127.0.0.1:4566", "http://127.0.0.1", "http://[::1]:80/x"] {
            assert!(is_at_an_address(at_an_address), "{at_an_address}");
        }
        for named in ["https://vpce-1.s3-control.eu-west-1.vpce.amazonaws.com", "http://localhost:4566", ""] {
            assert!(!is_at_an_address(named), "{named}");
        }
    }
}
