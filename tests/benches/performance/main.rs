//! What it costs, as ratios of one run: `cargo bench --workspace --bench performance`.
//!
//! Native code and the component do the same work on the same inputs, with the fuel and memory
//! limits of production. Each figure is the fastest of many batches, since other work on the
//! machine only ever adds. The end-to-end part runs the service in this process, with the sandbox
//! beside it over real sockets.

#![allow(clippy::float_arithmetic, reason = "ratios of times, no money")]

#[path = "../tests/bench/mod.rs"]
mod bench;

use std::hint::black_box;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bench::{Bench, until_invoices_ended, until_registered};
use ml_connector::brain::SettingsText;
use ml_connector_component::contract::http::{Body, Header};
use ml_connector_component::contract::webhooks::{Callback, CallbackState, Delivery, Receiver};
use ml_connector_component::mapping;
use ml_connector_component::settings::Settings;
use ml_connector_sandbox::freshbooks::{Delivery as Sent, sign};
use ml_connector_sandbox::skin;
use ml_connector_tests::mind::{self, Through};
use ml_connector_tests::sim::Sim;
use ml_connector_tests::world;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const BATCHES: u32 = 60;
const CONNECTIONS: usize = 64;
const WEBHOOKS_EACH: usize = 1_000;

fn main() {
    println!(
        "{:<44} {:>12} {:>12} {:>7}",
        "", "native", "component", "ratio"
    );
    verify();
    translate();
    translate_report();
    run();
    open();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(webhooks());
    runtime.block_on(end_to_end());
}

/// The fastest of many batches, per call.
fn fastest(calls: u32, mut call: impl FnMut()) -> Duration {
    let batch = |call: &mut dyn FnMut()| {
        let began = Instant::now();
        for _ in 0..calls {
            call();
        }
        began.elapsed() / calls
    };
    (0..BATCHES)
        .map(|_| batch(&mut call))
        .min()
        .unwrap_or_default()
}

fn row(name: &str, native: Duration, component: Duration) {
    let ratio = component.as_secs_f64() / native.as_secs_f64();
    println!(
        "{name:<44} {:>12} {:>12} {ratio:>6.2}x",
        shown(native),
        shown(component)
    );
}

fn shown(time: Duration) -> String {
    format!("{:.2} us", time.as_secs_f64() * 1e6)
}

fn verify() {
    let key = "kT3mVq9RzL2bXw7HsN4cYd8PfG6jA5eUu";
    let fields = [
        ("name", "invoice.update"),
        ("object_id", "90210447"),
        ("account_id", "zQ7pLm"),
        ("business_id", "8812345"),
        ("identity_id", "5520071"),
        ("user_id", "1"),
        (
            "padding",
            "a value that makes the body of this delivery two hundred bytes long, as real ones are",
        ),
    ];
    let body: Vec<String> = fields
        .iter()
        .map(|(name, value)| format!("{name}={}", value.replace(' ', "+")))
        .collect();
    let body = body.join("&");
    let header = |name: &str, value: &str| Header {
        name: name.to_string(),
        value: value.to_string(),
    };
    let delivery = Delivery {
        headers: vec![
            header("content-type", "application/x-www-form-urlencoded"),
            header("x-freshbooks-hmac-sha256", &sign(&fields, key)),
        ],
        body: Body::Text(body),
    };
    let receiver = Receiver {
        account_id: "zQ7pLm".to_string(),
        callbacks: vec![Callback {
            id: "1".to_string(),
            state: CallbackState::Active(key.to_string()),
        }],
        registering: false,
    };
    let native = fastest(200, || {
        assert!(
            black_box(ml_connector_component::webhooks::verify(
                &delivery, &receiver
            ))
            .is_ok()
        );
    });
    let mut instance = mind::brain().instance().expect("an instance");
    let (delivery, receiver) = (mind::same(&delivery), mind::same(&receiver));
    let component = fastest(200, || {
        assert!(
            black_box(instance.verify(&delivery, &receiver))
                .expect("no trap")
                .is_ok()
        );
    });
    row("verify a webhook of 200 bytes", native, component);
}

fn translate() {
    let json = world::settings("park").to_string();
    let settings = Settings::load(&json).expect("are right");
    let mut sim = world::sim(Through::Native, "park");
    let client = sim
        .sandbox
        .freshbooks
        .create_client(&world::client(), sim.now)
        .expect("is created");
    let id = sim
        .sandbox
        .freshbooks
        .create_invoice(&world::invoice(client, "1"), sim.now)
        .expect("is created");
    let document = sim
        .sandbox
        .freshbooks
        .invoice(id, sim.now)
        .expect("is there")
        .to_string();
    let native = fastest(100, || {
        black_box(mapping::preview(&settings, "invoice", &document)).expect("is translated");
    });
    let mut instance = mind::brain().instance().expect("an instance");
    let held = instance
        .load_settings(&json)
        .expect("no trap")
        .expect("are right");
    let component = fastest(100, || {
        black_box(instance.preview(held, "invoice", &document))
            .expect("no trap")
            .expect("is translated");
    });
    row(
        &format!("translate an invoice of {} bytes", document.len()),
        native,
        component,
    );
}

/// An expense report of 30 KiB, as wide as SAP Concur's own: most members are custom fields, and
/// most of those null.
fn translate_report() {
    let document = wide_report();
    let json = with_accounts();
    let settings = Settings::load(&json).expect("are right");
    let native = fastest(20, || {
        black_box(mapping::preview(&settings, "expense-document", &document))
            .expect("is translated");
    });
    let mut instance = mind::brain().instance().expect("an instance");
    let held = instance
        .load_settings(&json)
        .expect("no trap")
        .expect("are right");
    let component = fastest(20, || {
        black_box(instance.preview(held, "expense-document", &document))
            .expect("no trap")
            .expect("is translated");
    });
    let name = format!(
        "translate an expense document of {} KiB",
        document.len() / 1024
    );
    row(&name, native, component);
}

fn with_accounts() -> String {
    let mut settings = world::settings("park");
    settings["financial"] = serde_json::json!({"enabled": true, "accounts": {
        "by_code": {"474230": "635", "474210": "636"}, "by_party": {"EMPL": "641", "CBCP": "642"},
        "by_tax": {"CAHST/H13": "651"}}});
    settings.to_string()
}

fn wide_report() -> String {
    let customs = |prefix: &str, count: u32| {
        let customs = (1..=count).map(|number| {
            let value = if number % 7 == 1 {
                "\"CODE-1\""
            } else {
                "null"
            };
            format!(r#""{prefix}{number}Code": {value}, "{prefix}{number}Value": {value}"#)
        });
        customs.collect::<Vec<_>>().join(", ")
    };
    let entry = |number: u32| {
        format!(
            r#"{{"entryId": "A10000000000000000000000000000{number:02}", "legacyEntryId": 1{number}, "expenseTypeCode": "LODNG",
              "expenseTypeName": "Room Rate", "entryDate": "2026-02-{number:02}T00:00:00.000Z", "entryDescription": null,
              "entryVendorDescription": "Lakeside Inn", "reportEntryTransactionAmount": 113.00000000, "entryCurrAlphaCode": "CAD",
              "entryApprovedAmount": 113.00000000, "entryExchangeRate": 1.0E+0, "entryExchangeRateDirection": "M",
              "entryIsPersonal": "N", "entryIsBillable": "N", "reportEntryPatKey": "CBCP", "clearingAccountCode": null,
              "liabilityAccountCode": null, "offsetPayType": "N", "expensePayIndicator": "N", "entryReceiptType": "R", {},
              "mileage": null, "allocation": [{{"allocationId": "B{number}", "allocationPercentage": 100.00000000, {},
                "journal": [{{"journalPayer": "COMP", "journalPayee": "{}", "journalAccountCode": "474230",
                    "amountGross": 113.00000000, "amountNetOfTax": 100.00000000, "amountNetOfReclaim": 100.00000000,
                    "amountGrossCard": null, "cardTransactionReferenceNumber": null, "taxGuid": ["T{number}"],
                    "accountingTransactionType": null}}],
                "tax": [{{"taxGuid": "T{number}", "taxAuthorityLabel": "CAHST", "taxCode": "H13", "taxReclaimCode": "H",
                    "nonDomesticCode": null, "amountTax": 13.00000000, "amountReclaim": 13.00000000, "taxSource": "SYST",
                    "locationCountryCode": "CA", "locationCountrySubCode": "CA-ON"}}]}}]}}"#,
            customs("entryCustom", 40),
            customs("allocationCustom", 20),
            if number.is_multiple_of(2) {
                "EMPL"
            } else {
                "CBCP"
            },
        )
    };
    const ENTRIES: u32 = 6;
    let entries: Vec<_> = (1..=ENTRIES).map(entry).collect();
    format!(
        r#"{{"employee": {{"employeeId": "E1007", {}}}, "report": {{"reportId": "9E44A1C07B2F4D06A9B1", "reportName": "February",
            "employeeCurrencyAlphaCode": "CAD", "isTest": "N", "totalApprovedAmount": {}.00000000, "revisionNumber": "1",
            "reportPaymentProcessingDate": "2026-03-03T09:00:00.000Z", {}}},
            "expenseEntry": [{}], "cashAdvanceApplication": []}}"#,
        customs("employeeCustom", 21),
        113 * ENTRIES,
        customs("reportCustom", 20),
        entries.join(",")
    )
}

/// All steps of an invoice's run, from the answers that it was given.
fn run() {
    let mut sim = world::sim(Through::Native, "park");
    let client = sim
        .sandbox
        .freshbooks
        .create_client(&world::client(), sim.now)
        .expect("is created");
    sim.sandbox
        .freshbooks
        .create_invoice(&world::invoice(client, "1"), sim.now)
        .expect("is created");
    sim.settle();
    sim.sandbox
        .freshbooks
        .create_invoice(&world::invoice(client, "2"), sim.now)
        .expect("is created");
    sim.settle();
    let of_invoice = |sim: &Sim| {
        sim.kept
            .runs
            .values()
            .rev()
            .find(|run| run.task.object.kind == "invoice")
            .cloned()
    };
    let recorded = of_invoice(&sim).expect("has run");
    let json = world::settings("park").to_string();
    let settings = std::rc::Rc::new(Settings::load(&json).expect("are right"));
    let outcomes: Vec<_> = recorded
        .history
        .iter()
        .map(|entry| entry.outcome.clone())
        .collect();
    let native = fastest(50, || {
        let run = ml_connector_component::runs::Run::open(
            recorded.task.clone(),
            settings.clone(),
            Vec::new(),
        );
        let mut run = run.unwrap_or_else(|error| panic!("{error:?}"));
        for outcome in &outcomes {
            black_box(run.step(outcome.clone())).expect("is taken");
        }
    });
    let mind = ml_connector::brain::Mind::new(mind::brain()).expect("an instance");
    let text = SettingsText {
        version: "bench".to_string(),
        json: json.into(),
    };
    let task = mind::same(&recorded.task);
    let outcomes: Vec<_> = outcomes.iter().map(mind::same).collect();
    let component = fastest(50, || {
        let opened = mind.open(&task, &text, &[]).expect("opens");
        for outcome in &outcomes {
            black_box(mind.step(opened.run, outcome)).expect("is taken");
        }
        mind.close(opened.run);
    });
    row(
        &format!("a whole invoice run, {} steps", outcomes.len()),
        native,
        component,
    );
    let opening = fastest(50, || {
        let opened = mind.open(&task, &text, &[]).expect("opens");
        mind.close(opened.run);
    });
    println!(
        "{:<44} {:>12} {:>12}",
        "open and drop a run (at most 20 us)",
        "",
        shown(opening)
    );
}

fn open() {
    let brain = mind::brain();
    let instance = fastest(50, || {
        drop(black_box(brain.instance()).expect("an instance"))
    });
    println!(
        "{:<44} {:>12} {:>12}",
        "instantiate (at most 50 us)",
        "",
        shown(instance)
    );
}

/// Signed webhooks over 64 connections: verified, stored durably, answered. The client shares the
/// processors.
async fn webhooks() {
    let bench = Bench::new().await;
    let service = bench.start().await;
    bench.connect().await;
    until_registered(&service).await;
    let deliveries = deliveries(&bench);
    let listen = bench.config.listen;
    let began = Instant::now();
    let mut senders = tokio::task::JoinSet::new();
    for number in 0..CONNECTIONS {
        let request = wire(&deliveries[number % deliveries.len()]);
        senders.spawn(post_again_and_again(listen, request));
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

/// Signed deliveries, taken before the sandbox sends them.
fn deliveries(bench: &Bench) -> Vec<Sent> {
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

fn wire(delivery: &Sent) -> Vec<u8> {
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
        let began = Instant::now();
        stream.write_all(&request).await.expect("sent");
        let read = stream.read(&mut answer).await.expect("answered");
        assert!(answer[..read].starts_with(b"HTTP/1.1 200"));
        latencies.push(began.elapsed());
    }
    latencies
}

async fn end_to_end() {
    const WARM_UP: u64 = 500;
    const INVOICES: u64 = 20_000;
    let bench = Bench::new().await;
    let began = Instant::now();
    let service = bench.start().await;
    println!(
        "\nready for the first webhook after {} ms",
        began.elapsed().as_millis()
    );
    bench.connect().await;
    until_registered(&service).await;
    let client = bench.client();
    for number in 0..WARM_UP {
        bench.invoice(client, &format!("W-{number}"));
    }
    until_invoices_ended(&service, WARM_UP).await;
    let began = Instant::now();
    for number in 0..INVOICES {
        bench.invoice(client, &format!("M-{number}"));
    }
    until_invoices_ended(&service, WARM_UP + INVOICES).await;
    let took = began.elapsed();
    let there = bench.sandbox.shared.lock().concur.payment_request_count() as u64;
    assert_eq!(
        there,
        WARM_UP + INVOICES,
        "nothing is lost and nothing doubled"
    );
    println!(
        "{INVOICES} invoices, webhook to record, in {:.1} s: {:.0} records a second; 0 lost, 0 doubled",
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
