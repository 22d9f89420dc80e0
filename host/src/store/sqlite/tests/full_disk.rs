//! A disk without room: nothing is stored by halves, and all goes on when there is room again.

use std::sync::Arc;

use super::*;

/// A store whose file has only room for so many pages of 4 KiB: what it says is what a full disk
/// makes it say.
fn with_room_for(pages: u32, path: &Path) -> SqliteStore {
    let database = schema::open_writer(path).expect("opens");
    database
        .pragma_update_and_check(None, "max_page_count", pages, |_| Ok(()))
        .expect("is set");
    let log = Log::open(database, path).expect("is there");
    SqliteStore {
        readers: Readers::start(path).expect("starts"),
        writer: Some(Writer::start(log).expect("starts")),
        _file: StoreFile::open_read_only(path).expect("is there"),
        commits: CommitWatch::default(),
    }
}

#[tokio::test]
async fn a_full_disk_loses_nothing_and_the_store_recovers_when_there_is_room() {
    let (_directory, path) = empty();
    let store = with_room_for(200, &path);
    let value = "x".repeat(10_000);
    let mut kept = 0;
    let error = loop {
        match store
            .commit(vec![
                mark("count", &kept.to_string()),
                mark(&kept.to_string(), &value),
            ])
            .await
        {
            Ok(_) => kept += 1,
            Err(error) => break error,
        }
    };
    assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
    assert!(kept > 20, "{kept}");
    assert_eq!(
        store.mark("count").await.expect("reads"),
        Some((kept - 1).to_string())
    );
    assert_eq!(store.mark(&kept.to_string()).await.expect("reads"), None);
    let emptied = (0..10)
        .map(|number| mark(&number.to_string(), ""))
        .collect();
    store
        .commit(emptied)
        .await
        .expect("making room is possible");
    store
        .commit(vec![mark("after", &value)])
        .await
        .expect("there is room again");
    assert_eq!(store.mark("after").await.expect("reads"), Some(value));
}

#[tokio::test(flavor = "multi_thread")]
async fn batches_of_a_group_that_hits_the_end_of_the_disk_are_whole_or_absent() {
    let (_directory, path) = empty();
    let store = Arc::new(with_room_for(300, &path));
    let commits: Vec<_> = (0..200)
        .map(|number| {
            let store = Arc::clone(&store);
            let batch = ["a", "b"].map(|part| mark(&format!("{number}{part}"), &"x".repeat(4_000)));
            tokio::spawn(async move { store.commit(batch.into()).await.is_ok() })
        })
        .collect();
    let mut refused = 0;
    for (number, commit) in commits.into_iter().enumerate() {
        let kept = commit.await.expect("no panic");
        refused += usize::from(!kept);
        for part in ["a", "b"] {
            let found = store
                .mark(&format!("{number}{part}"))
                .await
                .expect("reads")
                .is_some();
            assert_eq!(found, kept, "batch {number}");
        }
    }
    assert!((1..200).contains(&refused), "{refused} were refused");
}
