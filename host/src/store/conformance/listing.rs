//! Lists and counts of runs.

use super::samples::{confirmed, end, new_run, object, parked};
use super::{NONE, commit, get, start};
use crate::contract::runs::{EndingKind, WaitReason};
use crate::store::{RunCount, RunFilter, RunId, RunState, Store, Write};

/// Every part of a filter narrows the list.
pub fn runs_are_listed_by_filter<S: Store>(place: &impl Fn() -> S) {
    let store = place();
    let [parked, looking, confirmed, waiting, elsewhere] = five_runs(&store);
    let ids = |filter| ids(&store, filter);
    let all = RunFilter::default();
    assert_eq!(
        ids(all.clone()),
        [elsewhere, waiting, confirmed, looking, parked]
    );
    assert_eq!(
        ids(RunFilter {
            connection: Some("bolt".into()),
            ..all.clone()
        }),
        [elsewhere]
    );
    let of_object = RunFilter {
        object: Some(object("1")),
        ..all.clone()
    };
    assert_eq!(ids(of_object.clone()), [elsewhere, looking, parked]);
    assert_eq!(
        ids(RunFilter {
            connection: Some("acme".into()),
            ..of_object
        }),
        [looking, parked]
    );
    let in_state = |state| RunFilter {
        state: Some(state),
        ..all.clone()
    };
    assert_eq!(ids(in_state(RunState::Due)), [elsewhere]);
    assert_eq!(ids(in_state(RunState::Waiting)), [waiting, looking]);
    assert_eq!(ids(in_state(RunState::Ended)), [confirmed, parked]);
    let ended = |endings: &[EndingKind]| RunFilter {
        endings: endings.to_vec(),
        ..all.clone()
    };
    assert_eq!(ids(ended(&[EndingKind::Parked])), [parked]);
    assert_eq!(
        ids(ended(&[EndingKind::Parked, EndingKind::Confirmed])),
        [confirmed, parked]
    );
    assert_eq!(ids(ended(&[EndingKind::Rejected])), NONE);
    assert_eq!(
        ids(RunFilter {
            latest_only: true,
            ..all.clone()
        }),
        [elsewhere, waiting, confirmed, looking]
    );
    let still_parked = RunFilter {
        latest_only: true,
        ..ended(&[EndingKind::Parked])
    };
    assert_eq!(
        ids(still_parked.clone()),
        [parked],
        "it waits to be looked at again"
    );
    commit(
        &store,
        vec![end(looking, super::samples::confirmed(), 10_000)],
    );
    assert_eq!(ids(still_parked), NONE, "the look ended otherwise");
}

/// A page begins below the number that it is given.
pub fn runs_are_paged_newest_first<S: Store>(place: &impl Fn() -> S) {
    let store = place();
    let starts = (0..25)
        .map(|id| Write::Start(new_run("acme", &id.to_string())))
        .collect();
    let mut started = commit(&store, starts).runs;
    started.reverse();
    let mut paged = Vec::new();
    let mut filter = RunFilter {
        limit: 10,
        ..RunFilter::default()
    };
    loop {
        let page = ids(&store, filter.clone());
        let Some(last) = page.last() else { break };
        assert!(page.len() <= 10);
        filter.before = Some(*last);
        paged.extend(page);
    }
    assert_eq!(paged, started);
}

/// Counts are those of the runs that have not ended, with the start of the oldest, and, of each
/// object, of the latest that has.
pub fn runs_are_counted<S: Store>(place: &impl Fn() -> S) {
    let store = place();
    let [_, looking, ..] = five_runs(&store);
    let count = |connection: &str, state, ending, objects, runs| RunCount {
        connection: connection.into(),
        state,
        ending,
        objects,
        planned: 0,
        runs,
        oldest_started: (state != RunState::Ended).then_some(1_000),
    };
    let (due, waiting, ended) = (RunState::Due, RunState::Waiting, RunState::Ended);
    let expected = [
        count("acme", ended, Some(EndingKind::Confirmed), 1, 1),
        count("acme", ended, Some(EndingKind::Parked), 1, 1),
        RunCount {
            planned: 1,
            ..count("acme", waiting, None, 2, 2)
        },
        count("bolt", due, None, 1, 1),
    ];
    assert_eq!(counts(&store), expected);
    commit(&store, vec![end(looking, confirmed(), 10_000)]);
    let expected = [
        count("acme", ended, Some(EndingKind::Confirmed), 2, 2),
        count("acme", ended, Some(EndingKind::Parked), 0, 1),
        count("acme", waiting, None, 1, 1),
        count("bolt", due, None, 1, 1),
    ];
    assert_eq!(counts(&store), expected);
}

/// The counts in one order.
pub(super) fn counts(store: &impl Store) -> Vec<RunCount> {
    let mut counts = get(store.run_counts());
    counts
        .sort_by_key(|count| format!("{} {:?} {:?}", count.connection, count.state, count.ending));
    counts
}

/// Parked; the look again that follows; confirmed; waiting; due in another connection.
fn five_runs(store: &impl Store) -> [RunId; 5] {
    let first = start(store, Write::Start(new_run("acme", "1")));
    let looking = start(store, end(first, parked(Some(9_000)), 5_000));
    let second = start(store, Write::Start(new_run("acme", "2")));
    commit(store, vec![end(second, confirmed(), 5_000)]);
    let third = start(store, Write::Start(new_run("acme", "3")));
    let wait = Write::Wait {
        run: third,
        due: 8_000,
        reason: Some(WaitReason::Remote),
        on: None,
        message: String::new(),
    };
    commit(store, vec![wait]);
    let elsewhere = start(store, Write::Start(new_run("bolt", "1")));
    [first, looking, second, third, elsewhere]
}

fn ids(store: &impl Store, filter: RunFilter) -> Vec<RunId> {
    get(store.runs(filter)).iter().map(|run| run.id).collect()
}
