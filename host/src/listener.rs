//! The HTTP/1.1 listener that webhooks and events share: one accept loop and one way to exchange
//! requests and responses. Every time and count is bounded.

mod tls;

use std::future::Future;
use std::io;
use std::path::PathBuf;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use rustls::pki_types::CertificateDer;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio::sync::{Semaphore, watch};
use tokio_rustls::TlsAcceptor;

pub(crate) use self::tls::server_config;
use crate::events::client_certificate::TrustError;

/// A head that takes longer is given up. Both vendors send theirs at once; who does not, holds a
/// slot that others need.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);

/// A TLS handshake is a few round trips; this is ample over any network.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// Accepting fails when file descriptors run out; without a pause the loop would spin until some
/// are free again.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Why a receiver cannot listen.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// The address is taken, or belongs to another machine.
    #[error("cannot listen on {address} ({source}); correct `{setting}`")]
    Address {
        /// Address and port, or the path of the Unix socket.
        address: String,
        /// The setting that names it: `receiver.listen` or `receiver.events.listen`.
        setting: &'static str,
        /// What the operating system says.
        source: io::Error,
    },
    /// Certificate or key cannot be used.
    #[error(
        "{file} cannot be used for TLS ({detail}); correct `{table}.tls_certificate` and \
         `{table}.tls_key`"
    )]
    Tls {
        /// The certificate or the key.
        file: PathBuf,
        /// The table of the settings that names it: `receiver` or `receiver.events`.
        table: &'static str,
        /// What is wrong with it.
        detail: String,
    },
    /// The roots of client certificates cannot be used.
    #[error(transparent)]
    Trust(#[from] TrustError),
}

/// An answer whose whole body is in memory.
pub(crate) type HttpResponse = Response<Full<Bytes>>;

/// A response without a body.
pub(crate) fn status_only(code: u16) -> HttpResponse {
    let mut response = Response::new(Full::default());
    *response.status_mut() =
        StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response
}

/// Where connections come from.
pub(crate) enum Listener {
    /// TCP without TLS, behind a proxy that speaks it.
    Plain(TcpListener),
    /// TCP with TLS on top, for events and for a receiver without a proxy.
    Tls(TcpListener, TlsAcceptor),
    /// A Unix socket, which only a proxy on this machine can open.
    Unix(UnixListener),
}

/// Who is at the other end of a connection.
#[derive(Clone)]
pub(crate) enum Caller {
    /// A peer on the network with the certificates that it showed in the handshake, its own first;
    /// none without TLS.
    Network(Vec<CertificateDer<'static>>),
    /// A process that may open the Unix socket.
    UnixSocket,
}

/// A connection's bytes, whatever carries them.
pub(crate) trait ByteStream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> ByteStream for S {}

/// Accepts at most `connections_max` connections at once and has each served in a task of its own,
/// until `stopped` turns true; then waits for those under way.
pub(crate) async fn accept_all<F>(
    listener: Listener,
    connections_max: usize,
    mut stopped: watch::Receiver<bool>,
    serve: impl Fn(Box<dyn ByteStream>, Caller) -> F + Send + Sync + 'static,
) where
    F: Future<Output = ()> + Send,
{
    let connections_max = connections_max.max(1);
    let slots = Arc::new(Semaphore::new(connections_max));
    let serve = Arc::new(serve);
    // The semaphore is never closed.
    while let Ok(slot) = Arc::clone(&slots).acquire_owned().await {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stopped.wait_for(|stopped| *stopped) => break,
        };
        match accepted {
            Ok(accepted) => {
                let serve = Arc::clone(&serve);
                tokio::spawn(async move {
                    if let Some((stream, caller)) = accepted.handshake().await {
                        serve(stream, caller).await;
                    }
                    drop(slot);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drain(&slots, connections_max).await;
}

/// Waits until all connections have ended. None lasts longer than its head may take: a shutdown
/// ends idle ones, and answers are small.
async fn drain(slots: &Semaphore, connections_max: usize) {
    let all = u32::try_from(connections_max).unwrap_or(u32::MAX);
    let _ = tokio::time::timeout(HEAD_TIMEOUT, slots.acquire_many(all)).await;
}

enum Accepted {
    Plain(TcpStream),
    Tls(TcpStream, TlsAcceptor),
    Unix(UnixStream),
}

impl Listener {
    async fn accept(&self) -> io::Result<Accepted> {
        match self {
            Self::Plain(listener) => Ok(Accepted::Plain(accept_tcp(listener).await?)),
            Self::Tls(listener, acceptor) => {
                let stream = accept_tcp(listener).await?;
                Ok(Accepted::Tls(stream, acceptor.clone()))
            }
            Self::Unix(listener) => Ok(Accepted::Unix(listener.accept().await?.0)),
        }
    }
}

async fn accept_tcp(listener: &TcpListener) -> io::Result<TcpStream> {
    let (stream, _) = listener.accept().await?;
    // Without it small answers wait for the peer's acknowledgement.
    let _ = stream.set_nodelay(true);
    Ok(stream)
}

impl Accepted {
    /// The bytes inside TLS, and who is there; nothing if the handshake fails.
    async fn handshake(self) -> Option<(Box<dyn ByteStream>, Caller)> {
        match self {
            Self::Plain(stream) => Some((Box::new(stream), Caller::Network(Vec::new()))),
            Self::Unix(stream) => Some((Box::new(stream), Caller::UnixSocket)),
            Self::Tls(stream, acceptor) => {
                let shaken = tokio::time::timeout(HANDSHAKE_TIMEOUT, acceptor.accept(stream)).await;
                let stream = shaken.ok()?.ok()?;
                let chain = stream.get_ref().1.peer_certificates().unwrap_or_default();
                let chain = chain.iter().cloned().map(CertificateDer::into_owned);
                let caller = Caller::Network(chain.collect());
                Some((Box::new(stream), caller))
            }
        }
    }
}

/// What the head of a request may be; the HTTP library answers a larger one by itself, with 431.
#[derive(Clone, Copy)]
pub(crate) struct HeadBounds {
    pub(crate) headers_max: usize,
    /// At least 8 KiB, which is the least that the library takes.
    pub(crate) bytes_max: usize,
}

/// Answers the requests of one connection until it ends, or `stopped` turns true and the request
/// under way has been answered.
pub(crate) async fn exchange<A>(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    bounds: HeadBounds,
    mut stopped: watch::Receiver<bool>,
    answer: impl Fn(Request<Incoming>) -> A,
) where
    A: Future<Output = HttpResponse>,
{
    let service = service_fn(|request| {
        let answered = answer(request);
        async move { Ok::<_, std::convert::Infallible>(answered.await) }
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_headers(bounds.headers_max)
        .max_buf_size(bounds.bytes_max)
        .serve_connection(TokioIo::new(stream), service);
    let mut served = pin!(served);
    tokio::select! {
        _ = served.as_mut() => return,
        _ = stopped.wait_for(|stopped| *stopped) => served.as_mut().graceful_shutdown(),
    }
    let _ = served.await;
}
