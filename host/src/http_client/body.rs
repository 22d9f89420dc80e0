//! Request bodies: joined from their parts with the secrets filled in, and watched on their way
//! out.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::{Body, Frame, SizeHint};
use zeroize::Zeroizing;

use crate::contract::http::{BodyPart, Secret};

/// Gives out the secrets that the body of a request may name.
pub trait SecretParts: Sync {
    /// The secret; none if it is not held, or not for this request.
    fn secret(&self, secret: &Secret) -> Option<Zeroizing<String>>;
}

/// For requests without secrets: holds none.
pub struct NoSecrets;

impl SecretParts for NoSecrets {
    fn secret(&self, _: &Secret) -> Option<Zeroizing<String>> {
        None
    }
}

/// Joins the parts. Fails with the name of a secret that is not held.
pub(super) fn join(parts: &[BodyPart], secrets: &dyn SecretParts) -> Result<Bytes, String> {
    let mut joined = String::new();
    let held = |secret: &Secret| secrets.secret(secret).ok_or_else(|| secret.to_string());
    for part in parts {
        match part {
            BodyPart::Text(text) => joined.push_str(text),
            BodyPart::JsonSecret(secret) => push_json(&mut joined, &held(secret)?),
            BodyPart::FormSecret(secret) => {
                joined.extend(form_urlencoded::byte_serialize(held(secret)?.as_bytes()));
            }
        }
    }
    Ok(Bytes::from(joined))
}

/// The inside of a JSON string (RFC 8259, section 7).
fn push_json(joined: &mut String, secret: &str) {
    let quoted = Zeroizing::new(serde_json::Value::from(secret).to_string());
    joined.push_str(&quoted[1..quoted.len() - 1]);
}

/// Whether a request may have begun to leave.
///
/// The head of a request cannot be written before the length of its body is known, so as long as
/// nobody has looked at the body, no byte has left.
#[derive(Clone, Default)]
pub(super) struct Departure(Arc<AtomicBool>);

impl Departure {
    /// False only if surely no byte has left.
    pub(super) fn may_have_begun(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }

    fn begin(&self) {
        self.0.store(true, Ordering::Release);
    }
}

/// A body that notes when it is first looked at.
pub(super) struct WatchedBody {
    bytes: Full<Bytes>,
    departure: Departure,
}

impl WatchedBody {
    pub(super) fn new(bytes: Bytes, departure: &Departure) -> Self {
        Self {
            bytes: Full::new(bytes),
            departure: departure.clone(),
        }
    }
}

impl Body for WatchedBody {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        self.departure.begin();
        Pin::new(&mut self.bytes).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.departure.begin();
        self.bytes.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.departure.begin();
        self.bytes.size_hint()
    }
}
