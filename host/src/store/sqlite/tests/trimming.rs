//! A chain of endings is as long as what is stored, and what has gone from its front is covered.

use rusqlite::Connection as Database;

use super::tampering::{damage, end};
use super::*;
use crate::contract::types::Instant;
use crate::store::RunId;

/// Links of runs that are gone leave the chain; the run of an object at rest stays in it.
#[tokio::test]
async fn a_chain_of_endings_is_as_long_as_what_is_stored() {
    let (_directory, path) = empty();
    let store = SqliteStore::open(&path).expect("opens");
    let mut run = run_to_end(&store, "at rest", 1).await;
    for round in 1..=8 {
        let from = round * 1_000;
        for at in from..from + 200 {
            run = run_to_end(&store, "swept", at).await;
        }
        retire(&store, from + 200).await;
        let links = link_numbers(&path);
        assert!(links.len() < 500, "{} links", links.len());
        assert_eq!(damage(&path).await, [""; 0], "after round {round}");
    }
    assert_eq!(run, 1_601);
    let at_rest = linked_runs(&path).iter().filter(|run| **run == 1).count();
    assert_eq!(at_rest, 1, "the run of the object at rest is linked once");
    let links = link_numbers(&path);
    assert!(links[0] > 1_000, "the first link is {}", links[0]);
    let hash = store.chain_hash("acme", 1).await.expect("is read");
    assert_eq!(hash, None);
}

/// A store at rest is not written anew whenever something is retired.
#[tokio::test]
async fn a_chain_without_new_links_is_left_alone() {
    let (_directory, path) = empty();
    let store = SqliteStore::open(&path).expect("opens");
    for id in 1..=300 {
        run_to_end(&store, &id.to_string(), id).await;
    }
    for _ in 0..4 {
        retire(&store, 9_000).await;
    }
    let settled = link_numbers(&path);
    for _ in 0..4 {
        retire(&store, 9_000).await;
    }
    assert_eq!(link_numbers(&path), settled);
    assert_eq!(linked_runs(&path).len(), 300);
    assert_eq!(damage(&path).await, [""; 0]);
}

/// The link of the last checkpoint can be compared, however old it is.
#[tokio::test]
async fn what_a_checkpoint_vouches_for_stays_comparable() {
    let (_directory, path) = empty();
    let store = SqliteStore::open(&path).expect("opens");
    for at in 1..=100 {
        run_to_end(&store, "1", at).await;
    }
    let head = store.chain_heads().await.expect("are read").remove(0);
    let checkpoint = crate::store::Checkpoint {
        number: head.number,
        hash: head.hash,
        key_id: 1,
        mac: [7; 32],
    };
    let connection = head.connection.clone();
    let write = Write::Checkpoint {
        connection,
        checkpoint,
    };
    store.commit(vec![write]).await.expect("is kept");
    for at in 101..=400 {
        run_to_end(&store, "1", at).await;
    }
    retire(&store, 400).await;
    assert_eq!(link_numbers(&path)[0], head.number + 1);
    let hash = store.chain_hash("acme", head.number).await;
    assert_eq!(hash.expect("is read"), Some(head.hash));
    assert_eq!(damage(&path).await, [""; 0]);
}

/// What retention has left in the place of old links is covered by the chain that goes on.
#[tokio::test]
async fn links_that_were_taken_from_the_front_are_found() {
    let cut = "DELETE FROM ending_chain WHERE number <= 70; DELETE FROM runs WHERE id < 70; ";
    let rebase = "INSERT OR REPLACE INTO ending_chain_bases (connection, number, hash, paid) \
                  SELECT connection, number, hash, 0 FROM ending_chain WHERE number = 70; ";
    for (sql, expected) in [
        ("", None),
        (
            "UPDATE ending_chain_bases SET number = 65",
            Some("link 66 of its"),
        ),
        (
            "UPDATE ending_chain_bases SET hash = zeroblob(32)",
            Some("link 67 of its"),
        ),
        ("DELETE FROM ending_chain_bases", Some("link 1 of its")),
        (cut, Some("link 67 of its")),
        (&format!("{rebase}{cut}"), Some("missing at the front")),
    ] {
        let found = found_in_trimmed(sql).await;
        match expected {
            None => assert_eq!(found, [""; 0]),
            Some(part) => assert!(
                found.iter().any(|line| line.contains(part)),
                "{sql}: {found:?}"
            ),
        }
    }
}

/// A link that was changed is not taken into the base: it stays where a check finds it.
#[tokio::test]
async fn a_changed_link_does_not_go_from_the_front() {
    let changed = "UPDATE ending_chain SET instant = 1 WHERE number = 80";
    let found = found_in_trimmed(changed).await;
    assert!(found[0].contains("link 80 of its"), "{found:?}");
    let (_directory, path) = trimmed_after(changed).await;
    let store = SqliteStore::open(&path).expect("opens");
    retire(&store, 9_000).await;
    drop(store);
    assert_eq!(damage(&path).await[0], found[0]);
}

async fn found_in_trimmed(sql: &str) -> Vec<String> {
    let (_directory, path) = trimmed_after(sql).await;
    damage(&path).await
}

/// A store whose chain of 160 endings of one object lost its first 66, and then these statements.
async fn trimmed_after(sql: &str) -> (TempDir, PathBuf) {
    let (directory, path) = empty();
    let store = SqliteStore::open(&path).expect("opens");
    for id in 1..=160 {
        run_to_end(&store, "1", 1_000 + id).await;
    }
    retire(&store, 1_067).await;
    drop(store);
    let database = Database::open(&path).expect("opens");
    let sql = format!("PRAGMA foreign_keys = off; {sql}");
    database.execute_batch(&sql).expect("is changed");
    (directory, path)
}

async fn run_to_end(store: &SqliteStore, name: &str, at: Instant) -> RunId {
    let start = store.commit(vec![Write::Start(new_run(name))]).await;
    let run = start.expect("is kept").runs[0];
    end(store, run, at).await;
    run
}

async fn retire(store: &SqliteStore, ended_before: Instant) {
    let retire = vec![Write::Retire { ended_before }];
    store.commit(retire).await.expect("is kept");
}

fn link_numbers(path: &Path) -> Vec<u64> {
    numbers(path, "SELECT number FROM ending_chain ORDER BY number")
}

fn linked_runs(path: &Path) -> Vec<RunId> {
    numbers(path, "SELECT run FROM ending_chain WHERE run NOT NULL")
}

fn numbers(path: &Path, sql: &str) -> Vec<u64> {
    let database = Database::open(path).expect("opens");
    let mut statement = database.prepare(sql).expect("is right");
    let numbers = statement.query_map([], |row| row.get::<_, i64>(0));
    let numbers = numbers.expect("are read").map(Result::unwrap);
    numbers.map(i64::cast_unsigned).collect()
}
