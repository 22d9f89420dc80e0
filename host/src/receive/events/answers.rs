//! One request: who sent it, all of it, and what is answered.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::header::HeaderMap;
use hyper::{Method, Request, Response};
use rustls::pki_types::CertificateDer;
use sha2::{Digest, Sha256};

use super::super::client_certificate::Peer;
use super::super::signature::{self, prove};
use super::{BODY_BYTES_MAX, Delivery, Events, Fault, forwarded};

type Answer = Response<Full<Bytes>>;

const BODY_TIMEOUT: Duration = Duration::from_secs(20);

/// Bytes of a body that are read so that its sender can be answered.
const DRAINED_BYTES_MAX: usize = 16 * 1024 * 1024;

const HEADERS_MAX: usize = 64;
const HEAD_BYTES_MAX: usize = 16 * 1024;

/// Who is at the other end of a connection.
#[derive(Clone)]
pub(super) enum Caller {
    /// Somebody who showed this chain in the handshake.
    Chain(Vec<CertificateDer<'static>>),
    /// Whoever may open the Unix socket.
    Socket,
}

/// Answers one request.
pub(super) async fn answer(events: &Events, caller: &Caller, request: Request<Incoming>) -> Answer {
    let (head, body) = request.into_parts();
    let peer = match peer(events, caller, &head.headers) {
        Ok(peer) => peer,
        Err(why) => {
            events.metrics.event("", why);
            return status(401);
        }
    };
    let read = tokio::time::timeout(BODY_TIMEOUT, Whole::read(body)).await;
    let Ok(Some(whole)) = read else {
        events.metrics.event("", "cut-short");
        return status(503);
    };
    let headers: Vec<&str> = head
        .headers
        .get_all(signature::HEADER)
        .iter()
        .map(|value| value.to_str().unwrap_or("?"))
        .collect();
    let proof = prove(&headers, &whole.digest, peer.leaf.key());
    if !events.is_proven(&peer, proof) {
        return status(401);
    }
    let delivery = Delivery {
        path: head.uri.path().to_string(),
        fault: fault(&head, &whole),
        body: whole.kept,
    };
    status(events.receive(&peer, delivery).await)
}

/// The peer of SAP Concur that this comes from. Judged with each request: certificates end and
/// roots change while a connection is open.
fn peer(events: &Events, caller: &Caller, headers: &HeaderMap) -> Result<Peer, &'static str> {
    let now = (events.clock)();
    let chain = match caller {
        Caller::Socket => forwarded::chain(headers),
        Caller::Chain(chain) => {
            let proxies = events.proxies.as_ref();
            if proxies.is_none_or(|proxies| proxies.judge(chain, now).is_err()) {
                // Not from a proxy: what it says of other certificates is nothing.
                return events.trust.judge(chain, now).map_err(|why| why.word());
            }
            forwarded::chain(headers)
        }
    };
    let chain = chain.map_err(forwarded::Unclear::word)?;
    events.trust.judge(&chain, now).map_err(|why| why.word())
}

fn fault(head: &hyper::http::request::Parts, whole: &Whole) -> Option<Fault> {
    let line = |(name, value): (&hyper::header::HeaderName, &hyper::header::HeaderValue)| {
        name.as_str().len() + value.len()
    };
    let head_bytes: usize = head.headers.iter().map(line).sum();
    let target = head
        .uri
        .path_and_query()
        .map_or(0, |target| target.as_str().len());
    if head.method != Method::POST {
        Some(Fault::Method)
    } else if head.headers.len() > HEADERS_MAX || head_bytes + target > HEAD_BYTES_MAX {
        Some(Fault::Head)
    } else if whole.bytes > BODY_BYTES_MAX {
        Some(Fault::Length)
    } else {
        None
    }
}

/// A body, as much of it as is kept, and the digest of all of it.
struct Whole {
    kept: Vec<u8>,
    bytes: usize,
    digest: [u8; 32],
}

impl Whole {
    /// Nothing if it breaks off.
    async fn read(mut body: Incoming) -> Option<Self> {
        let (mut kept, mut bytes, mut digest) = (Vec::new(), 0, Sha256::new());
        while let Some(frame) = body.frame().await {
            let Ok(data) = frame.ok()?.into_data() else {
                continue;
            };
            bytes += data.len();
            if bytes > DRAINED_BYTES_MAX {
                return None;
            }
            digest.update(&data);
            let room = BODY_BYTES_MAX.saturating_sub(kept.len());
            kept.extend_from_slice(&data[..data.len().min(room)]);
        }
        Some(Self {
            kept,
            bytes,
            digest: digest.finalize().into(),
        })
    }
}

fn status(code: u16) -> Answer {
    let mut answer = Response::new(Full::default());
    *answer.status_mut() =
        hyper::StatusCode::from_u16(code).unwrap_or(hyper::StatusCode::INTERNAL_SERVER_ERROR);
    answer
}
