//! Answers to token requests: what has arrived of one is handed on, though the rest never comes,
//! since the token that was presented is spent and the new one may be in what there is.

use std::time::Duration;

use hyper::Response as HttpResponse;
use hyper::body::Incoming;
use tokio::time::{Instant, timeout_at};

use super::answer::{self, Failure};
use super::body::Departure;
use super::{HttpClient, Origin, SecretParts, assemble, withheld};
use crate::contract::http::{Request, Response, SendError, SendOutcome};

/// Bytes of such an answer that are read at least, whatever `limits.answer_bytes_max` says: 4 MiB.
/// Tokens have a few thousand, and come first.
const BYTES_MIN: usize = 4 * 1024 * 1024;

/// What came of a token request.
pub enum TokenAnswer {
    /// A whole answer, or none.
    Outcome(SendOutcome),
    /// The beginning of an answer, and why there is no more of it.
    Cut(Response, SendError),
}

impl HttpClient {
    /// Sends a token request, as [`HttpClient::send`] does any other.
    pub async fn send_for_tokens(
        &self,
        request: &Request,
        origin: &Origin,
        secrets: &dyn SecretParts,
    ) -> TokenAnswer {
        let departure = Departure::default();
        let ready = match assemble(request, origin, None, secrets, &departure) {
            Ok(ready) => ready,
            Err(why) => return TokenAnswer::Outcome(withheld(why)),
        };
        let slots = self.slots(origin);
        // The semaphore is never closed.
        let _slot = slots.acquire().await.ok();
        let deadline = Instant::now() + Duration::from_millis(request.timeout);
        let failed = |failure: Failure| TokenAnswer::Outcome(failure.outcome(&departure));
        match timeout_at(deadline, self.client.request(ready)).await {
            Ok(Ok(response)) => self.read_tokens(response, deadline, request.timeout).await,
            Ok(Err(error)) => failed(error.into()),
            Err(_) => failed(Failure::timeout(request.timeout)),
        }
    }

    async fn read_tokens(
        &self,
        response: HttpResponse<Incoming>,
        deadline: Instant,
        timeout_ms: u64,
    ) -> TokenAnswer {
        let bytes_max = self.answer_bytes_max.max(BYTES_MIN);
        let (head, body) = response.into_parts();
        let mut bytes = Vec::new();
        let reading = answer::read_into(&mut bytes, body, bytes_max);
        let read = timeout_at(deadline, reading).await;
        let read = read.unwrap_or_else(|_| Err(Failure::timeout(timeout_ms)));
        let response = answer::response(&head, bytes);
        match read {
            Ok(()) => TokenAnswer::Outcome(SendOutcome::Response(response)),
            Err(failure) => TokenAnswer::Cut(response, failure.into_error()),
        }
    }
}
