//! How much the service carries, with the sandbox in the same process. To be run in release:
//! `cargo test --release -p ml-connector-tests --test throughput -- --ignored --nocapture`.

mod bench;

use std::time::Instant;

use bench::{Bench, until_invoices_ended, until_registered};

const INVOICES: u64 = 5_000;
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
