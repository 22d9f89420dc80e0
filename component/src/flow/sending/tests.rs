use alloc::boxed::Box;
use alloc::rc::Rc;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::*;
use crate::contract::http::{Response, SendError};
use crate::contract::runs::{
    Action, Completion, Demand, Ending, Facts, HistoryEntry, Outcome, Report, StartReason, Task,
    Wake,
};
use crate::contract::types::{Instant, Note};
use crate::error_bodies::{self, Unread};
use crate::freshbooks;
use crate::runs::tests::{Driven, STARTED, answer, drive, settings, task};
use crate::runs::{AMBIGUOUS, EffectChannel, Run, next_look};

const MINUTE: u64 = 60_000;
const HOUR: u64 = 60 * MINUTE;
const SETTLE: (WaitReason, u64) = (WaitReason::Settle, 30 * MINUTE);
const WRITES: [Intent; 3] = [
    Intent::LookUpThenResend,
    Intent::LookUpThenPark,
    Intent::ServerDeduplicated,
];

/// JSON, but not what was asked for; an answer that is no JSON says nothing about the record.
const GARBLED: &str = "\"garbled\"";
const BAD: &str = r#"{"message": "bad"}"#;
/// What a proxy or a firewall answers instead.
const PAGE: &str = "<html><head><title>Blocked</title></head></html>";

fn reader(response: &Response) -> Result<String, Unread> {
    match error_bodies::text(response)? {
        GARBLED => Err(Unread::Garbled("not JSON".to_string())),
        "refused" => Err(Unread::Refused(error_bodies::read_refusal(response))),
        text => Ok(text.to_string()),
    }
}

fn note(code: &str, message: String) -> Ending {
    Ending::Unchanged(Note {
        code: code.to_string(),
        message,
    })
}

/// A flow that does one thing, made into a run.
fn run(story: impl AsyncFnOnce(&Flow) -> Result<Ending, EarlyEnd> + 'static) -> Run {
    run_of(task("invoice", "7", StartReason::Notice), story)
}

fn run_of(task: Task, story: impl AsyncFnOnce(&Flow) -> Result<Ending, EarlyEnd> + 'static) -> Run {
    let channel = Rc::new(EffectChannel::new(STARTED));
    let flow = Flow::new(Rc::clone(&channel), task, settings());
    let future = Box::pin(async move {
        let ending = story(&flow).await.unwrap_or_else(|end| match end {
            EarlyEnd::Parked(failure) => Ending::Parked(*failure),
            EarlyEnd::Rejected(failure) => Ending::Rejected(*failure),
            EarlyEnd::Conflict(conflict) => Ending::Conflict(conflict),
        });
        Completion {
            ending,
            version: None,
            facts: Facts::default(),
        }
    });
    Run::new(future, channel)
}

fn a_read() -> Run {
    run(async |flow| {
        Ok(
            match flow.read(freshbooks::get("/a".to_string()), reader).await? {
                Ok(text) => note("answered", text),
                Err(refusal) => note("refused", refusal.words),
            },
        )
    })
}

/// A write of `/w`, looked up with `/l`: there if the answer says so.
fn a_write(intent: Intent) -> Run {
    a_write_of(task("invoice", "7", StartReason::Notice), intent)
}

/// The same in a run that was started over after it may have written.
fn a_write_started_over(intent: Intent) -> Run {
    let task = Task {
        unknown_since: Some(STARTED - 1),
        ..task("invoice", "7", StartReason::Replay)
    };
    a_write_of(task, intent)
}

fn a_write_of(task: Task, intent: Intent) -> Run {
    run_of(task, async move |flow| {
        let look_up = async || {
            let listed = flow.read(freshbooks::get("/l".to_string()), reader).await?;
            Ok(match listed {
                Ok(text) if text == "there" => LookUp::Found(text),
                Ok(_) => LookUp::Missing(freshbooks::get("/w".to_string())),
                Err(refusal) => {
                    return Err(EarlyEnd::Rejected(Box::new(flow.failure(
                        "look-up",
                        refusal.words,
                        "",
                    ))));
                }
            })
        };
        Ok(match flow.write(intent, reader, look_up).await? {
            Ok(written) if written.found => note("found", written.record),
            Ok(written) => note("written", written.record),
            Err(refusal) => note("refused", refusal.words),
        })
    })
}

/// Answers the n-th look-up and the n-th write, both from 0.
fn host(
    mut look_up: impl FnMut(usize) -> SendOutcome,
    mut write: impl FnMut(usize) -> SendOutcome,
) -> impl FnMut(&Demand, Instant) -> Report {
    let (mut look_ups, mut writes) = (0, 0);
    move |demand, _| {
        let Demand::Perform(effect) = demand else {
            return Report::Woken(Wake::Due);
        };
        let Action::Send(send) = &effect.action else {
            panic!("only sends: {demand:?}");
        };
        if send.request.path_with_query == "/w" {
            writes += 1;
            Report::Sent(write(writes - 1))
        } else {
            look_ups += 1;
            Report::Sent(look_up(look_ups - 1))
        }
    }
}

fn missing(_: usize) -> SendOutcome {
    answer(200, "nothing")
}

fn error(code: SendErrorCode) -> SendError {
    SendError {
        code,
        detail: String::new(),
    }
}

fn maybe_sent() -> SendOutcome {
    SendOutcome::MaybeSent(error(SendErrorCode::Timeout))
}

fn not_sent() -> SendOutcome {
    SendOutcome::NotSent(error(SendErrorCode::Unreachable))
}

fn throttled() -> SendOutcome {
    answer(400, r#"{"Message": "limit exceeded"}"#)
}

fn code(driven: &Driven) -> &str {
    match &driven.completion.ending {
        Ending::Unchanged(note) => &note.code,
        Ending::Parked(failure) | Ending::Rejected(failure) => &failure.code,
        other => panic!("is no such ending: {other:?}"),
    }
}

fn sends_of(driven: &Driven, path: &str) -> usize {
    let sends = driven.sends();
    sends
        .iter()
        .filter(|(send, _, _)| send.request.path_with_query == path)
        .count()
}

/// No write without a look-up right before it.
fn assert_looked_up(driven: &Driven) {
    let sends = driven.sends();
    let paths: Vec<&str> = sends
        .iter()
        .map(|(send, _, _)| send.request.path_with_query.as_str())
        .collect();
    for (index, path) in paths.iter().enumerate() {
        let before = index.checked_sub(1).map(|before| paths[before]);
        assert!(*path != "/w" || before == Some("/l"), "{paths:?}");
    }
}

/// 30 s, 2 min, 8 min, 32 min and 2 h, each with up to a tenth more.
fn assert_back_off(waits: &[(WaitReason, u64)]) {
    let least = [MINUTE / 2, 2 * MINUTE, 8 * MINUTE, 32 * MINUTE, 2 * HOUR];
    assert_eq!(waits.len(), least.len());
    for ((reason, length), least) in waits.iter().zip(least) {
        assert_eq!(*reason, WaitReason::Retry);
        assert!(
            (least..=least + least / 10).contains(length),
            "{length} for {least}"
        );
    }
}

fn remote_waits(seconds: &[u64]) -> Vec<(WaitReason, u64)> {
    let waits = seconds.iter();
    waits
        .map(|seconds| (WaitReason::Remote, seconds * 1_000))
        .collect()
}

#[test]
fn a_read_ends_as_its_answer_says() {
    for (outcome, expected) in [
        (answer(200, "yes"), "answered"),
        (answer(204, ""), "answered"),
        (answer(200, "refused"), "refused"),
        (answer(400, BAD), "refused"),
        (answer(403, ""), "refused"),
        (answer(404, ""), "refused"),
        (answer(409, ""), "refused"),
        (answer(422, ""), "refused"),
    ] {
        let driven = drive(a_read(), host(|_| outcome.clone(), missing));
        assert_eq!(
            (code(&driven), driven.history.len()),
            (expected, 1),
            "{outcome:?}"
        );
    }
}

#[test]
fn a_read_that_fails_by_itself_is_tried_five_times_more() {
    let too_long = SendOutcome::MaybeSent(error(SendErrorCode::AnswerTooLong));
    for outcome in [
        answer(500, ""),
        answer(200, GARBLED),
        answer(302, ""),
        answer(100, ""),
        too_long,
    ] {
        let driven = drive(a_read(), host(|_| outcome.clone(), missing));
        assert_eq!(
            (code(&driven), driven.sends().len()),
            ("retries-used-up", 6),
            "{outcome:?}"
        );
        assert_back_off(&driven.waits());
    }
}

#[test]
fn a_read_outlasts_an_outage_and_pays_no_attempt() {
    for outcome in [
        answer(429, ""),
        answer(408, ""),
        answer(502, ""),
        answer(503, ""),
        answer(504, ""),
        not_sent(),
        maybe_sent(),
        SendOutcome::MaybeSent(error(SendErrorCode::Interrupted)),
        SendOutcome::NotSent(error(SendErrorCode::Withheld)),
    ] {
        let after = |n| {
            if n < 900 {
                outcome.clone()
            } else {
                answer(200, "yes")
            }
        };
        let driven = drive(a_read(), host(after, missing));
        assert_eq!(code(&driven), "answered", "{outcome:?}");
        let waits = driven.waits();
        assert_eq!(
            waits[..10],
            remote_waits(&[1, 2, 4, 8, 16, 32, 64, 128, 256, 300])
        );
        assert!(
            waits[10..]
                .iter()
                .all(|wait| *wait == (WaitReason::Remote, 5 * MINUTE))
        );
        // Three days.
        assert!(waits.iter().map(|(_, length)| length).sum::<u64>() > 72 * HOUR);
    }
}

#[test]
fn a_page_that_is_no_answer_costs_no_attempt_and_says_nothing_of_the_record() {
    for status in [200, 400, 403, 404, 422] {
        let passes = |n| match n {
            100 => answer(200, "yes"),
            _ => answer(status, PAGE),
        };
        let driven = drive(a_read(), host(passes, missing));
        assert_eq!(code(&driven), "answered", "{status}");
        let mut waits = driven.waits().into_iter();
        assert!(waits.all(|(reason, _)| reason == WaitReason::Remote));
    }
    // One that stays ends after three days, and is still no word about the record.
    let driven = drive(a_read(), host(|_| answer(404, PAGE), missing));
    assert_eq!((code(&driven), driven.sends().len()), ("refused", 900));
    let length: u64 = driven.waits().iter().map(|(_, length)| length).sum();
    assert!(length > 72 * HOUR);
    let driven = drive(
        a_write(Intent::LookUpThenPark),
        host(missing, |n| {
            let body = if n < 50 { PAGE } else { "id" };
            answer(if n < 50 { 403 } else { 200 }, body)
        }),
    );
    assert_eq!((code(&driven), sends_of(&driven, "/w")), ("written", 51));
    assert_looked_up(&driven);
}

#[test]
fn a_page_instead_of_a_token_refusal_is_waited_for_when_a_fresh_token_does_not_help() {
    let passes = |n| match n {
        20 => answer(200, "yes"),
        _ => answer(401, PAGE),
    };
    assert_eq!(code(&drive(a_read(), host(passes, missing))), "answered");
}

#[test]
fn three_denials_in_a_row_are_a_missing_permission() {
    let driven = drive(a_read(), host(|_| answer(401, ""), missing));
    assert_eq!((code(&driven), driven.sends().len()), ("access-denied", 3));
    assert_eq!(driven.waits(), remote_waits(&[1, 2]));
    // Tokens that expire during an outage are none.
    let outage = |n: usize| match n {
        30 => answer(200, "yes"),
        n if n % 2 == 0 => answer(401, ""),
        _ => answer(503, ""),
    };
    let driven = drive(a_read(), host(outage, missing));
    assert_eq!(code(&driven), "answered");
}

#[test]
fn eight_times_the_same_throttling_is_a_refusal() {
    let driven = drive(a_read(), host(|_| throttled(), missing));
    assert_eq!((code(&driven), driven.sends().len()), ("refused", 8));
    assert_eq!(driven.waits(), remote_waits(&[1, 2, 4, 8, 16, 32, 64]));
    for intent in WRITES {
        let driven = drive(a_write(intent), host(missing, |_| throttled()));
        assert_eq!((code(&driven), sends_of(&driven, "/w")), ("refused", 8));
        assert_looked_up(&driven);
    }
    let mixed = |n| {
        if n % 5 == 4 {
            answer(429, "")
        } else {
            throttled()
        }
    };
    let until = |n| {
        if n == 40 {
            answer(200, "yes")
        } else {
            mixed(n)
        }
    };
    assert_eq!(code(&drive(a_read(), host(until, missing))), "answered");
}

#[test]
fn a_write_that_is_there_already_is_not_sent() {
    for intent in WRITES {
        let driven = drive(a_write(intent), host(|_| answer(200, "there"), missing));
        assert_eq!((code(&driven), sends_of(&driven, "/w")), ("found", 0));
    }
}

#[test]
fn a_write_with_a_definite_answer_is_sent_once() {
    for intent in WRITES {
        for (outcome, expected) in [
            (answer(200, "id"), "written"),
            (answer(200, "refused"), "refused"),
            (answer(400, BAD), "refused"),
            (answer(403, ""), "refused"),
            (answer(404, ""), "refused"),
            (answer(409, ""), "refused"),
        ] {
            let driven = drive(a_write(intent), host(missing, |_| outcome.clone()));
            assert_eq!(
                (code(&driven), sends_of(&driven, "/w")),
                (expected, 1),
                "{outcome:?}"
            );
            assert_eq!(driven.waits(), []);
        }
    }
}

#[test]
fn a_write_that_was_not_taken_waits_for_the_remote_and_is_looked_up_again() {
    for intent in WRITES {
        for outcome in [
            answer(429, ""),
            answer(503, ""),
            not_sent(),
            answer(401, ""),
        ] {
            let denied = outcome == answer(401, "");
            let count = if denied { 2 } else { 20 };
            let after = |n| {
                if n < count {
                    outcome.clone()
                } else {
                    answer(200, "id")
                }
            };
            let driven = drive(a_write(intent), host(missing, after));
            assert_eq!(
                (code(&driven), sends_of(&driven, "/w")),
                ("written", count + 1),
                "{outcome:?}"
            );
            assert!(
                driven
                    .waits()
                    .iter()
                    .all(|(reason, _)| *reason == WaitReason::Remote)
            );
            assert_looked_up(&driven);
        }
        let driven = drive(a_write(intent), host(missing, |_| answer(401, "")));
        assert_eq!(
            (code(&driven), sends_of(&driven, "/w")),
            ("access-denied", 3)
        );
    }
}

fn ambiguous_outcomes() -> Vec<SendOutcome> {
    let codes = [
        SendErrorCode::Timeout,
        SendErrorCode::ConnectionLost,
        SendErrorCode::Interrupted,
        SendErrorCode::AnswerTooLong,
    ];
    let errors = codes.map(|code| SendOutcome::MaybeSent(error(code)));
    let answers = [408, 500, 501, 502, 504, 302].map(|status| answer(status, ""));
    let garbled = [answer(200, GARBLED)];
    errors.into_iter().chain(answers).chain(garbled).collect()
}

/// The waits but for those that only ask for the host's clock: one before each settle time, if the
/// host stopped meanwhile.
fn settle_waits(driven: &Driven, outcome: &SendOutcome) -> Vec<(WaitReason, u64)> {
    let is_clock = |wait: &(WaitReason, u64)| *wait == (WaitReason::Settle, 0);
    let (clocks, waits): (Vec<_>, Vec<_>) = driven.waits().into_iter().partition(is_clock);
    let interrupted = matches!(outcome, SendOutcome::MaybeSent(error)
        if error.code == SendErrorCode::Interrupted);
    let settles = waits.iter().filter(|wait| **wait == SETTLE).count();
    assert_eq!(clocks.len(), if interrupted { settles } else { 0 });
    waits
}

#[test]
fn an_ambiguous_write_is_settled_looked_up_and_adopted() {
    for intent in WRITES {
        for outcome in ambiguous_outcomes() {
            let appears = |n| answer(200, if n == 0 { "nothing" } else { "there" });
            let driven = drive(a_write(intent), host(appears, |_| outcome.clone()));
            assert_eq!(
                (code(&driven), sends_of(&driven, "/w")),
                ("found", 1),
                "{outcome:?}"
            );
            assert_eq!(settle_waits(&driven, &outcome), [SETTLE]);
        }
    }
}

#[test]
fn under_look_up_then_park_an_ambiguous_write_is_never_sent_again() {
    for outcome in ambiguous_outcomes() {
        let driven = drive(
            a_write(Intent::LookUpThenPark),
            host(missing, |_| outcome.clone()),
        );
        assert_eq!(
            (code(&driven), sends_of(&driven, "/w")),
            (AMBIGUOUS, 1),
            "{outcome:?}"
        );
        assert_eq!(settle_waits(&driven, &outcome), [SETTLE]);
        let Ending::Parked(failure) = driven.completion.ending else {
            panic!("is parked");
        };
        assert_eq!(failure.look_again, Some(failure.since + HOUR));
        assert!(failure.remedy.contains("`ml-connector replay RUN`"));
    }
}

#[test]
fn whatever_keeps_the_look_up_from_an_answer_an_ambiguous_write_stays_ambiguous() {
    for (outcome, said) in [
        (answer(500, ""), "6 attempts failed"),
        (answer(400, r#"{"message": "cannot list"}"#), "cannot list"),
        (answer(401, ""), "refuses access"),
    ] {
        let fails = |n| if n == 0 { missing(0) } else { outcome.clone() };
        let driven = drive(
            a_write(Intent::LookUpThenPark),
            host(fails, |_| maybe_sent()),
        );
        assert_eq!((code(&driven), sends_of(&driven, "/w")), (AMBIGUOUS, 1));
        let Ending::Parked(failure) = driven.completion.ending else {
            panic!("is parked");
        };
        assert!(failure.message.contains(said), "{}", failure.message);
    }
}

#[test]
fn an_ambiguous_write_that_may_be_repeated_is_sent_five_times_more() {
    for intent in [Intent::LookUpThenResend, Intent::ServerDeduplicated] {
        for outcome in ambiguous_outcomes() {
            let driven = drive(a_write(intent), host(missing, |_| outcome.clone()));
            assert_eq!(
                (code(&driven), sends_of(&driven, "/w")),
                ("retries-used-up", 6),
                "{outcome:?}"
            );
            assert_looked_up(&driven);
            let waits = settle_waits(&driven, &outcome);
            let (settles, retries): (Vec<_>, Vec<_>) =
                waits.iter().partition(|wait| **wait == SETTLE);
            assert_eq!(settles.len(), 6);
            assert_back_off(&retries);
        }
    }
}

#[test]
fn a_write_that_turns_up_during_the_back_off_is_not_sent_again() {
    let appears = |n| answer(200, if n < 2 { "nothing" } else { "there" });
    let driven = drive(
        a_write(Intent::LookUpThenResend),
        host(appears, |_| maybe_sent()),
    );
    assert_eq!((code(&driven), sends_of(&driven, "/w")), ("found", 1));
}

#[test]
fn every_write_says_its_intent_and_every_look_up_is_a_read() {
    for intent in WRITES {
        let driven = drive(a_write(intent), host(missing, |_| answer(200, "id")));
        let intents: Vec<Intent> = driven
            .sends()
            .iter()
            .map(|(send, _, _)| send.intent)
            .collect();
        assert_eq!(intents, [Intent::Read, intent]);
    }
}

#[test]
fn a_write_that_is_tried_once_is_tried_once() {
    for (outcome, expected) in [
        (answer(200, "yes"), "answered"),
        (answer(500, ""), "not"),
        (maybe_sent(), "not"),
        (not_sent(), "not"),
        (answer(400, ""), "refused"),
    ] {
        let story = run(async |flow| {
            let answer = flow
                .try_once(freshbooks::get("/w".to_string()), reader)
                .await;
            let what = match answer {
                Some(Ok(_)) => "answered",
                Some(Err(_)) => "refused",
                None => "not",
            };
            Ok(note(what, String::new()))
        });
        let driven = drive(story, host(missing, |_| outcome.clone()));
        assert_eq!((code(&driven), driven.history.len()), (expected, 1));
    }
}

#[test]
fn late_looks_come_after_an_hour_and_up_to_a_week() {
    let mut now = STARTED;
    let mut looks = Vec::new();
    while let Some(look) = next_look(STARTED, now) {
        looks.push((look - STARTED) / HOUR);
        now = look;
    }
    assert_eq!(looks, [1, 6, 24, 72, 168]);
}

#[test]
fn a_write_of_an_earlier_history_is_not_forgotten() {
    for (intent, expected, writes) in [
        (Intent::LookUpThenResend, "written", 1),
        (Intent::LookUpThenPark, AMBIGUOUS, 0),
        (Intent::ServerDeduplicated, "written", 1),
    ] {
        let run = a_write_started_over(intent);
        let driven = drive(run, host(missing, |_| answer(200, "w")));
        assert_eq!(
            (code(&driven), sends_of(&driven, "/w")),
            (expected, writes),
            "{intent:?}"
        );
        assert_eq!(driven.waits(), [SETTLE]);
        assert_looked_up(&driven);
    }
}

#[test]
fn a_write_of_an_earlier_history_that_is_there_is_taken_at_once() {
    for intent in WRITES {
        let run = a_write_started_over(intent);
        let driven = drive(run, host(|_| answer(200, "there"), missing));
        assert_eq!((code(&driven), driven.waits().len()), ("found", 0));
    }
}

#[test]
fn what_stops_the_look_up_does_not_hide_a_write_of_an_earlier_history() {
    for (intent, expected) in [
        (Intent::LookUpThenResend, "look-up"),
        (Intent::LookUpThenPark, AMBIGUOUS),
    ] {
        let run = a_write_started_over(intent);
        let driven = drive(run, host(|_| answer(400, "no"), missing));
        assert_eq!(code(&driven), expected);
    }
}

/// What a naive host does: it appends the entry of a write before it sends it, and every outcome
/// after; when it stops, it opens the run again with what it has stored. It stops in the middle of
/// each of the writes that `stops_at` names, from 0, `delay` passes, and it goes on.
fn naive_host(
    intent: Intent,
    stops_at: &[usize],
    delay: Instant,
) -> (Vec<HistoryEntry>, usize, Run) {
    let make = || a_write(intent);
    let (mut history, mut now, mut records, mut writes) = (Vec::new(), STARTED, 0, 0);
    let mut run = make();
    for _ in 0..100 {
        let demand = run.demand().clone();
        now += 7;
        let (id, report) = match &demand {
            Demand::Done(_) => return (history, records, run),
            Demand::Wait(wait) => {
                now = now.max(wait.until);
                (wait.id, Report::Woken(Wake::Due))
            }
            Demand::Perform(effect) => {
                let Action::Send(send) = &effect.action else {
                    panic!("only sends: {demand:?}");
                };
                let outcome = match send.intent {
                    Intent::Read if records > 0 => answer(200, "there"),
                    Intent::Read => answer(200, "nothing"),
                    _ => {
                        writes += 1;
                        if stops_at.contains(&(writes - 1)) {
                            // The request is lost on the way, and so is the host.
                            history.push(HistoryEntry {
                                demand: demand.clone(),
                                outcome: None,
                            });
                            now += delay;
                            run = make().replayed(history.clone()).expect("opens again");
                            continue;
                        }
                        records += 1;
                        answer(200, "written")
                    }
                };
                (effect.id, Report::Sent(outcome))
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

#[test]
fn a_naive_host_that_stops_in_a_write_ends_with_one_record() {
    for stops_at in [&[][..], &[0], &[0, 1], &[0, 1, 2]] {
        for delay in [0, MINUTE, 900 * HOUR] {
            let (history, records, run) = naive_host(Intent::LookUpThenResend, stops_at, delay);
            assert_eq!(records, 1, "{stops_at:?}");
            // A hole in the middle replays to the same demands, byte for byte.
            for length in 0..=history.len() {
                let replayed = a_write(Intent::LookUpThenResend)
                    .replayed(history[..length].to_vec())
                    .expect("replays");
                let next = history
                    .get(length)
                    .map_or(run.demand(), |entry| &entry.demand);
                let is_hole = length > 0 && history[length - 1].outcome.is_none();
                assert_eq!(replayed.demand(), next, "{length}, {is_hole}");
            }
        }
    }
}

#[test]
fn after_a_late_restart_the_whole_settle_time_is_waited_out() {
    let (history, _, _) = naive_host(Intent::LookUpThenResend, &[0], 900 * HOUR);
    let hole = history
        .iter()
        .position(|entry| entry.outcome.is_none())
        .expect("stopped once");
    let [clock, settle] = &history[hole + 1..=hole + 2] else {
        panic!("two waits follow");
    };
    let waits = [clock, settle].map(|entry| match (&entry.demand, &entry.outcome) {
        (Demand::Wait(wait), Some(outcome)) => (wait.reason, wait.until, outcome.at),
        other => panic!("is no wait: {other:?}"),
    });
    let restarted = waits[0].2;
    assert!(waits[0].1 < restarted && restarted > STARTED + 900 * HOUR);
    assert_eq!(
        (waits[0].0, waits[1].0),
        (WaitReason::Settle, WaitReason::Settle)
    );
    assert_eq!(waits[1].1, restarted + 30 * MINUTE);
}

#[test]
fn an_interrupted_write_that_must_not_be_repeated_is_parked() {
    let (_, records, run) = naive_host(Intent::LookUpThenPark, &[0], HOUR);
    assert_eq!(records, 0);
    assert!(
        matches!(run.demand(), Demand::Done(Completion { ending: Ending::Parked(failure), .. })
            if failure.code == AMBIGUOUS)
    );
}
