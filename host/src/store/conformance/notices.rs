//! Notices and their decisions.

use super::samples::{new_run, notice, object};
use super::{commit, get, refuse, start};
use crate::store::{Decision, NewRun, Notice, Store, Write};

/// Undecided notices come oldest first, and no more than were asked for.
pub fn notices_wait_in_order_for_a_decision<S: Store>(place: &impl Fn() -> S) {
    let store = place();
    let batch = vec![
        notice("acme", "1"),
        notice("bolt", "2"),
        notice("acme", "1"),
    ];
    let numbers = commit(&store, batch).notices;
    assert_eq!(numbers.len(), 3);
    let undecided = get(store.undecided_notices(10));
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
    };
    assert_eq!(undecided[1], second);
    assert_eq!(get(store.undecided_notices(2)).len(), 2);
    let nothing = Decision::NothingNew("It is known.".into());
    commit(
        &store,
        vec![Write::Decide {
            notice: numbers[0],
            decision: nothing,
        }],
    );
    let left: Vec<_> = get(store.undecided_notices(10))
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
    assert_eq!(get(store.undecided_notices(10)), []);
    refuse(
        &store,
        vec![Write::Decide {
            notice: number,
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
        decision: Decision::Run(run),
    };
    refuse(&store, vec![unknown]);
    let other = commit(&store, vec![notice("acme", "4")]).notices[0];
    let nowhere = Write::Decide {
        notice: other,
        decision: Decision::Run(run + 9),
    };
    refuse(&store, vec![nowhere]);
}
