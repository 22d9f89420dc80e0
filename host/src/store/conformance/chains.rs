//! The chains of hashes over histories and endings.

use super::samples::{confirmed, end, interrupted, new_run, open_row, parked, row};
use super::{commit, get, refuse, start};
use crate::store::{ChainHead, CheckExtent, Checkpoint, HistoryRow, NewRun, RunId, Store, Write};

/// Each row moves the hash of its history, and so does the outcome of an open row; what is refused
/// moves nothing.
pub fn a_history_is_a_chain<S: Store>(place: &impl Fn() -> S) {
    let store = place();
    let id = start(&store, Write::Start(new_run("acme", "1")));
    let other = start(&store, Write::Start(new_run("acme", "2")));
    let hashes_in = |store: &S| get(store.history_hashes("acme", id));
    let hashes = || hashes_in(&store);
    let append = |rows| Write::Append { run: id, rows };
    let before = hashes();
    assert_eq!(before.len(), 1);
    assert_ne!(before, get(store.history_hashes("acme", other)));
    commit(&store, vec![append(vec![row(0), open_row(1)])]);
    let open = hashes();
    assert_eq!((open.len(), open[0]), (3, before[0]));
    refuse(&store, vec![append(vec![row(1)]), append(vec![row(7)])]);
    assert_eq!(hashes(), open);
    let outcome = Some(interrupted(1, 9));
    commit(&store, vec![append(vec![HistoryRow { outcome, ..row(1) }])]);
    let complete = hashes();
    assert_eq!(complete[..2], open[..2]);
    assert_ne!(complete[2], open[2]);
    drop(store);
    let store = place();
    assert_eq!(hashes_in(&store), complete);
    assert_eq!(damage(&store), [""; 0]);
}

/// Each ending moves the head of its connection's chain by one link, and so does each deletion of
/// old histories; no other connection's head moves.
pub fn endings_are_a_chain<S: Store>(place: &impl Fn() -> S) {
    let store = place();
    assert_eq!(get(store.chain_heads()), []);
    let runs = ["1", "2", "3"].map(|id| start(&store, Write::Start(new_run("acme", id))));
    let other = start(&store, Write::Start(new_run("bolt", "1")));
    commit(&store, vec![end(runs[0], confirmed(), 10)]);
    let first = head(&store, "acme");
    assert_eq!(first.number, 1);
    commit(&store, vec![end(other, parked(None), 11)]);
    assert_eq!(head(&store, "acme"), first);
    refuse(
        &store,
        vec![end(runs[1], confirmed(), 12), end(99, confirmed(), 12)],
    );
    assert_eq!(head(&store, "acme"), first);
    commit(
        &store,
        vec![end(runs[1], confirmed(), 12), end(runs[2], confirmed(), 12)],
    );
    assert_eq!(head(&store, "acme").number, 3);
    commit(&store, vec![Write::Retire { ended_before: 11 }]);
    let last = head(&store, "acme");
    assert_eq!(last.number, 4, "the deletion is a link");
    commit(&store, vec![Write::Retire { ended_before: 11 }]);
    assert_eq!(head(&store, "acme"), last, "nothing was deleted");
    assert_eq!(get(store.chain_hash("acme", 1)), Some(first.hash));
    assert_eq!(get(store.chain_hash("acme", 4)), Some(last.hash));
    assert_eq!(get(store.chain_hash("acme", 5)), None);
    let heads = get(store.chain_heads());
    drop(store);
    let store = place();
    assert_eq!(get(store.chain_heads()), heads);
    assert_eq!(damage(&store), [""; 0]);
}

/// A checkpoint is kept by connection, and replaced.
pub fn the_last_checkpoint_is_kept<S: Store>(place: &impl Fn() -> S) {
    let store = place();
    let run = start(&store, Write::Start(new_run("acme", "1")));
    commit(&store, vec![end(run, confirmed(), 10)]);
    let ChainHead { number, hash, .. } = head(&store, "acme");
    let checkpoint = |key_id| Checkpoint {
        number,
        hash,
        key_id,
        mac: [key_id; 32],
    };
    for key_id in [1, 2] {
        commit(
            &store,
            vec![Write::Checkpoint {
                connection: "acme".into(),
                checkpoint: checkpoint(key_id),
            }],
        );
    }
    assert_eq!(head(&store, "acme").checkpoint, Some(checkpoint(2)));
    assert_eq!(damage(&store), [""; 0]);
}

/// Runs that were started over, interrupted, retired or never driven are all as they were stored.
pub fn what_was_stored_is_no_damage<S: Store>(place: &impl Fn() -> S) {
    let store = place();
    let runs = ["1", "2", "3", "4"].map(|id| start(&store, Write::Start(new_run("acme", id))));
    let append = |run, rows| Write::Append { run, rows };
    let start_over = |run: RunId| Write::StartOver {
        run,
        settings_version: "v2".into(),
        started: 2_000,
        message: "The code has changed.".into(),
    };
    commit(&store, vec![append(runs[0], vec![row(0), open_row(1)])]);
    commit(&store, vec![start_over(runs[0]), start_over(runs[1])]);
    let again = HistoryRow { epoch: 1, ..row(0) };
    commit(&store, vec![append(runs[0], vec![again])]);
    commit(&store, vec![start_over(runs[0])]);
    commit(
        &store,
        vec![end(runs[0], confirmed(), 10), end(runs[2], confirmed(), 20)],
    );
    commit(
        &store,
        vec![Write::StartOrMarkDirty(NewRun {
            settings_version: "v2".into(),
            ..new_run("acme", "4")
        })],
    );
    assert_eq!(damage(&store), [""; 0]);
    commit(&store, vec![Write::Retire { ended_before: 15 }]);
    drop(store);
    assert_eq!(damage(&place()), [""; 0]);
}

fn head(store: &impl Store, connection: &str) -> ChainHead {
    let heads = get(store.chain_heads());
    let head = heads.into_iter().find(|head| head.connection == connection);
    head.expect("the connection has a chain")
}

/// What a whole check finds.
pub(super) fn damage(store: &impl Store) -> Vec<String> {
    let damage = get(store.find_damage(CheckExtent::Everything));
    damage.iter().map(ToString::to_string).collect()
}
