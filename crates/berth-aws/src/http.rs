//! The HTTP client of every SDK client of a process: made once for all of them, and it counts each request, so that the
//! log line says what a step cost.

use std::{
    borrow::Cow,
    sync::{Arc, OnceLock},
    time::Duration,
};

use aws_smithy_http_client::{
    Connector,
    tls::{Provider, TlsContext, TrustStore, rustls_provider::CryptoMode},
};
use aws_smithy_runtime_api::client::{
    connector_metadata::ConnectorMetadata,
    http::{
        HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
    },
    orchestrator::HttpRequest,
    runtime_components::RuntimeComponents,
};
use berth_step::count_call;

/// The connectors of a process, with the connections that they keep open.
///
/// The SDK's own client reads and parses every trusted certificate again for each SDK client that is made, only to see
/// whether that works. A step makes a client for each session, and it took most of the time of a start.
#[derive(Debug, Clone)]
pub(crate) struct Http(Arc<Connectors>);

#[derive(Debug)]
struct Connectors {
    connect_max: Duration,
    with_tls: OnceLock<SharedHttpConnector>,
    plain: OnceLock<SharedHttpConnector>,
}

impl Http {
    /// A client whose connections are made within `connect_max`.
    pub(crate) fn new(connect_max: Duration) -> Self {
        Self(Arc::new(Connectors { connect_max, with_tls: OnceLock::new(), plain: OnceLock::new() }))
    }

    /// Reads the trusted certificates now. Lambda gives a function more CPU while it starts than later.
    pub(crate) fn prepare_tls(&self) {
        self.0.with_tls();
    }

    /// As the SDK takes it.
    pub(crate) fn shared(&self) -> SharedHttpClient {
        SharedHttpClient::new(self.clone())
    }
}

impl Connectors {
    fn with_tls(&self) -> &SharedHttpConnector {
        self.with_tls.get_or_init(|| self.connector(TrustStore::default()))
    }

    /// For an endpoint without TLS, such as that of a local AWS: it trusts no certificate, so none is read.
    fn plain(&self) -> &SharedHttpConnector {
        self.plain.get_or_init(|| self.connector(TrustStore::empty()))
    }

    fn connector(&self, trusted: TrustStore) -> SharedHttpConnector {
        let mut connector = Connector::builder()
            .connector_settings(HttpConnectorSettings::builder().connect_timeout(self.connect_max).build())
            .tls_provider(Provider::Rustls(CryptoMode::AwsLc));
        // The builder fails for nothing that is set here; if it ever does, the platform's certificates are trusted.
        if let Ok(context) = TlsContext::builder().with_trust_store(trusted).build() {
            connector = connector.tls_context(context);
        }
        SharedHttpConnector::new(connector.build())
    }
}

impl HttpConnector for Http {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        count_call();
        if request.uri().starts_with("http:") { self.0.plain().call(request) } else { self.0.with_tls().call(request) }
    }
}

impl HttpClient for Http {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }

    fn connector_metadata(&self) -> Option<ConnectorMetadata> {
        Some(ConnectorMetadata::new("hyper", Some(Cow::Borrowed("1.x"))))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use aws_smithy_types::body::SdkBody;

    use super::*;

    fn call(http: &Http, uri: &str) {
        let mut request = HttpRequest::new(SdkBody::empty());
        request.set_uri(uri).unwrap();
        // Which connector it gets is decided here; nothing is sent, because nobody waits for the answer.
        drop(http.call(request));
    }

    #[test]
    fn trusted_certificates_are_read_for_an_endpoint_with_tls_and_for_no_other() {
        let http = Http::new(Duration::from_secs(1));
        call(&http, "http://127.0.0.1:9/");
        assert!(http.0.plain.get().is_some() && http.0.with_tls.get().is_none());
        call(&http, "https://127.0.0.1:9/");
        assert!(http.0.with_tls.get().is_some());
    }

    #[test]
    fn every_sdk_client_gets_the_same_connectors() {
        let http = Http::new(Duration::from_secs(1));
        let another = http.clone();
        call(&http, "http://127.0.0.1:9/");
        assert!(another.0.plain.get().is_some());
    }
}
