//! The service in this process, with the sandbox beside it over real sockets.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use ml_connector_tests::fixtures::service::{InProcess, until_registered, until_runs_ended};
use ml_connector_tests::fixtures::{Options, deliveries};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const CONNECTIONS: usize = 64;
const WEBHOOKS_EACH: usize = 1_000;
/// So many that each object is announced ten times: what comes more often is not stored.
const OBJECTS_EACH: usize = WEBHOOKS_EACH / 10;

/// Signed webhooks over 64 connections: verified, stored durably, answered. The client shares the
/// processors.
pub(super) async fn webhooks() {
    let fixture = InProcess::new(&options()).await;
    let service = fixture.start_connected().await;
    let sandbox = &fixture.deployment.sandbox;
    let deliveries = deliveries::caught(sandbox, CONNECTIONS * OBJECTS_EACH);
    let listen = fixture.config.listen;
    let began = Instant::now();
    let mut senders = tokio::task::JoinSet::new();
    for some in deliveries.chunks(OBJECTS_EACH) {
        let requests: Vec<Vec<u8>> = some.iter().map(deliveries::request).collect();
        senders.spawn(post_again_and_again(listen, requests));
    }
    let mut latencies: Vec<Duration> = senders.join_all().await.into_iter().flatten().collect();
    let took = began.elapsed();
    latencies.sort();
    println!(
        "\n{} signed webhooks over {CONNECTIONS} connections: {:.0} a second, p99 {} ms",
        latencies.len(),
        latencies.len() as f64 / took.as_secs_f64(),
        latencies[latencies.len() * 99 / 100].as_millis()
    );
    service.shutdown().await;
}

async fn post_again_and_again(listen: SocketAddr, requests: Vec<Vec<u8>>) -> Vec<Duration> {
    let mut stream = TcpStream::connect(listen).await.expect("connected");
    stream.set_nodelay(true).expect("set");
    let (mut answer, mut latencies) = ([0; 1_024], Vec::new());
    for request in requests.iter().cycle().take(WEBHOOKS_EACH) {
        let began = Instant::now();
        stream.write_all(request).await.expect("sent");
        let read = stream.read(&mut answer).await.expect("answered");
        assert!(answer[..read].starts_with(b"HTTP/1.1 200"));
        latencies.push(began.elapsed());
    }
    latencies
}

/// Without sweeps, which would read every invoice once more.
fn options() -> Options {
    let mut options = Options::default();
    options.connection["sweep"]["interval_s"] = 86_400.into();
    options
}

/// From the webhook of an invoice to its payment request.
pub(super) async fn end_to_end() {
    const WARM_UP: u64 = 500;
    const INVOICES: u64 = 20_000;
    let fixture = InProcess::new(&options()).await;
    let began = Instant::now();
    let service = fixture.start().await;
    println!(
        "\nready for the first webhook after {} ms",
        began.elapsed().as_millis()
    );
    fixture.deployment.connect().await.expect("connected");
    until_registered(&service).await;
    let client = fixture.create_client();
    for number in 0..WARM_UP {
        fixture.create_invoice(client, &format!("W-{number}"));
    }
    until_runs_ended(&service, WARM_UP).await;
    let began = Instant::now();
    for number in 0..INVOICES {
        fixture.create_invoice(client, &format!("M-{number}"));
    }
    until_runs_ended(&service, WARM_UP + INVOICES).await;
    let took = began.elapsed();
    let there = fixture
        .deployment
        .sandbox
        .shared
        .lock()
        .concur
        .payment_request_count() as u64;
    assert_eq!(
        there,
        WARM_UP + INVOICES,
        "nothing is lost and nothing doubled"
    );
    println!(
        "{INVOICES} invoices, webhook to record, in {:.1} s: {:.0} records a second; 0 lost, 0 \
         doubled",
        took.as_secs_f64(),
        INVOICES as f64 / took.as_secs_f64()
    );
    println!(
        "peak memory, service and sandbox together: {} MiB",
        peak_mib()
    );
    service.shutdown().await;
}

fn peak_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib: u64 = peak
        .and_then(|peak| peak.split_whitespace().next()?.parse().ok())
        .unwrap_or(0);
    kib / 1024
}
