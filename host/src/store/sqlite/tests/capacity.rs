//! How much the writer thread can do: `cargo test --release -p ml-connector capacity -- --ignored
//! --nocapture`.

use std::sync::Arc;
use std::time::{Duration, Instant as Clock};

use super::{SqliteStore, empty, new_run, object};
use crate::contract::http::{
    Authorization, Body, BodyPart, Method, Request, Response, SendOutcome,
};
use crate::contract::runs::{
    Action, Change, Completion, Confirmation, Demand, Effect, Ending, Facts, Intent, Link,
    OutboundRequest, Outcome, Report,
};
use crate::contract::types::{ObjectRef, System};
use crate::store::{HistoryRow, LinkFilter, NewRun, Store, Write};

const RECORDS: u32 = 20_000;
const UNDER_WAY: u32 = 256;

/// Brings records through everything that a run writes, many at once: a notice, its run, three
/// batches of history (an open write, its outcome with another row, the link with the end).
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement; CONTRIBUTING.md has its command"]
async fn capacity_of_whole_records() {
    let (_directory, path) = empty();
    let store = Arc::new(SqliteStore::open(&path).expect("opens"));
    let clock = Clock::now();
    let lane = |lane: u32| {
        let store = Arc::clone(&store);
        tokio::spawn(async move {
            for number in (lane..RECORDS).step_by(UNDER_WAY as usize) {
                carry_over(&store, number).await;
            }
        })
    };
    for task in (0..UNDER_WAY).map(lane).collect::<Vec<_>>() {
        task.await.expect("no panic");
    }
    report("records", clock.elapsed(), &path);
}

/// Stores notices, each in a batch of its own.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement; CONTRIBUTING.md has its command"]
async fn capacity_of_notices() {
    let (_directory, path) = empty();
    let store = Arc::new(SqliteStore::open(&path).expect("opens"));
    let clock = Clock::now();
    let lane = |lane: u32| {
        let store = Arc::clone(&store);
        tokio::spawn(async move {
            for number in (lane..RECORDS).step_by(UNDER_WAY as usize) {
                store.commit(vec![notice(number)]).await.expect("is kept");
            }
        })
    };
    for task in (0..UNDER_WAY).map(lane).collect::<Vec<_>>() {
        task.await.expect("no panic");
    }
    report("notices", clock.elapsed(), &path);
}

/// Looks one link up among a million, and pages through them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement; CONTRIBUTING.md has its command"]
async fn capacity_of_links() {
    const LINKS: u32 = 1_000_000;
    const LOOK_UPS: u32 = 1_000;
    let (_directory, path) = empty();
    let store = SqliteStore::open(&path).expect("opens");
    for from in (0..LINKS).step_by(10_000) {
        let links = (from..from + 10_000).map(|number| link(&number.to_string()));
        let links = Write::Links {
            connection: "acme".into(),
            links: links.collect(),
            unlinks: vec![],
            run: Some(1),
            at: 5_000,
        };
        store.commit(vec![links]).await.expect("is kept");
    }
    let mut times = Vec::new();
    for batch in 0..40 {
        let clock = Clock::now();
        for number in 0..LOOK_UPS {
            // Far apart, so that none is on the page of the one before.
            let number = (batch * LOOK_UPS + number) * 7_919 % LINKS;
            let asked = [object(&number.to_string())];
            let found = store.object_statuses("acme", &asked).await.expect("reads");
            assert!(found[0].link.is_some());
        }
        times.push(clock.elapsed() / LOOK_UPS);
    }
    times.sort();
    println!(
        "one link of {LINKS}: {:?} at best, {:?} in the middle",
        times[0], times[20]
    );
    let filter = LinkFilter {
        connection: "acme".into(),
        limit: 50,
        ..LinkFilter::default()
    };
    for (what, filter) in [
        (
            "a page behind the last",
            LinkFilter {
                after: Some(object("55")),
                ..filter.clone()
            },
        ),
        (
            "what leads to a target",
            LinkFilter {
                target: Some(link("77").target),
                ..filter.clone()
            },
        ),
        (
            "a text that is nowhere",
            LinkFilter {
                find: Some("nowhere".into()),
                ..filter
            },
        ),
    ] {
        let clock = Clock::now();
        store.links(filter).await.expect("reads");
        println!("{what}: {:?}", clock.elapsed());
    }
    let bytes = std::fs::metadata(&path).map_or(0, |file| file.len()) / u64::from(LINKS);
    println!("{bytes} bytes for each");
}

fn report(what: &str, wall: Duration, path: &std::path::Path) {
    let per_second = |time: Duration| u128::from(RECORDS) * 1_000_000_000 / time.as_nanos().max(1);
    let writer = writer_cpu_time();
    let bytes = std::fs::metadata(path).map_or(0, |file| file.len()) / u64::from(RECORDS);
    println!(
        "{RECORDS} {what}: {}/s by the clock, {bytes} bytes each",
        per_second(wall)
    );
    println!(
        "writer thread: {writer:?} of processor time, {}/s of capacity",
        per_second(writer)
    );
}

/// Processor time of the writer thread so far, from `/proc` in ticks of 10 ms.
fn writer_cpu_time() -> Duration {
    let tasks = std::fs::read_dir("/proc/self/task")
        .into_iter()
        .flatten()
        .flatten();
    let stats = tasks.filter_map(|task| std::fs::read_to_string(task.path().join("stat")).ok());
    let ticks = |stat: String| -> Option<u64> {
        let (_, fields) = stat.split_once("(store-writer) ")?;
        let fields: Vec<_> = fields.split(' ').collect();
        Some(fields.get(11)?.parse::<u64>().ok()? + fields.get(12)?.parse::<u64>().ok()?)
    };
    Duration::from_millis(stats.filter_map(ticks).max().unwrap_or(0) * 10)
}

async fn carry_over(store: &SqliteStore, number: u32) {
    let id = number.to_string();
    let notice = store
        .commit(vec![notice(number)])
        .await
        .expect("is kept")
        .notices[0];
    let new = NewRun {
        notice: Some(notice),
        ..new_run(&id)
    };
    let run = store
        .commit(vec![Write::StartOrMarkDirty(new)])
        .await
        .expect("is kept")
        .runs[0];
    let open = HistoryRow {
        outcome: None,
        ..row(1)
    };
    let steps = [
        vec![Write::Append {
            run,
            rows: vec![row(0), open],
        }],
        vec![Write::Append {
            run,
            rows: vec![row(1), row(2)],
        }],
        vec![
            Write::Links {
                connection: "acme".into(),
                links: vec![link(&id)],
                unlinks: vec![],
                run: Some(run),
                at: 5_000,
            },
            Write::End {
                run,
                completion: confirmed(&id),
                at: 5_000,
            },
        ],
    ];
    for batch in steps {
        store.commit(batch).await.expect("is kept");
    }
}

fn notice(number: u32) -> Write {
    Write::Notice {
        connection: "acme".into(),
        object: object(&number.to_string()),
        event: "invoice.update".into(),
        received: 900,
    }
}

/// About 1 KiB of request and 3 KiB of answer.
fn row(index: u32) -> HistoryRow {
    let line = "{\"LineItem\":\"Consulting\",\"Amount\":\"125.00\",\"Code\":\"4711\"},";
    let request = Request {
        system: System::Concur,
        authorization: Authorization::Connection,
        method: Method::Post,
        path_with_query: "/invoice/v3.0/paymentrequest".into(),
        headers: vec![],
        body: vec![BodyPart::Text(line.repeat(16))],
        timeout: 90_000,
    };
    let send = OutboundRequest {
        request,
        intent: Intent::LookUpThenPark,
    };
    let response = Response {
        status: 200,
        headers: vec![],
        body: Body::Text(line.repeat(50)),
    };
    let at = 2_000;
    HistoryRow {
        epoch: 0,
        index,
        at,
        demand: Demand::Perform(Effect {
            id: index,
            action: Action::Send(send),
        }),
        outcome: Some(Outcome {
            id: index,
            report: Report::Sent(SendOutcome::Response(response)),
            at,
        }),
    }
}

fn target(id: &str) -> ObjectRef {
    ObjectRef {
        system: System::Concur,
        kind: "payment-request".into(),
        id: id.into(),
    }
}

fn link(id: &str) -> Link {
    Link {
        source: object(id),
        target: target(id),
        version: Some("2026-01-01 10:00:00".into()),
        content_hash: Some("0123456789abcdef".repeat(4)),
    }
}

fn confirmed(id: &str) -> Completion {
    let message = "The payment request was created.".into();
    let confirmation = Confirmation {
        target: target(id),
        change: Change::Created,
        message,
    };
    Completion {
        ending: Ending::Confirmed(confirmation),
        version: Some("2026-01-01 10:00:00".into()),
        facts: Facts::NONE,
    }
}
