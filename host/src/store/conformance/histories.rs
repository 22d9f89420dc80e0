//! Histories.

use super::chains::damage;
use super::samples::{
    answered, confirmed, demand, end, interrupted, new_run, notice, object, open_row, parked, row,
    unchanged,
};

use super::{commit, get, refuse, run, start};
use crate::store::{
    Decision, HISTORIES_OF_OBJECT_MAX, HistoryRow, NewRun, RunFilter, RunId, Store, Write,
};

const HISTORIES: usize = HISTORIES_OF_OBJECT_MAX as usize;

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

/// Of the runs of an object that ended before the instant only the latest stays, and only while no
/// later one has ended; counts and links stay.
pub fn retired_runs_leave_the_latest_of_each_object<S: Store>(place: &impl Fn() -> S) {
    let store = place();
    let number = commit(&store, vec![notice("acme", "1")]).notices[0];
    let for_notice = NewRun {
        notice: Some(number),
        ..new_run("acme", "1")
    };
    let first = start(&store, Write::StartOrMarkDirty(for_notice));
    commit(
        &store,
        vec![append(first, vec![row(0)]), end(first, parked(None), 10)],
    );
    let second = start(&store, Write::Start(new_run("acme", "1")));
    commit(&store, vec![end(second, confirmed(), 11)]);
    let third = start(&store, Write::Start(new_run("acme", "1")));
    let counts = get(store.run_counts());
    commit(&store, vec![Write::Retire { ended_before: 100 }]);
    let left = || -> Vec<RunId> {
        let runs = get(store.runs(RunFilter::default()));
        runs.iter().map(|run| run.id).collect()
    };
    assert_eq!(left(), [third, second]);
    assert_eq!(
        get(store.run_counts()),
        counts,
        "what has ended stays counted"
    );
    let standing = || {
        get(store.object_statuses("acme", &[object("1")]))
            .remove(0)
            .last
    };
    let last = standing().expect("has ended");
    assert_eq!(last, confirmed().to_last_ending());
    commit(&store, vec![end(third, unchanged(), 150)]);
    commit(&store, vec![Write::Retire { ended_before: 151 }]);
    assert_eq!(left(), [third]);
    assert_eq!(standing(), Some(unchanged().to_last_ending()));
    let next = start(&store, Write::Start(new_run("acme", "2")));
    assert!(next > third, "no number of a run comes again");
}

/// Notices go with the run that they led to, those that led to nothing by their age; settings when
/// they were replaced so long ago and nothing needs them.
pub fn retired_notices_and_settings_are_forgotten<S: Store>(place: &impl Fn() -> S) {
    let store = place();
    let settings = |version: &str, at| Write::Settings {
        connection: "acme".into(),
        version: version.into(),
        json: "{}".into(),
        at,
    };
    commit(
        &store,
        vec![settings("v0", 1), settings("v1", 2), settings("v2", 3)],
    );
    let of_nothing = commit(&store, vec![notice("acme", "9")]).notices[0];
    let decision = Decision::NothingNew("It is known.".into());
    let decide = Write::Decide {
        notice: of_nothing,
        arrivals: 1,
        decision,
    };
    commit(&store, vec![decide, notice("acme", "8")]);
    let run = start(&store, Write::Start(new_run("acme", "1")));
    let is_there = |version| get(store.settings("acme", version)).is_some();
    commit(&store, vec![Write::Retire { ended_before: 4 }]);
    assert!(!is_there("v0"), "it was replaced, and no run names it");
    assert!(is_there("v1"), "a run goes on with it");
    assert!(is_there("v2"), "it was not replaced");
    commit(
        &store,
        vec![
            end(run, confirmed(), 10),
            Write::Retire { ended_before: 10 },
        ],
    );
    assert!(is_there("v1"), "a history was made with it");
    commit(
        &store,
        vec![Write::Retire {
            ended_before: 1_000,
        }],
    );
    assert!(!is_there("v1") && is_there("v2"));
    let undecided = get(store.undecided_notices(9, vec![]));
    assert_eq!(undecided.len(), 1, "what is undecided stays");
}

/// However often an object is looked at, it keeps the histories of its latest runs only, counted
/// for each ending: looks that lead to nothing push out none that has led to something.
pub fn an_object_keeps_its_latest_histories<S: Store>(place: &impl Fn() -> S) {
    let store = place();
    let first = start(&store, Write::Start(new_run("acme", "1")));
    commit(
        &store,
        vec![append(first, vec![row(0)]), end(first, confirmed(), 10)],
    );
    let looks = u64::from(HISTORIES_OF_OBJECT_MAX) + 3;
    let batch = (first + 1..=first + looks).flat_map(|id| {
        let open = HistoryRow {
            outcome: None,
            ..row(0)
        };
        let begin = Write::Start(new_run("acme", "1"));
        [begin, append(id, vec![open]), end(id, unchanged(), 20)]
    });
    commit(&store, batch.collect());
    let has_history = |id| !get(store.history(id)).is_empty();
    assert!(has_history(first), "it ended in another way");
    let kept: Vec<_> = (first + 1..=first + looks)
        .filter(|id| has_history(*id))
        .collect();
    assert_eq!(kept, (first + 4..=first + looks).collect::<Vec<_>>());
    assert_eq!(
        run(&store, first + 1).ended,
        Some(20),
        "the run itself stays"
    );
}

/// Runs whose histories went because of the bound are no damage while their rows stay, and the rows
/// go when they are old, though no history is left that could be.
pub fn runs_beyond_the_bound_are_whole_and_go_in_their_time<S: Store>(place: &impl Fn() -> S) {
    let store = place();
    let runs = looks_at_one_object(&store, (10..).take(HISTORIES + 10));
    assert_eq!(damage(&store), [""; 0]);
    let with_history = runs
        .iter()
        .filter(|id| !get(store.history(**id)).is_empty());
    assert_eq!(with_history.count(), HISTORIES);
    commit(&store, vec![Write::Retire { ended_before: 15 }]);
    assert_eq!(left(&store), runs[5..], "what ended before is gone");
    assert_eq!(damage(&store), [""; 0], "the deletion is in the chain");
    commit(&store, vec![Write::Retire { ended_before: 15 }]);
    let head = get(store.chain_heads()).remove(0);
    let links = runs.len() as u64 + 1;
    assert_eq!(head.number, links, "there was nothing to delete");
    commit(&store, vec![retire_all()]);
    assert_eq!(left(&store), runs[runs.len() - 1..]);
    assert_eq!(damage(&store), [""; 0]);
}

/// A clock that was ahead and was set back: a run stays until its own end is old, and with it the
/// later ones that show why its history is gone.
pub fn runs_of_an_object_go_oldest_first<S: Store>(place: &impl Fn() -> S) {
    let store = place();
    let ended = std::iter::once(5_000).chain((20..).take(HISTORIES + 1));
    let runs = looks_at_one_object(&store, ended);
    assert_eq!(get(store.history(runs[0])), []);
    commit(
        &store,
        vec![Write::Retire {
            ended_before: 1_000,
        }],
    );
    assert_eq!(left(&store), runs);
    assert_eq!(damage(&store), [""; 0]);
    commit(&store, vec![retire_all()]);
    assert_eq!(left(&store), runs[runs.len() - 1..]);
    assert_eq!(damage(&store), [""; 0]);
}

/// Runs of one object, each with a history, that end alike at these instants.
fn looks_at_one_object<S: Store>(store: &S, ended: impl Iterator<Item = u64>) -> Vec<RunId> {
    let looks = (1..).zip(ended).flat_map(|(id, at)| {
        let begin = Write::Start(new_run("acme", "1"));
        [begin, append(id, vec![row(0)]), end(id, unchanged(), at)]
    });
    commit(store, looks.collect()).runs
}

/// The numbers of the runs that are there, oldest first.
fn left(store: &impl Store) -> Vec<RunId> {
    let runs = get(store.runs(RunFilter::default()));
    runs.iter().rev().map(|run| run.id).collect()
}

fn retire_all() -> Write {
    Write::Retire {
        ended_before: 9_999,
    }
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
