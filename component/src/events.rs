//! SAP Concur's events: what one says, read tolerantly.
//!
//! The documentation contradicts itself in its samples, so that only what is needed is looked at:
//! ids that are no UUIDs, time stamps in two forms, topics with and without `public.`, booleans as
//! text, JSON inside of strings, nulls and unknown members are all let pass. The type of an event,
//! and not its topic, says what it is about
//! (source: concur-event-subscription, concur-event-topics).

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::{String, ToString};

use serde_json::{Map, Value};

use crate::contract::events::{Event, EventName, Hint};
use crate::contract::types::{Note, ObjectRef, System};

/// The kind of a queue of financial documents. Its ids are `expense`, `invoice`, `cash-advance` and
/// `payroll`.
pub const QUEUE_KIND: &str = "financial-queue";

/// The longest id and type of an event in bytes: the documented ones are UUIDs and short names, and
/// both are stored.
const NAME_BYTES_MAX: usize = 200;

/// What the types of events that announce a financial document begin with, and the queues that they
/// are about (source: concur-ready-for-integration-event). Obligations are not carried over.
const QUEUES: [(&str, &str); 4] = [
    ("expense", "expense"),
    ("invoice", "invoice"),
    ("cashadvance", "cash-advance"),
    ("payroll", "payroll"),
];

const READY: &str = "readyForIntegration";

/// Reads an event from its body. See `wit/events.wit`.
///
/// ```
/// use ml_connector_component::contract::events::Event;
/// use ml_connector_component::events::read;
///
/// let company = "7c0b6d5e-1111-4222-8333-444455556666";
/// let body = format!(
///     r#"{{"id": "1", "eventType": "expense.readyForIntegration",
///         "facts": {{"companyId": "{company}"}}}}"#
/// );
/// let Event::Hint(hint) = read(&body, company) else {
///     panic!("is a reason to look");
/// };
/// let object = hint.object;
/// assert_eq!((object.kind.as_str(), object.id.as_str()), ("financial-queue", "expense"));
/// // An event of another company leads to nothing here.
/// let Event::Unreadable(note) = read(&body, "another") else {
///     panic!("is of another company");
/// };
/// assert_eq!(note.code, "other-company");
/// ```
#[must_use]
pub fn read(body: &str, company_id: &str) -> Event {
    read_event(body, company_id).unwrap_or_else(Event::Unreadable)
}

fn read_event(body: &str, company_id: &str) -> Result<Event, Note> {
    let event = object(Value::String(body.to_owned())).ok_or_else(not_json)?;
    let name = EventName {
        id: named(&event, "id").ok_or_else(|| nameless("no-event-id", "id"))?,
        event_type: named(&event, "eventType")
            .ok_or_else(|| nameless("no-event-type", "eventType"))?,
    };
    let company = company(event);
    match queue(&name.event_type) {
        Some(queue) if is_same(&company, company_id) => Ok(Event::Hint(Hint {
            name,
            object: queue_object(queue),
        })),
        None if company.is_empty() || is_same(&company, company_id) => Ok(Event::Ignored(name)),
        _ => Err(other_company(&name, &company)),
    }
}

/// A JSON object, also one that is written down inside of a string.
fn object(value: Value) -> Option<Map<String, Value>> {
    // Samples wrap JSON in a string once; the bound ends a text that is nothing but wrappings.
    const STRINGS_MAX: usize = 3;
    let mut value = value;
    for _ in 0..STRINGS_MAX {
        match value {
            Value::Object(members) => return Some(members),
            Value::String(text) => value = serde_json::from_str(&text).ok()?,
            _ => return None,
        }
    }
    match value {
        Value::Object(members) => Some(members),
        _ => None,
    }
}

fn named(event: &Map<String, Value>, member: &str) -> Option<String> {
    let text = match event.get(member)? {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    (1..=NAME_BYTES_MAX).contains(&text.len()).then_some(text)
}

/// The company that the facts name; empty where they name none.
fn company(mut event: Map<String, Value>) -> String {
    let facts = event.remove("facts").and_then(object).unwrap_or_default();
    match facts.get("companyId") {
        Some(Value::String(company)) => company.trim().to_owned(),
        _ => String::new(),
    }
}

/// UUIDs are equal in either case.
fn is_same(company: &str, company_id: &str) -> bool {
    !company.is_empty() && company.eq_ignore_ascii_case(company_id.trim())
}

fn queue(event_type: &str) -> Option<&'static str> {
    let (document, what) = event_type.split_once('.')?;
    let known = QUEUES
        .into_iter()
        .find(|(name, _)| name.eq_ignore_ascii_case(document));
    known
        .filter(|_| what.eq_ignore_ascii_case(READY))
        .map(|(_, queue)| queue)
}

fn queue_object(queue: &str) -> ObjectRef {
    ObjectRef {
        system: System::Concur,
        kind: QUEUE_KIND.to_string(),
        id: queue.to_string(),
    }
}

fn not_json() -> Note {
    note(
        "not-json",
        "The event is not a JSON object; the next check of the queues finds what it was about."
            .to_owned(),
    )
}

fn nameless(code: &str, member: &str) -> Note {
    note(
        code,
        format!(
            "The event has no usable member `{member}` (1 to {NAME_BYTES_MAX} bytes); the next \
             check of the queues finds what it was about."
        ),
    )
}

fn other_company(name: &EventName, company: &str) -> Note {
    let shown: String = company.chars().take(NAME_BYTES_MAX).collect();
    note(
        "other-company",
        format!(
            "The event {:?} names the company {shown:?}, which is not that of the setting \
             `concur.company_id`.",
            name.id
        ),
    )
}

fn note(code: &str, message: String) -> Note {
    Note {
        code: code.to_owned(),
        message,
    }
}

#[cfg(test)]
mod tests;
