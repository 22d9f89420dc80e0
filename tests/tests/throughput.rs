//! How much the service carries, with the sandbox in the same process. To be run in release:
//! `cargo test --release -p ml-connector-tests --test throughput -- --ignored --nocapture`.

mod bench;

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bench::{Bench, until_invoices_ended, until_registered};
use ml_connector_sandbox::freshbooks::Delivery;
use ml_connector_sandbox::skin;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const INVOICES: u64 = 5_000;
const CONNECTIONS: usize = 64;
const WEBHOOKS_EACH: usize = 500;
const WARM_UP: u64 = 200;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "measures, and means something only in release"]
async fn records_from_end_to_end() {
    let bench = Bench::new().await;
    let begun = Instant::now();
    let service = bench.start().await;
    println!("ready after {:?}", begun.elapsed());
    bench.connect().await;
    until_registered(&service).await;
    let client = bench.client();
    create(&bench, client, "W", WARM_UP);
    until_invoices_ended(&service, WARM_UP).await;
    println!("idle after warm-up: {}", memory());
    let begun = Instant::now();
    create(&bench, client, "M", INVOICES);
    println!("created within {:?}", begun.elapsed());
    until_invoices_ended(&service, INVOICES + WARM_UP).await;
    let took = begun.elapsed();
    let rate = u128::from(INVOICES) * 1_000 / took.as_millis().max(1);
    println!("{INVOICES} invoices in {took:?}: {rate}/s, {}", memory());
    for (call, count) in &bench.sandbox.shared.lock().stats().calls {
        println!("{count:>7} {call}");
    }
    service.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "measures, and means something only in release"]
async fn webhooks_received() {
    let bench = Bench::new().await;
    let service = bench.start().await;
    bench.connect().await;
    until_registered(&service).await;
    let deliveries = deliveries(&bench);
    let listen = bench.config.listen;
    let begun = Instant::now();
    let mut senders = tokio::task::JoinSet::new();
    for number in 0..CONNECTIONS {
        let request = wire(&deliveries[number % deliveries.len()]);
        senders.spawn(post_again_and_again(listen, request));
    }
    let mut latencies: Vec<Duration> = senders.join_all().await.into_iter().flatten().collect();
    let took = begun.elapsed();
    latencies.sort();
    let rate = latencies.len() as u128 * 1_000 / took.as_millis().max(1);
    let p99 = latencies[latencies.len() * 99 / 100];
    println!(
        "{} webhooks in {took:?}: {rate}/s, p99 {p99:?}, {}",
        latencies.len(),
        memory()
    );
    service.shutdown().await;
}

/// Signed deliveries, taken before the sandbox sends them.
fn deliveries(bench: &Bench) -> Vec<Delivery> {
    let client = bench.client();
    let mut sandbox = bench.sandbox.shared.lock();
    let now = skin::now();
    sandbox.advance(now);
    drop(sandbox);
    (0..CONNECTIONS)
        .filter_map(|number| {
            bench.invoice_unannounced(client, &format!("H-{number}"));
            bench.sandbox.shared.lock().advance(skin::now()).pop()
        })
        .collect()
}

fn wire(delivery: &Delivery) -> Vec<u8> {
    let path = delivery.url.splitn(4, '/').last().unwrap_or_default();
    let mut head = format!("POST /{path} HTTP/1.1\r\nhost: h\r\n");
    for (name, value) in &delivery.headers {
        if !name.eq_ignore_ascii_case("content-length") && !name.eq_ignore_ascii_case("host") {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
    }
    head.push_str(&format!("content-length: {}\r\n\r\n", delivery.body.len()));
    [head.as_bytes(), &delivery.body].concat()
}

async fn post_again_and_again(listen: SocketAddr, request: Vec<u8>) -> Vec<Duration> {
    let mut stream = TcpStream::connect(listen).await.expect("connected");
    stream.set_nodelay(true).expect("set");
    let (mut answer, mut latencies) = ([0; 1_024], Vec::new());
    for _ in 0..WEBHOOKS_EACH {
        let begun = Instant::now();
        stream.write_all(&request).await.expect("sent");
        let read = stream.read(&mut answer).await.expect("answered");
        assert!(answer[..read].starts_with(b"HTTP/1.1 200"));
        latencies.push(begun.elapsed());
    }
    latencies
}

fn create(bench: &Bench, client: u64, series: &str, count: u64) {
    for number in 0..count {
        bench.invoice(client, &format!("{series}-{number}"));
    }
}

fn memory() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let lines = status
        .lines()
        .filter(|line| line.starts_with("VmRSS") || line.starts_with("VmHWM"));
    lines.collect::<Vec<_>>().join(", ").replace('\t', " ")
}

#[test]
#[ignore = "measures, and means something only in release"]
fn loading_the_component() {
    let component = ml_connector_tests::built::component();
    let limits = bench::limits();
    for _ in 0..3 {
        let begun = Instant::now();
        let brain = ml_connector::brain::Brain::load(component, &limits).expect("loads");
        let loaded = begun.elapsed();
        drop(brain.instance().expect("an instance"));
        println!(
            "loaded in {loaded:?}, with an instance {:?}",
            begun.elapsed()
        );
    }
}
