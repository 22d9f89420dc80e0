//! Notices and their decisions.

use super::samples::{new_run, notice, object};
use super::{commit, get, refuse, start};
use crate::store::{Decision, NewRun, Notice, RunState, Store, Write};

/// Notices of an object that come before the decision on the first are one, with their count and
/// the time of the latest; those that come after it are another.
pub fn undecided_notices_of_an_object_are_one<S: Store>(place: &impl Fn() -> S) {
    let store = place();
    let at = |received| Write::Notice {
        connection: "acme".into(),
        object: object("1"),
        event: "invoice.update".into(),
        received,
    };
    let number = commit(&store, vec![at(10)]).notices[0];
    let folded = commit(&store, vec![at(30), at(20), notice("bolt", "1")]);
    assert_eq!(
        folded.notices.len(),
        1,
        "that of another connection is another"
    );
    drop(store);
    let store = place();
    let undecided = get(store.undecided_notices(9, vec![]));
    assert_eq!(undecided.len(), 2);
    let one = &undecided[0];
    assert_eq!((one.id, one.arrivals, one.received), (number, 3, 30));
    let for_notice = NewRun {
        notice: Some(number),
        ..new_run("acme", "1")
    };
    start(&store, Write::StartOrMarkDirty(for_notice));
    let next = commit(&store, vec![at(40), at(50)]).notices;
    assert_eq!(next.len(), 1);
    assert_ne!(next[0], number);
    assert_eq!(get(store.undecided_notices(9, vec![])).len(), 2);
}

/// A decision that something is nothing new does not count for what came after it was made; a run
/// that is started or marked does, since it looks later.
pub fn what_comes_while_a_notice_is_decided_is_not_lost<S: Store>(place: &impl Fn() -> S) {
    let store = place();
    let number = commit(&store, vec![notice("acme", "1")]).notices[0];
    let nothing = |arrivals| Write::Decide {
        notice: number,
        arrivals,
        decision: Decision::NothingNew("Another look is due.".into()),
    };
    let known = get(store.undecided_notices(9, vec![]))[0].arrivals;
    commit(&store, vec![notice("acme", "1")]);
    let late = commit(&store, vec![nothing(known)]);
    assert_eq!(late.left_undecided, 1);
    assert_eq!(get(store.undecided_notices(9, vec![]))[0].arrivals, 2);
    let for_notice = NewRun {
        notice: Some(number),
        ..new_run("acme", "1")
    };
    let run = start(&store, Write::StartOrMarkDirty(for_notice));
    assert_eq!(get(store.undecided_notices(9, vec![])), []);
    assert_eq!(super::run(&store, run).state, RunState::Due);
    refuse(&store, vec![nothing(2)]);
}

/// Undecided notices come oldest first, and no more than were asked for.
pub fn notices_wait_in_order_for_a_decision<S: Store>(place: &impl Fn() -> S) {
    let store = place();
    let batch = vec![
        notice("acme", "1"),
        notice("bolt", "2"),
        notice("acme", "3"),
    ];
    let numbers = commit(&store, batch).notices;
    assert_eq!(numbers.len(), 3);
    let undecided = get(store.undecided_notices(10, vec![]));
    assert_eq!(
        undecided.iter().map(|notice| notice.id).collect::<Vec<_>>(),
        numbers
    );
    let second = Notice {
        id: numbers[1],
        connection: "bolt".into(),
        object: object("2"),
        event: "invoice.update".into(),
        received: 900,
        arrivals: 1,
    };
    assert_eq!(undecided[1], second);
    assert_eq!(get(store.undecided_notices(2, vec![])).len(), 2);
    let others = get(store.undecided_notices(2, vec![numbers[0]]));
    assert_eq!(others, undecided[1..]);
    let nothing = Decision::NothingNew("It is known.".into());
    commit(
        &store,
        vec![Write::Decide {
            notice: numbers[0],
            arrivals: 1,
            decision: nothing,
        }],
    );
    let left: Vec<_> = get(store.undecided_notices(10, vec![]))
        .iter()
        .map(|notice| notice.id)
        .collect();
    assert_eq!(left, numbers[1..]);
}

/// A second decision on a notice is refused, also where a run is started for it.
pub fn a_notice_is_decided_once<S: Store>(place: &impl Fn() -> S) {
    let store = place();
    let number = commit(&store, vec![notice("acme", "1")]).notices[0];
    let for_notice = |id| NewRun {
        notice: Some(number),
        ..new_run("acme", id)
    };
    let run = start(&store, Write::StartOrMarkDirty(for_notice("1")));
    assert_eq!(get(store.undecided_notices(10, vec![])), []);
    refuse(
        &store,
        vec![Write::Decide {
            notice: number,
            arrivals: 1,
            decision: Decision::Run(run),
        }],
    );
    refuse(&store, vec![Write::StartOrMarkDirty(for_notice("1"))]);
    refuse(&store, vec![Write::StartOrMarkDirty(for_notice("2"))]);
    refuse(&store, vec![Write::Start(for_notice("3"))]);
    assert!(
        !super::run(&store, run).dirty,
        "a refused notice marks nothing dirty"
    );
    assert_eq!(get(store.active_run("acme", &object("2"))), None);
    let unknown = Write::Decide {
        notice: number + 1,
        arrivals: 1,
        decision: Decision::Run(run),
    };
    refuse(&store, vec![unknown]);
    let other = commit(&store, vec![notice("acme", "4")]).notices[0];
    let nowhere = Write::Decide {
        notice: other,
        arrivals: 1,
        decision: Decision::Run(run + 9),
    };
    refuse(&store, vec![nowhere]);
}
