//! One request: who sent it, all of it, and what is answered.

use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::header::HeaderMap;
use hyper::{Method, Request};
use rustls::pki_types::CertificateDer;
use sha2::{Digest, Sha256};

use super::client_certificate::Peer;
use super::signature::{self, check_signature};
use super::{BODY_BYTES_MAX, EventReceiver, EventRequest, RequestFault, forwarded};
use crate::contract::types::Instant;
use crate::listener::{Arrival, Caller, HttpResponse, status_only};

/// Bytes of a body that are read to its end so that its sender gets an answer: 16 MiB. A longer one
/// is cut off.
const DRAINED_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Larger heads are stored as unreadable; those that the library would refuse are larger still.
const HEADERS_MAX: usize = 64;
const HEAD_BYTES_MAX: usize = 16 * 1024;

/// Answers 200 once the event is stored, 503 if it cannot be, 401 to any but SAP Concur.
pub(super) async fn answer(
    receiver: &EventReceiver,
    caller: &Caller,
    request: Request<Incoming>,
    Arrival { source, slot }: Arrival,
) -> HttpResponse {
    if slot.is_reserved() {
        receiver.metrics.event("", "unavailable");
        return status_only(503);
    }
    let (head, body) = request.into_parts();
    let peer = match authenticate(receiver, caller, &head.headers) {
        Ok(peer) => peer,
        Err(why) => {
            receiver.metrics.event("", why);
            receiver.log_refusal(why, source);
            return status_only(401);
        }
    };
    let Some(body) = CollectedBody::read(body).await else {
        receiver.metrics.event("", "cut-short");
        return status_only(503);
    };
    slot.work();
    let headers: Vec<&str> = head
        .headers
        .get_all(signature::HEADER)
        .iter()
        .map(|value| value.to_str().unwrap_or("?"))
        .collect();
    let check = check_signature(&headers, &body.digest, peer.leaf.key());
    if !receiver.is_proven(&peer, check) {
        receiver.log_refusal(check.label(), source);
        return status_only(401);
    }
    let request = EventRequest {
        path: head.uri.path().to_string(),
        fault: find_fault(&head, &body),
        body: body.kept,
    };
    status_only(receiver.receive(&peer, request).await)
}

/// The peer of SAP Concur that this comes from, or the label of why it is not. Checked with each
/// request: certificates end and roots change while a connection is open.
fn authenticate(
    receiver: &EventReceiver,
    caller: &Caller,
    headers: &HeaderMap,
) -> Result<Peer, &'static str> {
    let now = receiver.clock.now();
    let chain = match caller {
        Caller::UnixSocket(_) => forwarded::read_chain(headers),
        Caller::Network(chain) => {
            let proxies = receiver.proxies.as_ref();
            if proxies.is_none_or(|proxies| proxies.verify(chain, now).is_err()) {
                // Not a proxy: whatever it forwards is ignored.
                return verify(receiver, chain, now);
            }
            forwarded::read_chain(headers)
        }
    };
    let chain = chain.map_err(forwarded::ForwardedCertError::label)?;
    verify(receiver, &chain, now)
}

fn verify(
    receiver: &EventReceiver,
    chain: &[CertificateDer<'_>],
    now: Instant,
) -> Result<Peer, &'static str> {
    let verified = receiver.trust.verify(chain, now);
    verified.map_err(|why| why.label())
}

fn find_fault(head: &hyper::http::request::Parts, body: &CollectedBody) -> Option<RequestFault> {
    let line = |(name, value): (&hyper::header::HeaderName, &hyper::header::HeaderValue)| {
        name.as_str().len() + value.len()
    };
    let head_bytes: usize = head.headers.iter().map(line).sum();
    let target = head
        .uri
        .path_and_query()
        .map_or(0, |target| target.as_str().len());
    if head.method != Method::POST {
        Some(RequestFault::Method)
    } else if head.headers.len() > HEADERS_MAX || head_bytes + target > HEAD_BYTES_MAX {
        Some(RequestFault::Head)
    } else if body.bytes > BODY_BYTES_MAX {
        Some(RequestFault::Length)
    } else {
        None
    }
}

/// A body: its first [`BODY_BYTES_MAX`], its length, and the SHA-256 of all of it.
struct CollectedBody {
    kept: Vec<u8>,
    bytes: usize,
    digest: [u8; 32],
}

impl CollectedBody {
    /// Nothing if it breaks off, or is longer than [`DRAINED_BYTES_MAX`].
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
