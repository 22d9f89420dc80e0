//! Random batches: whatever they are, the store and the model answer alike.

use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::{Just, Strategy, prop_oneof};
use proptest::sample::select;
use proptest::test_runner::{Config, TestRunner};

use super::chains::damage;
use super::crosswalk::edit;
use super::listing::counts;
use super::samples::{
    answered, callback, confirmed, conflict, credential, demand, event, gate, link, notice, object,
    oddity, parked, rejected, unchanged,
};
use super::{ModelStore, get, wait};
use crate::contract::runs::{Completion, EndingKind, Link, NewTask, StartReason, WaitReason};
use crate::contract::types::System;
use crate::store::{
    ChainHead, Decision, HistoryRow, LinkChangeFilter, LinkEdit, LinkFilter, NewRun, RunFilter,
    RunId, RunState, Store, StoreError, StoredEvent, Write,
};

const CONNECTIONS: [&str; 2] = ["acme", "bolt"];
const OBJECTS: [&str; 3] = ["1", "2", "3"];
const RUNS_MAX: RunId = 9;
const INSTANT_MAX: u64 = 60;
const CASES: u32 = 40;
const BATCHES_MAX: usize = 60;
const WRITES_MAX: usize = 3;

/// Commits random batches to stores at new places and to the model, and compares every answer and
/// all that is kept, before and after reopening.
pub fn random_batches_agree_with_the_model<S: Store, P: Fn() -> S>(new_place: &impl Fn() -> P) {
    let batches = vec(vec(write(), 1..=WRITES_MAX), 1..=BATCHES_MAX);
    let config = Config {
        cases: CASES,
        failure_persistence: None,
        ..Config::default()
    };
    let outcome = TestRunner::new(config).run(&batches, |batches| {
        agree(&new_place(), batches);
        Ok(())
    });
    outcome.unwrap_or_else(|failure| panic!("{failure}"));
}

fn agree<S: Store>(place: &impl Fn() -> S, batches: Vec<Vec<Write>>) {
    let (store, model) = (place(), ModelStore::default());
    for batch in batches {
        match (wait(store.commit(batch.clone())), wait(model.commit(batch))) {
            (Ok(one), Ok(other)) => assert_eq!(one, other),
            (Err(StoreError::Refused(_)), Err(StoreError::Refused(_))) => {}
            (one, other) => panic!("the store answers {one:?}, the model {other:?}"),
        }
        same_runs(&store, &model);
    }
    drop(store);
    let store = place();
    same_runs(&store, &model);
    same_lists(&store, &model);
    same_names(&store, &model);
    same_chains(&store, &model);
}

/// The chains are as long as the model's, and nothing that was stored is taken for damage.
fn same_chains(store: &impl Store, model: &ModelStore) {
    let lengths = |heads: Vec<ChainHead>| {
        let heads = heads.into_iter().map(|head| (head.connection, head.number));
        heads.collect::<Vec<_>>()
    };
    assert_eq!(
        lengths(get(store.chain_heads())),
        lengths(get(model.chain_heads()))
    );
    assert_eq!(damage(store), [""; 0]);
}

fn same_runs(store: &impl Store, model: &ModelStore) {
    let all = RunFilter::default();
    let runs = get(model.runs(all.clone()));
    assert_eq!(get(store.runs(all)), runs);
    for run in runs {
        assert_eq!(get(store.history(run.id)), get(model.history(run.id)));
    }
    assert_eq!(
        get(store.undecided_notices(99, vec![])),
        get(model.undecided_notices(99, vec![]))
    );
    let objects = OBJECTS.map(object);
    for connection in CONNECTIONS {
        let standings = get(store.object_statuses(connection, &objects));
        assert_eq!(standings, get(model.object_statuses(connection, &objects)));
    }
}

fn same_lists(store: &impl Store, model: &ModelStore) {
    assert_eq!(counts(store), counts(model));
    for filter in filters() {
        assert_eq!(
            get(store.runs(filter.clone())),
            get(model.runs(filter.clone())),
            "{filter:?}"
        );
    }
    for connection in CONNECTIONS {
        for now in (0..=INSTANT_MAX).step_by(6) {
            let due = get(store.due_runs(connection, now, 2, vec![3]));
            assert_eq!(due, get(model.due_runs(connection, now, 2, vec![3])));
        }
        let next = get(store.next_due(connection, vec![1, 2]));
        assert_eq!(next, get(model.next_due(connection, vec![1, 2])));
        for id in OBJECTS {
            let active = get(store.active_run(connection, &object(id)));
            assert_eq!(active, get(model.active_run(connection, &object(id))));
        }
    }
}

fn same_names(store: &impl Store, model: &ModelStore) {
    assert_eq!(get(store.oddities(9)), get(model.oddities(9)));
    assert_eq!(get(store.inbox()), get(model.inbox()));
    for connection in CONNECTIONS {
        let filter = LinkFilter {
            connection: connection.into(),
            ..LinkFilter::default()
        };
        assert_eq!(get(store.links(filter.clone())), get(model.links(filter)));
        let filter = LinkChangeFilter {
            connection: connection.into(),
            ..LinkChangeFilter::default()
        };
        let changes = get(store.link_changes(filter.clone()));
        assert_eq!(changes, get(model.link_changes(filter)));
        for version in ["v1", "v2"] {
            let settings = get(store.settings(connection, version));
            assert_eq!(settings, get(model.settings(connection, version)));
            assert_eq!(get(store.mark(version)), get(model.mark(version)));
        }
        let credential = get(store.credential(connection, System::Freshbooks));
        assert_eq!(
            credential,
            get(model.credential(connection, System::Freshbooks))
        );
        let by_id = |mut callbacks: Vec<crate::store::StoredCallback>| {
            callbacks.sort_by(|one, other| one.id.cmp(&other.id));
            callbacks
        };
        assert_eq!(
            by_id(get(store.callbacks(connection))),
            by_id(get(model.callbacks(connection)))
        );
        let by_system = |mut gates: Vec<crate::contract::pacing::Gate>| {
            gates.sort_by_key(|gate| gate.system == System::Freshbooks);
            gates
        };
        assert_eq!(
            by_system(get(store.gates(connection))),
            by_system(get(model.gates(connection)))
        );
    }
}

fn filters() -> Vec<RunFilter> {
    let all = RunFilter {
        connection: Some("acme".into()),
        ..RunFilter::default()
    };
    let stopped = vec![
        EndingKind::Rejected,
        EndingKind::Parked,
        EndingKind::Conflict,
    ];
    let mixed = vec![EndingKind::Parked, EndingKind::Unchanged];
    let mut filters = Vec::new();
    for endings in [vec![], stopped, mixed, vec![EndingKind::Conflict]] {
        for latest_only in [false, true] {
            filters.push(RunFilter {
                endings: endings.clone(),
                latest_only,
                ..all.clone()
            });
        }
    }
    for state in [RunState::Due, RunState::Waiting, RunState::Ended] {
        filters.push(RunFilter {
            state: Some(state),
            before: Some(9),
            limit: 3,
            ..all.clone()
        });
        filters.push(RunFilter {
            find: Some("209".into()),
            state: Some(state),
            ..all.clone()
        });
        filters.push(RunFilter {
            object: Some(object("2")),
            state: Some(state),
            ..all.clone()
        });
    }
    filters
}

fn write() -> impl Strategy<Value = Write> {
    prop_oneof![
        12 => new_run().prop_map(Write::StartOrMarkDirty),
        4 => new_run().prop_map(Write::Start),
        10 => (run(), completion(), instant())
            .prop_map(|(run, completion, at)| Write::End { run, completion, at }),
        8 => (run(), vec(row(), 1..4)).prop_map(|(run, rows)| Write::Append { run, rows }),
        6 => waiting(),
        2 => bounding(),
        3 => (run(), instant()).prop_map(|(run, started)| Write::StartOver {
            run,
            settings_version: "v2".into(),
            started,
            message: "It was started over.".into(),
        }),
        6 => (connection(), id()).prop_map(|(connection, id)| notice(&connection, id)),
        3 => (1..9_u64, 1..4_u32, decision()).prop_map(|(notice, arrivals, decision)| {
            Write::Decide { notice, arrivals, decision }
        }),
        4 => links(),
        3 => edited_links(),
        3 => (connection(), id(), instant()).prop_map(|(connection, id, received)| {
            let event = event(&connection, id);
            Write::Event(StoredEvent { received, ..event })
        }),
        1 => instant().prop_map(|received_before| Write::Forget { received_before }),
        1 => instant().prop_map(|ended_before| Write::Retire { ended_before }),
        5 => named(),
    ]
}

fn new_run() -> impl Strategy<Value = NewRun> {
    let reason = select(vec![
        StartReason::Notice,
        StartReason::Replay,
        StartReason::Sweep,
    ]);
    (
        connection(),
        id(),
        reason,
        version(),
        instant(),
        of(1..6_u64),
    )
        .prop_map(
            |(connection, id, reason, settings_version, started, notice)| NewRun {
                connection,
                task: NewTask {
                    object: object(id),
                    reason,
                },
                settings_version,
                started,
                notice: notice.filter(|number| number % 2 == 0),
            },
        )
}

fn waiting() -> impl Strategy<Value = Write> {
    let reason = of(select(vec![WaitReason::Dependency, WaitReason::Retry]));
    (run(), instant(), reason, of(id())).prop_map(|(run, due, reason, on)| Write::Wait {
        run,
        due,
        reason,
        on: on.map(object),
        message: "It waits.".into(),
    })
}

fn bounding() -> impl Strategy<Value = Write> {
    let state = select(vec![RunState::Due, RunState::Waiting]);
    let reason = of(select(vec![WaitReason::Dependency, WaitReason::Retry]));
    (state, reason, instant()).prop_map(|(state, reason, due_max)| Write::BoundDue {
        state,
        reason,
        due_max,
    })
}

fn row() -> impl Strategy<Value = HistoryRow> {
    let text = select(vec!["a", "b"]);
    (0..2_u32, 0..3_u32, instant(), text, of(instant())).prop_map(
        |(epoch, index, at, text, answer)| {
            let outcome = answer.map(|at| answered(index, at));
            HistoryRow {
                epoch,
                index,
                at,
                demand: demand(index, text),
                outcome,
            }
        },
    )
}

fn completion() -> impl Strategy<Value = Completion> {
    prop_oneof![
        Just(confirmed()),
        Just(unchanged()),
        Just(conflict()),
        of(instant()).prop_map(parked),
        of(instant()).prop_map(rejected),
    ]
}

fn decision() -> impl Strategy<Value = Decision> {
    prop_oneof![
        run().prop_map(Decision::Run),
        Just(Decision::NothingNew("It is known.".into()))
    ]
}

fn links() -> impl Strategy<Value = Write> {
    let run = of(run());
    (linked(), vec(id(), 0..2), run, instant()).prop_map(|((connection, links), ids, run, at)| {
        let unlinks = ids.into_iter().map(object).collect();
        Write::Links {
            connection,
            links,
            unlinks,
            run,
            at,
        }
    })
}

fn edited_links() -> impl Strategy<Value = Write> {
    (linked(), vec(id(), 0..2), instant()).prop_map(|((connection, links), ids, at)| {
        let unlinks = ids.into_iter().map(object).collect();
        Write::EditLinks(LinkEdit {
            connection,
            at,
            ..edit(links, unlinks)
        })
    })
}

/// A connection, and links of it.
fn linked() -> impl Strategy<Value = (String, Vec<Link>)> {
    let links = vec(
        (id(), id()).prop_map(|(source, target)| link(source, target)),
        0..3,
    );
    (connection(), links)
}

fn named() -> impl Strategy<Value = Write> {
    let system = select(vec![System::Freshbooks, System::Concur]);
    prop_oneof![
        (connection(), 0..4_u32).prop_map(|(connection, generation)| {
            Write::Credential(credential(&connection, generation))
        }),
        (connection(), system, instant()).prop_map(|(connection, system, at)| Write::Gate {
            connection,
            gate: gate(system, at)
        }),
        (connection(), id())
            .prop_map(|(connection, id)| Write::Callback(callback(&connection, id))),
        (connection(), id()).prop_map(|(connection, id)| Write::Oddity(oddity(&connection, id))),
        (version(), id()).prop_map(|(name, value)| Write::Mark {
            name,
            value: value.into()
        }),
        (connection(), version(), id(), instant()).prop_map(|(connection, version, json, at)| {
            Write::Settings {
                connection,
                version,
                json: json.into(),
                at,
            }
        }),
    ]
}

fn connection() -> impl Strategy<Value = String> {
    select(CONNECTIONS.to_vec()).prop_map(String::from)
}

fn id() -> impl Strategy<Value = &'static str> {
    select(OBJECTS.to_vec())
}

fn version() -> impl Strategy<Value = String> {
    select(vec!["v1", "v2"]).prop_map(String::from)
}

fn run() -> impl Strategy<Value = RunId> {
    1..=RUNS_MAX
}

fn instant() -> impl Strategy<Value = u64> {
    0..=INSTANT_MAX
}
