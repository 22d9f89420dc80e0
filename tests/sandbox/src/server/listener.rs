//! HTTP servers on sockets: one for each vendor host, and one for the control plane.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Limited};
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use super::{Shared, now};
use crate::{Request, Response, System, WireOutcome};

/// The longest body that is read: far more than any client sends here, but a bound.
const BODY_BYTES_MAX: usize = 4 << 20;

/// Closes the connection instead of answering.
#[derive(Debug)]
pub(super) struct BrokenConnection;

impl std::fmt::Display for BrokenConnection {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("the connection is broken on purpose")
    }
}

impl std::error::Error for BrokenConnection {}

/// Serves one vendor on a port until `stopped` changes.
pub(super) async fn serve(
    listener: TcpListener,
    system: System,
    shared: Shared,
    stopped: watch::Receiver<bool>,
) {
    let door = shared.clone();
    let accept = move || door.lock().accept(system);
    let answer = move |request| exchange(request, system, shared.clone());
    serve_listener(listener, stopped, accept, answer).await;
}

/// Accepts connections and answers their requests until `stopped` changes.
pub(super) async fn serve_listener<Answered>(
    listener: TcpListener,
    mut stopped: watch::Receiver<bool>,
    accept: impl Fn() -> bool,
    answer: impl Fn(hyper::Request<Incoming>) -> Answered + Clone + Send + Sync + 'static,
) where
    Answered: Future<Output = Result<hyper::Response<WireBody>, BrokenConnection>> + Send + 'static,
{
    loop {
        let stream = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                Err(_) => continue,
            },
            _ = stopped.changed() => return,
        };
        if accept() {
            tokio::spawn(serve_connection(stream, stopped.clone(), answer.clone()));
        }
    }
}

async fn serve_connection<Answered>(
    stream: TcpStream,
    mut stopped: watch::Receiver<bool>,
    answer: impl Fn(hyper::Request<Incoming>) -> Answered,
) where
    Answered: Future<Output = Result<hyper::Response<WireBody>, BrokenConnection>>,
{
    // Without it small answers wait for the peer's acknowledgement.
    let _ = stream.set_nodelay(true);
    let served = http1::Builder::new().serve_connection(TokioIo::new(stream), service_fn(answer));
    tokio::select! {
        _ = served => {}
        _ = stopped.changed() => {}
    }
}

async fn exchange(
    request: hyper::Request<Incoming>,
    system: System,
    shared: Shared,
) -> Result<hyper::Response<WireBody>, BrokenConnection> {
    let request = read_request(request).await.ok_or(BrokenConnection)?;
    let answer = shared.exchange(system, &request, now());
    match answer {
        WireOutcome::Response { response, after } => {
            if after > 0 {
                tokio::time::sleep(Duration::from_millis(after)).await;
            }
            Ok(to_hyper(response))
        }
        WireOutcome::Truncated { response, bytes } => Ok(to_hyper_truncated(response, bytes)),
        WireOutcome::Lost { after } => {
            tokio::time::sleep(Duration::from_millis(after)).await;
            Err(BrokenConnection)
        }
        WireOutcome::Refused => Err(BrokenConnection),
    }
}

/// Reads a request whole; none if it breaks off or is too long.
pub(super) async fn read_request(request: hyper::Request<Incoming>) -> Option<Request> {
    let (head, body) = request.into_parts();
    let text =
        |value: &hyper::header::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let host = head.headers.get("host").map(text).unwrap_or_default();
    let target = head
        .uri
        .path_and_query()
        .map_or("/", |target| target.as_str());
    let mut read = Request::new(&host, head.method.as_str(), target);
    let headers = head.headers.iter();
    read.headers = headers
        .map(|(name, value)| (name.as_str().to_owned(), text(value)))
        .collect();
    read.body = Limited::new(body, BODY_BYTES_MAX)
        .collect()
        .await
        .ok()?
        .to_bytes()
        .into();
    Some(read)
}

/// An answer in hyper's terms.
pub(super) fn to_hyper(response: Response) -> hyper::Response<WireBody> {
    let mut builder = hyper::Response::builder().status(response.status);
    for (name, value) in &response.headers {
        builder = builder.header(name.as_str(), value.as_str());
    }
    let body = WireBody {
        data: Some(response.body.into()),
        end: BodyEnd::Whole,
    };
    builder
        .body(body)
        .unwrap_or_else(|_| hyper::Response::new(WireBody::empty()))
}

/// An answer that announces its whole length and breaks off.
fn to_hyper_truncated(mut response: Response, bytes: usize) -> hyper::Response<WireBody> {
    let length = response.body.len().to_string();
    response.body.truncate(bytes);
    let mut wired = to_hyper(response.with_header("content-length", &length));
    wired.body_mut().end = BodyEnd::Pause;
    wired
}

/// A body that may break off after its data.
#[derive(Debug)]
pub(super) struct WireBody {
    data: Option<Bytes>,
    end: BodyEnd,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum BodyEnd {
    /// The data is all there is.
    Whole,
    /// The data is still to be flushed before the connection breaks.
    Pause,
    /// Everything was flushed: the connection breaks now.
    Break,
}

impl WireBody {
    fn empty() -> Self {
        Self {
            data: None,
            end: BodyEnd::Whole,
        }
    }
}

impl Body for WireBody {
    type Data = Bytes;
    type Error = BrokenConnection;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BrokenConnection>>> {
        if let Some(data) = self.data.take() {
            return Poll::Ready(Some(Ok(Frame::data(data))));
        }
        match self.end {
            BodyEnd::Whole => Poll::Ready(None),
            BodyEnd::Break => Poll::Ready(Some(Err(BrokenConnection))),
            BodyEnd::Pause => {
                self.end = BodyEnd::Break;
                context.waker().wake_by_ref();
                Poll::Pending
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.data.is_none() && self.end == BodyEnd::Whole
    }

    fn size_hint(&self) -> SizeHint {
        match (self.end, &self.data) {
            (BodyEnd::Whole, Some(data)) => SizeHint::with_exact(data.len() as u64),
            (BodyEnd::Whole, None) => SizeHint::with_exact(0),
            _ => SizeHint::default(),
        }
    }
}
