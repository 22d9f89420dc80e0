//! When the next request to a system may go out.
//!
//! A failure of the remote itself closes a gate in front of that system and costs no record an
//! attempt. Two rules keep the gate steady while several requests are under way:
//!
//! - **A hold never gets shorter.** While the remote fails, the later end wins, and the reason of
//!   the hold that ends later stays with it. An answer that arrives during a hold belongs to a
//!   request that was sent before it (the host sends none meanwhile), so even a success does not
//!   end the hold, and a further failure may lengthen it but does not count: one burst is one
//!   failure.
//! - **An answer after the hold opens the gate**, whatever the answer says about its record.

use alloc::format;

use crate::contract::http::{Authorization, Response, SendError, SendErrorCode, SendOutcome};
use crate::contract::pacing::{Gate, Hold, HoldReason, Observation};
use crate::contract::types::{Duration, Instant, System};
use crate::error_bodies::read_refusal;
use crate::retry::{Policy, delay_after};

const SECOND: Duration = 1_000;
const MINUTE: Duration = 60 * SECOND;

/// Bounds of a `Retry-After`. SAP Concur has been seen to ask for 0 seconds; an hour is longer than
/// any limit that is documented.
const RETRY_AFTER_MIN: Duration = SECOND;
const RETRY_AFTER_MAX: Duration = 60 * MINUTE;

/// A gate without a usable credential is held for so long at a time. A connect opens it at once;
/// this only bounds how long one whose gate was not opened goes unnoticed.
const RECONNECT_HOLD: Duration = 10 * MINUTE;

/// A gate that lets every request through, as it is before the first failure.
pub fn initial_gate(system: System) -> Gate {
    Gate {
        system,
        hold: None,
        failures: 0,
        failing_since: None,
    }
}

/// What an outcome says about the remote; `now` is when it was reported.
///
/// - 429, or another 4xx that [says so](says_throttled): rate limited, a 429 for as long as
///   `Retry-After` says (1 s to 1 h), else 1 s doubling to 5 min.
/// - 502, 503, 504: maintenance; SAP Concur 5 min (source: concur-http-status-codes), FreshBooks 1
///   min doubling to 15 min, or as long as the `Retry-After` of a 503 says.
/// - 401, and 403 from SAP Concur: the token has expired; held until `now`, since the host
///   refreshes it at once. The application's own token leaves the gate as it is.
/// - No connection or no complete answer: unreachable, 1 s doubling to 60 s.
/// - Every other answer, also one that is too long: the remote answers.
/// - Interrupted, or withheld by the host: says nothing about the remote.
///
/// Own delays get up to a tenth of jitter.
///
/// ```
/// use ml_connector_component::contract::http::{
///     Authorization, Body, Header, Response, SendOutcome,
/// };
/// use ml_connector_component::contract::pacing::HoldReason;
/// use ml_connector_component::contract::types::System;
/// use ml_connector_component::pacing::{initial_gate, observe};
///
/// let answer = |status, retry_after: &str| SendOutcome::Response(Response {
///     status,
///     headers: vec![Header { name: "retry-after".into(), value: retry_after.into() }],
///     body: Body::Text(String::new()),
/// });
/// let gate = initial_gate(System::Freshbooks);
/// let seen = observe(gate, Authorization::Connection, &answer(429, "30"), 1_000);
/// let hold = seen.gate.hold.expect("is held");
/// assert_eq!((hold.until, hold.reason), (31_000, HoldReason::RateLimited));
/// // The first answer after the hold opens the gate.
/// let seen = observe(seen.gate, Authorization::Connection, &answer(200, ""), 31_000);
/// assert_eq!(seen.gate, gate);
/// // A refused token is for the host to refresh.
/// let seen = observe(gate, Authorization::Connection, &answer(401, ""), 1_000);
/// assert!(seen.token_refused);
/// ```
pub fn observe(
    gate: Gate,
    authorization: Authorization,
    outcome: &SendOutcome,
    now: Instant,
) -> Observation {
    let token_refused = matches!(
        outcome,
        SendOutcome::Response(response) if is_denial(gate.system, response)
    );
    let gate = match failure(gate.system, outcome) {
        _ if token_refused && authorization == Authorization::Application => gate,
        Finding::Nothing => gate,
        Finding::Answers if now < held_until(&gate) => gate,
        Finding::Answers => initial_gate(gate.system),
        Finding::Fails(failure) => hold(gate, &failure, now),
    };
    Observation {
        gate,
        token_refused,
    }
}

/// The gate of a system that the host has no usable credential for, held for ten minutes at a time.
/// An open one counts as failing from `now` on.
///
/// ```
/// use ml_connector_component::contract::types::System;
/// use ml_connector_component::pacing::{hold_for_reconnect, initial_gate};
///
/// let gate = hold_for_reconnect(initial_gate(System::Concur), 1_000);
/// assert_eq!(gate.hold.map(|hold| hold.until), Some(601_000));
/// assert_eq!((gate.failures, gate.failing_since), (1, Some(1_000)));
/// ```
#[must_use]
pub fn hold_for_reconnect(gate: Gate, now: Instant) -> Gate {
    Gate {
        hold: Some(Hold {
            until: now.saturating_add(RECONNECT_HOLD),
            reason: HoldReason::NeedsReconnect,
        }),
        failures: gate.failures.max(1),
        failing_since: gate.failing_since.or(Some(now)),
        ..gate
    }
}

/// True for a refusal that means "slow down": SAP Concur also answers 400 when a request limit was
/// exceeded or its database deadlocked (source: concur-http-status-codes), and gateways answer 403.
///
/// Goes by the words, in any order and several languages. An answer that names a field or lists
/// validation errors is about its record, whatever words it uses.
pub fn says_throttled(response: &Response) -> bool {
    matches!(response.status, 400..=499) && read_refusal(response).says_throttled()
}

/// True for a status that means that the access token is refused: 401, and from SAP Concur 403 too,
/// which it documents for expired tokens, unless it speaks of a limit. FreshBooks' 403 is about a
/// role or a read-only field, and refreshing would spend a refresh token for nothing.
pub fn is_denial(system: System, response: &Response) -> bool {
    match response.status {
        401 => true,
        403 => system == System::Concur && !says_throttled(response),
        _ => false,
    }
}

/// What an outcome says about the remote.
enum Finding {
    Nothing,
    Answers,
    Fails(Failure),
}

struct Failure {
    reason: HoldReason,
    length: HoldLength,
}

enum HoldLength {
    /// So long, whatever came before.
    Exactly(Duration),
    /// From the first to the second, doubling with each failure in a row.
    Doubling(Duration, Duration),
}

fn failure(system: System, outcome: &SendOutcome) -> Finding {
    match outcome {
        SendOutcome::Response(response) => response_finding(system, response),
        SendOutcome::NotSent(error) | SendOutcome::MaybeSent(error) => error_finding(error),
    }
}

fn response_finding(system: System, response: &Response) -> Finding {
    let (reason, length) = match response.status {
        429 => (HoldReason::RateLimited, asked_for(response)),
        503 => (HoldReason::Maintenance, asked_for(response)),
        502 | 504 => (HoldReason::Maintenance, None),
        _ if is_denial(system, response) => (HoldReason::TokenExpired, Some(0)),
        _ if says_throttled(response) => (HoldReason::RateLimited, None),
        _ => return Finding::Answers,
    };
    let length = length.map_or_else(|| own_length(system, reason), HoldLength::Exactly);
    Finding::Fails(Failure { reason, length })
}

fn own_length(system: System, reason: HoldReason) -> HoldLength {
    match (reason, system) {
        (HoldReason::Maintenance, System::Concur) => HoldLength::Doubling(5 * MINUTE, 5 * MINUTE),
        (HoldReason::Maintenance, System::Freshbooks) => HoldLength::Doubling(MINUTE, 15 * MINUTE),
        _ => HoldLength::Doubling(SECOND, 5 * MINUTE),
    }
}

fn error_finding(error: &SendError) -> Finding {
    let (reason, length) = match error.code {
        SendErrorCode::Interrupted | SendErrorCode::Withheld => return Finding::Nothing,
        SendErrorCode::AnswerTooLong => return Finding::Answers,
        SendErrorCode::Unreachable
        | SendErrorCode::Tls
        | SendErrorCode::Timeout
        | SendErrorCode::ConnectionLost => (
            HoldReason::Unreachable,
            HoldLength::Doubling(SECOND, MINUTE),
        ),
    };
    Finding::Fails(Failure { reason, length })
}

/// `Retry-After` in whole seconds; nothing where it is absent, 0, or cannot be read (only seconds
/// are documented).
fn asked_for(response: &Response) -> Option<Duration> {
    let header = response
        .headers
        .iter()
        .find(|header| header.name.eq_ignore_ascii_case("retry-after"))?;
    let seconds: u64 = header.value.trim().parse().ok()?;
    let asked = seconds.saturating_mul(SECOND);
    (seconds > 0).then(|| asked.clamp(RETRY_AFTER_MIN, RETRY_AFTER_MAX))
}

/// When the present or last hold ends; the beginning of time for none.
fn held_until(gate: &Gate) -> Instant {
    gate.hold.map_or(Instant::MIN, |hold| hold.until)
}

fn hold(gate: Gate, failure: &Failure, now: Instant) -> Gate {
    let is_of_older_request = gate.failures > 0 && now < held_until(&gate);
    let failing_since = gate
        .failing_since
        .filter(|_| gate.failures > 0)
        .unwrap_or(now);
    let failures = gate
        .failures
        .saturating_add(u32::from(!is_of_older_request));
    let until = now.saturating_add(duration(&failure.length, failures, failing_since));
    let kept = Gate {
        failures,
        failing_since: Some(failing_since),
        ..gate
    };
    // A longer hold outlasts this failure, and its reason is still the one to fix.
    if until < held_until(&gate) {
        return kept;
    }
    Gate {
        hold: Some(Hold {
            until,
            reason: failure.reason,
        }),
        ..kept
    }
}

fn duration(length: &HoldLength, failures: u32, failing_since: Instant) -> Duration {
    match *length {
        HoldLength::Exactly(duration) => duration,
        HoldLength::Doubling(delay_first, delay_max) => {
            let policy = Policy {
                retries_max: u32::MAX,
                delay_first,
                factor: 2,
                delay_max,
                jitter_permille: 100,
            };
            delay_after(policy, failures, &format!("gate {failing_since}")).unwrap_or(delay_max)
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::{String, ToString};
    use alloc::vec;
    use alloc::vec::Vec;

    use proptest::prelude::*;

    use super::{observe as observe_with, *};
    use crate::contract::http::{Body, Header};

    const NOW: Instant = 1_800_000_000_000;

    fn answer(status: u16, retry_after: Option<&str>, body: &str) -> SendOutcome {
        let headers = retry_after.map(|value| Header {
            name: "Retry-After".to_string(),
            value: value.to_string(),
        });
        SendOutcome::Response(Response {
            status,
            headers: headers.into_iter().collect(),
            body: Body::Text(body.to_string()),
        })
    }

    fn observe(gate: Gate, outcome: &SendOutcome, now: Instant) -> Gate {
        observe_with(gate, Authorization::Connection, outcome, now).gate
    }

    fn held(gate: &Gate) -> Hold {
        gate.hold.expect("is held")
    }

    fn status(status: u16) -> SendOutcome {
        answer(status, None, "")
    }

    fn error(code: SendErrorCode) -> SendError {
        SendError {
            code,
            detail: String::new(),
        }
    }

    fn first(system: System, outcome: &SendOutcome) -> (HoldReason, Duration) {
        let gate = observe(initial_gate(system), outcome, NOW);
        assert_eq!((gate.failures, gate.failing_since), (1, Some(NOW)));
        (held(&gate).reason, held(&gate).until - NOW)
    }

    /// The length of each hold when every next outcome comes as soon as the gate lets it.
    fn holds(system: System, outcome: &SendOutcome, count: usize) -> Vec<Duration> {
        let (mut gate, mut now) = (initial_gate(system), NOW);
        let mut holds = vec![];
        for _ in 0..count {
            gate = observe(gate, outcome, now);
            holds.push(held(&gate).until - now);
            now = held(&gate).until;
        }
        holds
    }

    fn assert_about(actual: &[Duration], seconds: &[u64]) {
        assert_eq!(actual.len(), seconds.len());
        for (actual, seconds) in actual.iter().zip(seconds) {
            let least = seconds * SECOND;
            assert!(
                (least..=least + least / 10).contains(actual),
                "{actual} {seconds}"
            );
        }
    }

    fn limited() -> Gate {
        observe(
            initial_gate(System::Freshbooks),
            &answer(429, Some("30"), ""),
            NOW,
        )
    }

    #[test]
    fn retry_after_is_obeyed_within_bounds() {
        for (value, seconds) in [
            ("59", 59),
            (" 1 ", 1),
            ("3600", 3600),
            ("3601", 3600),
            ("18446744073709551615", 3600),
        ] {
            for (code, reason) in [
                (429, HoldReason::RateLimited),
                (503, HoldReason::Maintenance),
            ] {
                let outcome = answer(code, Some(value), "");
                assert_eq!(first(System::Concur, &outcome), (reason, seconds * SECOND));
            }
        }
    }

    #[test]
    fn an_unusable_retry_after_leaves_the_own_back_off() {
        for value in [
            None,
            Some("0"),
            Some("-1"),
            Some("1.5"),
            Some(""),
            Some("Wed, 21 Oct 2026 07:28:00 GMT"),
        ] {
            let (reason, hold) = first(System::Concur, &answer(429, value, ""));
            assert_eq!(reason, HoldReason::RateLimited);
            assert_about(&[hold], &[1]);
        }
    }

    #[test]
    fn a_retry_after_of_0_backs_off_all_the_same() {
        let rate = holds(System::Concur, &answer(429, Some("0"), ""), 4);
        assert_about(&rate, &[1, 2, 4, 8]);
    }

    #[test]
    fn retry_after_elsewhere_means_nothing() {
        let gate = observe(
            initial_gate(System::Freshbooks),
            &answer(200, Some("59"), ""),
            NOW,
        );
        assert_eq!(gate, initial_gate(System::Freshbooks));
        let (_, hold) = first(System::Freshbooks, &answer(502, Some("9"), ""));
        assert_about(&[hold], &[60]);
    }

    #[test]
    fn back_off_doubles_up_to_its_cap() {
        let rate = holds(System::Freshbooks, &status(429), 10);
        assert_about(&rate, &[1, 2, 4, 8, 16, 32, 64, 128, 256, 300]);
        let lost = SendOutcome::MaybeSent(error(SendErrorCode::ConnectionLost));
        assert_about(
            &holds(System::Concur, &lost, 8),
            &[1, 2, 4, 8, 16, 32, 60, 60],
        );
    }

    #[test]
    fn maintenance_is_five_minutes_for_concur_and_grows_for_freshbooks() {
        for code in [502, 503, 504] {
            assert_about(&holds(System::Concur, &status(code), 3), &[300; 3]);
            let freshbooks = holds(System::Freshbooks, &status(code), 6);
            assert_about(&freshbooks, &[60, 120, 240, 480, 900, 900]);
        }
    }

    #[test]
    fn an_expired_token_holds_nothing_back() {
        for code in [401, 403] {
            let found = first(System::Concur, &status(code));
            assert_eq!(found, (HoldReason::TokenExpired, 0));
        }
    }

    #[test]
    fn a_refused_token_of_the_application_holds_nothing_at_all() {
        let gate = initial_gate(System::Concur);
        for code in [401, 403] {
            let seen = observe_with(gate, Authorization::Application, &status(code), NOW);
            assert_eq!((seen.gate, seen.token_refused), (gate, true));
            let seen = observe_with(gate, Authorization::Connection, &status(code), NOW);
            assert_eq!((seen.gate.failures, seen.token_refused), (1, true));
        }
        let seen = observe_with(gate, Authorization::Application, &status(503), NOW);
        assert_eq!((seen.gate.failures, seen.token_refused), (1, false));
    }

    #[test]
    fn a_gate_without_a_credential_is_held_for_ten_minutes_at_a_time() {
        let gate = hold_for_reconnect(initial_gate(System::Concur), NOW);
        assert_eq!(
            held(&gate),
            Hold {
                until: NOW + 10 * MINUTE,
                reason: HoldReason::NeedsReconnect
            }
        );
        assert_eq!((gate.failures, gate.failing_since), (1, Some(NOW)));
        let again = hold_for_reconnect(gate, NOW + 10 * MINUTE);
        assert_eq!(held(&again).until, NOW + 20 * MINUTE);
        assert_eq!((again.failures, again.failing_since), (1, Some(NOW)));
    }

    #[test]
    fn a_403_of_freshbooks_is_no_expired_token() {
        let gate = initial_gate(System::Freshbooks);
        assert_eq!(observe(gate, &status(403), NOW), gate);
    }

    #[test]
    fn send_errors_are_told_apart() {
        for code in [
            SendErrorCode::Unreachable,
            SendErrorCode::Tls,
            SendErrorCode::Timeout,
            SendErrorCode::ConnectionLost,
        ] {
            for outcome in [
                SendOutcome::NotSent(error(code)),
                SendOutcome::MaybeSent(error(code)),
            ] {
                assert_eq!(first(System::Concur, &outcome).0, HoldReason::Unreachable);
            }
        }
    }

    #[test]
    fn what_the_host_did_itself_says_little() {
        let interrupted = SendOutcome::MaybeSent(error(SendErrorCode::Interrupted));
        let withheld = SendOutcome::NotSent(error(SendErrorCode::Withheld));
        let long = SendOutcome::MaybeSent(error(SendErrorCode::AnswerTooLong));
        let gate = limited();
        assert_eq!(observe(gate, &interrupted, held(&gate).until), gate);
        assert_eq!(observe(gate, &withheld, held(&gate).until), gate);
        assert_eq!(
            observe(gate, &long, held(&gate).until),
            initial_gate(System::Freshbooks)
        );
    }

    #[test]
    fn every_other_answer_opens_the_gate_after_the_hold() {
        for code in [200, 204, 302, 400, 404, 409, 422, 500] {
            let gate = limited();
            assert_eq!(observe(gate, &status(code), held(&gate).until - 1), gate);
            let opened = observe(gate, &status(code), held(&gate).until);
            assert_eq!(opened, initial_gate(System::Freshbooks));
        }
    }

    #[test]
    fn a_burst_is_one_failure() {
        let mut gate = limited();
        for later in 0..20 {
            gate = observe(gate, &status(429), NOW + later);
        }
        assert_eq!(gate, limited());
    }

    #[test]
    fn the_longer_hold_keeps_its_reason() {
        let gate = limited();
        assert_eq!(
            held(&observe(gate, &status(401), NOW + 1)).reason,
            HoldReason::RateLimited
        );
        let down = observe(gate, &status(503), NOW + 1);
        assert_eq!(
            (held(&down).reason, down.failing_since),
            (HoldReason::Maintenance, Some(NOW))
        );
        assert!(held(&down).until > held(&gate).until);
    }

    #[test]
    fn throttling_is_read_from_refusals_that_are_about_nothing_else() {
        let says = |code, body: &str| match answer(code, None, body) {
            SendOutcome::Response(response) => says_throttled(&response),
            _ => false,
        };
        for body in [
            "Request Limit Exceeded",
            "a DEADLOCK occurred",
            r#"{"message":"throttled"}"#,
            r#"{"errorMessage":"limit exceeded","validationErrors":[]}"#,
            r#"{"Error":{"Message":"Number of requests exceeds the request limit"}}"#,
        ] {
            assert!(says(400, body) && says(403, body), "{body}");
            for status in [200, 401, 404, 422, 500] {
                assert!(!says(status, body), "{status} {body}");
            }
        }
        for body in [
            "",
            "limit",
            "Vendor Code is invalid",
            r#"{"errorMessage":"limit exceeded","validationErrors":[{"source":"a"}]}"#,
        ] {
            assert!(!says(400, body), "{body}");
        }
        let (reason, hold) = first(System::Concur, &answer(400, Some("50"), "limit exceeded"));
        assert_eq!(reason, HoldReason::RateLimited);
        assert_about(&[hold], &[1]);
    }

    #[test]
    fn throttling_is_read_from_bytes_and_not_without_end() {
        let response = |body: Vec<u8>| Response {
            status: 400,
            headers: vec![],
            body: Body::Bytes(body),
        };
        assert!(says_throttled(&response(b"\xffdeadlock".to_vec())));
        let mut far = vec![b' '; 100_000];
        far.extend_from_slice(b"deadlock");
        assert!(!says_throttled(&response(far)));
    }

    fn any_outcome() -> impl Strategy<Value = SendOutcome> {
        let code = prop_oneof![
            Just(SendErrorCode::Unreachable),
            Just(SendErrorCode::Timeout),
            Just(SendErrorCode::AnswerTooLong),
            Just(SendErrorCode::Interrupted),
            Just(SendErrorCode::Withheld),
        ];
        let codes =
            proptest::sample::select(vec![200, 400, 401, 403, 404, 429, 500, 502, 503, 504]);
        let after = proptest::option::of("[0-9]{1,6}|[a-z]{0,3}");
        prop_oneof![
            (codes, after).prop_map(|(code, after)| answer(code, after.as_deref(), "")),
            code.prop_map(|code| SendOutcome::NotSent(error(code))),
        ]
    }

    proptest! {
        #[test]
        fn a_hold_never_gets_shorter_and_ends(
            steps in proptest::collection::vec((any_outcome(), 0..400_000_u64), 1..60),
            concur: bool,
        ) {
            let system = if concur { System::Concur } else { System::Freshbooks };
            let (mut gate, mut now) = (initial_gate(system), NOW);
            for (outcome, passed) in steps {
                now += passed;
                let next = observe(gate, &outcome, now);
                prop_assert!(held_until(&next) >= held_until(&gate) || now >= held_until(&gate));
                prop_assert!(held_until(&next) <= now.max(held_until(&gate)) + RETRY_AFTER_MAX);
                let is_open = next.failures == 0;
                prop_assert_eq!(is_open, next == initial_gate(system));
                prop_assert_eq!(is_open, next.hold.is_none());
                prop_assert!(next.failures <= gate.failures + 1);
                prop_assert!(is_open || gate.failures == 0 || next.failing_since
                    == gate.failing_since);
                gate = next;
            }
            let last = held_until(&gate).max(now);
            prop_assert_eq!(observe(gate, &status(200), last), initial_gate(system));
        }

        #[test]
        fn never_overflows(until: u64, failures: u32, since: u64, now: u64,
            outcome in any_outcome()) {
            let hold = Some(Hold { until, reason: HoldReason::Maintenance });
            let gate = Gate { hold, failures, failing_since: Some(since), ..limited() };
            let _ = observe(hold_for_reconnect(gate, now), &outcome, now);
            let _ = observe(gate, &outcome, now);
        }
    }
}
