//! Links, standings, and everything that is kept under a name.

use super::samples::{
    callback, confirmed, conflict, credential, end, gate, link, new_run, object, oddity, parked,
    unchanged,
};
use super::{commit, get, refuse, start};
use crate::contract::runs::{Completion, Link, ObjectStatus};
use crate::contract::types::{ObjectRef, System};
use crate::store::{Store, StoredCredential, Write};

/// A link is replaced by the next of the same source, forgotten by source, and belongs to one
/// connection.
pub fn links_are_kept_by_source_and_connection<S: Store>(place: &impl Fn() -> S) {
    let store = place();
    let of = |connection, id| {
        get(store.object_statuses(connection, &[object(id)]))
            .remove(0)
            .link
    };
    commit(
        &store,
        vec![links(vec![link("1", "7"), link("2", "8")], vec![])],
    );
    let newer = Link {
        version: None,
        content_hash: Some("aa".into()),
        ..link("1", "9")
    };
    commit(
        &store,
        vec![links(vec![newer.clone()], vec![object("unknown")])],
    );
    assert_eq!(of("acme", "1"), Some(newer));
    assert_eq!(of("acme", "2"), Some(link("2", "8")));
    assert_eq!(of("bolt", "1"), None);
    commit(&store, vec![links(vec![], vec![object("1")])]);
    assert_eq!(of("acme", "1"), None);
    assert_eq!(of("acme", "2"), Some(link("2", "8")));
}

/// Standings come in the order asked and tell how the last run ended, also while another is active.
pub fn standings_tell_how_the_last_run_ended<S: Store>(place: &impl Fn() -> S) {
    let store = place();
    let endings = [confirmed(), unchanged(), parked(None), conflict()];
    let ids = ["1", "2", "3", "4"];
    for (id, ending) in ids.into_iter().zip(&endings) {
        for last in [&parked(None), ending] {
            let run = start(&store, Write::Start(new_run("acme", id)));
            commit(&store, vec![end(run, last.clone(), 5)]);
        }
    }
    start(&store, Write::Start(new_run("acme", "3")));
    let same_id = ObjectRef {
        kind: "bill".into(),
        ..object("1")
    };
    let asked = ["4", "3", "unknown", "2", "1"].map(object);
    let asked: Vec<_> = asked
        .into_iter()
        .chain([same_id.clone(), object("4")])
        .collect();
    let statuses = get(store.object_statuses("acme", &asked));
    let expected = [
        told(object("4"), &endings[3]),
        ObjectStatus {
            active: true,
            ..told(object("3"), &endings[2])
        },
        unknown(object("unknown")),
        told(object("2"), &endings[1]),
        told(object("1"), &endings[0]),
        unknown(same_id),
        told(object("4"), &endings[3]),
    ];
    assert_eq!(statuses, expected);
    assert_eq!(
        get(store.object_statuses("bolt", &[object("1")])),
        [unknown(object("1"))]
    );
    let last = statuses[1].last.as_ref().expect("has ended");
    assert_eq!(
        (last.code.as_deref(), last.since),
        (Some("tax-unmapped"), Some(1_234))
    );
}

/// A version of the settings is kept as it was first told.
pub fn settings_are_kept_by_version<S: Store>(place: &impl Fn() -> S) {
    let store = place();
    let keep = |connection: &str, version: &str, json: &str| Write::Settings {
        connection: connection.into(),
        version: version.into(),
        json: json.into(),
        at: 5,
    };
    commit(
        &store,
        vec![keep("acme", "v1", "{}"), keep("acme", "v2", "{\"a\":1}")],
    );
    commit(
        &store,
        vec![keep("acme", "v1", "{ }"), keep("bolt", "v3", "{}")],
    );
    assert_eq!(get(store.settings("acme", "v1")).as_deref(), Some("{}"));
    assert_eq!(
        get(store.settings("acme", "v2")).as_deref(),
        Some("{\"a\":1}")
    );
    assert_eq!(get(store.settings("acme", "v3")), None);
}

/// A credential is replaced by one of the same or a later generation, never by an earlier one.
pub fn a_credential_never_goes_back_a_generation<S: Store>(place: &impl Fn() -> S) {
    let store = place();
    let of = |connection, system| get(store.credential(connection, system));
    commit(&store, vec![Write::Credential(credential("acme", 3))]);
    let asked_twice = StoredCredential {
        requests_unanswered: 2,
        sealed_answer: vec![9; 5_000],
        ..credential("acme", 3)
    };
    commit(&store, vec![Write::Credential(asked_twice.clone())]);
    assert_eq!(of("acme", System::Freshbooks), Some(asked_twice.clone()));
    refuse(&store, vec![Write::Credential(credential("acme", 2))]);
    assert_eq!(of("acme", System::Freshbooks), Some(asked_twice));
    commit(&store, vec![Write::Credential(credential("acme", 4))]);
    assert_eq!(of("acme", System::Freshbooks), Some(credential("acme", 4)));
    assert_eq!(of("acme", System::Concur), None);
    assert_eq!(of("bolt", System::Freshbooks), None);
}

/// Callbacks, gates, marks and oddities come back as they were kept last.
pub fn the_rest_is_kept_by_name<S: Store>(place: &impl Fn() -> S) {
    let store = place();
    let trusted = crate::store::StoredCallback {
        sealed_verifier: vec![6],
        ..callback("acme", "1")
    };
    let gates = [
        gate(System::Freshbooks, 5),
        gate(System::Freshbooks, 6),
        gate(System::Concur, 7),
    ];
    let mut batch: Vec<_> = [
        callback("acme", "1"),
        trusted.clone(),
        callback("acme", "2"),
    ]
    .map(Write::Callback)
    .into();
    batch.extend(gates.map(|gate| Write::Gate {
        connection: "acme".into(),
        gate,
    }));
    batch.extend(["1", "2"].map(|value| Write::Mark {
        name: "last".into(),
        value: value.into(),
    }));
    batch.extend(["a", "b", "c"].map(|code| Write::Oddity(oddity("acme", code))));
    commit(&store, batch);
    let mut callbacks = get(store.callbacks("acme"));
    callbacks.sort_by(|one, other| one.id.cmp(&other.id));
    assert_eq!(callbacks, [trusted, callback("acme", "2")]);
    let mut kept = get(store.gates("acme"));
    kept.sort_by_key(|gate| gate.hold.map(|hold| hold.until));
    assert_eq!(kept, gates[1..]);
    assert_eq!(
        (get(store.callbacks("bolt")), get(store.gates("bolt"))),
        (vec![], vec![])
    );
    assert_eq!(get(store.mark("last")).as_deref(), Some("2"));
    assert_eq!(get(store.mark("first")), None);
    assert_eq!(
        get(store.oddities(2)),
        [oddity("acme", "c"), oddity("acme", "b")]
    );
}

fn told(object: ObjectRef, completion: &Completion) -> ObjectStatus {
    ObjectStatus {
        last: Some(completion.to_last_ending()),
        ..unknown(object)
    }
}

fn unknown(object: ObjectRef) -> ObjectStatus {
    ObjectStatus {
        object,
        link: None,
        active: false,
        last: None,
    }
}

fn links(links: Vec<Link>, unlinks: Vec<ObjectRef>) -> Write {
    Write::Links {
        connection: "acme".into(),
        links,
        unlinks,
        run: None,
        at: 900,
    }
}
