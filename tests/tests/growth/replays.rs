//! What it costs when a genuine webhook is sent again and again.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use ml_connector::service::Running;
use ml_connector::store::RunFilter;
use ml_connector::store::sqlite::SqliteStore;
use ml_connector_tests::fixtures::installation::STORE_FILE;
use ml_connector_tests::fixtures::service::{InProcess, confirmed, runs};
use ml_connector_tests::fixtures::waiting::until;
use ml_connector_tests::fixtures::{Options, deliveries};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{bytes_in_use, file_bytes, is_long};

/// Whoever has caught one genuine webhook sends it again and again.
#[tokio::test(flavor = "multi_thread")]
async fn a_notice_replayed_at_full_speed_costs_a_few_looks() {
    const GROWTH_BYTES_MAX: u64 = 1 << 20;
    const SENDERS: usize = 16;
    let time = Duration::from_secs(if is_long() { 60 } else { 3 });
    let fixture = InProcess::new(&without_sweeps()).await;
    let service = fixture.start_connected().await;
    let caught = deliveries::caught(&fixture.deployment.sandbox, 1);
    let request = deliveries::request(&caught[0]);
    post_until(fixture.config.listen, request.clone(), Instant::now()).await;
    until("the invoice is carried over", async || {
        confirmed(&service, "invoice").await.len() == 1
    })
    .await;
    let (before, files_before) = (bytes_now(&fixture).await, bytes_on_disk(&fixture));
    let end = Instant::now() + time;
    let mut senders = tokio::task::JoinSet::new();
    for _ in 0..SENDERS {
        senders.spawn(post_until(fixture.config.listen, request.clone(), end));
    }
    let sent: u64 = senders.join_all().await.into_iter().sum();
    let grown = bytes_now(&fixture).await.saturating_sub(before);
    let files = bytes_on_disk(&fixture).saturating_sub(files_before);
    let looks = runs_of_invoices(&service).await;
    println!(
        "{sent} replays of one notice in {time:?}: {looks} looks, {grown} bytes more in use, \
         {files} on the disk with the log"
    );
    assert!(sent > 200, "{sent}");
    assert!(looks < 20, "{looks} looks");
    assert!(grown < GROWTH_BYTES_MAX, "{grown} bytes");
    service.shutdown().await;
}

/// As another process sees it.
async fn bytes_now(fixture: &InProcess) -> u64 {
    let path = fixture.deployment.installation.path(STORE_FILE);
    let store = SqliteStore::open_read_only(path).expect("opens");
    bytes_in_use(&store).await
}

/// With the log, which grows to 16 MiB and is then written anew.
fn bytes_on_disk(fixture: &InProcess) -> u64 {
    let bytes = |name: &str| file_bytes(&fixture.deployment.installation.path(name));
    bytes(STORE_FILE) + bytes(&format!("{STORE_FILE}-wal"))
}

async fn runs_of_invoices(service: &Running) -> usize {
    let filter = RunFilter::default();
    let all = runs(service, filter).await;
    all.iter()
        .filter(|run| run.object.kind == "invoice")
        .count()
}

fn without_sweeps() -> Options {
    let mut options = Options::default();
    options.connection["sweep"]["interval_s"] = 86_400.into();
    options
}

/// Sends the request at least once, and again until `end`; returns how often.
async fn post_until(listen: SocketAddr, request: Vec<u8>, end: Instant) -> u64 {
    let mut stream = TcpStream::connect(listen).await.expect("connected");
    let (mut answer, mut sent) = ([0; 1_024], 0);
    loop {
        stream.write_all(&request).await.expect("sent");
        let read = stream.read(&mut answer).await.expect("answered");
        assert!(answer[..read].starts_with(b"HTTP/1.1 200"));
        sent += 1;
        if Instant::now() >= end {
            return sent;
        }
    }
}
