//! Delivers events: over TLS, with a client certificate, without following redirects.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};

use super::certificates::{Authority, Identity};
use super::now;
use crate::concur::{CertificateState, ClientCertificate, EventKey};
use crate::{Delivery, DeliveryResult, Sandbox};

/// Delivers events under one client identity.
#[derive(Clone)]
pub struct EventClient {
    http: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
}

impl EventClient {
    /// A client that shows an identity, or none, and trusts receivers under these roots, PEM.
    ///
    /// # Errors
    ///
    /// If the roots or the identity cannot be used.
    pub fn new(identity: Option<&Identity>, receiver_roots_pem: &str) -> io::Result<Self> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?
            .with_root_certificates(parse_roots(receiver_roots_pem)?);
        let config = match identity {
            Some(identity) => builder
                .with_client_auth_cert(identity.chain(), identity.key())
                .map_err(io::Error::other)?,
            None => builder.with_no_client_auth(),
        };
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(config)
            .https_or_http()
            .enable_http1()
            .build();
        let http = Client::builder(TokioExecutor::new()).build(connector);
        Ok(Self { http })
    }

    /// Makes one delivery and returns the status that it is answered with.
    ///
    /// # Errors
    ///
    /// If there is no connection, no TLS, no answer, or none in time.
    pub async fn deliver(&self, delivery: &Delivery) -> io::Result<u16> {
        let mut builder = hyper::Request::post(&delivery.url);
        for (name, value) in &delivery.headers {
            builder = builder.header(name.as_str(), value.as_str());
        }
        let body = Full::new(Bytes::from(delivery.body.clone()));
        let request = builder.body(body).map_err(io::Error::other)?;
        let limit = Duration::from_millis(delivery.timeout_ms);
        let answered = tokio::time::timeout(limit, self.exchange(request)).await;
        answered.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
    }

    async fn exchange(&self, request: hyper::Request<Full<Bytes>>) -> io::Result<u16> {
        let response = self.http.request(request).await;
        let response = response.map_err(io::Error::other)?;
        let status = response.status().as_u16();
        // An answer that breaks off counts as none, whatever its status.
        let body = response.into_body().collect().await;
        body.map(|_| status).map_err(io::Error::other)
    }
}

/// Delivers each event under the certificate that was in use when it was signed.
pub(super) struct EventSender {
    authority: Arc<Authority>,
    client: Mutex<Option<(ClientTerms, EventClient)>>,
}

/// What a client is made for; another one is made when this changes.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct ClientTerms {
    certificate: ClientCertificate,
    state: CertificateState,
    receiver_roots_pem: String,
}

impl ClientTerms {
    /// The terms that the switches ask for at the moment.
    pub(super) fn current(sandbox: &mut Sandbox) -> Self {
        let state = sandbox.concur.certificate();
        let switches = &sandbox.concur.config_mut().events;
        Self {
            certificate: switches.certificate,
            state,
            receiver_roots_pem: switches.receiver_roots_pem.clone(),
        }
    }
}

impl EventSender {
    pub(super) fn new(authority: Arc<Authority>) -> Self {
        Self {
            authority,
            client: Mutex::new(None),
        }
    }

    /// Makes one delivery under these terms.
    pub(super) async fn deliver(&self, terms: ClientTerms, delivery: &Delivery) -> DeliveryResult {
        let Ok(client) = self.client(terms) else {
            return DeliveryResult::Failed;
        };
        match client.deliver(delivery).await {
            Ok(status) => DeliveryResult::Status(status),
            Err(_) => DeliveryResult::Failed,
        }
    }

    fn client(&self, terms: ClientTerms) -> io::Result<EventClient> {
        let mut known = self.client.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, client)) = known.as_ref().filter(|(known, _)| *known == terms) {
            return Ok(client.clone());
        }
        let client = self.new_client(&terms)?;
        *known = Some((terms, client.clone()));
        Ok(client)
    }

    fn new_client(&self, terms: &ClientTerms) -> io::Result<EventClient> {
        let key = EventKey::numbered(terms.state.key);
        let identity = self.authority.client(terms.certificate, &key, now())?;
        let own = self.authority.root_pem();
        let roots = match terms.receiver_roots_pem.as_str() {
            "" => &own,
            given => given,
        };
        EventClient::new(identity.as_ref(), roots)
    }
}

fn parse_roots(pem: &str) -> io::Result<RootCertStore> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
        let certificate = certificate.map_err(io::Error::other)?;
        roots.add(certificate).map_err(io::Error::other)?;
    }
    Ok(roots)
}

#[cfg(test)]
mod tests;
