//! The socket beside the store.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{Mutex, watch};

use super::audit::Actor;
use super::handle::handle;
use super::{AdminError, AdminReply, AdminRequest, Fault};
use crate::listener::{self, Connection, Listener, Policy};
use crate::private;
use crate::service::{Parts, ServeError};
use crate::store::sqlite::{resolve, with_suffix};

/// Bytes of a request: an authorization code or token has less than 8 KiB.
const REQUEST_BYTES_MAX: u64 = 64 * 1024;

/// Bytes of a reply: the status of ten thousand connections.
const REPLY_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// Commands at once; a person starts one at a time, and scripts a few.
const CONNECTIONS_MAX: usize = 16;

/// Longer than any token request takes.
const REPLY_TIMEOUT: Duration = Duration::from_secs(150);

/// The service's end of the socket.
pub(crate) struct Socket {
    /// Taken when it is served; the file is removed when all has ended.
    listener: Option<UnixListener>,
    path: PathBuf,
}

/// Makes the socket. The caller holds the store's lock, so that one that is there is left
/// over.
pub(crate) fn listen(store: &Path) -> Result<Socket, ServeError> {
    let path = path(store);
    let made = || -> io::Result<Socket> {
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let listener = UnixListener::bind(&path)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600))?;
        Ok(Socket {
            listener: Some(listener),
            path: path.clone(),
        })
    };
    made().map_err(|source| ServeError::Admin {
        path: path.clone(),
        source,
    })
}

/// Answers requests until `stopped`, one after the other; a command that sends nothing or takes no
/// reply holds up no other.
pub(crate) async fn answer_all(
    mut socket: Socket,
    policy: Policy,
    parts: Arc<Parts>,
    stopped: watch::Receiver<bool>,
) {
    let policy = Policy {
        connections_max: CONNECTIONS_MAX,
        ..policy
    };
    let Some(listener) = socket.listener.take() else {
        return;
    };
    let (listener, owner) = (Listener::Unix(listener), private::own_user());
    let turn = Arc::new(Mutex::new(()));
    listener::accept_all(listener, "admin", policy, stopped, move |connection| {
        let (parts, turn) = (Arc::clone(&parts), Arc::clone(&turn));
        async move {
            // Between its making and its permissions others might have reached the socket.
            let peer = connection.caller.user();
            let Some(peer) = peer.filter(|peer| [0, owner].contains(&peer.uid())) else {
                return connection.refuse("other-user");
            };
            let actor = Actor::peer(&peer);
            if let Err(error) = answer(connection, actor, &parts, &turn).await {
                tracing::debug!(%error, "an administration request was not answered");
            }
        }
    })
    .await;
}

impl Drop for Socket {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

async fn answer(
    connection: Connection,
    actor: Actor,
    parts: &Parts,
    turn: &Mutex<()>,
) -> io::Result<()> {
    let Connection {
        mut stream, slot, ..
    } = connection;
    let mut text = String::new();
    let mut limited = (&mut stream).take(REQUEST_BYTES_MAX);
    limited.read_to_string(&mut text).await?;
    slot.work();
    let reply = match serde_json::from_str(&text) {
        Ok(request) => {
            let _turn = match request {
                // These look only, and are asked beside a command that takes its time.
                AdminRequest::Status
                | AdminRequest::Consented { .. }
                | AdminRequest::Rehearse { .. } => None,
                _ => Some(turn.lock().await),
            };
            handle(parts, request, actor, true).await
        }
        Err(error) => AdminReply::Refused {
            message: format!("the request cannot be read ({error}); use the same version for both"),
            fault: Fault::Request,
        },
    };
    zeroize::Zeroize::zeroize(&mut text);
    slot.answer();
    stream.write_all(&serde_json::to_vec(&reply)?).await?;
    stream.shutdown().await
}

/// Whether a service runs, by its socket.
pub(super) async fn is_answered(store: &Path) -> bool {
    UnixStream::connect(path(store)).await.is_ok()
}

/// Asks the service; nothing if none runs.
pub(super) async fn ask(
    store: &Path,
    request: &AdminRequest,
) -> Result<Option<AdminReply>, AdminError> {
    let path = path(store);
    let stream = match UnixStream::connect(&path).await {
        Ok(stream) => stream,
        Err(error) if is_nobody(&error) => return Ok(None),
        Err(error) => return Err(no_answer(path, &error)),
    };
    let asked = tokio::time::timeout(REPLY_TIMEOUT, exchange(stream, request)).await;
    match asked.map_err(io::Error::from).and_then(|reply| reply) {
        Ok(reply) => Ok(Some(reply)),
        Err(error) => Err(no_answer(path, &error)),
    }
}

async fn exchange(mut stream: UnixStream, request: &AdminRequest) -> io::Result<AdminReply> {
    let text = zeroize::Zeroizing::new(serde_json::to_vec(request)?);
    stream.write_all(&text).await?;
    stream.shutdown().await?;
    let mut reply = Vec::new();
    stream.take(REPLY_BYTES_MAX).read_to_end(&mut reply).await?;
    Ok(serde_json::from_slice(&reply)?)
}

fn is_nobody(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused
    )
}

fn no_answer(path: PathBuf, error: &io::Error) -> AdminError {
    AdminError::NoAnswer {
        path,
        detail: error.to_string(),
    }
}

/// The same whatever symbolic link leads to the store.
fn path(store: &Path) -> PathBuf {
    with_suffix(&resolve(store), ".sock")
}
