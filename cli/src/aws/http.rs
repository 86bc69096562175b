//! The HTTP client of a person's calls: through the proxy that the environment names, by the certificates to trust.
//!
//! The SDK's own client knows no other certificates than the system's. It sends what is near to the proxy, too: a local AWS
//! and the metadata service of an instance, which no proxy reaches.

use std::{net::IpAddr, sync::Arc, sync::OnceLock};

use aws_smithy_http_client::{
    Connector,
    proxy::ProxyConfig,
    tls::{Provider, TlsContext, TrustStore, rustls_provider::CryptoMode},
};
use aws_smithy_runtime_api::client::{
    http::{
        HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
    },
    orchestrator::HttpRequest,
    runtime_components::RuntimeComponents,
};
use berth_aws::CONNECT_MAX;

use super::certificates::Bundle;

/// A client for all of a command's calls. Without a bundle the system's certificates are trusted.
pub(super) fn client(bundle: Option<&Bundle>) -> SharedHttpClient {
    let trusted = match bundle {
        Some(bundle) => TrustStore::empty().with_pem_certificate(bundle.pem()),
        None => TrustStore::default(),
    };
    SharedHttpClient::new(Http(Arc::new(Connectors { trusted, near: OnceLock::new(), far: OnceLock::new() })))
}

#[derive(Debug, Clone)]
struct Http(Arc<Connectors>);

#[derive(Debug)]
struct Connectors {
    trusted: TrustStore,
    near: OnceLock<SharedHttpConnector>,
    far: OnceLock<SharedHttpConnector>,
}

impl Connectors {
    /// What is near is asked without TLS, so no certificate is read for it, unless it is a name of this machine.
    fn near(&self, with_tls: bool) -> SharedHttpConnector {
        if with_tls {
            return connector(self.trusted.clone(), ProxyConfig::disabled());
        }
        self.near.get_or_init(|| connector(TrustStore::empty(), ProxyConfig::disabled())).clone()
    }

    fn far(&self) -> SharedHttpConnector {
        self.far.get_or_init(|| connector(self.trusted.clone(), ProxyConfig::from_env())).clone()
    }
}

fn connector(trusted: TrustStore, proxy: ProxyConfig) -> SharedHttpConnector {
    let mut connector = Connector::builder()
        .connector_settings(HttpConnectorSettings::builder().connect_timeout(CONNECT_MAX).build())
        .proxy_config(proxy)
        .tls_provider(Provider::Rustls(CryptoMode::AwsLc));
    // The builder fails for nothing that is set here.
    if let Ok(context) = TlsContext::builder().with_trust_store(trusted).build() {
        connector = connector.tls_context(context);
    }
    SharedHttpConnector::new(connector.build())
}

impl HttpConnector for Http {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let uri = request.uri();
        let connector = if is_near(uri) { self.0.near(uri.starts_with("https:")) } else { self.0.far() };
        connector.call(request)
    }
}

impl HttpClient for Http {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

/// Whether no proxy leads there: this machine, or a link-local address as those of the metadata services are.
pub(super) fn is_near(uri: &str) -> bool {
    let authority = uri.split_once("://").map_or(uri, |(_, rest)| rest);
    let authority = authority.split(['/', '?']).next().unwrap_or_default();
    let host = match authority.strip_prefix('[') {
        Some(bracketed) => bracketed.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    };
    match host.parse() {
        Ok(IpAddr::V4(address)) => address.is_loopback() || address.is_link_local(),
        // The metadata service has a unique local address besides.
        Ok(IpAddr::V6(address)) => address.is_loopback() || host == "fd00:ec2::254",
        Err(_) => host == "localhost",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_and_its_metadata_service_are_near_and_aws_is_not() {
        for near in [
            "http://127.0.0.1:4566/",
            "http://localhost:4566",
            "http://[::1]:4566/x",
            "http://169.254.169.254/latest",
            "http://[fd00:ec2::254]/latest",
        ] {
            assert!(is_near(near), "{near}");
        }
        for far in ["https://dynamodb.eu-west-1.amazonaws.com/", "https://localhost.example.com/", "http://10.0.0.1/"] {
            assert!(!is_near(far), "{far}");
        }
    }
}
