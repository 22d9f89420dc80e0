//! Both sides of a flow, read and spelt alike, so that a host can compare them: reads only.
//!
//! Each flow is a module that says what to ask for and what the answers say. The comparison itself
//! knows nothing of them: it is the host's.

mod cursor;
mod expenses;
mod financial;
mod payment_requests;

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use jiff::civil::Date;

use crate::classify::Reader;
use crate::contract::http::{Request, Response};
use crate::contract::reconciliation::{Field, FieldValue, Flow, Page, Period, Reading, Side};
use crate::contract::runs::ObjectStatus;
use crate::contract::types::{Note, ObjectRef, Problem};
use crate::error_bodies::{self, Refusal, Unread};
use crate::settings::Settings;

/// The flows whose sides can be compared. See `wit/reconciliation.wit`.
#[must_use]
pub fn flows(settings: &Settings) -> Vec<Flow> {
    let flows = [
        payment_requests::flow(settings),
        expenses::flow(settings),
        financial::flow(settings),
    ];
    flows.into_iter().flatten().collect()
}

/// The read of a page of one side. See `wit/reconciliation.wit`.
///
/// ```
/// use ml_connector_component::contract::http::Method;
/// use ml_connector_component::contract::reconciliation::{Period, Side};
/// use ml_connector_component::reconciliation::{flows, list_request};
/// use ml_connector_component::settings::Settings;
///
/// # const SETTINGS: &str =
/// #     include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/settings/minimal.json"));
/// let settings = Settings::load("acme", SETTINGS).expect("is right");
/// let february = Period { from: "2026-02-01".into(), to: "2026-02-28".into() };
/// for flow in flows(&settings) {
///     for side in [Side::Source, Side::Target] {
///         let request = list_request(&settings, &flow.name, side, &february, None);
///         assert_eq!(request.expect("is known").method, Method::Get);
///     }
/// }
/// assert!(list_request(&settings, "weather", Side::Source, &february, None).is_none());
/// ```
#[must_use]
pub fn list_request(
    settings: &Settings,
    flow: &str,
    side: Side,
    period: &Period,
    cursor: Option<&str>,
) -> Option<Request> {
    match flow {
        payment_requests::NAME => payment_requests::list_request(settings, side, period, cursor),
        expenses::NAME => expenses::list_request(settings, side, period, cursor),
        financial::NAME => financial::list_request(settings, side, cursor),
        _ => None,
    }
}

/// Reads the answer to [`list_request`]. See `wit/reconciliation.wit`.
///
/// # Errors
///
/// Why it is not the list that was asked for.
pub fn read_list(
    settings: &Settings,
    flow: &str,
    side: Side,
    period: &Period,
    cursor: Option<&str>,
    answer: &Response,
) -> Result<Page, Note> {
    match flow {
        payment_requests::NAME => {
            payment_requests::read_list(settings, side, period, cursor, answer)
        }
        expenses::NAME => expenses::read_list(settings, side, period, cursor, answer),
        financial::NAME => financial::read_list(settings, period, cursor, answer),
        _ => Err(note("unknown-flow", format!("there is no flow \"{flow}\""))),
    }
}

/// Reads one record in full. See `wit/reconciliation.wit`.
#[must_use]
pub fn read_one(
    settings: &Settings,
    flow: &str,
    object: &ObjectRef,
    answers: &[Response],
    known: &[ObjectStatus],
) -> Reading {
    match flow {
        payment_requests::NAME => payment_requests::read_one(settings, object, answers, known),
        expenses::NAME => expenses::read_one(settings, object, answers, known),
        financial::NAME => financial::read_one(settings, object, answers, known),
        _ => unknown_kind(object),
    }
}

fn unknown_kind(object: &ObjectRef) -> Reading {
    let ObjectRef { kind, id, .. } = object;
    let message = format!("{kind} {id} is no record of this flow");
    Reading::Unreadable(note("unknown-kind", message))
}

/// Why an answer shows nothing.
enum Unanswered {
    /// What was asked for is not there.
    Missing,
    /// It cannot be read, or is a refusal.
    Unreadable(Note),
}

impl From<Unanswered> for Reading {
    fn from(unanswered: Unanswered) -> Self {
        match unanswered {
            Unanswered::Missing => Self::Missing,
            Unanswered::Unreadable(note) => Self::Unreadable(note),
        }
    }
}

/// What an answer says, whatever its status.
fn answered<T>(response: &Response, reader: Reader<T>) -> Result<T, Unanswered> {
    let refused = |refusal: &Refusal| match refusal.is_missing() {
        true => Unanswered::Missing,
        false => Unanswered::Unreadable(refusal_note(refusal)),
    };
    if !(200..300).contains(&response.status) {
        return Err(refused(&error_bodies::read_refusal(response)));
    }
    reader(response).map_err(|unread| match unread {
        Unread::Refused(refusal) => refused(&refusal),
        Unread::Garbled(why) => Unanswered::Unreadable(note("unreadable", why)),
    })
}

fn refusal_note(refusal: &Refusal) -> Note {
    note("refused", format!("it is refused {}", refusal.said()))
}

fn note(code: &str, message: String) -> Note {
    Note {
        code: code.to_string(),
        message,
    }
}

fn field(name: &str, value: FieldValue) -> Field {
    Field {
        name: name.to_string(),
        value,
    }
}

/// Why a record cannot be translated, by the first of its problems.
fn first_problem(problems: Vec<Problem>) -> Note {
    let first = problems.into_iter().next();
    first.map_or_else(
        || note("unreadable", "it cannot be translated".into()),
        |problem| note(&problem.code, problem.message),
    )
}

/// Why a source that is dated before the cut-over is not carried over.
fn before_cut_over(settings: &Settings, date: Option<&str>) -> Option<Note> {
    let (first_day, date) = settings.cut_over.zip(date?.parse::<Date>().ok())?;
    (date < first_day).then(|| {
        let message = format!("it is dated before the cut-over on {first_day}");
        note("before-cut-over", message)
    })
}

/// Whether a day is within the period; of a record without one nobody can say.
fn is_within(period: &Period, day: Option<&str>) -> bool {
    day.is_none_or(|day| (period.from.as_str()..=period.to.as_str()).contains(&day))
}
