//! Receiver, dispatcher and runs in every order: whatever was acknowledged is looked at afterwards.

use std::future::Future;
use std::time::{Duration, Instant};

use proptest::collection::vec;
use proptest::prelude::{Just, ProptestConfig, Strategy, prop_oneof};
use proptest::{prop_assert_eq, proptest};

use super::HeldNotices;
use crate::contract::admission::Activity;
use crate::contract::runs::{Completion, Ending, Facts, NewTask, StartReason};
use crate::contract::types::{Note, ObjectRef, System};
use crate::store::conformance::ModelStore;
use crate::store::{Decision, NewRun, Notice, Run, RunFilter, RunId, RunState, Store, Write};

/// What happens next.
#[derive(Debug, Clone, Copy)]
enum Step {
    /// The object changes at its system, whose webhook is received and acknowledged.
    Change,
    /// The dispatcher does its next step: release and read, look at activities, commit.
    Dispatch,
    /// The run under way reads the object, or one is taken up.
    Look,
    /// The run under way ends.
    End,
    /// Time passes.
    Wait,
}

/// How far the dispatcher is.
enum Dispatch {
    Idle,
    Read(Vec<Notice>, Instant),
    Known(Vec<(Notice, Activity)>, Instant),
}

struct World {
    store: ModelStore,
    held: HeldNotices,
    now: Instant,
    dispatch: Dispatch,
    /// The version of the object at its system, and that which was read last.
    version: u32,
    looked: u32,
    /// The run that has read the object.
    looked_by: Option<RunId>,
}

impl World {
    fn new() -> Self {
        Self {
            store: ModelStore::default(),
            held: HeldNotices::default(),
            now: Instant::now(),
            dispatch: Dispatch::Idle,
            version: 0,
            looked: 0,
            looked_by: None,
        }
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Change => self.change(),
            Step::Dispatch => self.dispatch(),
            Step::Look => self.look(),
            Step::End => self.end(),
            Step::Wait => self.now += Duration::from_secs(7),
        }
    }

    /// As `WebhookReceiver::store_notice`.
    fn change(&mut self) {
        self.version += 1;
        if self.held.covers("acme", &object()) {
            return;
        }
        let notice = Write::Notice {
            connection: "acme".into(),
            object: object(),
            event: "invoice.update".into(),
            received: 1,
        };
        get(self.store.commit(vec![notice]));
    }

    /// As `Dispatcher::decide_batch`, cut where others may come in between.
    fn dispatch(&mut self) {
        self.dispatch = match std::mem::replace(&mut self.dispatch, Dispatch::Idle) {
            Dispatch::Idle => {
                let except = self.held.release(self.now);
                Dispatch::Read(get(self.store.undecided_notices(9, except)), self.now)
            }
            Dispatch::Read(mut notices, now) => {
                notices.retain(|notice| self.held.may_decide(notice, now));
                let activity = match self.active() {
                    None => Activity::Idle,
                    Some(run) if run.dirty => Activity::Dirty,
                    Some(_) => Activity::Running,
                };
                let known = notices.into_iter().map(|notice| (notice, activity));
                Dispatch::Known(known.collect(), now)
            }
            Dispatch::Known(notices, now) => {
                for (notice, activity) in notices {
                    get(self.store.commit(vec![decision(&notice, activity)]));
                    self.held.count_decided(&notice, now);
                }
                Dispatch::Idle
            }
        };
    }

    fn look(&mut self) {
        if let Some(run) = self.active() {
            (self.looked, self.looked_by) = (self.version, Some(run.id));
        }
    }

    /// A run reads the object, and ends later.
    fn end(&mut self) {
        if let Some(run) = self.active() {
            if self.looked_by != Some(run.id) {
                return self.look();
            }
            let note = Note {
                code: "same-content".into(),
                message: "Nothing has changed.".into(),
            };
            let completion = Completion {
                ending: Ending::Unchanged(note),
                version: None,
                facts: Facts::NONE,
            };
            let (run, at) = (run.id, 2);
            let end = Write::End {
                run,
                completion,
                at,
            };
            get(self.store.commit(vec![end]));
        }
    }

    fn active(&self) -> Option<Run> {
        get(self.store.active_run("acme", &object()))
    }

    fn is_quiet(&self) -> bool {
        let undecided = get(self.store.undecided_notices(9, Vec::new()));
        undecided.is_empty() && self.active().is_none()
    }
}

fn decision(notice: &Notice, activity: Activity) -> Write {
    if activity == Activity::Dirty {
        return Write::Decide {
            notice: notice.id,
            arrivals: notice.arrivals,
            decision: Decision::NothingNew("Another look is due.".into()),
        };
    }
    Write::StartOrMarkDirty(NewRun {
        connection: "acme".into(),
        task: NewTask {
            object: object(),
            reason: StartReason::Notice,
        },
        settings_version: "v1".into(),
        started: 1,
        notice: Some(notice.id),
    })
}

fn object() -> ObjectRef {
    ObjectRef {
        system: System::Freshbooks,
        kind: "invoice".into(),
        id: "7".into(),
    }
}

/// The model answers at once.
fn get<T, E: std::fmt::Debug>(pending: impl Future<Output = Result<T, E>>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime
        .expect("a runtime")
        .block_on(pending)
        .expect("answers")
}

fn steps() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => Just(Step::Change),
        12 => Just(Step::Dispatch),
        4 => Just(Step::Look),
        4 => Just(Step::End),
        1 => Just(Step::Wait),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_was_acknowledged_is_looked_at(steps in vec(steps(), 0..150)) {
        let mut world = World::new();
        steps.into_iter().for_each(|step| world.step(step));
        while !matches!(world.dispatch, Dispatch::Idle) {
            world.step(Step::Dispatch);
        }
        for _ in 0..40 {
            for step in [Step::Dispatch, Step::Dispatch, Step::Dispatch, Step::Wait] {
                world.step(step);
            }
            for step in [Step::Look, Step::End] {
                world.step(step);
            }
        }
        assert!(world.is_quiet());
        prop_assert_eq!(world.looked, world.version);
        let runs = get(world.store.runs(RunFilter::default()));
        assert!(runs.iter().all(|run| run.state == RunState::Ended));
    }
}
