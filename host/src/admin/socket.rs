//! The socket beside the store.

use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::watch;

use super::audit::{self, Actor};
use super::{AdminError, AdminReply, AdminRequest, handle};
use crate::service::{Parts, ServeError};
use crate::store::sqlite::{resolve, with_suffix};

/// Bytes of a request: an authorization code or token has less than 8 KiB.
const REQUEST_BYTES_MAX: u64 = 64 * 1024;

/// Bytes of a reply: the status of ten thousand connections.
const REPLY_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// A request must have arrived whole within this time.
const READ_TIMEOUT: Duration = Duration::from_secs(5);

/// Longer than any token request takes.
const REPLY_TIMEOUT: Duration = Duration::from_secs(150);

/// Accepting fails when file descriptors run out; without a pause the loop would spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// The service's end of the socket.
pub(crate) struct Socket {
    listener: UnixListener,
    path: PathBuf,
    owner: u32,
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
        let owner = fs::metadata(&path)?.uid();
        Ok(Socket {
            listener,
            path: path.clone(),
            owner,
        })
    };
    made().map_err(|source| ServeError::Admin {
        path: path.clone(),
        source,
    })
}

/// Answers requests one after the other until `stopped`.
pub(crate) async fn answer_all(
    socket: Socket,
    parts: Arc<Parts>,
    mut stopped: watch::Receiver<bool>,
) {
    loop {
        let accepted = tokio::select! {
            accepted = socket.listener.accept() => accepted,
            _ = stopped.wait_for(|stopped| *stopped) => return,
        };
        let Ok((stream, _)) = accepted else {
            tokio::time::sleep(ACCEPT_PAUSE).await;
            continue;
        };
        // Between its making and its permissions others might have reached the socket.
        let peer = stream.peer_cred().ok();
        let Some(peer) = peer.filter(|peer| [0, socket.owner].contains(&peer.uid())) else {
            continue;
        };
        if let Err(error) = answer(stream, Actor::peer(&peer), &parts).await {
            tracing::debug!(%error, "an administration request was not answered");
        }
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

async fn answer(mut stream: UnixStream, actor: Actor, parts: &Parts) -> io::Result<()> {
    let mut text = String::new();
    let mut limited = (&mut stream).take(REQUEST_BYTES_MAX);
    tokio::time::timeout(READ_TIMEOUT, limited.read_to_string(&mut text)).await??;
    let reply = match serde_json::from_str(&text) {
        Ok(request) => handle_logged(parts, request, actor).await,
        Err(error) => AdminReply::Refused {
            message: format!("the request cannot be read ({error}); use the same version for both"),
        },
    };
    zeroize::Zeroize::zeroize(&mut text);
    stream.write_all(&serde_json::to_vec(&reply)?).await?;
    stream.shutdown().await
}

async fn handle_logged(parts: &Parts, request: AdminRequest, actor: Actor) -> AdminReply {
    let command = audit::command(&request);
    let reply = handle(parts, request, true).await;
    if let Some(command) = command {
        audit::log_reply(actor, &command, &reply);
    }
    reply
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
