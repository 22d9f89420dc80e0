//! Sockets for a machine.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
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
struct Broken;

impl std::fmt::Display for Broken {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("the connection is broken on purpose")
    }
}

impl std::error::Error for Broken {}

pub(super) async fn serve(
    listener: TcpListener,
    system: System,
    shared: Shared,
    mut stopped: watch::Receiver<bool>,
) {
    loop {
        let stream = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                Err(_) => continue,
            },
            _ = stopped.changed() => return,
        };
        let (shared, stopped) = (shared.clone(), stopped.clone());
        tokio::spawn(connection(stream, system, shared, stopped));
    }
}

async fn connection(
    stream: TcpStream,
    system: System,
    shared: Shared,
    mut stopped: watch::Receiver<bool>,
) {
    // Without it small answers wait for the peer's acknowledgement.
    let _ = stream.set_nodelay(true);
    let service = service_fn(|request| answer(request, system, shared.clone()));
    let served = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    tokio::select! {
        _ = served => {}
        _ = stopped.changed() => {}
    }
}

async fn answer(
    request: hyper::Request<Incoming>,
    system: System,
    shared: Shared,
) -> Result<hyper::Response<Full<Bytes>>, Broken> {
    let request = read(request).await.ok_or(Broken)?;
    let answer = shared.lock().exchange(system, &request, now());
    if request.method != "GET" {
        shared.wake();
    }
    match answer {
        Answer::Response { response, after } => {
            if after > 0 {
                tokio::time::sleep(Duration::from_millis(after)).await;
            }
            Ok(wire(response, None))
        }
        // Announces more than it sends; hyper then closes the connection.
        Answer::Truncated { response, bytes } => Ok(wire(response, Some(bytes))),
        Answer::Lost { after } => {
            tokio::time::sleep(Duration::from_millis(after)).await;
            Err(Broken)
        }
        Answer::Refused => Err(Broken),
    }
}

pub(super) async fn read(request: hyper::Request<Incoming>) -> Option<Request> {
    let (head, body) = request.into_parts();
    let text =
        |value: &hyper::header::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let host = head.headers.get("host").map(text).unwrap_or_default();
    let target = head
        .uri
        .path_and_query()
        .map_or_else(|| "/".to_owned(), ToString::to_string);
    let mut read = Request::new(&host, head.method.as_str(), &target);
    read.headers = head
        .headers
        .iter()
        .map(|(name, value)| (name.as_str().to_owned(), text(value)))
        .collect();
    read.body = Limited::new(body, BODY_BYTES_MAX)
        .collect()
        .await
        .ok()?
        .to_bytes()
        .to_vec();
    Some(read)
}

pub(super) fn wire(response: Response, cut: Option<usize>) -> hyper::Response<Full<Bytes>> {
    let length = response.body.len();
    let mut body = response.body;
    let mut builder = hyper::Response::builder().status(response.status);
    for (name, value) in &response.headers {
        builder = builder.header(name.as_str(), value.as_str());
    }
    if let Some(bytes) = cut {
        body.truncate(bytes);
        builder = builder.header("content-length", length);
    }
    builder
        .body(Full::new(Bytes::from(body)))
        .unwrap_or_default()
}
