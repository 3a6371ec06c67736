//! The HTTP client under all AWS clients: bounds the calls under way and fails fast when nobody listens.

use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::{Builder, Connector, tls};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use std::error::Error as StdError;
use std::io;
use std::sync::Arc;
use tokio::sync::Semaphore;

/// The shared HTTP client of all services; at most `limit` requests are under way at once.
pub(super) fn bounded_client(limit: usize) -> SharedHttpClient {
    let inner = Builder::new().build_with_connector_fn(|settings, components| {
        // The SDK's own client ignores HTTP_PROXY, HTTPS_PROXY and NO_PROXY; hosts without a route need them.
        let mut builder = Connector::builder().proxy_config(ProxyConfig::from_env());
        builder
            .set_connector_settings(settings.cloned())
            .set_sleep_impl(components.and_then(RuntimeComponents::sleep_impl));
        builder
            .tls_provider(tls::Provider::Rustls(
                tls::rustls_provider::CryptoMode::AwsLc,
            ))
            .build()
    });
    SharedHttpClient::new(Bounded {
        inner,
        permits: Arc::new(Semaphore::new(limit)),
    })
}

#[derive(Debug)]
struct Bounded {
    inner: SharedHttpClient,
    permits: Arc<Semaphore>,
}

impl HttpClient for Bounded {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        let inner = self.inner.http_connector(settings, components);
        SharedHttpConnector::new(BoundedConnector {
            inner,
            permits: self.permits.clone(),
        })
    }
}

#[derive(Debug)]
struct BoundedConnector {
    inner: SharedHttpConnector,
    permits: Arc<Semaphore>,
}

impl HttpConnector for BoundedConnector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let (inner, permits) = (self.inner.clone(), self.permits.clone());
        HttpConnectorFuture::new(async move {
            // Only a closed semaphore refuses permits, and nobody closes this one.
            let _permit = permits
                .acquire_owned()
                .await
                .map_err(|error| ConnectorError::other(error.into(), None))?;
            inner.call(request).await.map_err(fail_fast)
        })
    }
}

/// A refused connection means a wrong endpoint or proxy. Retrying it for minutes hides that from the operator,
/// so it is handed on as an error that the retry strategy does not take for a passing one.
fn fail_fast(error: ConnectorError) -> ConnectorError {
    if refused(&error) {
        ConnectorError::other(error.into(), None)
    } else {
        error
    }
}

fn refused(error: &(dyn StdError + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(current) = next {
        if current
            .downcast_ref::<io::Error>()
            .is_some_and(|e| e.kind() == io::ErrorKind::ConnectionRefused)
        {
            return true;
        }
        next = current.source();
    }
    false
}
