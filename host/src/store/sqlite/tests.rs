//! What is particular to SQLite; the promises are tested by the suite.

mod backup;
mod capacity;
mod full_disk;
mod kill;
mod older;
mod place;
mod tampering;
mod trimming;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::*;
use crate::contract::runs::{EndingKind, NewTask, StartReason};
use crate::store::{EVENTS_MAX, NewRun, RunState};

mod suite {
    use super::new_place;

    crate::store_conformance!(new_place);
}

/// A directory that goes when the last that uses it goes, and a store in it.
fn new_place() -> impl Fn() -> SqliteStore {
    let (directory, path) = empty();
    move || {
        let _keep = &directory;
        SqliteStore::open(&path).expect("the store opens")
    }
}

fn empty() -> (TempDir, PathBuf) {
    let directory = TempDir::new().expect("a directory");
    let path = directory.path().join("store.db");
    (directory, path)
}

/// What SQLite or a copy made, as a store is.
fn make_private(path: &Path) {
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).expect("is set");
}

fn mark(name: &str, value: &str) -> Write {
    Write::Mark {
        name: name.into(),
        value: value.into(),
    }
}

fn object(id: &str) -> ObjectRef {
    ObjectRef {
        system: System::Freshbooks,
        kind: "invoice".into(),
        id: id.into(),
    }
}

fn new_run(id: &str) -> NewRun {
    NewRun {
        connection: "acme".into(),
        task: NewTask {
            object: object(id),
            reason: StartReason::Notice,
        },
        settings_version: "v1".into(),
        started: 1_000,
        notice: None,
    }
}

fn failure(opened: Result<SqliteStore, StoreError>) -> StoreError {
    match opened {
        Ok(_) => panic!("the store opens"),
        Err(error) => error,
    }
}

#[tokio::test]
async fn nobody_else_can_read_what_is_kept() {
    let (directory, path) = empty();
    let store = SqliteStore::open(&path).expect("opens");
    store
        .commit(vec![mark("last", "1")])
        .await
        .expect("is kept");
    for name in ["store.db", "store.db-wal"] {
        let metadata = fs::metadata(directory.path().join(name)).expect("is there");
        assert_eq!(metadata.permissions().mode() & 0o777, 0o600, "{name}");
    }
}

#[tokio::test]
async fn a_reader_beside_the_writer_sees_its_commits_and_writes_nothing() {
    let (_directory, path) = empty();
    let writer = SqliteStore::open(&path).expect("opens");
    let reader = SqliteStore::open_read_only(&path).expect("opens");
    writer
        .commit(vec![mark("last", "1")])
        .await
        .expect("is kept");
    assert_eq!(
        reader.mark("last").await.expect("reads").as_deref(),
        Some("1")
    );
    let refused = reader.commit(vec![mark("last", "2")]).await;
    assert!(matches!(refused, Err(StoreError::Refused(_))));
    drop(writer);
    let reader = SqliteStore::open_read_only(&path).expect("opens without a writer");
    assert_eq!(
        reader.mark("last").await.expect("reads").as_deref(),
        Some("1")
    );
}

#[test]
fn what_is_not_a_store_of_this_version_is_refused_and_named() {
    let (_directory, path) = empty();
    let missing = failure(SqliteStore::open_read_only(&path));
    assert!(
        matches!(missing, StoreError::Unavailable(_)) && missing.to_string().contains("store.db")
    );
    fs::write(
        &path,
        "no database at all, but longer than a header".repeat(9),
    )
    .expect("writes");
    make_private(&path);
    assert!(matches!(
        failure(SqliteStore::open(&path)),
        StoreError::Corrupt(_)
    ));
    fs::remove_file(&path).expect("removes");
    let other = Connection::open(&path).expect("opens");
    make_private(&path);
    other
        .execute_batch("CREATE TABLE songs (title TEXT)")
        .expect("is made");
    assert!(
        failure(SqliteStore::open(&path))
            .to_string()
            .contains("another program")
    );
    other
        .pragma_update(None, "user_version", 99)
        .expect("is set");
    assert!(
        failure(SqliteStore::open(&path))
            .to_string()
            .contains("newer ml-connector")
    );
    assert!(
        failure(SqliteStore::open_read_only(&path))
            .to_string()
            .contains("newer ml-connector")
    );
}

#[test]
fn every_commit_is_synced() {
    let (_directory, path) = empty();
    let database = schema::open_writer(&path).expect("opens");
    let pragma = |name| -> String {
        database
            .pragma_query_value(None, name, |row| {
                row.get::<_, rusqlite::types::Value>(0)
                    .map(|value| format!("{value:?}"))
            })
            .expect("answers")
    };
    assert_eq!(pragma("journal_mode"), "Text(\"wal\")");
    assert_eq!(pragma("synchronous"), "Integer(2)", "FULL");
    assert_eq!(pragma("foreign_keys"), "Integer(1)");
}

#[tokio::test]
async fn damage_is_told_and_not_mistaken_for_a_full_disk() {
    let (_directory, path) = empty();
    let store = SqliteStore::open(&path).expect("opens");
    store
        .commit(vec![Write::Start(new_run("1"))])
        .await
        .expect("is kept");
    let other = Connection::open(&path).expect("opens");
    other
        .execute("UPDATE runs SET reason = 'whim'", [])
        .expect("is damaged");
    let read = store.run(1).await;
    assert!(
        matches!(read, Err(StoreError::UnreadableRun { run: 1, .. })),
        "{read:?}"
    );
}

#[tokio::test]
async fn a_row_that_cannot_be_read_is_named_and_hides_no_other() {
    let (_directory, path) = empty();
    let store = SqliteStore::open(&path).expect("opens");
    for id in ["1", "2"] {
        let start = Write::Start(new_run(id));
        store.commit(vec![start]).await.expect("is kept");
    }
    let other = Connection::open(&path).expect("opens");
    other
        .execute("UPDATE runs SET reason = 'whim' WHERE id = 1", [])
        .expect("is damaged");
    let due = store.due_runs("acme", 9_000, 9, vec![]).await;
    let Err(StoreError::UnreadableRun { run: 1, .. }) = due else {
        panic!("{due:?}");
    };
    let due = store.due_runs("acme", 9_000, 9, vec![1]).await;
    let due: Vec<_> = due.expect("are read").iter().map(|run| run.id).collect();
    assert_eq!(due, [2]);
}

/// What SQLite says it does for a query.
fn plan(path: &Path, sql: &str, values: impl rusqlite::Params) -> String {
    let database = schema::open_reader(path).expect("opens");
    let sql = format!("EXPLAIN QUERY PLAN {sql}");
    let steps =
        collect(&database, &sql, values, |row| Ok(row.get::<_, String>(3)?)).expect("plans");
    steps.join("; ")
}

#[test]
fn queries_that_run_often_search_an_index() {
    let (_directory, path) = empty();
    drop(SqliteStore::open(&path).expect("opens"));
    let due = plan(&path, &run_reads::due_sql(), ("acme", 5));
    assert!(
        due.contains("runs_due (connection=? AND due<?)") && !due.contains("TEMP B-TREE"),
        "{due}"
    );
    let next = plan(&path, run_reads::NEXT_DUE, ["acme"]);
    assert!(
        next.contains("runs_due (connection=?)") && !next.contains("TEMP B-TREE"),
        "{next}"
    );
    let standing = plan(
        &path,
        reads::OBJECT_STATUS,
        ["acme", "1", "invoice", "freshbooks"],
    );
    assert!(standing.contains("runs_active (object=?)"), "{standing}");
    assert!(!standing.contains("SCAN"), "{standing}");
    let filter = RunFilter {
        endings: vec![EndingKind::Parked],
        latest_only: true,
        ..RunFilter::default()
    };
    let (parked, values) = run_reads::matching_sql(&filter).expect("is made");
    let parked = plan(&path, &parked, rusqlite::params_from_iter(values));
    assert!(
        parked.contains("runs_stopped") && !parked.contains("TEMP B-TREE"),
        "{parked}"
    );
    let ended = RunFilter {
        connection: Some("acme".into()),
        state: Some(RunState::Ended),
        ..filter
    };
    let (ended, values) = run_reads::matching_sql(&ended).expect("is made");
    let ended = plan(&path, &ended, rusqlite::params_from_iter(values));
    assert!(
        ended.contains("SEARCH runs") && !ended.contains("TEMP B-TREE"),
        "{ended}"
    );
}

#[tokio::test]
async fn a_store_of_the_first_version_is_brought_up_to_date() {
    let (_directory, path) = empty();
    let old = Connection::open(&path).expect("opens");
    make_private(&path);
    old.execute_batch(include_str!("1.sql")).expect("is made");
    old.execute("INSERT INTO marks VALUES ('last', '1')", [])
        .expect("is kept");
    old.pragma_update(None, "user_version", 1).expect("is set");
    drop(old);
    let error = failure(SqliteStore::open_read_only(&path)).to_string();
    assert!(error.contains("older ml-connector"), "{error}");
    let store = SqliteStore::open(&path).expect("is brought up to date");
    assert_eq!(
        store.mark("last").await.expect("reads").as_deref(),
        Some("1")
    );
    let event = crate::store::StoredEvent {
        connection: "acme".into(),
        id: "e1".into(),
        event_type: "expense.readyForIntegration".into(),
        received: 1_000,
        object: None,
    };
    let kept = store.commit(vec![Write::Event(event.clone()), Write::Event(event)]);
    assert_eq!(kept.await.expect("is kept").repeated_events, 1);
}

/// The bound of [`Write::Forget`], which the suite does not fill.
#[tokio::test]
async fn the_latest_events_are_kept() {
    let (_directory, path) = empty();
    let store = SqliteStore::open(&path).expect("opens");
    let database = Connection::open(&path).expect("opens");
    let sql = "WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers \
               WHERE n < ?) INSERT INTO events SELECT 'acme', n, 'type', n, 0 FROM numbers";
    database
        .execute(sql, [integer(EVENTS_MAX + 1_000).expect("fits")])
        .expect("are inserted");
    let forget = Write::Forget { received_before: 5 };
    store.commit(vec![forget]).await.expect("is kept");
    let count = store.inbox().await.expect("reads").events.remove(0);
    assert_eq!(
        (count.events, count.latest),
        (EVENTS_MAX, EVENTS_MAX + 1_000)
    );
}

#[tokio::test]
async fn the_log_is_written_back_and_stays_small() {
    const CHECKPOINT_BYTES: u64 = 4_000 * 4_096;
    let (directory, path) = empty();
    let store = SqliteStore::open(&path).expect("opens");
    for round in 0..12 {
        // What is the same as before would not be written.
        let value = char::from(b'a' + round).to_string().repeat(16_000);
        let values = (0..256).map(|number| mark(&number.to_string(), &value));
        store.commit(values.collect()).await.expect("is kept");
    }
    let bytes = |name: &str| {
        let file = fs::metadata(directory.path().join(name));
        file.expect("is there").len()
    };
    let log = bytes("store.db-wal");
    assert!(log < CHECKPOINT_BYTES * 2, "{log} bytes of 48 MiB");
    assert!(bytes("store.db") > 1_000_000, "it was written back");
}
