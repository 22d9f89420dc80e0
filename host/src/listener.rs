//! The one accept loop: webhooks, events, monitoring and administration are all received through
//! it. Every time and count is bounded, whatever peers do.

mod exchange;
mod refusals;
mod slots;
mod source;
#[cfg(test)]
mod tests;
mod tls;

use std::future::Future;
use std::io;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::{Request, Response, StatusCode};
use ipnet::IpNet;
use rustls::pki_types::CertificateDer;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::unix::UCred;
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

pub(crate) use self::exchange::{Arrival, HeadBounds, exchange};
pub(crate) use self::refusals::Refusal;
pub use self::refusals::RefusalLog;
pub(crate) use self::slots::Slot;
use self::slots::{Awaited, Slots};
pub use self::source::Source;
pub(crate) use self::tls::server_config;
use crate::events::client_certificate::TrustError;

/// Accepting fails when file descriptors run out; without a pause the loop would spin until some
/// are free again.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// How long a stop leaves requests and answers on their way to arrive. Whatever is cut off then was
/// not acknowledged, and comes again.
const DRAIN_TIME: Duration = Duration::from_secs(1);

/// Why a receiver cannot listen.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// The address is taken, or belongs to another machine.
    #[error("cannot listen on {address} ({source}); correct `{setting}`")]
    Address {
        /// Address and port, or the path of the Unix socket.
        address: String,
        /// The setting that names it: `receiver.listen`, `receiver.monitoring_listen` or
        /// `receiver.events.listen`.
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
    with_body(code, "")
}

/// A response with this body and no headers.
pub(crate) fn with_body(code: u16, body: impl Into<Bytes>) -> HttpResponse {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() =
        StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response
}

/// What every listener is held to.
#[derive(Clone)]
pub struct Policy {
    /// TCP or Unix connections at once.
    pub connections_max: usize,
    /// How long a peer may take for each thing that it has to do: the TLS handshake, the head of a
    /// request, its body, taking the answer, and asking for more.
    pub peer_timeout: Duration,
    /// How long a stop waits for what is under way before it is cut off.
    pub shutdown_grace: Duration,
    /// Peers that are believed when they name the client for which they ask.
    pub trusted_proxies: Vec<IpNet>,
    /// Counts and logs what strangers are refused.
    pub refusals: Arc<RefusalLog>,
}

/// Where connections come from.
pub(crate) enum Listener {
    /// TCP without TLS, behind a proxy that speaks it.
    Plain(TcpListener),
    /// TCP with TLS on top, for events and for a receiver without a proxy.
    Tls(TcpListener, TlsAcceptor),
    /// A Unix socket, which only a proxy or a command on this machine can open.
    Unix(UnixListener),
}

/// Who is at the other end of a connection.
#[derive(Clone)]
pub(crate) enum Caller {
    /// A peer on the network with the certificates that it showed in the handshake, its own first;
    /// none without TLS.
    Network(Vec<CertificateDer<'static>>),
    /// A process that may open the Unix socket, with its and its user's id.
    UnixSocket(Option<UCred>),
}

impl Caller {
    /// The process at the other end of a Unix socket, and its user.
    pub(crate) fn user(&self) -> Option<UCred> {
        match self {
            Self::Network(_) => None,
            Self::UnixSocket(user) => *user,
        }
    }
}

/// An accepted connection, past its handshake.
pub(crate) struct Connection {
    pub(crate) stream: Box<dyn ByteStream>,
    pub(crate) caller: Caller,
    pub(crate) slot: Arc<Slot>,
    context: PeerContext,
}

impl Connection {
    /// Counts and logs that the peer is refused for this reason.
    pub(crate) fn refuse(&self, what: &'static str) {
        self.context.refuse_with(what, "");
    }
}

/// A connection's bytes, whatever carries them.
pub(crate) trait ByteStream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> ByteStream for S {}

/// Accepts connections and has each served in a task of its own, until `stopped` turns true; then
/// waits for those under way, at most for [`Policy::shutdown_grace`]. `name` is the listener's, for
/// the log.
pub(crate) async fn accept_all<F>(
    listener: Listener,
    name: &'static str,
    policy: Policy,
    mut stopped: watch::Receiver<bool>,
    serve: impl Fn(Connection) -> F + Send + Sync + 'static,
) where
    F: Future<Output = ()> + Send + 'static,
{
    let slots = Slots::new(policy.connections_max, policy.peer_timeout);
    let (policy, serve) = (Arc::new(policy), Arc::new(serve));
    let mut tasks = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stopped.wait_for(|stopped| *stopped) => break,
            Some(_) = tasks.join_next() => continue,
        };
        let context = |peer| PeerContext {
            name,
            peer,
            policy: Arc::clone(&policy),
        };
        match accepted {
            Ok((socket, peer)) => match slots.take(peer) {
                Some(slot) => {
                    let (serve, stopped) = (Arc::clone(&serve), stopped.clone());
                    tasks.spawn(serve_one(socket, slot, context(peer), stopped, serve));
                    // What has arrived already is read before the next one may displace it.
                    tokio::task::yield_now().await;
                }
                None => context(peer).refuse(Source::peer(peer), "no-slot"),
            },
            Err(error) => {
                context(None).refuse_with("not-accepted", &error.to_string());
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop(listener);
    drain(tasks, &slots, policy.shutdown_grace).await;
}

/// The same for HTTP: every request is answered so.
pub(crate) async fn answer_all<A>(
    listener: Listener,
    name: &'static str,
    policy: Policy,
    bounds: HeadBounds,
    stopped: watch::Receiver<bool>,
    answer: impl Fn(Request<Incoming>, Arrival) -> A + Send + Sync + 'static,
) where
    A: Future<Output = HttpResponse> + Send + 'static,
{
    let (answer, ending) = (Arc::new(answer), stopped.clone());
    accept_all(listener, name, policy, ending, move |connection| {
        let (answer, stopped) = (Arc::clone(&answer), stopped.clone());
        async move { exchange(connection, bounds, stopped, &*answer).await }
    })
    .await;
}

/// Serves one connection until it ends by itself, or has to.
async fn serve_one<F>(
    socket: Socket,
    slot: Slot,
    context: PeerContext,
    stopped: watch::Receiver<bool>,
    serve: Arc<impl Fn(Connection) -> F>,
) where
    F: Future<Output = ()>,
{
    let slot = Arc::new(slot);
    let served = async {
        match socket.handshake().await {
            Ok((stream, caller)) => {
                slot.await_peer(Awaited::Request);
                serve(Connection {
                    stream,
                    caller,
                    slot: Arc::clone(&slot),
                    context: context.clone(),
                })
                .await;
            }
            Err(error) => context.refuse_handshake(&error),
        }
    };
    tokio::select! {
        () = served => {}
        why = slot.until_ended() => {
            if let Some(why) = why.filter(|_| !*stopped.borrow()) {
                context.refuse(Source::peer(context.peer), why);
            }
        }
    }
}

/// Waits until all connections have ended: for peers [`DRAIN_TIME`], for work under way `grace`.
async fn drain(mut tasks: JoinSet<()>, slots: &Slots, grace: Duration) {
    let ended = async { while tasks.join_next().await.is_some() {} };
    let hurried = async {
        tokio::time::sleep(DRAIN_TIME).await;
        slots.displace_all();
        std::future::pending::<()>().await;
    };
    tokio::select! {
        () = ended => {}
        () = hurried => {}
        () = tokio::time::sleep(grace) => {}
    }
    // Dropping the tasks cuts off those that are left.
}

/// What is known of a connection before anything is read from it.
#[derive(Clone)]
struct PeerContext {
    name: &'static str,
    peer: Option<IpAddr>,
    policy: Arc<Policy>,
}

impl PeerContext {
    /// What is known of a request, for whose client the slot is held from now on.
    fn arrival(&self, slot: &Arc<Slot>, request: &Request<Incoming>) -> Arrival {
        let source = Source::read(self.peer, &self.policy.trusted_proxies, request.headers());
        if let Some(client) = source.client {
            slot.hold_for(client);
        }
        Arrival {
            source,
            slot: Arc::clone(slot),
        }
    }

    fn refuse(&self, source: Source, what: &'static str) {
        self.note(source, what, "");
    }

    fn refuse_with(&self, what: &'static str, detail: &str) {
        self.note(Source::peer(self.peer), what, detail);
    }

    fn refuse_handshake(&self, error: &io::Error) {
        let inner = error.get_ref().and_then(|inner| inner.downcast_ref());
        let what = match inner {
            Some(rustls::Error::InvalidCertificate(_) | rustls::Error::NoCertificatesPresented) => {
                "client-certificate"
            }
            Some(_) => "tls",
            // A peer that goes away was not refused; balancers look in this way whether we are
            // here.
            None => return,
        };
        self.refuse_with(what, &error.to_string());
    }

    fn note(&self, source: Source, what: &'static str, detail: &str) {
        self.policy.refusals.note(&Refusal {
            listener: self.name,
            what,
            source,
            connection: None,
            detail,
        });
    }
}

enum Socket {
    Plain(TcpStream),
    Tls(TcpStream, TlsAcceptor),
    Unix(UnixStream),
}

impl Listener {
    /// The next connection, with the peer's address unless it is a Unix socket.
    async fn accept(&self) -> io::Result<(Socket, Option<IpAddr>)> {
        match self {
            Self::Plain(listener) => {
                let (stream, peer) = accept_tcp(listener).await?;
                Ok((Socket::Plain(stream), Some(peer)))
            }
            Self::Tls(listener, acceptor) => {
                let (stream, peer) = accept_tcp(listener).await?;
                Ok((Socket::Tls(stream, acceptor.clone()), Some(peer)))
            }
            Self::Unix(listener) => Ok((Socket::Unix(listener.accept().await?.0), None)),
        }
    }
}

async fn accept_tcp(listener: &TcpListener) -> io::Result<(TcpStream, IpAddr)> {
    let (stream, peer) = listener.accept().await?;
    // Without it small answers wait for the peer's acknowledgement.
    let _ = stream.set_nodelay(true);
    Ok((stream, peer.ip().to_canonical()))
}

impl Socket {
    /// The bytes inside TLS, and who is there.
    async fn handshake(self) -> io::Result<(Box<dyn ByteStream>, Caller)> {
        match self {
            Self::Plain(stream) => Ok((Box::new(stream), Caller::Network(Vec::new()))),
            Self::Unix(stream) => {
                let user = stream.peer_cred().ok();
                Ok((Box::new(stream), Caller::UnixSocket(user)))
            }
            Self::Tls(stream, acceptor) => {
                let stream = acceptor.accept(stream).await?;
                let chain = stream.get_ref().1.peer_certificates().unwrap_or_default();
                let chain = chain.iter().cloned().map(CertificateDer::into_owned);
                let caller = Caller::Network(chain.collect());
                Ok((Box::new(stream), caller))
            }
        }
    }
}
