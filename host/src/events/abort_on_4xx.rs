//! What an HTTP library says by itself must not reach SAP Concur: to a head that it cannot read it
//! answers 400, 414 or 431, and each of them loses the event for good. A connection that ends
//! instead is tried again.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::metrics::Metrics;

/// A stream that is aborted rather than answer with a 4xx other than 401.
pub(super) struct AbortOn4xx<S> {
    stream: S,
    metrics: Arc<Metrics>,
}

impl<S> AbortOn4xx<S> {
    pub(super) fn new(stream: S, metrics: Arc<Metrics>) -> Self {
        Self { stream, metrics }
    }
}

/// Whether these bytes begin an answer that must not be given.
fn is_refusal(bytes: &[u8]) -> bool {
    // `HTTP/1.1 400`
    bytes.starts_with(b"HTTP/1.") && bytes.get(9) == Some(&b'4') && bytes.get(9..12) != Some(b"401")
}

impl<S: AsyncRead + Unpin> AsyncRead for AbortOn4xx<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for AbortOn4xx<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if is_refusal(bytes) {
            self.metrics.event("", "no-http");
            return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
        }
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
