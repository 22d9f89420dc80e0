//! Peers that do nothing, over real sockets.

mod shares;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use http_body_util::BodyExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpSocket;
use tokio::task::JoinHandle;

use super::*;
use crate::metrics::Metrics;

/// How long anything may take before it counts as never; a busy machine is slow.
const PATIENCE: Duration = Duration::from_secs(60);

/// The answer to `GET /large`: the kernel takes a few of these for a peer that reads nothing.
const LARGE_BYTES: usize = 256 * 1024;

const HALF_BODY: &str = "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\nx";

const BOUNDS: HeadBounds = HeadBounds {
    headers_max: 64,
    bytes_max: 16 * 1024,
};

/// A listener whose answers are small, large, or never ready.
struct Fixture {
    address: SocketAddr,
    metrics: Arc<Metrics>,
    /// Answers that were begun.
    answers: Arc<AtomicUsize>,
    stop: watch::Sender<bool>,
    listening: JoinHandle<()>,
}

impl Fixture {
    async fn start(change: impl FnOnce(&mut Policy)) -> Self {
        let metrics = Arc::<Metrics>::default();
        let mut policy = Policy {
            connections_max: 64,
            peer_timeout: Duration::from_millis(300),
            shutdown_grace: PATIENCE,
            trusted_proxies: Vec::new(),
            refusals: Arc::new(RefusalLog::new(Arc::clone(&metrics))),
        };
        change(&mut policy);
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
        let listener = listener.expect("is bound");
        let address = listener.local_addr().expect("has an address");
        let answers = Arc::<AtomicUsize>::default();
        let (stop, stopped) = watch::channel(false);
        let counted = Arc::clone(&answers);
        let answer = move |request, arrival| {
            let counted = Arc::clone(&counted);
            async move { respond(request, arrival, &counted).await }
        };
        let listener = Listener::Plain(listener);
        let answering = answer_all(listener, "test", policy, BOUNDS, stopped, answer);
        Self {
            address,
            metrics,
            answers,
            stop,
            listening: tokio::spawn(answering),
        }
    }

    /// A connection from `127.0.0.LAST`.
    async fn connect_from(&self, last: u8) -> TcpStream {
        let socket = TcpSocket::new_v4().expect("a socket");
        let own = SocketAddr::from(([127, 0, 0, last], 0));
        socket.bind(own).expect("is bound");
        socket.connect(self.address).await.expect("connects")
    }

    async fn connect(&self, request: &str) -> TcpStream {
        let mut stream = self.connect_from(1).await;
        stream.write_all(request.as_bytes()).await.expect("is sent");
        stream
    }

    fn refused(&self, what: &'static str) -> u64 {
        let labels = crate::metrics::Refused {
            listener: "test",
            what,
        };
        self.metrics.refusals.get_or_create(&labels).get()
    }

    /// Waits until so many were refused for this reason.
    async fn until_refused(&self, what: &'static str, count: u64) {
        let began = Instant::now();
        while self.refused(what) != count {
            assert!(began.elapsed() < PATIENCE, "{what}: {}", self.refused(what));
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Stops, and returns how long that took.
    async fn stop(self) -> Duration {
        let began = Instant::now();
        self.stop.send_replace(true);
        let stopped = tokio::time::timeout(PATIENCE, self.listening).await;
        stopped.expect("stops").expect("without a panic");
        began.elapsed()
    }
}

async fn respond(
    request: Request<Incoming>,
    arrival: Arrival,
    answers: &AtomicUsize,
) -> HttpResponse {
    let path = request.uri().path().to_string();
    if request.into_body().collect().await.is_err() {
        return status_only(400);
    }
    arrival.slot.work();
    answers.fetch_add(1, Ordering::Relaxed);
    match path.as_str() {
        "/large" => Response::new(Full::from(vec![b'x'; LARGE_BYTES])),
        "/never" => std::future::pending().await,
        _ if arrival.slot.is_reserved() => status_only(503),
        _ => status_only(200),
    }
}

/// The first answer's status; nothing if the connection ends before there is one.
async fn status(stream: &mut TcpStream) -> Option<u16> {
    let mut head = [0; 12];
    let read = tokio::time::timeout(PATIENCE, stream.read_exact(&mut head)).await;
    read.expect("in time").ok()?;
    std::str::from_utf8(&head[9..]).ok()?.parse().ok()
}

/// Reads until the connection ends; whether that was while [`PATIENCE`] lasted.
async fn ends(stream: &mut TcpStream) -> bool {
    let mut rest = Vec::new();
    let read = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut rest)).await;
    read.is_ok()
}

#[tokio::test]
async fn a_peer_that_goes_silent_is_cut_off() {
    let fixture = Fixture::start(|_| ()).await;
    for sent in ["", "POST / HT", "POST / HTTP/1.1\r\nhost: x\r\n", HALF_BODY] {
        let before = fixture.refused("request-timeout");
        let began = Instant::now();
        assert!(ends(&mut fixture.connect(sent).await).await, "{sent:?}");
        println!("{sent:?}: cut off after {} ms", began.elapsed().as_millis());
        assert!(began.elapsed() >= Duration::from_millis(300), "{sent:?}");
        fixture.until_refused("request-timeout", before + 1).await;
    }
    // Who was served and asks for nothing more is not refused anything.
    let mut served = fixture.connect("GET / HTTP/1.1\r\nhost: x\r\n\r\n").await;
    assert_eq!(status(&mut served).await, Some(200));
    assert!(ends(&mut served).await);
    assert_eq!(fixture.refused("request-timeout"), 4);
}

#[tokio::test]
async fn a_peer_that_trickles_is_cut_off_too() {
    let fixture = Fixture::start(|_| ()).await;
    let body = "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 100000\r\n\r\n";
    for head in ["POST / HTTP/1.1\r\nx: ", body] {
        let mut stream = fixture.connect(head).await;
        let began = Instant::now();
        while stream.write_all(b"x").await.is_ok() {
            assert!(began.elapsed() < PATIENCE, "{head:?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    fixture.until_refused("request-timeout", 2).await;
}

#[tokio::test]
async fn a_peer_that_takes_no_answer_is_cut_off_and_gets_no_more_of_them() {
    // The library queues bodies and heads in different ways.
    for (path, bytes) in [("/large", LARGE_BYTES), ("/", 64)] {
        let fixture = Fixture::start(|_| ()).await;
        let mut stream = fixture.connect_from(1).await;
        let requests = format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n").repeat(1_000);
        let began = Instant::now();
        while stream.write_all(requests.as_bytes()).await.is_ok() {
            assert!(began.elapsed() < PATIENCE, "is still served");
        }
        let answers = fixture.answers.load(Ordering::Relaxed);
        let took = began.elapsed().as_millis();
        println!("{path} never read: cut off after {took} ms and {answers} answers");
        fixture.until_refused("answer-timeout", 1).await;
        assert!(answers * bytes < 64 << 20, "{answers} answers");
    }
}

#[tokio::test]
async fn work_has_no_deadline_of_its_own() {
    let fixture = Fixture::start(|_| ()).await;
    let mut stream = fixture
        .connect("GET /never HTTP/1.1\r\nhost: x\r\n\r\n")
        .await;
    let ended = tokio::time::timeout(Duration::from_millis(700), stream.read_u8()).await;
    assert!(ended.is_err(), "{ended:?}");
}

#[tokio::test]
async fn a_request_names_one_host() {
    let fixture = Fixture::start(|_| ()).await;
    for (request, expected) in [
        ("GET / HTTP/1.1\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nhost: x\r\nhost: x\r\n\r\n", 400),
        ("GET / HTTP/1.0\r\nhost: x\r\nhost: y\r\n\r\n", 400),
        ("GET / HTTP/1.0\r\n\r\n", 200),
        ("GET / HTTP/1.1\r\nHost: x\r\n\r\n", 200),
    ] {
        let mut stream = fixture.connect(request).await;
        assert_eq!(status(&mut stream).await, Some(expected), "{request:?}");
    }
    fixture.until_refused("host", 3).await;
}

#[tokio::test]
async fn a_stop_waits_for_no_peer() {
    let fixture = Fixture::start(|policy| policy.peer_timeout = PATIENCE).await;
    let large = "GET /large HTTP/1.1\r\nhost: x\r\n\r\n".repeat(100);
    let mut held = Vec::new();
    for sent in ["", "POST / HT", HALF_BODY, large.as_str()] {
        for _ in 0..16 {
            held.push(fixture.connect(sent).await);
        }
    }
    while fixture.answers.load(Ordering::Relaxed) < 16 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let took = fixture.stop().await;
    println!("stopped after {} ms, all slots held", took.as_millis());
    assert!(took < PATIENCE / 2, "{took:?}");
}

#[tokio::test]
async fn a_stop_waits_for_work_as_long_as_it_may() {
    let fixture = Fixture::start(|policy| policy.shutdown_grace = Duration::from_secs(2)).await;
    let never = fixture
        .connect("GET /never HTTP/1.1\r\nhost: x\r\n\r\n")
        .await;
    while fixture.answers.load(Ordering::Relaxed) == 0 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let took = fixture.stop().await;
    println!("stopped after {} ms, work under way", took.as_millis());
    assert!(
        took >= Duration::from_secs(2) && took < PATIENCE / 2,
        "{took:?}"
    );
    drop(never);
}
