use alloc::string::{String, ToString};
use alloc::vec;

use super::*;
use crate::contract::http::SendOutcome;
use crate::contract::runs::{
    Effect, Ending, EndingKind, LastEnding, OutboundRequest, StartReason, Task, Wait, WaitReason,
    Wake,
};
use crate::contract::types::{ObjectRef, System};
use crate::error_bodies::tests::answer_with_status;
use crate::settings::Settings;
use crate::settings::tests::MINIMAL;

pub(crate) const STARTED: Instant = 1_772_323_200_000;

pub(crate) fn settings_with(from: &str, to: &str) -> Rc<Settings> {
    Rc::new(Settings::load("acme", &MINIMAL.replace(from, to)).expect("is right"))
}

pub(crate) fn settings() -> Rc<Settings> {
    settings_with("", "")
}

pub(crate) fn object(kind: &str, id: &str) -> ObjectRef {
    ObjectRef {
        system: System::Freshbooks,
        kind: kind.to_string(),
        id: id.to_string(),
    }
}

pub(crate) fn task(kind: &str, id: &str, reason: StartReason) -> Task {
    Task {
        object: object(kind, id),
        reason,
        started: STARTED,
        receive_url: Some("https://sync.example.test/hooks/acme".to_string()),
        unknown_since: None,
    }
}

pub(crate) fn answer(status: u16, body: &str) -> SendOutcome {
    SendOutcome::Response(answer_with_status(status, body))
}

/// A run driven to its end, with everything that it demanded.
#[derive(Debug)]
pub(crate) struct Driven {
    pub(crate) completion: Completion,
    pub(crate) history: Vec<HistoryEntry>,
}

impl Driven {
    pub(crate) fn sends(&self) -> Vec<(&OutboundRequest, &Report, Instant)> {
        let entries = self.history.iter();
        entries
            .filter_map(|entry| match &entry.demand {
                Demand::Perform(Effect {
                    action: Action::Send(send),
                    ..
                }) => entry
                    .outcome
                    .as_ref()
                    .map(|outcome| (send, &outcome.report, outcome.at)),
                _ => None,
            })
            .collect()
    }

    /// The waits, each with its length as the flow sees it.
    pub(crate) fn waits(&self) -> Vec<(WaitReason, u64)> {
        let mut now = STARTED;
        let mut waits = Vec::new();
        for entry in &self.history {
            if let Demand::Wait(wait) = &entry.demand {
                waits.push((wait.reason, wait.until - now));
            }
            now = entry.outcome.as_ref().map_or(now, |outcome| outcome.at);
        }
        waits
    }
}

/// Drives a run to its end; `host` answers each demand at its instant. A wait ends when it is due.
pub(crate) fn drive(mut run: Run, mut host: impl FnMut(&Demand, Instant) -> Report) -> Driven {
    let mut now = run.at;
    let mut history = Vec::new();
    for _ in 0..20_000 {
        let demand = run.demand().clone();
        let (id, report) = match &demand {
            Demand::Done(completion) => {
                return Driven {
                    completion: completion.clone(),
                    history,
                };
            }
            Demand::Perform(effect) => {
                now += 7;
                (effect.id, host(&demand, now))
            }
            Demand::Wait(wait) => {
                let report = host(&demand, now);
                now = match report {
                    Report::Woken(Wake::ObjectEnded) => now + 5,
                    _ => now.max(wait.until),
                };
                (wait.id, report)
            }
        };
        let outcome = Outcome {
            id,
            report,
            at: now,
        };
        history.push(HistoryEntry {
            demand,
            outcome: Some(outcome.clone()),
        });
        run.step(outcome).expect("answers the demand");
    }
    panic!("the run does not end");
}

pub(crate) fn open(task: &Task, settings: &Rc<Settings>, history: &[HistoryEntry]) -> Run {
    match Run::open(task.clone(), Rc::clone(settings), history.to_vec()) {
        Ok(run) => run,
        Err(error) => panic!("opens: {error:?}"),
    }
}

fn bytes(demand: &Demand) -> String {
    serde_json::to_string(demand).expect("is JSON")
}

/// Promise 7: every prefix of the history leads to the same demand, byte for byte.
pub(crate) fn assert_replays(task: &Task, settings: &Rc<Settings>, driven: &Driven) {
    let done = Demand::Done(driven.completion.clone());
    for length in 0..=driven.history.len() {
        let next = driven
            .history
            .get(length)
            .map_or(&done, |entry| &entry.demand);
        let run = open(task, settings, &driven.history[..length]);
        assert_eq!(bytes(run.demand()), bytes(next), "after {length} entries");
    }
}

fn invoice() -> (Task, Rc<Settings>) {
    (task("invoice", "7", StartReason::Notice), settings())
}

fn gone(demand: &Demand, _: Instant) -> Report {
    let Demand::Perform(effect) = demand else {
        return Report::Woken(Wake::Due);
    };
    match &effect.action {
        Action::Send(_) => Report::Sent(answer(404, "")),
        Action::FindObjects(objects) => Report::Found(objects.iter().map(unknown).collect()),
        _ => Report::Saved,
    }
}

/// The status of an object that was never heard of.
pub(crate) fn unknown(object: &ObjectRef) -> crate::contract::runs::ObjectStatus {
    crate::contract::runs::ObjectStatus {
        object: object.clone(),
        link: None,
        active: false,
        last: None,
    }
}

fn found(id: u32, objects: &[ObjectRef], at: Instant) -> Outcome {
    Outcome {
        id,
        report: Report::Found(objects.iter().map(unknown).collect()),
        at,
    }
}

#[test]
fn a_refused_step_changes_nothing() {
    let (task, settings) = invoice();
    let own = [object("invoice", "7")];
    let mut run = open(&task, &settings, &[]);
    let before = run.demand().clone();
    let other = [object("invoice", "8")];
    let wrong = [
        (found(1, &own, STARTED), StepErrorCode::WrongId),
        (found(0, &other, STARTED), StepErrorCode::WrongReport),
        (found(0, &[], STARTED), StepErrorCode::WrongReport),
        (found(0, &own, STARTED - 1), StepErrorCode::ClockWentBack),
        (
            Outcome {
                id: 0,
                report: Report::Saved,
                at: STARTED,
            },
            StepErrorCode::WrongReport,
        ),
    ];
    for (outcome, code) in wrong {
        assert_eq!(
            run.step(outcome).map_err(|error| error.code).err(),
            Some(code)
        );
        assert_eq!(run.demand(), &before);
    }
    let next = run.step(found(0, &own, STARTED)).expect("is right").clone();
    let fresh = open(&task, &settings, &[]);
    assert_eq!(fresh.demand(), &before);
    assert_ne!(next, before);
    // Refused steps leave no trace in what comes after.
    let mut clean = open(&task, &settings, &[]);
    assert_eq!(clean.step(found(0, &own, STARTED)), Ok(&next));
}

#[test]
fn a_finished_run_takes_no_step() {
    let (task, settings) = invoice();
    let driven = drive(open(&task, &settings, &[]), gone);
    let mut run = open(&task, &settings, &driven.history);
    let outcome = found(9, &[], u64::MAX);
    let error = run.step(outcome).expect_err("has ended");
    assert_eq!(error.code, StepErrorCode::Finished);
}

#[test]
fn a_divergence_names_the_entry() {
    let (task, settings) = invoice();
    let mut history = drive(open(&task, &settings, &[]), gone).history;
    history[1].demand = Demand::Wait(Wait {
        id: 1,
        until: 0,
        reason: WaitReason::Retry,
        on: None,
        message: "x".repeat(9_000),
    });
    let Err(OpenError::Diverged(divergence)) = Run::open(task, settings, history) else {
        panic!("diverges");
    };
    assert_eq!(divergence.index, 1);
    assert!(
        divergence.recorded.contains("Retry") && divergence.demanded.contains("OutboundRequest")
    );
    assert!(divergence.recorded.chars().count() <= SHOWN_CHARS_MAX);
}

#[test]
fn a_history_that_goes_on_after_the_end_diverges() {
    let (task, settings) = invoice();
    let mut history = drive(open(&task, &settings, &[]), gone).history;
    history.push(history[0].clone());
    let length = u32::try_from(history.len()).expect("is short");
    let Err(OpenError::Diverged(divergence)) = Run::open(task, settings, history) else {
        panic!("diverges");
    };
    assert_eq!(divergence.index, length - 1);
}

#[test]
fn an_outcome_that_does_not_answer_breaks_the_history() {
    let (task, settings) = invoice();
    let mut history = drive(open(&task, &settings, &[]), gone).history;
    history[1].outcome.as_mut().expect("is reported").report = Report::Saved;
    let Err(OpenError::BrokenHistory(detail)) = Run::open(task, settings, history) else {
        panic!("is broken");
    };
    assert!(detail.contains("entry 1"), "{detail}");
}

#[test]
fn only_known_kinds_are_opened() {
    for kind in ["journal", "", "payment-request"] {
        let opened = Run::open(task(kind, "1", StartReason::Notice), settings(), Vec::new());
        assert!(matches!(opened, Err(OpenError::UnknownKind(said)) if said.contains(kind)));
    }
    let mut concur = task("invoice", "1", StartReason::Notice);
    concur.object.system = System::Concur;
    assert!(Run::open(concur, settings(), Vec::new()).is_err());
}

#[test]
fn other_settings_diverge_where_they_matter() {
    let (task, settings) = invoice();
    let driven = drive(open(&task, &settings, &[]), gone);
    assert!(matches!(driven.completion.ending, Ending::Unchanged(_)));
    assert_replays(&task, &settings, &driven);
    let other = settings_with("zQ7pLm", "other");
    let Err(OpenError::Diverged(divergence)) = Run::open(task, other, driven.history) else {
        panic!("diverges");
    };
    assert_eq!(
        (
            divergence.index,
            vec![divergence.demanded.contains("other")]
        ),
        (1, vec![true])
    );
}

#[test]
fn a_history_tells_since_when_a_write_may_have_been_carried_out() {
    let request = crate::freshbooks::get("/w".to_string());
    let entry = |intent, outcome: &SendOutcome, at| HistoryEntry {
        demand: Demand::Perform(Effect {
            id: 0,
            action: Action::Send(OutboundRequest {
                request: request.clone(),
                intent,
            }),
        }),
        outcome: Some(Outcome {
            id: 0,
            report: Report::Sent(outcome.clone()),
            at,
        }),
    };
    let lost = SendOutcome::MaybeSent(error());
    let surely_not = [
        SendOutcome::NotSent(error()),
        answer(400, "no"),
        answer(401, ""),
        answer(429, ""),
        answer(503, ""),
    ];
    let maybe = [
        lost.clone(),
        answer(200, "{}"),
        answer(500, ""),
        answer(504, ""),
    ];
    let writes = [Intent::LookUpThenResend, Intent::LookUpThenPark];
    for intent in writes {
        let mut history: Vec<_> = surely_not.iter().map(|no| entry(intent, no, 1)).collect();
        history.push(entry(Intent::Read, &lost, 2));
        history.push(entry(Intent::ServerDeduplicated, &lost, 3));
        assert_eq!(unknown_since(&history), None);
        for outcome in &maybe {
            let with = [
                &history[..],
                &[entry(intent, outcome, 4), entry(intent, outcome, 5)],
            ]
            .concat();
            assert_eq!(unknown_since(&with), Some(4), "{outcome:?}");
        }
    }
}

#[test]
fn a_write_without_an_outcome_may_have_been_carried_out_since_the_outcome_before_it() {
    let request = crate::freshbooks::get("/w".to_string());
    let entry = |intent, at: Option<Instant>| HistoryEntry {
        demand: Demand::Perform(Effect {
            id: 0,
            action: Action::Send(OutboundRequest {
                request: request.clone(),
                intent,
            }),
        }),
        outcome: at.map(|at| Outcome {
            id: 0,
            report: Report::Sent(answer(404, "")),
            at,
        }),
    };
    let known = entry(Intent::Read, Some(41));
    for (intent, since) in [
        (Intent::Read, None),
        (Intent::ServerDeduplicated, None),
        (Intent::LookUpThenResend, Some(41)),
        (Intent::LookUpThenPark, Some(41)),
    ] {
        let history = [known.clone(), entry(intent, None)];
        assert_eq!(unknown_since(&history), since);
        let completion = abandon(&history, None, "it traps", 50);
        let Ending::Parked(failure) = completion.ending else {
            panic!("is parked");
        };
        let code = if since.is_some() {
            AMBIGUOUS
        } else {
            "component-failed"
        };
        // Not the instant of the outcome before it: the write may have left long after that.
        assert_eq!((failure.code.as_str(), failure.since), (code, 50));
        assert_eq!(failure.look_again.is_some(), since.is_some());
        assert!(failure.message.contains("it traps") && !failure.remedy.is_empty());
    }
}

#[test]
fn a_run_that_is_given_up_keeps_what_the_one_before_it_left_ambiguous() {
    let last = |code: &str| LastEnding {
        kind: EndingKind::Parked,
        code: Some(code.to_string()),
        message: String::new(),
        version: None,
        since: Some(7),
    };
    for (code, since) in [(AMBIGUOUS, 7), ("refused", 50)] {
        let completion = abandon(&[], Some(&last(code)), "it traps", 50);
        let Ending::Parked(failure) = completion.ending else {
            panic!("is parked");
        };
        assert_eq!(
            (failure.code == AMBIGUOUS, failure.since),
            (code == AMBIGUOUS, since)
        );
    }
}

#[test]
fn a_task_keeps_the_bounds_of_its_fields() {
    for id in [String::new(), "7".repeat(201)] {
        let opened = Run::open(
            task("invoice", &id, StartReason::Notice),
            settings(),
            Vec::new(),
        );
        assert!(matches!(opened, Err(OpenError::InvalidTask(_))));
    }
    let longest = task("invoice", &"7".repeat(200), StartReason::Notice);
    assert!(Run::open(longest, settings(), Vec::new()).is_ok());
}

#[test]
fn only_a_write_may_lack_its_outcome_before_the_last_entry() {
    let (task, settings) = invoice();
    let whole = drive(open(&task, &settings, &[]), gone).history;
    for index in 0..whole.len() {
        let mut history = whole.clone();
        history[index].outcome = None;
        let opened = Run::open(task.clone(), Rc::clone(&settings), history.clone());
        if index + 1 == whole.len() {
            let run = opened.expect("demands it again");
            assert_eq!(run.demand(), &history[index].demand);
        } else {
            assert!(matches!(opened, Err(OpenError::BrokenHistory(why))
                    if why.contains(&format!("entry {index}"))));
        }
    }
}

/// A run that waits once, for each reason.
fn waiting(reason: WaitReason, on: Option<ObjectRef>) -> Run {
    let channel = Rc::new(EffectChannel::new(STARTED));
    let (task, settings) = invoice();
    let flow = crate::flow::Flow::new(Rc::clone(&channel), task, settings);
    let future = Box::pin(async move {
        flow.wait_on(60_000, reason, on, String::new()).await;
        abandon(&[], None, "it was woken", 0)
    });
    Run::new(future, channel)
}

#[test]
fn only_the_settle_time_may_not_be_cut_short() {
    for reason in [
        WaitReason::Retry,
        WaitReason::Settle,
        WaitReason::Remote,
        WaitReason::Dependency,
        WaitReason::Handshake,
    ] {
        let woken = |at| Outcome {
            id: 0,
            report: Report::Woken(Wake::Due),
            at,
        };
        let mut run = waiting(reason, None);
        let early = run.step(woken(STARTED + 59_999)).map(drop);
        if reason == WaitReason::Settle {
            assert_eq!(
                early.map_err(|error| error.code),
                Err(StepErrorCode::TooEarly)
            );
            assert!(run.step(woken(STARTED + 60_000)).is_ok());
        } else {
            assert_eq!(early, Ok(()), "{reason:?}");
        }
    }
}

#[test]
fn only_a_wait_for_an_object_ends_with_one() {
    for reason in [
        WaitReason::Retry,
        WaitReason::Settle,
        WaitReason::Remote,
        WaitReason::Dependency,
        WaitReason::Handshake,
    ] {
        let ended = Outcome {
            id: 0,
            report: Report::Woken(Wake::ObjectEnded),
            at: STARTED + 90_000,
        };
        let error = waiting(reason, None).step(ended.clone()).map(drop);
        assert_eq!(
            error.map_err(|error| error.code),
            Err(StepErrorCode::WrongReport)
        );
        let on = Some(object("client", "41"));
        if reason == WaitReason::Dependency {
            assert!(waiting(reason, on).step(ended).is_ok());
        }
    }
}

fn error() -> SendError {
    SendError {
        code: SendErrorCode::Timeout,
        detail: String::new(),
    }
}
