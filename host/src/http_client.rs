//! The HTTP client: sends requests with exactly three outcomes: answered, surely not sent, maybe
//! sent.
//!
//! One pool of kept-alive HTTP/1.1 connections; never a redirect; every time, size and count is
//! bounded. Only here do base URL, bearer token and secrets meet a request.

mod answer;
mod body;
mod origin;
mod token_answer;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hyper::header::{AUTHORIZATION, HeaderName, HeaderValue, USER_AGENT};
use hyper::{Method as HttpMethod, Uri};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tokio::sync::Semaphore;

pub(crate) use self::answer::text_or_bytes;
use self::body::{Departure, WatchedBody};
pub use self::body::{NoSecrets, SecretParts};
pub use self::origin::{Origin, OriginError, Origins};
pub use self::token_answer::TokenAnswer;
use crate::config::Limits;
use crate::contract::http::{Method, Request, SendError, SendErrorCode, SendOutcome};

/// A connection that takes longer to come about is given up; surely nothing was sent over it.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Shorter than the remotes' own limits, so that a connection is seldom closed just as it is used.
const IDLE_TIMEOUT: Duration = Duration::from_secs(20);

/// Who asks, for the logs and the support of the other side. Some firewalls refuse requests without
/// it.
const OUR_NAME: &str = concat!("ml-connector/", env!("CARGO_PKG_VERSION"));

/// Why no client can be made.
#[derive(Debug, thiserror::Error)]
pub enum HttpClientError {
    /// The system's root certificates are missing.
    #[error(
        "the system's root certificates cannot be read ({0}): install the package \
         `ca-certificates`, or name a PEM file in the environment variable SSL_CERT_FILE"
    )]
    Roots(std::io::Error),
}

/// Sends requests for all connections.
pub struct HttpClient {
    client: Client<HttpsConnector<HttpConnector>, WatchedBody>,
    answer_bytes_max: usize,
    in_flight_max: usize,
    in_flight: Mutex<BTreeMap<String, Arc<Semaphore>>>,
}

impl HttpClient {
    /// A client that trusts the system's root certificates.
    ///
    /// # Errors
    ///
    /// [`HttpClientError::Roots`] if there are none.
    pub fn new(limits: &Limits) -> Result<Self, HttpClientError> {
        let in_flight_max = limits.requests_in_flight_max.max(1) as usize;
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE_TIMEOUT)
            .pool_max_idle_per_host(in_flight_max)
            .build(connector()?);
        Ok(Self {
            client,
            answer_bytes_max: limits.answer_bytes_max,
            in_flight_max,
            in_flight: Mutex::default(),
        })
    }

    /// Sends a request to an origin, with a bearer token if there is one, and waits for the whole
    /// answer.
    ///
    /// Never fails in any other way than the three outcomes; a request whose secrets are not held,
    /// or that cannot be written down as HTTP, is withheld.
    pub async fn send(
        &self,
        request: &Request,
        origin: &Origin,
        bearer: Option<&HeaderValue>,
        secrets: &dyn SecretParts,
    ) -> SendOutcome {
        let departure = Departure::default();
        let ready = match assemble(request, origin, bearer, secrets, &departure) {
            Ok(ready) => ready,
            Err(why) => return withheld(why),
        };
        let slots = self.slots(origin);
        // The semaphore is never closed.
        let _slot = slots.acquire().await.ok();
        let exchange = self.exchange(ready);
        match tokio::time::timeout(Duration::from_millis(request.timeout), exchange).await {
            Ok(Ok(response)) => SendOutcome::Response(response),
            Ok(Err(failure)) => failure.outcome(&departure),
            Err(_) => answer::Failure::timeout(request.timeout).outcome(&departure),
        }
    }

    async fn exchange(
        &self,
        ready: hyper::Request<WatchedBody>,
    ) -> Result<crate::contract::http::Response, answer::Failure> {
        let response = self.client.request(ready).await?;
        answer::read(response, self.answer_bytes_max).await
    }

    fn slots(&self, origin: &Origin) -> Arc<Semaphore> {
        let mut all = self
            .in_flight
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(slots) = all.get(origin.as_str()) {
            return Arc::clone(slots);
        }
        let slots = Arc::new(Semaphore::new(self.in_flight_max));
        all.insert(origin.as_str().into(), Arc::clone(&slots));
        slots
    }
}

/// A request that the host will not send.
pub(crate) fn withheld(detail: impl Into<String>) -> SendOutcome {
    SendOutcome::NotSent(SendError {
        code: SendErrorCode::Withheld,
        detail: detail.into(),
    })
}

fn connector() -> Result<HttpsConnector<HttpConnector>, HttpClientError> {
    let mut tcp = HttpConnector::new();
    tcp.set_nodelay(true);
    tcp.enforce_http(false);
    tcp.set_connect_timeout(Some(CONNECT_TIMEOUT));
    let provider = rustls::crypto::ring::default_provider();
    let tls = HttpsConnectorBuilder::new()
        .with_provider_and_native_roots(provider)
        .map_err(HttpClientError::Roots)?;
    // Plain HTTP goes only to origins that the settings name; see `Origins`.
    Ok(tls.https_or_http().enable_http1().wrap_connector(tcp))
}

fn assemble(
    request: &Request,
    origin: &Origin,
    bearer: Option<&HeaderValue>,
    secrets: &dyn SecretParts,
    departure: &Departure,
) -> Result<hyper::Request<WatchedBody>, String> {
    let body = body::join(&request.body, secrets)
        .map_err(|missing| format!("the host does not hold the secret `{missing}`"))?;
    let mut ready = hyper::Request::new(WatchedBody::new(body, departure));
    *ready.method_mut() = http_method(request.method);
    *ready.uri_mut() = target(request, origin)?;
    for header in &request.headers {
        let name = HeaderName::try_from(&header.name);
        let value = HeaderValue::try_from(&header.value);
        let (Ok(name), Ok(value)) = (name, value) else {
            return Err(format!(
                "the header `{}` cannot be sent",
                header.name.escape_debug()
            ));
        };
        ready.headers_mut().append(name, value);
    }
    ready
        .headers_mut()
        .insert(USER_AGENT, HeaderValue::from_static(OUR_NAME));
    if let Some(bearer) = bearer {
        ready.headers_mut().insert(AUTHORIZATION, bearer.clone());
    }
    Ok(ready)
}

fn target(request: &Request, origin: &Origin) -> Result<Uri, String> {
    let path = &request.path_with_query;
    if !path.starts_with('/') {
        return Err("the path does not begin with a slash".into());
    }
    Uri::try_from(format!("{}{path}", origin.as_str()))
        .map_err(|error| format!("the path cannot be sent: {error}"))
}

fn http_method(method: Method) -> HttpMethod {
    match method {
        Method::Get => HttpMethod::GET,
        Method::Post => HttpMethod::POST,
        Method::Put => HttpMethod::PUT,
        Method::Delete => HttpMethod::DELETE,
        Method::Patch => HttpMethod::PATCH,
    }
}

#[cfg(test)]
mod tests;
