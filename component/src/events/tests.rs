use alloc::string::ToString;
use alloc::vec;

use proptest::prelude::*;
use serde_json::json;

use super::*;

const COMPANY: &str = "7c0b6d5e-1111-4222-8333-444455556666";

fn event(event_type: &str) -> Value {
    json!({
        "id": "1f0c2d74-5e55-4f0d-9a53-6b6a2c0f7d10",
        "correlationId": "5d0e0a6b3f6b4a3c9a0f0f1b2c3d4e5f",
        "eventType": event_type,
        "topic": "public.concur.financialintegration",
        "subtopic": "p0600001abcd",
        "timeStamp": "2026-03-02T09:41:07.120+0000",
        "route": "stable",
        "data": null,
        "facts": {
            "companyId": COMPANY,
            "documentId": "4B1F0A9C77D24E0E8E21",
            "entityId": "p0600001abcd",
            "href": "https://us2.api.concursolutions.com/financialintegration/fi/v4/companies"
        }
    })
}

fn with(changes: &[(&str, Value)]) -> Value {
    let mut event = event("invoice.readyForIntegration");
    for (pointer, value) in changes {
        let (parent, member) = pointer.rsplit_once('/').expect("a pointer");
        event.pointer_mut(parent).expect("is there")[member] = value.clone();
    }
    event
}

fn queue_of(event: &Value) -> Option<String> {
    match read(&event.to_string(), COMPANY) {
        Event::Hint(hint) => {
            assert_eq!(hint.object.system, System::Concur);
            assert_eq!(hint.object.kind, "financial-queue");
            Some(hint.object.id)
        }
        _ => None,
    }
}

fn code(body: &str) -> Option<String> {
    match read(body, COMPANY) {
        Event::Unreadable(note) => {
            assert!(note.message.ends_with('.'), "{}", note.message);
            Some(note.code)
        }
        _ => None,
    }
}

#[test]
fn what_is_ready_makes_its_queue_be_looked_at() {
    for (event_type, queue) in [
        ("expense.readyForIntegration", "expense"),
        ("invoice.readyForIntegration", "invoice"),
        ("cashadvance.readyForIntegration", "cash-advance"),
        ("cashAdvance.readyForIntegration", "cash-advance"),
        ("payroll.readyForIntegration", "payroll"),
    ] {
        let found = queue_of(&event(event_type));
        assert_eq!(found.as_deref(), Some(queue), "{event_type}");
    }
}

#[test]
fn an_event_has_its_own_name() {
    let Event::Hint(hint) = read(&with(&[]).to_string(), COMPANY) else {
        panic!("is a hint");
    };
    assert_eq!(hint.name.id, "1f0c2d74-5e55-4f0d-9a53-6b6a2c0f7d10");
    assert_eq!(hint.name.event_type, "invoice.readyForIntegration");
}

#[test]
fn other_types_are_ignored_and_named() {
    for event_type in [
        "requestObligation.readyForIntegration",
        "reportObligation.readyForIntegration",
        "statusChanged",
        "statusChange.APPROVED",
        "invoice.readyForIntegration.v2",
        "invoice",
        "invoice.paid",
    ] {
        let read = read(&event(event_type).to_string(), COMPANY);
        assert!(
            matches!(&read, Event::Ignored(name) if name.event_type == event_type),
            "{read:?}"
        );
    }
}

#[test]
fn every_divergence_of_the_documentation_is_let_pass() {
    let facts = event("x")["facts"].to_string();
    for changes in [
        vec![("/id", json!("created-1f0c2d74-5e55-4f0d-9a53-zzzz-2"))],
        vec![("/id", json!(41))],
        vec![("/correlationId", json!("S4P_free text"))],
        vec![("/timeStamp", json!("2026-03-02T09:41:07.12Z"))],
        vec![("/timeStamp", json!("2026-03-02T09:41:07.120+0000"))],
        vec![("/timeStamp", Value::Null)],
        vec![("/topic", json!("concur.financialintegration"))],
        vec![("/topic", Value::Null)],
        vec![("/subTopic", json!("do not use")), ("/route", Value::Null)],
        vec![("/data", json!("")), ("/groups", Value::Null)],
        vec![("/scopes", json!([])), ("/somethingNew", json!({"a": [1]}))],
        vec![("/facts/success", json!("false"))],
        vec![("/facts/href", json!("https:/malformed"))],
        vec![("/facts", json!(facts))],
        vec![("/facts/companyId", json!(COMPANY.to_uppercase()))],
    ] {
        let found = queue_of(&with(&changes));
        assert_eq!(found.as_deref(), Some("invoice"), "{changes:?}");
    }
    let inside_a_string = json!(with(&[]).to_string());
    assert_eq!(queue_of(&inside_a_string).as_deref(), Some("invoice"));
}

#[test]
fn an_event_of_another_company_leads_to_nothing() {
    let other = json!("7c0b6d5e-1111-4222-8333-444455556667");
    for company in [other.clone(), Value::Null, json!(""), json!(3)] {
        let event = with(&[("/facts/companyId", company)]);
        assert_eq!(code(&event.to_string()).as_deref(), Some("other-company"));
    }
    let event = with(&[("/facts", Value::Null)]);
    assert_eq!(code(&event.to_string()).as_deref(), Some("other-company"));
    let ignored = with(&[
        ("/facts/companyId", other),
        ("/eventType", json!("statusChanged")),
    ]);
    assert_eq!(code(&ignored.to_string()).as_deref(), Some("other-company"));
}

#[test]
fn an_ignored_event_need_not_name_a_company() {
    let event = with(&[
        ("/facts", Value::Null),
        ("/eventType", json!("IdentityProfileCreated")),
    ]);
    assert!(matches!(
        read(&event.to_string(), COMPANY),
        Event::Ignored(_)
    ));
}

#[test]
fn without_a_company_in_the_settings_nothing_is_ours() {
    let event = with(&[("/facts/companyId", json!(""))]);
    assert!(matches!(read(&event.to_string(), ""), Event::Unreadable(_)));
}

#[test]
fn what_cannot_be_read_says_so() {
    for body in ["", "{", "[]", "3", "null", "\"{\"", "<event/>"] {
        assert_eq!(code(body).as_deref(), Some("not-json"), "{body}");
    }
    for id in [Value::Null, json!(""), json!("x".repeat(201)), json!({})] {
        let event = with(&[("/id", id)]);
        assert_eq!(code(&event.to_string()).as_deref(), Some("no-event-id"));
    }
    let event = with(&[("/eventType", Value::Null)]);
    assert_eq!(code(&event.to_string()).as_deref(), Some("no-event-type"));
}

proptest! {
    #[test]
    fn no_text_is_a_danger(body in ".{0,200}") {
        let _ = read(&body, COMPANY);
    }

    #[test]
    fn an_id_of_any_form_is_kept_as_it_is(id in "[!-~]{1,200}") {
        let event = with(&[("/id", json!(id))]);
        let Event::Hint(hint) = read(&event.to_string(), COMPANY) else {
            panic!("is a hint");
        };
        prop_assert_eq!(hint.name.id, id.to_string());
    }
}
