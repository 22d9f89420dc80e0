//! Sockets for a machine.

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
use crate::{Answer, Request, Response, System};

/// The longest body that is read.
const BODY_BYTES_MAX: usize = 4 << 20;

/// Closes the connection instead of answering.
#[derive(Debug)]
pub(super) struct Broken;

impl std::fmt::Display for Broken {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("the connection is broken on purpose")
    }
}

impl std::error::Error for Broken {}

/// Serves a machine on a port until told to stop.
pub(super) async fn serve(
    listener: TcpListener,
    system: System,
    shared: Shared,
    stopped: watch::Receiver<bool>,
) {
    let door = shared.clone();
    let accept = move || door.lock().accept(system);
    let answer = move |request| exchange(request, system, shared.clone());
    listen(listener, stopped, accept, answer).await;
}

/// Accepts connections and answers their requests until told to stop.
pub(super) async fn listen<Answered>(
    listener: TcpListener,
    mut stopped: watch::Receiver<bool>,
    accept: impl Fn() -> bool,
    answer: impl Fn(hyper::Request<Incoming>) -> Answered + Clone + Send + Sync + 'static,
) where
    Answered: Future<Output = Result<hyper::Response<WireBody>, Broken>> + Send + 'static,
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
            tokio::spawn(connection(stream, stopped.clone(), answer.clone()));
        }
    }
}

async fn connection<Answered>(
    stream: TcpStream,
    mut stopped: watch::Receiver<bool>,
    answer: impl Fn(hyper::Request<Incoming>) -> Answered,
) where
    Answered: Future<Output = Result<hyper::Response<WireBody>, Broken>>,
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
) -> Result<hyper::Response<WireBody>, Broken> {
    let request = read(request).await.ok_or(Broken)?;
    let answer = shared.exchange(system, &request, now());
    match answer {
        Answer::Response { response, after } => {
            if after > 0 {
                tokio::time::sleep(Duration::from_millis(after)).await;
            }
            Ok(wire(response))
        }
        Answer::Truncated { response, bytes } => Ok(wire_truncated(response, bytes)),
        Answer::Lost { after } => {
            tokio::time::sleep(Duration::from_millis(after)).await;
            Err(Broken)
        }
        Answer::Refused => Err(Broken),
    }
}

/// Reads a request whole; none if it breaks off or is too long.
pub(super) async fn read(request: hyper::Request<Incoming>) -> Option<Request> {
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
pub(super) fn wire(response: Response) -> hyper::Response<WireBody> {
    let mut builder = hyper::Response::builder().status(response.status);
    for (name, value) in &response.headers {
        builder = builder.header(name.as_str(), value.as_str());
    }
    let body = WireBody {
        data: Some(response.body.into()),
        end: End::Whole,
    };
    builder
        .body(body)
        .unwrap_or_else(|_| hyper::Response::new(WireBody::empty()))
}

/// An answer that announces its whole length and breaks off.
fn wire_truncated(mut response: Response, bytes: usize) -> hyper::Response<WireBody> {
    let length = response.body.len().to_string();
    response.body.truncate(bytes);
    let mut wired = wire(response.with_header("content-length", &length));
    wired.body_mut().end = End::Pause;
    wired
}

/// A body that may break off after its data.
#[derive(Debug)]
pub(super) struct WireBody {
    data: Option<Bytes>,
    end: End,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// The data is all there is.
    Whole,
    /// The data is still to be flushed before the connection breaks.
    Pause,
    /// Now it breaks.
    Break,
}

impl WireBody {
    fn empty() -> Self {
        Self {
            data: None,
            end: End::Whole,
        }
    }
}

impl Body for WireBody {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        if let Some(data) = self.data.take() {
            return Poll::Ready(Some(Ok(Frame::data(data))));
        }
        match self.end {
            End::Whole => Poll::Ready(None),
            End::Break => Poll::Ready(Some(Err(Broken))),
            End::Pause => {
                self.end = End::Break;
                context.waker().wake_by_ref();
                Poll::Pending
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.data.is_none() && self.end == End::Whole
    }

    fn size_hint(&self) -> SizeHint {
        match (self.end, &self.data) {
            (End::Whole, Some(data)) => SizeHint::with_exact(data.len() as u64),
            (End::Whole, None) => SizeHint::with_exact(0),
            _ => SizeHint::default(),
        }
    }
}
