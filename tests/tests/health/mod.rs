//! What the service says of its own health, when its disk fails and when its store was changed.

use std::path::Path;

use ml_connector::contract::pacing::{Gate, Hold, HoldReason};
use ml_connector::contract::types::System;
use ml_connector::seal::Keyring;
use ml_connector::store::sqlite::SqliteStore;
use ml_connector::store::{Store, Write};
use ml_connector_sandbox::server;
use ml_connector_tests::fixtures::service::InProcess;
use ml_connector_tests::fixtures::waiting::until;
use ml_connector_tests::fixtures::{Options, http};

#[tokio::test(flavor = "multi_thread")]
async fn readiness_follows_the_disk_in_both_directions() {
    let fixture = InProcess::new(&Options::default()).await;
    let service = fixture.start().await;
    assert_eq!(ready(&fixture).await.0, 200);
    let blocking = rusqlite::Connection::open(&fixture.config.store).expect("opens");
    blocking
        .execute_batch("BEGIN IMMEDIATE")
        .expect("is locked");
    let write = Write::Mark {
        name: "test".into(),
        value: String::new(),
    };
    let committed = service.parts().services.store.commit(vec![write]).await;
    assert!(committed.is_err(), "nothing can be written");
    let (status, text) = ready(&fixture).await;
    assert_eq!((status, text.trim()), (503, "the store cannot be written"));
    blocking.execute_batch("ROLLBACK").expect("is unlocked");
    until("it is ready again without any webhook", async || {
        ready(&fixture).await.0 == 200
    })
    .await;
    service.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_damaged_while_it_was_stopped_is_said_at_the_start() {
    let fixture = InProcess::new(&Options::default()).await;
    let service = fixture.start_connected().await;
    let metrics = metrics_of(&fixture).await;
    for line in [
        "ml_connector_objects{connection=\"acme\",what=\"parked\"} 0",
        "ml_connector_credentials{connection=\"acme\",system=\"concur\",what=\"live\"} 1",
        "ml_connector_store_writable 1",
        "ml_connector_store_damaged 0",
    ] {
        assert!(metrics.contains(line), "{line} is missing:\n{metrics}");
    }
    service.shutdown().await;
    let store = SqliteStore::open_read_only(&fixture.config.store).expect("opens");
    let head = store.chain_heads().await.expect("are read").remove(0);
    let checkpoint = head
        .checkpoint
        .as_ref()
        .expect("one was stored at the stop");
    assert_eq!(
        (checkpoint.number, checkpoint.hash),
        (head.number, head.hash)
    );
    let keys = fixture.secrets.seal_keys().expect("are there");
    let keyring = Keyring::parse(&keys).expect("are keys");
    assert_eq!(keyring.made("acme", checkpoint), Ok(true));
    drop(store);

    let cut = format!("DELETE FROM ending_chain WHERE number = {}", head.number);
    let database = rusqlite::Connection::open(&fixture.config.store).expect("opens");
    database.execute_batch(&cut).expect("is changed");
    let until_ms = hold_concur(&fixture).await;
    let service = fixture.start().await;
    let gauge = "ml_connector_gate_held_until_seconds";
    let labels = "connection=\"acme\",system=\"concur\",what=\"held\"";
    let held = format!("{gauge}{{{labels}}} {}", until_ms / 1_000);
    let shown = metrics_of(&fixture).await;
    assert!(shown.contains(&held), "{held} is missing:\n{shown}");
    until("the connection is said to be damaged", async || {
        let told = service.parts().services.store.mark("damage/acme").await;
        told.expect("is read")
            .is_some_and(|told| told.contains("checkpoint"))
    })
    .await;
    assert_eq!(ready(&fixture).await.0, 200, "webhooks can be stored");
    service.shutdown().await;

    zero_page_of(&database, &fixture.config.store, "oddities");
    let service = fixture.start().await;
    until("the store is said to be damaged", async || {
        ready(&fixture).await.0 == 503
    })
    .await;
    service.shutdown().await;
}

async fn ready(fixture: &InProcess) -> (u16, String) {
    let url = format!("http://{}/readyz", fixture.config.listen);
    let answer = http::get(&url).await.expect("an answer");
    (answer.status, answer.body)
}

/// Holds SAP Concur's gate in the store of a service that does not run, and returns until when.
async fn hold_concur(fixture: &InProcess) -> u64 {
    let until = server::now() + 600_000;
    let gate = Gate {
        system: System::Concur,
        hold: Some(Hold {
            reason: HoldReason::Maintenance,
            until,
        }),
        failures: 1,
        failing_since: Some(server::now()),
    };
    let write = Write::Gate {
        connection: "acme".into(),
        gate,
    };
    let store = SqliteStore::open(&fixture.config.store).expect("opens");
    store.commit(vec![write]).await.expect("is kept");
    until
}

async fn metrics_of(fixture: &InProcess) -> String {
    let url = format!("http://{}/metrics", fixture.config.listen);
    http::get(&url).await.expect("an answer").body
}

/// Overwrites the first page of a table in the file itself, as a failing disk may.
fn zero_page_of(database: &rusqlite::Connection, store: &Path, table: &str) {
    use std::os::unix::fs::FileExt;
    let sql = "SELECT rootpage FROM sqlite_schema WHERE name = ?";
    let page: u64 = database
        .query_row(sql, [table], |row| row.get::<_, i64>(0))
        .map(i64::cast_unsigned)
        .expect("is there");
    let size: i64 = database
        .pragma_query_value(None, "page_size", |row| row.get(0))
        .expect("has one");
    database
        .pragma_update_and_check(None, "wal_checkpoint", "truncate", |_| Ok(()))
        .expect("is checkpointed");
    let size = usize::try_from(size).expect("is small");
    let file = std::fs::OpenOptions::new().write(true).open(store);
    let file = file.expect("opens");
    let offset = (page - 1) * size as u64;
    file.write_all_at(&vec![0; size], offset)
        .expect("is written");
}
