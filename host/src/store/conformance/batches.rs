//! Promises 1 and 2: a batch is all or nothing, durable, and seen by reads.

use std::sync::Arc;

use super::samples::{confirmed, end, link, new_run, notice, object, row};
use super::{commit, get, refuse, start};
use crate::store::{Decision, Store, StoreError, Write};

/// Nothing of a batch is kept when a later write of it is refused.
pub fn a_refused_batch_leaves_nothing<S: Store>(place: &impl Fn() -> S) {
    let store = place();
    let links = Write::Links {
        connection: "acme".into(),
        links: vec![link("1", "7")],
        unlinks: vec![],
        run: None,
        at: 900,
    };
    let undecidable = Write::Decide {
        arrivals: 1,
        notice: 99,
        decision: Decision::NothingNew("unknown".into()),
    };
    let batch = vec![
        mark("last", "1"),
        notice("acme", "1"),
        links,
        Write::Start(new_run("acme", "1")),
        undecidable,
    ];
    refuse(&store, batch);
    assert_eq!(get(store.mark("last")), None);
    assert_eq!(get(store.undecided_notices(10, vec![])), []);
    assert_eq!(get(store.run_counts()), []);
    let standing = get(store.object_statuses("acme", &[object("1")])).remove(0);
    assert!(standing.link.is_none() && !standing.active);
}

/// Batches that are refused harm none of those that are committed at the same time.
pub fn a_refused_batch_harms_no_other<S: Store>(place: &impl Fn() -> S) {
    let store = Arc::new(place());
    start(&*store, Write::Start(new_run("acme", "taken")));
    let batch = |number: usize| match number % 3 {
        0 => vec![name(number), Write::Start(new_run("acme", "taken"))],
        _ => vec![name(number)],
    };
    let answers = commit_at_once(&store, (0..90).map(batch).collect());
    for (number, answer) in answers.iter().enumerate() {
        assert_eq!(
            answer.is_ok(),
            number % 3 != 0,
            "batch {number}: {answer:?}"
        );
        let kept = get(store.mark(&number.to_string())).is_some();
        assert_eq!(kept, answer.is_ok(), "batch {number}");
    }
}

/// What has been committed is there after the store was closed and opened again, and numbers go on.
pub fn committed_batches_are_there_after_reopening<S: Store>(place: &impl Fn() -> S) {
    let store = place();
    let receipt = commit(
        &store,
        vec![notice("acme", "1"), Write::Start(new_run("acme", "1"))],
    );
    let first = receipt.runs[0];
    let append = Write::Append {
        run: first,
        rows: vec![row(0), row(1)],
    };
    commit(
        &store,
        vec![append, end(first, confirmed(), 5), mark("last", "1")],
    );
    let before = (get(store.run(first)), get(store.history(first)));
    drop(store);
    let store = place();
    assert_eq!((get(store.run(first)), get(store.history(first))), before);
    assert_eq!(before.1, [row(0), row(1)]);
    assert_eq!(get(store.mark("last")).as_deref(), Some("1"));
    assert_eq!(get(store.undecided_notices(10, vec![])).len(), 1);
    let later = commit(
        &store,
        vec![notice("acme", "2"), Write::Start(new_run("acme", "1"))],
    );
    assert!(later.runs[0] > first && later.notices[0] > receipt.notices[0]);
}

/// A read that begins after a commit has returned sees what it kept.
pub fn reads_see_what_has_returned<S: Store>(place: &impl Fn() -> S) {
    let store = place();
    for number in 0..50 {
        commit(&store, vec![mark("last", &number.to_string())]);
        assert_eq!(get(store.mark("last")), Some(number.to_string()));
    }
}

/// A batch whose caller stopped waiting, or whose store was closed, is kept whole or not at all.
pub fn abandoned_commits_are_whole_or_absent<S: Store>(place: &impl Fn() -> S) {
    let store = place();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        for number in 0..40 {
            let batch = vec![
                mark(&format!("{number} a"), ""),
                mark(&format!("{number} b"), ""),
            ];
            let mut pending = store.commit(batch);
            tokio::select! {
                biased;
                _ = &mut pending => {}
                () = std::future::ready(()) => {}
            }
        }
    });
    drop(store);
    let store = place();
    for number in 0..40 {
        let first = get(store.mark(&format!("{number} a")));
        assert_eq!(
            first,
            get(store.mark(&format!("{number} b"))),
            "batch {number}"
        );
    }
}

/// Commits batches from several threads at once, and returns the answers in the order of the
/// batches.
pub(super) fn commit_at_once<S: Store>(
    store: &Arc<S>,
    batches: Vec<Vec<Write>>,
) -> Vec<Result<crate::store::Receipt, StoreError>> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(4)
        .build();
    runtime.expect("a runtime").block_on(async {
        let commit = |batch| {
            let store = Arc::clone(store);
            tokio::spawn(async move { store.commit(batch).await })
        };
        let tasks: Vec<_> = batches.into_iter().map(commit).collect();
        let mut answers = Vec::new();
        for task in tasks {
            answers.push(task.await.expect("no panic"));
        }
        answers
    })
}

fn name(number: usize) -> Write {
    mark(&number.to_string(), "")
}

fn mark(name: &str, value: &str) -> Write {
    Write::Mark {
        name: name.into(),
        value: value.into(),
    }
}
