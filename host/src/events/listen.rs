//! The socket of the events: mutual TLS, or a Unix socket behind a proxy.

use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use rustls::server::NoServerSessionStorage;
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;

use super::abort_on_4xx::AbortOn4xx;
use super::client_certificate::PeerVerifier;
use super::{EventReceiver, LISTENER, exchange, maintenance};
use crate::config::{EventsConfig, EventsListen, TlsFiles};
use crate::listener::{self, HeadBounds, ListenError, Listener, server_config};

/// Larger than what is accepted (see `exchange`), so that the answer to a head that is too large is
/// our own, and no 431, which would lose the event.
const HEAD_BOUNDS: HeadBounds = HeadBounds {
    headers_max: 256,
    bytes_max: 64 * 1024,
};

/// The socket of the events, bound before anything else is started, so that an address that is
/// taken is reported at once.
pub enum Bound {
    /// TCP with mutual TLS.
    Network(TcpListener, TlsFiles),
    /// A Unix socket behind a proxy.
    Socket(UnixListener),
}

impl Bound {
    /// Address and port with the port that the system chose; nothing for a Unix socket.
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
/// [`ListenError::Address`] if it is taken, or belongs to another machine.
pub async fn bind(config: &EventsConfig) -> Result<Bound, ListenError> {
    match &config.listen {
        EventsListen::Network { address, tls, .. } => {
            let bound = TcpListener::bind(address).await;
            let bound = bound.map_err(|source| address_error(&address.to_string(), source))?;
            Ok(Bound::Network(bound, tls.clone()))
        }
        EventsListen::Socket(path) => bind_socket(path)
            .map(Bound::Socket)
            .map_err(|source| address_error(&path.display().to_string(), source)),
    }
}

/// A socket that the owner and the group may open. One that was left over is replaced; one that
/// answers belongs to a service that runs.
fn bind_socket(path: &Path) -> io::Result<UnixListener> {
    match std::fs::symlink_metadata(path) {
        Ok(found) if found.file_type().is_socket() => {
            if std::os::unix::net::UnixStream::connect(path).is_ok() {
                return Err(io::ErrorKind::AddrInUse.into());
            }
            std::fs::remove_file(path)?;
        }
        _ => {}
    }
    let listener = UnixListener::bind(path)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o660))?;
    Ok(listener)
}

fn address_error(address: &str, source: io::Error) -> ListenError {
    ListenError::Address {
        address: address.to_string(),
        setting: "receiver.events.listen",
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
    receiver: Arc<EventReceiver>,
    stopped: watch::Receiver<bool>,
) -> Result<(), ListenError> {
    let listener = match bound {
        Bound::Network(listener, files) => Listener::Tls(listener, acceptor(&files, &receiver)?),
        Bound::Socket(listener) => Listener::Unix(listener),
    };
    let maintaining = maintenance::maintain(Arc::clone(&receiver), stopped.clone());
    let maintaining = tokio::spawn(maintaining);
    let (policy, ending) = (receiver.policy.clone(), stopped.clone());
    listener::accept_all(listener, LISTENER, policy, ending, move |mut connection| {
        let (receiver, stopped) = (Arc::clone(&receiver), stopped.clone());
        async move {
            let (caller, metrics) = (connection.caller.clone(), Arc::clone(&receiver.metrics));
            connection.stream = Box::new(AbortOn4xx::new(connection.stream, metrics));
            let answer = |request, arrival| exchange::answer(&receiver, &caller, request, arrival);
            listener::exchange(connection, HEAD_BOUNDS, stopped, answer).await;
        }
    })
    .await;
    let _ = maintaining.await;
    Ok(())
}

fn acceptor(files: &TlsFiles, events: &EventReceiver) -> Result<TlsAcceptor, ListenError> {
    let mut trusted = vec![Arc::clone(&events.trust)];
    trusted.extend(events.proxies.clone());
    let verifier = PeerVerifier {
        trusted,
        metrics: Arc::clone(&events.metrics),
        clock: events.clock.clone(),
        has_warned: AtomicBool::new(false),
    };
    let mut config = server_config(files, "receiver.events", |builder| {
        builder.with_client_cert_verifier(Arc::new(verifier))
    })?;
    // A resumed session would keep a certificate that is not checked again.
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    Ok(TlsAcceptor::from(Arc::new(config)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_socket_is_not_taken_from_a_service_that_runs() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("events.sock");
        let first = bind_socket(&path).expect("is free");
        let second = bind_socket(&path).expect_err("is in use");
        assert_eq!(second.kind(), io::ErrorKind::AddrInUse);
        drop(first);
        bind_socket(&path).expect("is left over");
    }
}
