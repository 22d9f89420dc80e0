//! Requests and answers on one connection.

use std::future::Future;
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};

use hyper::body::Incoming;
use hyper::header::{CONNECTION, HOST, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Version};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::watch;

use super::slots::{Awaited, Slot};
use super::{ByteStream, Connection, HttpResponse, Source, status_only};

/// A slot of the reserve is left at once.
const CLOSE: HeaderValue = HeaderValue::from_static("close");

/// What the head of a request may be; the HTTP library answers a larger one by itself, with 431.
#[derive(Clone, Copy)]
pub(crate) struct HeadBounds {
    pub(crate) headers_max: usize,
    /// At least 8 KiB, which is the least that the library takes.
    pub(crate) bytes_max: usize,
}

/// What a listener knows of a request beside its head and body.
#[derive(Clone)]
pub(crate) struct Arrival {
    pub(crate) source: Source,
    /// Whoever reads the body says when it is whole, with [`Slot::work`].
    pub(crate) slot: Arc<Slot>,
}

/// Answers the requests of one connection until it ends, or `stopped` turns true and the request
/// under way has been answered.
///
/// The library has a time limit for heads alone, which is not used: those of [`Slot`] are for heads
/// and bodies, and for the answers that a peer has to take.
pub(crate) async fn exchange<A>(
    connection: Connection,
    bounds: HeadBounds,
    mut stopped: watch::Receiver<bool>,
    answer: impl Fn(Request<Incoming>, Arrival) -> A,
) where
    A: Future<Output = HttpResponse>,
{
    let (context, answer) = (&connection.context, &answer);
    let slot = &connection.slot;
    let service = service_fn(|request: Request<Incoming>| async move {
        slot.until_answer_was_taken().await;
        slot.await_peer(Awaited::Request);
        let arrival = context.arrival(slot, &request);
        let mut response = if has_one_host(&request) {
            answer(request, arrival).await
        } else {
            context.refuse(arrival.source, "host");
            status_only(400)
        };
        if slot.is_reserved() {
            response.headers_mut().insert(CONNECTION, CLOSE);
        }
        slot.answer();
        Ok::<_, std::convert::Infallible>(response)
    });
    let stream = AnswerWatch {
        stream: connection.stream,
        slot,
    };
    let served = http1::Builder::new()
        .header_read_timeout(None)
        .max_headers(bounds.headers_max)
        .max_buf_size(bounds.bytes_max)
        .serve_connection(TokioIo::new(stream), service);
    let mut served = pin!(served);
    tokio::select! {
        _ = served.as_mut() => return,
        _ = stopped.wait_for(|stopped| *stopped) => served.as_mut().graceful_shutdown(),
    }
    let _ = served.await;
}

/// RFC 9112, section 3.2: a request that names no host, or two, is refused; HTTP/1.0 need not name
/// one.
fn has_one_host(request: &Request<Incoming>) -> bool {
    let mut hosts = request.headers().get_all(HOST).iter();
    match (hosts.next(), hosts.next()) {
        (None, _) => request.version() < Version::HTTP_11,
        (Some(_), second) => second.is_none(),
    }
}

/// A stream that notices when the peer has taken an answer: the library flushes it then.
struct AnswerWatch<'s> {
    stream: Box<dyn ByteStream>,
    slot: &'s Slot,
}

impl AsyncRead for AnswerWatch<'_> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for AnswerWatch<'_> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(context);
        if flushed.is_ready() {
            self.slot.answer_was_taken();
        }
        flushed
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
