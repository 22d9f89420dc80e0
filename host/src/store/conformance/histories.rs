//! Histories.

use super::samples::{answered, confirmed, demand, end, interrupted, new_run, open_row, row};
use super::{commit, get, refuse, run, start};
use crate::store::{HistoryRow, RunId, Store, Write};

/// A history comes back in order, older epochs first, equal to what was appended.
pub fn a_history_is_kept_in_order<S: Store>(place: &impl Fn() -> S) {
    let store = place();
    let id = start(&store, Write::Start(new_run("acme", "1")));
    let other = start(&store, Write::Start(new_run("acme", "2")));
    commit(
        &store,
        vec![append(id, vec![row(0)]), append(other, vec![row(0)])],
    );
    commit(&store, vec![append(id, vec![row(1), open_row(2)])]);
    let again = HistoryRow { epoch: 1, ..row(0) };
    commit(
        &store,
        vec![start_over(id), append(id, vec![again.clone()])],
    );
    assert_eq!(get(store.history(id)), [row(0), row(1), open_row(2), again]);
    assert_eq!(get(store.history(other)), [row(0)]);
    assert_eq!(get(store.history(other + 9)), []);
}

/// A row that has an outcome is not replaced, not even by the same row, and nor is an open row
/// repeated.
pub fn a_row_is_taken_once<S: Store>(place: &impl Fn() -> S) {
    let store = place();
    let id = start(&store, Write::Start(new_run("acme", "1")));
    commit(&store, vec![append(id, vec![row(0), open_row(1)])]);
    refuse(&store, vec![append(id, vec![row(0)])]);
    refuse(&store, vec![append(id, vec![open_row(0)])]);
    refuse(&store, vec![append(id, vec![open_row(1)])]);
    let other = HistoryRow {
        demand: demand(1, "other"),
        ..row(1)
    };
    refuse(&store, vec![append(id, vec![other])]);
    refuse(&store, vec![append(id, vec![row(2), row(2)])]);
    assert_eq!(get(store.history(id)), [row(0), open_row(1)]);
}

/// The outcome of an open row is added once, and the instant of the demand stays.
pub fn an_open_row_is_completed_once<S: Store>(place: &impl Fn() -> S) {
    let store = place();
    let id = start(&store, Write::Start(new_run("acme", "1")));
    commit(&store, vec![append(id, vec![open_row(0)])]);
    let late = HistoryRow {
        at: 9_999,
        outcome: Some(interrupted(0, 9_999)),
        ..row(0)
    };
    commit(&store, vec![append(id, vec![late.clone()])]);
    let kept = HistoryRow {
        at: row(0).at,
        ..late
    };
    assert_eq!(get(store.history(id)), std::slice::from_ref(&kept));
    let second = HistoryRow {
        outcome: Some(answered(0, 9_999)),
        ..row(0)
    };
    refuse(&store, vec![append(id, vec![second])]);
    assert_eq!(get(store.history(id)), [kept]);
}

/// Who does not know that the run was started over writes no more history.
pub fn a_stale_epoch_is_refused<S: Store>(place: &impl Fn() -> S) {
    let store = place();
    let id = start(&store, Write::Start(new_run("acme", "1")));
    commit(&store, vec![append(id, vec![open_row(0)]), start_over(id)]);
    refuse(&store, vec![append(id, vec![row(0)])]);
    refuse(&store, vec![append(id, vec![row(1)])]);
    refuse(
        &store,
        vec![append(id, vec![HistoryRow { epoch: 2, ..row(0) }])],
    );
    assert_eq!(get(store.history(id)), [open_row(0)]);
}

/// Retiring forgets the histories of runs that ended before the instant, and nothing else.
pub fn retired_histories_are_forgotten<S: Store>(place: &impl Fn() -> S) {
    let store = place();
    let runs = ["1", "2", "3"].map(|id| start(&store, Write::Start(new_run("acme", id))));
    for id in runs {
        commit(&store, vec![append(id, vec![row(0), row(1)])]);
    }
    commit(
        &store,
        vec![end(runs[0], confirmed(), 10), end(runs[1], confirmed(), 20)],
    );
    let before = run(&store, runs[0]);
    commit(&store, vec![Write::Retire { ended_before: 20 }]);
    assert_eq!(get(store.history(runs[0])), []);
    assert_eq!(run(&store, runs[0]), before, "the run itself stays");
    assert_eq!(
        get(store.history(runs[1])).len(),
        2,
        "it ended at the instant, not before"
    );
    assert_eq!(get(store.history(runs[2])).len(), 2, "it has not ended");
    commit(&store, vec![Write::Retire { ended_before: 21 }]);
    assert_eq!(get(store.history(runs[1])), []);
}

fn append(run: RunId, rows: Vec<HistoryRow>) -> Write {
    Write::Append { run, rows }
}

fn start_over(run: RunId) -> Write {
    Write::StartOver {
        run,
        settings_version: "v2".into(),
        started: 3_000,
        message: "The code has changed.".into(),
    }
}
