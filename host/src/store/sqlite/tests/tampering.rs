//! Whatever is changed in the file, the check finds it, and names the connection and the run.

use rusqlite::Connection as Database;

use super::*;
use crate::store::conformance::{sample_completions, sample_entries};
use crate::store::{CheckExtent, HistoryRow, RunId};

const RUNS: RunId = 6;

/// A store with a few runs of two connections: the first three of `acme` have ended, and the
/// history of the first is retired; run 5 is open, run 6 is the only one of `bolt` and has ended.
async fn with_runs(path: &Path) {
    let store = SqliteStore::open(path).expect("opens");
    for id in 1..=RUNS {
        let connection = if id == RUNS { "bolt" } else { "acme" };
        let new = NewRun {
            connection: connection.into(),
            ..new_run(&id.to_string())
        };
        let start = store.commit(vec![Write::Start(new)]).await;
        assert_eq!(start.expect("is kept").runs, [id]);
        let entries = sample_entries(&[1, 2, u32::try_from(id).expect("is small")]);
        let rows = entries
            .into_iter()
            .zip(0..)
            .map(|(entry, index)| HistoryRow {
                epoch: 0,
                index,
                at: 2_000,
                demand: entry.demand,
                outcome: entry.outcome,
            });
        let append = Write::Append {
            run: id,
            rows: rows.collect(),
        };
        store.commit(vec![append]).await.expect("is kept");
        if id != 5 {
            end(&store, id, 1_000 + id).await;
        }
    }
    let retire = vec![Write::Retire {
        ended_before: 1_002,
    }];
    store.commit(retire).await.expect("is kept");
}

pub(super) async fn end(store: &SqliteStore, run: RunId, at: Instant) {
    let end = Write::End {
        run,
        completion: sample_completions()[1].clone(),
        at,
    };
    store.commit(vec![end]).await.expect("is kept");
}

/// What a whole check finds after these statements, each line with its connection and run.
async fn found_after(sql: &str) -> Vec<String> {
    let (_directory, path) = empty();
    with_runs(&path).await;
    let database = Database::open(&path).expect("opens");
    database
        .execute_batch(&format!("PRAGMA foreign_keys = off; {sql}"))
        .expect("is changed");
    drop(database);
    damage(&path).await
}

pub(super) async fn damage(path: &Path) -> Vec<String> {
    let store = SqliteStore::open_read_only(path).expect("opens");
    let damage = store.find_damage(CheckExtent::Everything).await;
    let damage = damage.expect("is looked for");
    damage.iter().map(ToString::to_string).collect()
}

#[tokio::test]
async fn a_store_that_nobody_changed_has_no_damage() {
    assert_eq!(found_after("").await, [""; 0]);
}

#[tokio::test]
async fn a_changed_history_is_found_by_its_run() {
    let history = |run| vec![format!("{run}: its history is not the one that was stored")];
    for (sql, run) in [
        (
            "DELETE FROM history WHERE run = 3 AND position = 1",
            "acme: run 3",
        ),
        ("DELETE FROM history WHERE run = 3", "acme: run 3"),
        (
            "DELETE FROM history WHERE run = 5 AND position = 2",
            "acme: run 5",
        ),
        (
            "UPDATE history SET at = at + 1 WHERE run = 2 AND position = 0",
            "acme: run 2",
        ),
        (
            "UPDATE history SET outcome = NULL WHERE run = 2 AND outcome NOT NULL",
            "acme: run 2",
        ),
        (
            "UPDATE history SET position = 9 WHERE run = 2 AND position = 0; \
             UPDATE history SET position = 0 WHERE run = 2 AND position = 1; \
             UPDATE history SET position = 1 WHERE run = 2 AND position = 9",
            "acme: run 2",
        ),
        (
            "INSERT INTO history SELECT run, epoch, 3, at, demand, outcome FROM history \
             WHERE run = 4 AND position = 0",
            "acme: run 4",
        ),
    ] {
        assert_eq!(found_after(sql).await, history(run), "{sql}");
    }
    let sql = "INSERT INTO history SELECT 1, epoch, 0, at, demand, outcome FROM history \
               WHERE run = 2 AND position = 0";
    let found = ["acme: run 1: its history was deleted, and has rows all the same"];
    assert_eq!(found_after(sql).await, found);
    let sql = "UPDATE runs SET retired = 1 WHERE id = 3; DELETE FROM history WHERE run = 3";
    let found = ["acme: run 3: its history was deleted before its time"];
    assert_eq!(found_after(sql).await, found);
}

#[tokio::test]
async fn a_changed_ending_is_found_by_its_run() {
    let ending = |run| vec![format!("{run}: how or when it ended was changed")];
    for (sql, run) in [
        (
            "UPDATE runs SET ended = ended - 86400000 WHERE id = 3",
            "acme: run 3",
        ),
        (
            "UPDATE runs SET ending = 'confirmed' WHERE id = 6",
            "bolt: run 6",
        ),
        (
            "UPDATE runs SET completion = x'027b7d' WHERE id = 2",
            "acme: run 2",
        ),
        ("UPDATE runs SET started = 1 WHERE id = 1", "acme: run 1"),
        (
            "UPDATE runs SET settings_version = 'v9' WHERE id = 4",
            "acme: run 4",
        ),
        (
            "UPDATE objects SET name = '77' WHERE name = '2'",
            "acme: run 2",
        ),
    ] {
        assert_eq!(found_after(sql).await, ending(run), "{sql}");
    }
    let swap = "CREATE TEMP TABLE kept AS SELECT * FROM runs WHERE id IN (2, 3); \
                UPDATE runs SET object = (SELECT object FROM kept WHERE id = 5 - runs.id) \
                WHERE id IN (2, 3)";
    let found = found_after(swap).await;
    assert_eq!(
        found,
        [ending("acme: run 2"), ending("acme: run 3")].concat()
    );
    // The history too, so that history and hash agree again.
    let history = "DELETE FROM history WHERE run = 3; \
                   UPDATE runs SET history_hash = NULL WHERE id = 3";
    assert_eq!(found_after(history).await, ending("acme: run 3"));
}

#[tokio::test]
async fn a_deleted_run_or_ending_is_found() {
    let delete = "DELETE FROM history WHERE run = 3; DELETE FROM runs WHERE id = 3";
    let found = ["acme: run 3: it has ended, and is missing"];
    assert_eq!(found_after(delete).await, found);
    let link = "DELETE FROM ending_chain WHERE run = 3";
    let found = found_after(&format!("{delete}; {link}")).await;
    let [gap, after] = found.as_slice() else {
        panic!("{found:?}");
    };
    assert_eq!(gap, "acme: link 3 of its chain of endings is missing");
    assert!(
        after.starts_with("acme: run 4: link 4 of its chain"),
        "{after}"
    );
    let found = found_after(link).await;
    assert!(
        found.contains(&"acme: run 3: its ending is not in the chain".to_owned()),
        "{found:?}"
    );
    let invented = "INSERT INTO ending_chain SELECT connection, 6, 5, instant, digest, hash \
                    FROM ending_chain WHERE connection = 'acme' AND number = 4";
    let found = found_after(invented).await;
    assert!(
        found[0].starts_with("acme: run 5: link 6 of its chain"),
        "{found:?}"
    );
}

#[tokio::test]
async fn links_that_were_changed_or_swapped_are_found() {
    for sql in [
        "UPDATE ending_chain SET instant = 1 WHERE run = 3",
        "UPDATE ending_chain SET run = 9 WHERE run = 3",
        "UPDATE ending_chain SET digest = zeroblob(32) WHERE run = 3",
        "UPDATE ending_chain SET hash = zeroblob(32) WHERE run = 3",
        "UPDATE ending_chain SET hash = x'00' WHERE run = 3",
        "UPDATE ending_chain SET number = number + 10 WHERE run IN (2, 3); \
         UPDATE ending_chain SET number = 15 - number WHERE run IN (2, 3)",
        // A deletion of histories that never was.
        "UPDATE ending_chain SET instant = 5000 WHERE run IS NULL",
    ] {
        let found = found_after(sql).await;
        assert!(
            found
                .iter()
                .any(|line| line.starts_with("acme: ") && line.contains("chain")),
            "{sql}: {found:?}"
        );
    }
}

/// Whoever rewrites a whole chain makes it agree with itself; a checkpoint does not.
#[tokio::test]
async fn a_checkpoint_finds_a_chain_that_was_rewritten_or_cut() {
    let (_directory, path) = empty();
    with_runs(&path).await;
    let store = SqliteStore::open(&path).expect("opens");
    let head = store.chain_heads().await.expect("are read").remove(0);
    let checkpoint = crate::store::Checkpoint {
        number: head.number,
        hash: head.hash,
        key_id: 1,
        mac: [7; 32],
    };
    let write = Write::Checkpoint {
        connection: head.connection,
        checkpoint,
    };
    store.commit(vec![write]).await.expect("is kept");
    drop(store);
    assert_eq!(damage(&path).await, [""; 0]);

    let change = |sql: &str| {
        let database = Database::open(&path).expect("opens");
        let sql = format!("PRAGMA foreign_keys = off; {sql}");
        database.execute_batch(&sql).expect("is changed");
        database
    };
    change(
        "DELETE FROM history WHERE run = 4; DELETE FROM ending_chain WHERE run = 4; \
         DELETE FROM runs WHERE id = 4; UPDATE ending_chain SET number = 4 WHERE number = 5",
    );
    let found = damage(&path).await;
    let cut = "acme: its last 1 endings are missing: the chain has 4 links, and its checkpoint 5";
    assert!(found.iter().any(|line| line == cut), "{found:?}");

    let rewritten = change(
        "UPDATE runs SET ended = 7 WHERE id = 2; UPDATE runs SET connection = 'acme'; \
         UPDATE objects SET connection = 'acme'; DELETE FROM ending_chain",
    );
    integrity::adopt(&rewritten).expect("is chained anew");
    drop(rewritten);
    let found = ["acme: its chain of endings is another one than at checkpoint 5"];
    assert_eq!(damage(&path).await, found);
}

#[tokio::test]
async fn one_flipped_bit_of_a_body_is_found() {
    for column in ["demand", "outcome"] {
        let (_directory, path) = empty();
        with_runs(&path).await;
        let database = Database::open(&path).expect("opens");
        let sql =
            format!("SELECT {column} FROM history WHERE run = 6 AND {column} NOT NULL LIMIT 1");
        let body: Vec<u8> = database
            .query_row(&sql, [], |row| row.get(0))
            .expect("is there");
        let mut flipped = body.clone();
        flipped[body.len() / 2] ^= 1;
        let sql = format!("UPDATE history SET {column} = ? WHERE run = 6 AND {column} = ?");
        database.execute(&sql, (flipped, body)).expect("is changed");
        drop(database);
        let found = ["bolt: run 6: its history is not the one that was stored"];
        assert_eq!(damage(&path).await, found);
    }
}

#[tokio::test]
async fn a_page_that_was_zeroed_is_found_without_reading_every_row() {
    let (_directory, path) = empty();
    with_runs(&path).await;
    let store = SqliteStore::open(&path).expect("opens");
    let damage = store.find_damage(CheckExtent::Pages).await;
    assert_eq!(damage.expect("is looked for"), []);
    drop(store);
    let database = Database::open(&path).expect("opens");
    let page: i64 = database
        .query_row(
            "SELECT rootpage FROM sqlite_schema WHERE name = 'history'",
            [],
            |row| row.get(0),
        )
        .expect("is there");
    database
        .pragma_update_and_check(None, "wal_checkpoint", "truncate", |_| Ok(()))
        .expect("is checkpointed");
    drop(database);
    zero_page(&path, page);
    let store = SqliteStore::open_read_only(&path).expect("opens");
    let damage = store.find_damage(CheckExtent::Pages).await;
    let damage = damage.expect("is looked for");
    assert!(!damage.is_empty());
    assert!(damage[0].to_string().contains("damaged"), "{damage:?}");
}

fn zero_page(path: &Path, page: i64) {
    use std::os::unix::fs::FileExt;
    let file = fs::OpenOptions::new().write(true).open(path);
    let offset = (page.cast_unsigned() - 1) * 4_096;
    let file = file.expect("opens");
    file.write_all_at(&[0; 4_096], offset).expect("is written");
    file.sync_all().expect("is synced");
}

/// A store of version 3, which had no chains: what it holds joins them.
#[tokio::test]
async fn what_an_older_version_stored_joins_the_chains() {
    let (_directory, path) = empty();
    with_runs(&path).await;
    let database = Database::open(&path).expect("opens");
    database
        .execute_batch(
            "DROP TABLE ending_chain; DROP TABLE checkpoints; DROP TABLE ending_chain_bases; \
             ALTER TABLE runs DROP COLUMN history_hash; \
             ALTER TABLE runs DROP COLUMN history_hash_before_open; \
             DROP INDEX notices_undecided_of_object; DROP INDEX notices_of_run; \
             DROP INDEX runs_with_history; DROP INDEX runs_superseded; \
             ALTER TABLE notices DROP COLUMN arrivals; \
             ALTER TABLE notices DROP COLUMN latest; ALTER TABLE settings DROP COLUMN stored; \
             ALTER TABLE callbacks ADD COLUMN sealed_candidate BLOB NOT NULL DEFAULT x''; \
             PRAGMA user_version = 3",
        )
        .expect("is taken back");
    drop(database);
    drop(SqliteStore::open(&path).expect("is brought up to date"));
    assert_eq!(damage(&path).await, [""; 0]);
    let store = SqliteStore::open(&path).expect("opens");
    end(&store, 5, 1_005).await;
    drop(store);
    assert_eq!(damage(&path).await, [""; 0]);
    let database = Database::open(&path).expect("opens");
    let sql = "DELETE FROM history WHERE run = 2 AND position = 1";
    database.execute_batch(sql).expect("is changed");
    drop(database);
    let found = ["acme: run 2: its history is not the one that was stored"];
    assert_eq!(damage(&path).await, found);
}
