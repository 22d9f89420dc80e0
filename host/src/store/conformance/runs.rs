//! Promise 3, and what becomes of a run: dirty marks, endings, starting over, looking again.

use std::sync::Arc;

use super::batches::commit_at_once;
use super::samples::{confirmed, end, new_run, notice, object, parked, row, unchanged};
use super::{NONE, commit, get, refuse, run, start};
use crate::contract::runs::{Facts, NewTask, StartReason, WaitReason};
use crate::store::{NewRun, Run, RunState, Store, Write};

/// A second run of an object is refused until the first has ended. Other connections do not matter.
pub fn an_object_has_one_run_at_a_time<S: Store>(place: &impl Fn() -> S) {
    let store = place();
    let first = start(&store, Write::Start(new_run("acme", "1")));
    refuse(&store, vec![Write::Start(new_run("acme", "1"))]);
    start(&store, Write::Start(new_run("bolt", "1")));
    start(&store, Write::Start(new_run("acme", "2")));
    let active = get(store.active_run("acme", &object("1"))).expect("is active");
    assert_eq!(active, begun(first));
    assert_eq!(get(store.run(first)), Some(active));
    commit(&store, vec![end(first, confirmed(), 5)]);
    assert_eq!(get(store.active_run("acme", &object("1"))), None);
    let second = start(&store, Write::Start(new_run("acme", "1")));
    assert!(second > first);
    assert_eq!(get(store.run(second + 9)), None);
}

/// Of many starts of one object at once, one succeeds.
pub fn of_concurrent_starts_one_succeeds<S: Store>(place: &impl Fn() -> S) {
    let store = Arc::new(place());
    let batches = vec![vec![Write::Start(new_run("acme", "1"))]; 32];
    let answers = commit_at_once(&store, batches);
    assert_eq!(
        answers.iter().filter(|answer| answer.is_ok()).count(),
        1,
        "{answers:?}"
    );
}

/// Many notices of one object at once start one run, and none of them is refused or lost.
pub fn concurrent_notices_start_one_run<S: Store>(place: &impl Fn() -> S) {
    let store = Arc::new(place());
    let notices = (0..32).map(|number| notice("acme", &format!("of-{number}")));
    let numbers = commit(&*store, notices.collect()).notices;
    let batch = |number| {
        vec![Write::StartOrMarkDirty(NewRun {
            notice: Some(number),
            ..new_run("acme", "1")
        })]
    };
    let answers = commit_at_once(&store, numbers.into_iter().map(batch).collect());
    let started: usize = answers
        .iter()
        .map(|answer| answer.as_ref().expect("is kept").runs.len())
        .sum();
    assert_eq!(started, 1);
    assert_eq!(get(store.undecided_notices(10, vec![])), []);
    assert!(
        get(store.active_run("acme", &object("1")))
            .expect("is active")
            .dirty
    );
}

/// A dirty object gets another run, with the reason and the settings of the last mark, when its run
/// ends.
pub fn a_dirty_mark_leads_to_the_next_run<S: Store>(place: &impl Fn() -> S) {
    let store = place();
    let first = start(&store, Write::StartOrMarkDirty(new_run("acme", "1")));
    let marks = [
        marked(StartReason::Notice, "v2"),
        marked(StartReason::Sweep, "v3"),
    ];
    let receipt = commit(&store, marks.into());
    assert_eq!(receipt.runs, NONE, "a mark starts nothing");
    assert!(run(&store, first).dirty);
    assert_eq!(
        run(&store, first).reason,
        StartReason::Notice,
        "a mark changes no input of the run"
    );
    let second = start(&store, end(first, parked(Some(9_000)), 5_000));
    let expected = Run {
        reason: StartReason::Sweep,
        started: 5_000,
        due: 5_000,
        settings_version: "v3".into(),
        ..begun(second)
    };
    assert_eq!(run(&store, second), expected);
    assert_eq!(
        commit(&store, vec![end(second, confirmed(), 6_000)]).runs,
        NONE,
        "the mark is used up"
    );
}

/// What a person asked for is not forgotten when a notice comes after it.
pub fn a_replay_mark_stays<S: Store>(place: &impl Fn() -> S) {
    let store = place();
    let first = start(&store, Write::StartOrMarkDirty(new_run("acme", "1")));
    commit(
        &store,
        vec![
            marked(StartReason::Replay, "v2"),
            marked(StartReason::Notice, "v3"),
        ],
    );
    let second = start(&store, end(first, unchanged(), 5_000));
    assert_eq!(run(&store, second).reason, StartReason::Replay);
    assert_eq!(run(&store, second).settings_version, "v3");
}

/// An ended run keeps how it ended, and takes no more changes.
pub fn an_ended_run_is_closed<S: Store>(place: &impl Fn() -> S) {
    let store = place();
    let id = start(&store, Write::Start(new_run("acme", "1")));
    commit(&store, vec![wait(id, None), end(id, confirmed(), 5_000)]);
    let ended = run(&store, id);
    assert_eq!(ended.state, RunState::Ended);
    assert_eq!(
        (ended.completion, ended.ended),
        (Some(confirmed()), Some(5_000))
    );
    assert_eq!((ended.wait_reason, ended.message.as_str()), (None, ""));
    for unknown in [id, id + 9] {
        refuse(&store, vec![end(unknown, confirmed(), 6_000)]);
        refuse(&store, vec![wait(unknown, None)]);
        refuse(&store, vec![wait(unknown, Some("2"))]);
        refuse(
            &store,
            vec![Write::Append {
                run: unknown,
                rows: vec![row(0)],
            }],
        );
        refuse(&store, vec![start_over(unknown)]);
    }
    assert_eq!(get(store.due_runs("acme", 99_999, 10, vec![])), []);
}

/// Starting over moves a run to its next epoch, due at once, with new inputs.
pub fn a_run_starts_over_in_the_next_epoch<S: Store>(place: &impl Fn() -> S) {
    let store = place();
    let id = start(&store, Write::Start(new_run("acme", "1")));
    commit(&store, vec![wait(id, Some("2")), start_over(id)]);
    let expected = Run {
        epoch: 1,
        started: 7_000,
        due: 7_000,
        settings_version: "v9".into(),
        message: "The code has changed.".into(),
        ..begun(id)
    };
    assert_eq!(run(&store, id), expected);
    let other = start(&store, Write::Start(new_run("acme", "2")));
    commit(&store, vec![end(other, confirmed(), 7_500)]);
    assert_eq!(run(&store, id), expected, "it waits for nothing any more");
}

/// A completion that names a time to look again is followed by a run that waits for that time.
pub fn a_parked_run_is_looked_at_again<S: Store>(place: &impl Fn() -> S) {
    let store = place();
    let first = start(&store, Write::Start(new_run("acme", "1")));
    let second = start(&store, end(first, parked(Some(9_000)), 5_000));
    assert_eq!(run(&store, second), looking_again(second));
    assert_eq!(get(store.due_runs("acme", 8_999, 10, vec![])), []);
    assert_eq!(
        get(store.due_runs("acme", 9_000, 10, vec![])),
        [looking_again(second)]
    );
    let third = commit(&store, vec![end(second, parked(None), 9_001)]).runs;
    assert_eq!(third, NONE, "without a time there is no other look");
}

/// A notice or a replay does not wait behind a look that lies ahead, but one that has begun is left
/// alone.
pub fn a_notice_takes_the_look_that_has_not_begun<S: Store>(place: &impl Fn() -> S) {
    let store = place();
    let first = start(&store, Write::Start(new_run("acme", "1")));
    let second = start(&store, end(first, parked(Some(9_000)), 5_000));
    let Write::StartOrMarkDirty(mut replay) = marked(StartReason::Replay, "v2") else {
        unreachable!()
    };
    replay.started = 8_999;
    assert_eq!(
        commit(&store, vec![Write::StartOrMarkDirty(replay.clone())]).runs,
        NONE
    );
    let taken = Run {
        reason: StartReason::Replay,
        started: 8_999,
        due: 8_999,
        settings_version: "v2".into(),
        ..begun(second)
    };
    assert_eq!(run(&store, second), taken);
    let third = start(&store, end(second, parked(Some(20_000)), 9_500));
    replay.started = 20_000;
    commit(&store, vec![Write::StartOrMarkDirty(replay)]);
    let due = run(&store, third);
    assert!(due.dirty && due.reason == StartReason::LookAgain && due.started == 20_000);
}

/// The run that [`new_run`] of `acme` and `1` starts.
fn begun(id: u64) -> Run {
    Run {
        id,
        connection: "acme".into(),
        object: object("1"),
        reason: StartReason::Notice,
        started: 1_000,
        settings_version: "v1".into(),
        epoch: 0,
        state: RunState::Due,
        due: 1_000,
        wait_reason: None,
        woken_by_object: false,
        dirty: false,
        message: String::new(),
        completion: None,
        ended: None,
        facts: Facts::NONE,
    }
}

fn looking_again(id: u64) -> Run {
    Run {
        reason: StartReason::LookAgain,
        started: 9_000,
        due: 9_000,
        state: RunState::Waiting,
        ..begun(id)
    }
}

fn marked(reason: StartReason, settings_version: &str) -> Write {
    Write::StartOrMarkDirty(NewRun {
        task: NewTask {
            object: object("1"),
            reason,
        },
        settings_version: settings_version.into(),
        started: 3_000,
        ..new_run("acme", "1")
    })
}

fn start_over(run: u64) -> Write {
    Write::StartOver {
        run,
        settings_version: "v9".into(),
        started: 7_000,
        message: "The code has changed.".into(),
    }
}

fn wait(run: u64, on: Option<&str>) -> Write {
    Write::Wait {
        run,
        due: 4_000,
        reason: Some(WaitReason::Dependency),
        on: on.map(object),
        message: "It waits.".into(),
    }
}
