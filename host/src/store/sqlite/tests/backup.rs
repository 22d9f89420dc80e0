//! Copies of the store.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::*;

const NOW: Instant = 1_795_466_752_000;

fn no_progress() -> impl FnMut(BackupProgress) {
    |_| {}
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_under_load_holds_everything_that_was_committed_before_it() {
    let (directory, path) = empty();
    let store = Arc::new(SqliteStore::open(&path).expect("opens"));
    let committed = Arc::new(AtomicU64::new(0));
    let writing = tokio::spawn({
        let (store, committed) = (Arc::clone(&store), Arc::clone(&committed));
        async move {
            for number in 0_u64.. {
                // Large, so that the copy takes several steps.
                let batch = vec![mark(&number.to_string(), &"x".repeat(20_000))];
                store.commit(batch).await.expect("is stored");
                committed.store(number + 1, Ordering::Release);
            }
        }
    });
    while committed.load(Ordering::Acquire) < 100 {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    let file = directory.path().join("backup.sqlite");
    let before = committed.load(Ordering::Acquire);
    let made = tokio::task::spawn_blocking({
        let (path, file) = (path.clone(), file.clone());
        move || {
            let mut steps = 0;
            let made = backup(&path, &file, NOW, &mut |_| steps += 1);
            (made.expect("is made"), steps)
        }
    });
    let (made, steps) = made.await.expect("no panic");
    writing.abort();
    assert!(steps > 2, "{steps} steps");
    assert!(made.commits >= before, "{made:?}, {before} before");
    assert_eq!(made.made, Some(NOW));
    let mode = fs::metadata(&file).expect("is there").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);

    let (_elsewhere, target) = empty();
    let restored = restore(&file, &target, &mut no_progress()).expect("is restored");
    assert_eq!(
        (restored.backup.commits, restored.before),
        (made.commits, None)
    );
    let restored = SqliteStore::open(&target).expect("opens");
    for number in 0..before {
        let value = restored.mark(&number.to_string()).await.expect("reads");
        assert!(value.is_some(), "{number} of {before} is missing");
    }
    let left: Vec<_> = fs::read_dir(directory.path()).expect("reads").collect();
    assert!(left.len() <= 5, "a passing file is left: {left:?}");
}

#[test]
fn a_backup_replaces_no_file_and_a_failed_one_leaves_none() {
    let (directory, path) = empty();
    let file = directory.path().join("backup.sqlite");
    let none = backup(&path, &file, NOW, &mut no_progress());
    assert!(matches!(none, Err(BackupError::NoStore(_))), "{none:?}");
    drop(SqliteStore::open(&path).expect("opens"));
    fs::write(&file, "precious").expect("is written");
    let refused = backup(&path, &file, NOW, &mut no_progress());
    assert!(
        matches!(refused, Err(BackupError::Exists(_))),
        "{refused:?}"
    );
    assert_eq!(fs::read_to_string(&file).expect("is there"), "precious");
    // It appears while the copy is made.
    fs::remove_file(&file).expect("is removed");
    let late = backup(&path, &file, NOW, &mut |_| {
        fs::write(&file, "late").expect("is written");
    });
    assert!(matches!(late, Err(BackupError::Exists(_))), "{late:?}");
    assert_eq!(fs::read_to_string(&file).expect("is there"), "late");
    let nowhere = directory.path().join("no/such/backup");
    let refused = backup(&path, &nowhere, NOW, &mut no_progress());
    assert!(refused.is_err());
    let names = fs::read_dir(directory.path()).expect("reads").flatten();
    let passing = names.filter(|name| name.file_name().to_string_lossy().contains("partial"));
    assert_eq!(passing.count(), 0);
}

#[tokio::test]
async fn what_is_restored_over_is_moved_aside_with_its_log_and_the_older_state_is_accepted() {
    let (directory, path) = empty();
    let store = SqliteStore::open(&path).expect("opens");
    store.commit(vec![mark("last", "1")]).await.expect("stored");
    let file = directory.path().join("backup.sqlite");
    backup(&path, &file, NOW, &mut no_progress()).expect("is made");
    store.commit(vec![mark("last", "2")]).await.expect("stored");
    let busy = restore(&file, &path, &mut no_progress());
    let source = match busy {
        Err(BackupError::Store { source, .. }) => source,
        other => panic!("{other:?}"),
    };
    assert!(matches!(source, StoreError::InUse(_)), "{source:?}");
    // As a killed process leaves it: the last commit is in the log only.
    let log = fs::read(with_suffix(&path, "-wal")).expect("is there");
    let main = fs::read(&path).expect("is there");
    drop(store);
    fs::write(&path, main).expect("is written");
    fs::write(with_suffix(&path, "-wal"), log).expect("is written");
    make_private(&with_suffix(&path, "-wal"));

    let restored = restore(&file, &path, &mut no_progress()).expect("is restored");
    let before = restored.before.expect("is moved aside");
    let store = SqliteStore::open(&path).expect("opens");
    assert_eq!(
        store.mark("last").await.expect("reads").as_deref(),
        Some("1")
    );
    let before = SqliteStore::open(before).expect("opens");
    assert_eq!(
        before.mark("last").await.expect("reads").as_deref(),
        Some("2")
    );
}

#[tokio::test]
async fn a_store_that_is_gone_is_restored() {
    let (directory, path) = empty();
    drop(SqliteStore::open(&path).expect("opens"));
    let store = SqliteStore::open(&path).expect("opens");
    store.commit(vec![mark("last", "1")]).await.expect("stored");
    let file = directory.path().join("backup.sqlite");
    backup(&path, &file, NOW, &mut no_progress()).expect("is made");
    drop(store);
    fs::remove_file(&path).expect("is there");
    assert!(matches!(
        failure(SqliteStore::open(&path)),
        StoreError::Lost(_)
    ));
    restore(&file, &path, &mut no_progress()).expect("is restored");
    let store = SqliteStore::open(&path).expect("opens");
    assert_eq!(
        store.mark("last").await.expect("reads").as_deref(),
        Some("1")
    );
}

#[test]
fn what_is_no_sound_store_is_not_restored() {
    let (directory, path) = empty();
    drop(SqliteStore::open(&path).expect("opens"));
    let before = fs::read(&path).expect("is there");
    let mut damaged = before.clone();
    damaged[8_192..8_292].fill(0xa5);
    let cut = before[..before.len() - 4_096].to_vec();
    for bad in [damaged, cut, b"text".to_vec(), Vec::new()] {
        let file = directory.path().join("bad");
        fs::write(&file, bad).expect("is written");
        let refused = restore(&file, &path, &mut no_progress());
        assert!(
            matches!(refused, Err(BackupError::Store { .. })),
            "{refused:?}"
        );
        assert_eq!(fs::read(&path).expect("is there"), before);
    }
}
