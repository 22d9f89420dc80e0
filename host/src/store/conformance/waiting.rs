//! Due runs, waits, and what ends them.

use super::samples::{confirmed, end, new_run, object};
use super::{NONE, commit, get, run, start};
use crate::contract::runs::WaitReason;
use crate::store::{NewRun, Run, RunId, RunState, Store, Write};

/// Due runs of a connection come soonest first, the oldest first of those due together.
pub fn due_runs_come_soonest_first<S: Store>(place: &impl Fn() -> S) {
    let store = place();
    let due = [("1", 300), ("2", 100), ("3", 200), ("4", 100)];
    let begin = |(id, started)| {
        Write::Start(NewRun {
            started,
            ..new_run("acme", id)
        })
    };
    let runs = commit(&store, due.map(begin).into()).runs;
    start(
        &store,
        Write::Start(NewRun {
            started: 50,
            ..new_run("bolt", "1")
        }),
    );
    let ids = |now, limit, except: &[RunId]| -> Vec<RunId> {
        let due = get(store.due_runs("acme", now, limit, except.to_vec()));
        due.iter().map(|run| run.id).collect()
    };
    assert_eq!(ids(300, 10, &[]), [runs[1], runs[3], runs[2], runs[0]]);
    assert_eq!(ids(299, 10, &[]), [runs[1], runs[3], runs[2]]);
    assert_eq!(ids(300, 2, &[runs[1]]), [runs[3], runs[2]]);
    assert_eq!(ids(300, 0, &[]), NONE);
    assert_eq!(ids(99, 10, &[]), NONE);
    assert_eq!(get(store.next_due("acme", vec![])), Some(100));
    assert_eq!(
        get(store.next_due("acme", vec![runs[1], runs[3]])),
        Some(200)
    );
    assert_eq!(get(store.next_due("acme", runs)), None);
    assert_eq!(get(store.next_due("none", vec![])), None);
}

/// A wait keeps its instant, reason and sentence; without a reason the run is simply due.
pub fn a_wait_says_why_and_until_when<S: Store>(place: &impl Fn() -> S) {
    let store = place();
    let id = start(&store, Write::Start(new_run("acme", "1")));
    commit(&store, vec![wait(id, Some(WaitReason::Settle), None)]);
    let waiting = run(&store, id);
    assert_eq!((waiting.state, waiting.due), (RunState::Waiting, 4_000));
    assert_eq!(waiting.wait_reason, Some(WaitReason::Settle));
    assert_eq!(waiting.message, "It waits.");
    assert_eq!(waiting.started, 1_000, "a wait changes no input of the run");
    assert_eq!(get(store.due_runs("acme", 3_999, 10, vec![])), []);
    assert_eq!(get(store.due_runs("acme", 4_000, 10, vec![])), [waiting]);
    commit(&store, vec![wait(id, None, None)]);
    assert_eq!(
        (run(&store, id).state, run(&store, id).wait_reason),
        (RunState::Due, None)
    );
}

/// What is due too late is brought forward, by state and reason, and nothing else of it changes.
pub fn a_run_that_is_due_too_late_is_brought_forward<S: Store>(place: &impl Fn() -> S) {
    let store = place();
    let ids = ["1", "2", "3"].map(|id| start(&store, Write::Start(new_run("acme", id))));
    let settling = wait(ids[0], Some(WaitReason::Settle), Some("2"));
    commit(
        &store,
        vec![settling, wait(ids[1], Some(WaitReason::Retry), None)],
    );
    let before = run(&store, ids[0]);
    let bound = |state, reason, due_max| {
        let bound = Write::BoundDue {
            state,
            reason,
            due_max,
        };
        commit(&store, vec![bound]);
    };
    bound(RunState::Waiting, Some(WaitReason::Settle), 4_000);
    assert_eq!(run(&store, ids[0]), before, "it is not due too late");
    bound(RunState::Waiting, Some(WaitReason::Settle), 3_000);
    assert_eq!(
        run(&store, ids[0]),
        Run {
            due: 3_000,
            ..before
        }
    );
    assert_eq!(run(&store, ids[1]).due, 4_000, "another reason");
    bound(RunState::Due, None, 10);
    assert_eq!(run(&store, ids[2]).due, 10);
    commit(&store, vec![end(ids[1], confirmed(), 5)]);
    let ended = run(&store, ids[1]);
    bound(RunState::Waiting, Some(WaitReason::Retry), 1);
    assert_eq!(run(&store, ids[1]), ended, "it has ended");
}

/// The end of a run wakes every run of the connection that waits for its object, once.
pub fn the_end_of_an_object_wakes_who_waits_for_it<S: Store>(place: &impl Fn() -> S) {
    let store = place();
    let (vendor, waiting) = vendor_and_waiting(&store);
    let other = start(&store, Write::Start(new_run("acme", "other")));
    start(&store, Write::Start(new_run("acme", "another")));
    commit(
        &store,
        vec![wait(other, Some(WaitReason::Dependency), Some("another"))],
    );
    commit(&store, vec![end(vendor, confirmed(), 2_000)]);
    let woken = |id| Run {
        id,
        ..run(&store, waiting[0])
    };
    for id in waiting {
        let woken = Run {
            object: run(&store, id).object,
            ..woken(id)
        };
        assert_eq!(run(&store, id), woken);
        assert_eq!(
            (woken.state, woken.due, woken.woken_by_object),
            (RunState::Due, 2_000, true)
        );
        assert_eq!((woken.wait_reason, woken.message.as_str()), (None, ""));
    }
    assert!(!run(&store, other).woken_by_object, "another object ended");
    commit(
        &store,
        vec![wait(waiting[0], Some(WaitReason::Retry), None)],
    );
    assert!(
        !run(&store, waiting[0]).woken_by_object,
        "a new wait is not over"
    );
    let again = start(&store, Write::Start(new_run("acme", "vendor")));
    commit(&store, vec![end(again, confirmed(), 3_000)]);
    assert_eq!(
        run(&store, waiting[0]).due,
        4_000,
        "who is awake waits for nothing"
    );
    assert_eq!(run(&store, waiting[1]).due, 2_000);
}

/// Who begins to wait for an object that no run is under way for is due at once: the end may have
/// been missed.
pub fn a_wait_for_what_has_ended_is_over_at_once<S: Store>(place: &impl Fn() -> S) {
    let store = place();
    let id = start(&store, Write::Start(new_run("acme", "1")));
    commit(
        &store,
        vec![wait(id, Some(WaitReason::Dependency), Some("vendor"))],
    );
    let woken = run(&store, id);
    assert_eq!(
        (woken.state, woken.due, woken.woken_by_object),
        (RunState::Due, 0, true)
    );
}

/// The same object of another connection is another object.
pub fn an_end_wakes_nobody_of_another_connection<S: Store>(place: &impl Fn() -> S) {
    let store = place();
    let (_, waiting) = vendor_and_waiting(&store);
    let elsewhere = start(&store, Write::Start(new_run("bolt", "vendor")));
    commit(&store, vec![end(elsewhere, confirmed(), 2_000)]);
    assert!(waiting.iter().all(|id| !run(&store, *id).woken_by_object));
}

fn vendor_and_waiting(store: &impl Store) -> (RunId, [RunId; 2]) {
    let vendor = start(store, Write::Start(new_run("acme", "vendor")));
    let waiting = ["1", "2"].map(|id| start(store, Write::Start(new_run("acme", id))));
    for id in waiting {
        commit(
            store,
            vec![wait(id, Some(WaitReason::Dependency), Some("vendor"))],
        );
    }
    (vendor, waiting)
}

fn wait(run: RunId, reason: Option<WaitReason>, on: Option<&str>) -> Write {
    Write::Wait {
        run,
        due: 4_000,
        reason,
        on: on.map(object),
        message: "It waits.".into(),
    }
}
