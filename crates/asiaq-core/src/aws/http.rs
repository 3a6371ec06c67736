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
use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::Arc;
use tokio::sync::Semaphore;

/// The shared HTTP client of all services; at most `limit` requests are under way at once.
pub(super) fn bounded_client(limit: usize) -> SharedHttpClient {
    // The SDK's own client ignores HTTP_PROXY, HTTPS_PROXY and NO_PROXY; hosts without a route need them.
    let proxied = client(ProxyConfig::from_env);
    let direct = client(ProxyConfig::disabled);
    SharedHttpClient::new(Bounded {
        proxied,
        direct,
        permits: Arc::new(Semaphore::new(limit)),
    })
}

fn client(proxies: fn() -> ProxyConfig) -> SharedHttpClient {
    Builder::new().build_with_connector_fn(move |settings, components| {
        let mut builder = Connector::builder().proxy_config(proxies());
        builder
            .set_connector_settings(settings.cloned())
            .set_sleep_impl(components.and_then(RuntimeComponents::sleep_impl));
        builder
            .tls_provider(tls::Provider::Rustls(
                tls::rustls_provider::CryptoMode::AwsLc,
            ))
            .build()
    })
}

#[derive(Debug)]
struct Bounded {
    proxied: SharedHttpClient,
    direct: SharedHttpClient,
    permits: Arc<Semaphore>,
}

impl HttpClient for Bounded {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(BoundedConnector {
            proxied: self.proxied.http_connector(settings, components),
            direct: self.direct.http_connector(settings, components),
            permits: self.permits.clone(),
        })
    }
}

#[derive(Debug)]
struct BoundedConnector {
    proxied: SharedHttpConnector,
    direct: SharedHttpConnector,
    permits: Arc<Semaphore>,
}

impl HttpConnector for BoundedConnector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let own_link = is_on_own_link(request.uri());
        let inner = if own_link {
            &self.direct
        } else {
            &self.proxied
        };
        let (inner, permits) = (inner.clone(), self.permits.clone());
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

/// Where credentials of hosts and containers come from: link-local addresses, and their IPv6 counterparts
/// `fd00:ec2::…`. A proxy would ask its own link.
fn is_on_own_link(uri: &str) -> bool {
    let rest = uri.split_once("://").map_or(uri, |(_, rest)| rest);
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    if let Some(inside) = authority.strip_prefix('[') {
        let address = inside.split(']').next().unwrap_or_default();
        let segments = address.parse::<Ipv6Addr>().map(|ip| ip.segments());
        return matches!(segments, Ok([0xfd00, 0x0ec2, ..] | [0xfe80, ..]));
    }
    let host = authority.split(':').next().unwrap_or_default();
    host.parse::<Ipv4Addr>().is_ok_and(|ip| ip.is_link_local())
}

/// A refused connection means a wrong endpoint or proxy, and a host that does not exist a region without the service.
/// Retrying it for minutes hides that from the operator, so it is handed on as an error that the retry strategy does not
/// take for a passing one.
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
            .is_some_and(|e| e.kind() == io::ErrorKind::ConnectionRefused || is_no_host(e))
        {
            return true;
        }
        next = current.source();
    }
    false
}

/// The resolver says that the host does not exist; failures of the resolver itself pass. It has no code for that, only the words
/// of the C library.
fn is_no_host(error: &io::Error) -> bool {
    let text = error.to_string();
    ["Name or service not known", "Name does not resolve"]
        .iter()
        .any(|words| text.ends_with(words))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_pass_is_not_tried_again() {
        let lookup =
            |words| io::Error::other(format!("failed to lookup address information: {words}"));
        let table = [
            (io::ErrorKind::ConnectionRefused.into(), true),
            (lookup("Name or service not known"), true),
            (lookup("Name does not resolve"), true),
            (lookup("Temporary failure in name resolution"), false),
            (io::ErrorKind::ConnectionReset.into(), false),
        ];
        for (error, fails) in table {
            let text = error.to_string();
            let error = fail_fast(ConnectorError::io(error.into()));
            assert_eq!(error.is_other() && !error.is_io(), fails, "{text}");
        }
    }

    #[test]
    fn only_the_own_link_is_reached_without_proxy() {
        let table = [
            ("http://169.254.169.254/latest/api/token", true),
            ("http://169.254.170.2:80/v2/credentials", true),
            ("http://[fd00:ec2::254]/latest/user-data", true),
            ("http://[fe80::1]:8080", true),
            ("http://169.254.169.254", true),
            (
                "https://ec2.us-west-2.amazonaws.com/?x=http://169.254.169.254/",
                false,
            ),
            ("https://169.253.1.1/", false),
            ("http://127.0.0.1:5000/", false),
            ("http://[::1]:5000/", false),
            ("https://169.254.169.254.example.com/", false),
            ("", false),
        ];
        for (uri, direct) in table {
            assert_eq!(is_on_own_link(uri), direct, "{uri}");
        }
    }
}
