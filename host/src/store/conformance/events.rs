//! Events: kept once, with the notice that they lead to.

use super::samples::{event, object, oddity};
use super::{commit, get};
use crate::store::{EventCount, Notice, ODDITIES_MAX, Store, StoredEvent, Write};

/// An event that comes again is counted, and leads to no second notice; another connection's is
/// another one.
pub fn an_event_is_kept_once<S: Store>(place: &impl Fn() -> S) {
    let store = place();
    let first = commit(&store, vec![Write::Event(event("acme", "e1"))]);
    assert_eq!((first.notices.len(), first.repeated_events), (1, 0));
    let told = Notice {
        id: first.notices[0],
        connection: "acme".into(),
        object: object("e1"),
        event: "invoice.readyForIntegration".into(),
        received: 900,
        arrivals: 1,
    };
    assert_eq!(get(store.undecided_notices(9, vec![])), [told]);
    drop(store);
    let store = place();
    let later = StoredEvent {
        received: 2_000,
        object: Some(object("2")),
        ..event("acme", "e1")
    };
    let again = commit(&store, vec![Write::Event(later)]);
    assert_eq!((again.notices.len(), again.repeated_events), (0, 1));
    let others = ["e2", "E1"].map(|id| Write::Event(event("acme", id)));
    assert_eq!(commit(&store, others.into()).notices.len(), 2);
    let elsewhere = commit(&store, vec![Write::Event(event("bolt", "e1"))]);
    assert_eq!(elsewhere.notices.len(), 1);
    assert_eq!(get(store.undecided_notices(9, vec![])).len(), 4);
    let twice = vec![Write::Event(event("acme", "e3")); 2];
    let twice = commit(&store, twice);
    assert_eq!((twice.notices.len(), twice.repeated_events), (1, 1));
}

/// An event that leads to nothing is kept too, and counted with the others of its connection.
pub fn events_are_counted<S: Store>(place: &impl Fn() -> S) {
    let store = place();
    assert_eq!(get(store.inbox()), crate::store::Inbox::default());
    let nothing = StoredEvent {
        object: None,
        received: 950,
        ..event("acme", "e2")
    };
    let batch = vec![
        Write::Event(event("acme", "e1")),
        Write::Event(nothing.clone()),
        Write::Event(nothing),
        Write::Event(event("bolt", "e1")),
        Write::Oddity(oddity("acme", "not-json")),
    ];
    assert_eq!(commit(&store, batch).notices.len(), 2);
    let inbox = get(store.inbox());
    let count = |connection: &str, events, repeats, latest| EventCount {
        connection: connection.into(),
        events,
        repeats,
        latest,
    };
    assert_eq!(
        inbox.events,
        [count("acme", 2, 1, 950), count("bolt", 1, 0, 900)]
    );
    assert_eq!(inbox.oddities, 1);
}

/// Forgetting spares what arrived at the instant and after it, and the notices.
pub fn old_events_are_forgotten<S: Store>(place: &impl Fn() -> S) {
    let store = place();
    let old = StoredEvent {
        received: 899,
        ..event("acme", "old")
    };
    let batch = vec![
        Write::Event(old.clone()),
        Write::Event(event("acme", "young")),
        Write::Oddity(oddity("acme", "not-json")),
    ];
    commit(&store, batch);
    let forget = Write::Forget {
        received_before: 900,
    };
    commit(&store, vec![forget]);
    let inbox = get(store.inbox());
    assert_eq!((inbox.events[0].events, inbox.oddities), (1, 0));
    assert_eq!(get(store.oddities(9)), []);
    assert_eq!(get(store.undecided_notices(9, vec![])).len(), 2);
    assert_eq!(commit(&store, vec![Write::Event(old)]).repeated_events, 0);
    let young = commit(&store, vec![Write::Event(event("acme", "young"))]);
    assert_eq!(young.repeated_events, 1);
}

/// One more than the bound pushes out the oldest, which is counted.
pub fn of_what_cannot_be_read_the_latest_are_kept<S: Store>(place: &impl Fn() -> S) {
    let store = place();
    let full = vec![Write::Oddity(oddity("acme", "not-json")); ODDITIES_MAX as usize];
    assert_eq!(commit(&store, full).dropped_oddities, 0);
    let two = ["first", "second"].map(|code| Write::Oddity(oddity("bolt", code)));
    assert_eq!(commit(&store, two.into()).dropped_oddities, 2);
    assert_eq!(get(store.inbox()).oddities, ODDITIES_MAX);
    let latest = get(store.oddities(2));
    assert_eq!(latest, ["second", "first"].map(|code| oddity("bolt", code)));
}
