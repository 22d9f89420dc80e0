//! A process that writes is killed; what it was told to be durable is there, and batches are whole.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use super::{SqliteStore, empty, mark};
use crate::store::Store;

const PATH: &str = "ML_CONNECTOR_TEST_STORE";

/// Commits batches of two marks until it is killed, and says which are durable. Several batches are
/// under way at once, so that the kill meets groups.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "the process that is killed: `what_was_durable_survives_a_kill` starts it"]
async fn writes_until_it_is_killed() {
    let Ok(path) = std::env::var(PATH) else {
        return;
    };
    let store = std::sync::Arc::new(SqliteStore::open(path).expect("opens"));
    let writer = |lane: u32| {
        let store = std::sync::Arc::clone(&store);
        tokio::spawn(async move {
            for number in 0_u32.. {
                let name = format!("{lane}-{number}");
                let batch = vec![
                    mark(&format!("{name} a"), &"x".repeat(3_000)),
                    mark(&format!("{name} b"), ""),
                ];
                store.commit(batch).await.expect("is kept");
                println!("durable {name}");
            }
        })
    };
    for task in (0..8).map(writer).collect::<Vec<_>>() {
        task.await.expect("no panic");
    }
}

#[tokio::test]
async fn what_was_durable_survives_a_kill() {
    for acknowledged_min in [1, 40, 300] {
        let (_directory, path) = empty();
        let mut child = Command::new(std::env::current_exe().expect("a path"))
            .args([
                "--exact",
                "store::sqlite::tests::kill::writes_until_it_is_killed",
            ])
            .args(["--ignored", "--nocapture"])
            .env(PATH, &path)
            .stdout(Stdio::piped())
            .spawn()
            .expect("starts");
        let lines = BufReader::new(child.stdout.take().expect("is piped")).lines();
        let mut durable = lines.map(|line| line.expect("is text")).filter_map(|line| {
            let (_, name) = line.split_once("durable ")?;
            Some(name.to_owned())
        });
        let mut names: Vec<_> = durable.by_ref().take(acknowledged_min).collect();
        child.kill().expect("is killed");
        names.extend(durable);
        child.wait().expect("ends");
        assert!(names.len() >= acknowledged_min);
        all_there_and_whole(
            SqliteStore::open(&path).expect("opens after the kill"),
            &names,
        )
        .await;
    }
}

async fn all_there_and_whole(store: SqliteStore, durable: &[String]) {
    let kept = async |name: String| store.mark(&name).await.expect("reads").is_some();
    for name in durable {
        assert!(kept(format!("{name} a")).await, "{name} was durable");
    }
    for lane in 0..8 {
        for number in 0..durable.len() + 9 {
            let whole = kept(format!("{lane}-{number} a")).await;
            assert_eq!(
                whole,
                kept(format!("{lane}-{number} b")).await,
                "{lane}-{number}"
            );
        }
    }
}
