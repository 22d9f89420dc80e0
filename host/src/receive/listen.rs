//! The receiver's socket: HTTP/1.1, with TLS or behind a proxy that speaks it; every time and count
//! is bounded.

use std::io;
use std::path::PathBuf;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use rustls::server::WantsServerCert;
use rustls::{ConfigBuilder, ServerConfig, WantsVerifier};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio_rustls::TlsAcceptor;

use super::client_certificate::TrustError;
use super::{Receiver, answers};
use crate::config::TlsFiles;

const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
const HEADERS_MAX: usize = 64;
const HEAD_BYTES_MAX: usize = 16 * 1024;

/// Why the receiver cannot listen.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// The address is taken or not ours.
    #[error("cannot listen on {address} ({source}); correct `receiver.listen`")]
    Address {
        /// The address.
        address: String,
        /// What the operating system says.
        source: io::Error,
    },
    /// Certificate or key cannot be used.
    #[error(
        "{file} cannot be used for TLS ({detail}); correct `{table}.tls_certificate` and `{table}.tls_key`"
    )]
    Tls {
        /// The file.
        file: PathBuf,
        /// The table of the settings that names it.
        table: &'static str,
        /// What is wrong with it.
        detail: String,
    },
    /// The address of the events is taken or not ours.
    #[error("cannot listen on {address} ({source}); correct `receiver.events.listen`")]
    Events {
        /// The address.
        address: String,
        /// What the operating system says.
        source: io::Error,
    },
    /// The roots of client certificates cannot be used.
    #[error(transparent)]
    Trust(#[from] TrustError),
}

/// Receives until `stopped` turns true, then finishes what is under way.
///
/// # Errors
///
/// [`ListenError::Tls`] if certificate or key cannot be used.
pub async fn serve(
    listener: TcpListener,
    tls: Option<&TlsFiles>,
    receiver: Arc<Receiver>,
    mut stopped: watch::Receiver<bool>,
) -> Result<(), ListenError> {
    let tls = tls.map(acceptor).transpose()?;
    let slots = Arc::new(Semaphore::new(receiver.connections_max.max(1)));
    loop {
        let Ok(slot) = Arc::clone(&slots).acquire_owned().await else {
            return Ok(());
        };
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stopped.wait_for(|stopped| *stopped) => break,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        let (receiver, tls, stopped) = (Arc::clone(&receiver), tls.clone(), stopped.clone());
        tokio::spawn(connection(stream, tls, receiver, stopped, slot));
    }
    drain(&slots, receiver.connections_max).await;
    Ok(())
}

/// Waits until all connections have ended.
pub(super) async fn drain(slots: &Semaphore, connections_max: usize) {
    let all = u32::try_from(connections_max.max(1)).unwrap_or(u32::MAX);
    let _ = tokio::time::timeout(HEAD_TIMEOUT, slots.acquire_many(all)).await;
}

async fn connection(
    stream: TcpStream,
    tls: Option<TlsAcceptor>,
    receiver: Arc<Receiver>,
    stopped: watch::Receiver<bool>,
    slot: OwnedSemaphorePermit,
) {
    // Without it small answers wait for the peer's acknowledgement.
    let _ = stream.set_nodelay(true);
    match tls {
        None => exchange(stream, receiver, stopped).await,
        Some(tls) => {
            if let Ok(Ok(stream)) =
                tokio::time::timeout(HANDSHAKE_TIMEOUT, tls.accept(stream)).await
            {
                exchange(stream, receiver, stopped).await;
            }
        }
    }
    drop(slot);
}

async fn exchange(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    receiver: Arc<Receiver>,
    mut stopped: watch::Receiver<bool>,
) {
    let service = service_fn(|request| {
        let receiver = Arc::clone(&receiver);
        async move { Ok::<_, std::convert::Infallible>(answers::answer(&receiver, request).await) }
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_headers(HEADERS_MAX)
        .max_buf_size(HEAD_BYTES_MAX)
        .serve_connection(TokioIo::new(stream), service);
    let mut served = pin!(served);
    tokio::select! {
        _ = served.as_mut() => return,
        _ = stopped.wait_for(|stopped| *stopped) => served.as_mut().graceful_shutdown(),
    }
    let _ = served.await;
}

fn acceptor(files: &TlsFiles) -> Result<TlsAcceptor, ListenError> {
    let config = certified(
        files,
        "receiver",
        ConfigBuilder::<ServerConfig, WantsVerifier>::with_no_client_auth,
    )?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// A configuration with a server certificate; `clients` says which certificates are asked of
/// clients.
pub(super) fn certified(
    files: &TlsFiles,
    table: &'static str,
    clients: impl FnOnce(
        ConfigBuilder<ServerConfig, WantsVerifier>,
    ) -> ConfigBuilder<ServerConfig, WantsServerCert>,
) -> Result<ServerConfig, ListenError> {
    let unusable = |file: &PathBuf, detail: String| ListenError::Tls {
        file: file.clone(),
        table,
        detail,
    };
    let read =
        |file: &PathBuf| std::fs::read(file).map_err(|error| unusable(file, error.to_string()));
    let chain: Result<Vec<_>, _> =
        rustls_pemfile::certs(&mut read(&files.certificate)?.as_slice()).collect();
    let chain = chain.map_err(|error| unusable(&files.certificate, error.to_string()))?;
    let key = rustls_pemfile::private_key(&mut read(&files.key)?.as_slice());
    let key = key.map_err(|error| unusable(&files.key, error.to_string()))?;
    let key = key.ok_or_else(|| unusable(&files.key, "it holds no private key".to_string()))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(|builder| clients(builder).with_single_cert(chain, key))
        .map_err(|error| unusable(&files.certificate, error.to_string()))
}
