//! The socket of the events: mutual TLS, or a Unix socket behind a proxy; every time and count is
//! bounded.

use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::Path;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use rustls::server::NoServerSessionStorage;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio_rustls::TlsAcceptor;

use super::super::client_certificate::{Doorman, Reloaded, Trust};
use super::super::listen::{ListenError, certified, drain};
use super::answers::{Caller, answer};
use super::courtesy::Courteous;
use super::{Events, RETENTION};
use crate::config::{self, EventsListen, TlsFiles};
use crate::store::Write;

const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// More than is accepted, so that the refusal can be our own.
const HEADERS_MAX: usize = 256;
const HEAD_BYTES_MAX: usize = 64 * 1024;

/// How often the roots are looked at.
const RELOAD_INTERVAL: Duration = Duration::from_secs(5);
/// How often certificates are looked at and old events are forgotten.
const TIDY_EVERY: u32 = 720;

/// Where events are received, bound.
pub enum Bound {
    /// On a network.
    Network(TcpListener, TlsFiles),
    /// On a Unix socket.
    Socket(UnixListener),
}

impl Bound {
    /// The address, if it is on a network.
    #[must_use]
    pub fn address(&self) -> Option<SocketAddr> {
        match self {
            Self::Network(listener, _) => listener.local_addr().ok(),
            Self::Socket(_) => None,
        }
    }
}

/// Takes the address.
///
/// # Errors
///
/// [`ListenError::Events`] if it is taken or not ours.
pub async fn bind(config: &config::Events) -> Result<Bound, ListenError> {
    match &config.listen {
        EventsListen::Network { address, tls, .. } => {
            let bound = TcpListener::bind(address).await;
            let bound = bound.map_err(|source| no_address(&address.to_string(), source))?;
            Ok(Bound::Network(bound, tls.clone()))
        }
        EventsListen::Socket(path) => socket(path)
            .map(Bound::Socket)
            .map_err(|source| no_address(&path.display().to_string(), source)),
    }
}

/// A socket that the owner and the group may open.
fn socket(path: &Path) -> io::Result<UnixListener> {
    match std::fs::symlink_metadata(path) {
        Ok(left) if left.file_type().is_socket() => std::fs::remove_file(path)?,
        _ => {}
    }
    let listener = UnixListener::bind(path)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o660))?;
    Ok(listener)
}

fn no_address(address: &str, source: io::Error) -> ListenError {
    ListenError::Events {
        address: address.to_string(),
        source,
    }
}

/// Receives until `stopped` turns true, then finishes what is under way.
///
/// # Errors
///
/// [`ListenError::Tls`] if certificate or key cannot be used.
pub async fn serve(
    bound: Bound,
    events: Arc<Events>,
    stopped: watch::Receiver<bool>,
) -> Result<(), ListenError> {
    let slots = Arc::new(Semaphore::new(events.connections_max.max(1)));
    let door = match bound {
        Bound::Network(listener, files) => Door::Network(listener, acceptor(&files, &events)?),
        Bound::Socket(listener) => Door::Socket(listener),
    };
    let tidying = tokio::spawn(tidy(Arc::clone(&events), stopped.clone()));
    let mut ending = stopped.clone();
    while let Ok(slot) = Arc::clone(&slots).acquire_owned().await {
        let accepted = tokio::select! {
            accepted = door.accept() => accepted,
            _ = ending.wait_for(|stopped| *stopped) => break,
        };
        match accepted {
            Ok(entrant) => {
                tokio::spawn(entrant.attend(Arc::clone(&events), stopped.clone(), slot));
            }
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
    drain(&slots, events.connections_max).await;
    let _ = tidying.await;
    Ok(())
}

enum Door {
    Network(TcpListener, TlsAcceptor),
    Socket(UnixListener),
}

enum Entrant {
    Network(TcpStream, TlsAcceptor),
    Socket(UnixStream),
}

impl Door {
    async fn accept(&self) -> io::Result<Entrant> {
        match self {
            Self::Network(listener, acceptor) => {
                let (stream, _) = listener.accept().await?;
                // Without it small answers wait for the peer's acknowledgement.
                let _ = stream.set_nodelay(true);
                Ok(Entrant::Network(stream, acceptor.clone()))
            }
            Self::Socket(listener) => Ok(Entrant::Socket(listener.accept().await?.0)),
        }
    }
}

impl Entrant {
    async fn attend(
        self,
        events: Arc<Events>,
        stopped: watch::Receiver<bool>,
        slot: OwnedSemaphorePermit,
    ) {
        match self {
            Self::Socket(stream) => exchange(stream, Caller::Socket, events, stopped).await,
            Self::Network(stream, acceptor) => {
                let shaken = tokio::time::timeout(HANDSHAKE_TIMEOUT, acceptor.accept(stream)).await;
                if let Ok(Ok(stream)) = shaken {
                    let chain = stream.get_ref().1.peer_certificates();
                    let chain = chain.unwrap_or_default().to_vec();
                    let chain = chain
                        .into_iter()
                        .map(rustls::pki_types::CertificateDer::into_owned);
                    exchange(stream, Caller::Chain(chain.collect()), events, stopped).await;
                }
            }
        }
        drop(slot);
    }
}

async fn exchange(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    caller: Caller,
    events: Arc<Events>,
    mut stopped: watch::Receiver<bool>,
) {
    let stream = Courteous::new(stream, Arc::clone(&events.metrics));
    let service = service_fn(|request| {
        let (events, caller) = (Arc::clone(&events), caller.clone());
        async move { Ok::<_, std::convert::Infallible>(answer(&events, &caller, request).await) }
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

fn acceptor(files: &TlsFiles, events: &Events) -> Result<TlsAcceptor, ListenError> {
    let mut trusted = vec![Arc::clone(&events.trust)];
    trusted.extend(events.proxies.clone());
    let doorman = Doorman {
        trusted,
        metrics: Arc::clone(&events.metrics),
        clock: events.clock,
        told: AtomicBool::new(false),
    };
    let mut config = certified(files, "receiver.events", |builder| {
        builder.with_client_cert_verifier(Arc::new(doorman))
    })?;
    // A resumed session would bring a certificate along that nobody looked at again.
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// Reads the roots again when they change, tells of certificates that end, and forgets old events.
async fn tidy(events: Arc<Events>, mut stopped: watch::Receiver<bool>) {
    let mut turn = 0_u32;
    while !*stopped.borrow() {
        for trust in std::iter::once(&events.trust).chain(&events.proxies) {
            reload(trust);
        }
        if turn.is_multiple_of(TIDY_EVERY) {
            forget(&events).await;
        }
        turn = turn.wrapping_add(1);
        events.watch.remind((events.clock)());
        tokio::select! {
            () = tokio::time::sleep(RELOAD_INTERVAL) => {}
            _ = stopped.changed() => {}
        }
    }
}

fn reload(trust: &Trust) {
    match trust.reload() {
        Reloaded::Same => {}
        Reloaded::Changed(count) => tracing::info!(count, "trust anchors were read again"),
        Reloaded::Refused(error) => {
            tracing::error!(%error, "trust anchors were not changed; those from before stay");
        }
    }
}

async fn forget(events: &Events) {
    let forget = Write::Forget {
        received_before: (events.clock)().saturating_sub(RETENTION),
    };
    let forgotten = events.store.commit(vec![forget]).await;
    let counted = match forgotten {
        Ok(_) => events.count().await,
        Err(error) => Err(error),
    };
    if let Err(error) = counted {
        tracing::error!(%error, "old events were not forgotten");
    }
}
