use alloc::boxed::Box;
use alloc::string::ToString;
use alloc::vec::Vec;

use serde_json::{Value, json};

use super::world::{Fault, World, lost};
use crate::contract::http::Method;
use crate::contract::runs::{Change, Ending, Failure, StartReason, Task};
use crate::contract::types::{ObjectRef, System};
use crate::runs::tests::{Driven, answer, settings_with, task};
use crate::settings::Settings;
use crate::settings::tests::MINIMAL;

const COMPANY: &str = "7c0b6d5e-1111-4222-8333-444455556666";
const URL: &str = "https://events.example.test/hooks/concur/acme/t0ken";

fn check() -> Task {
    Task {
        object: ObjectRef {
            system: System::Concur,
            kind: "event-subscription".to_string(),
            id: "financialintegration".to_string(),
        },
        receive_url: Some(URL.to_string()),
        ..task("", "", StartReason::Schedule)
    }
}

fn world() -> World {
    let mut world = World::new();
    world.settings = settings_with(
        r#""currencies""#,
        r#""events": {"enabled": true, "subscription_id": "acme.ml-connector"}, "currencies""#,
    );
    world
}

fn kept(companies: &[&str]) -> Value {
    json!({"id": "acme.ml-connector", "filter": ".*", "topic": "public.concur.financialintegration",
           "webHookConfig": {"endpoint": URL}, "companyIds": companies})
}

fn change(driven: &Driven) -> Option<Change> {
    match &driven.completion.ending {
        Ending::Confirmed(confirmation) => {
            assert_eq!(confirmation.target.id, "acme.ml-connector");
            Some(confirmation.change)
        }
        _ => None,
    }
}

fn failure(driven: &Driven) -> &Failure {
    match &driven.completion.ending {
        Ending::Parked(failure) => failure,
        other => panic!("is parked: {other:?}"),
    }
}

#[test]
fn without_a_receiver_nothing_is_subscribed_to() {
    let mut task = check();
    task.receive_url = None;
    let driven = world().run(&task);
    assert!(
        matches!(&driven.completion.ending, Ending::Unchanged(note) if note.code == "no-receiver")
    );
    assert_eq!(driven.history.len(), 0);
}

#[test]
fn a_new_subscription_waits_for_the_company_to_be_connected() {
    let mut world = world();
    let driven = world.run(&check());
    assert_eq!(failure(&driven).code, "company-not-subscribed");
    assert_eq!(failure(&driven).reconnect, Some(System::Concur));
    assert!(
        failure(&driven)
            .remedy
            .contains("`ml-connector connect concur`")
    );
    assert_eq!(World::writes(&driven).len(), 1);
    world.subscriptions[0]["companyIds"] = json!([COMPANY.to_uppercase()]);
    let again = world.run(&check());
    assert_eq!(
        (change(&again), World::writes(&again).len()),
        (Some(Change::Checked), 0)
    );
}

#[test]
fn a_company_that_is_added_at_once_confirms_at_once() {
    let mut world = world();
    world.fault = Box::new(|send| {
        let is_read_back = send.request.method == Method::Get;
        is_read_back.then(|| Fault::Instead(answer(200, &json!([kept(&[COMPANY])]).to_string())))
    });
    world.subscriptions = Vec::new();
    assert_eq!(change(&world.run(&check())), Some(Change::Checked));
}

#[test]
fn a_subscription_that_leads_elsewhere_is_led_here() {
    for (pointer, value) in [
        ("/webHookConfig/endpoint", "https://old.example.test"),
        ("/filter", "expense.*"),
        ("/topic", "public.concur.request"),
    ] {
        let mut world = world();
        world.subscriptions = [kept(&[COMPANY])].into();
        *world.subscriptions[0]
            .pointer_mut(pointer)
            .expect("is there") = json!(value);
        let driven = world.run(&check());
        assert_eq!(change(&driven), Some(Change::Created), "{pointer}");
        assert_eq!(world.subscriptions, [kept(&[COMPANY])]);
    }
}

#[test]
fn a_topic_without_its_prefix_is_the_same() {
    let mut world = world();
    world.subscriptions = [kept(&[COMPANY])].into();
    world.subscriptions[0]["topic"] = json!("concur.financialintegration");
    assert_eq!(change(&world.run(&check())), Some(Change::Checked));
}

#[test]
fn another_company_is_not_ours() {
    let mut world = world();
    world.subscriptions = [kept(&["7c0b6d5e-1111-4222-8333-444455556667", ".*"])].into();
    let driven = world.run(&check());
    assert_eq!(failure(&driven).code, "company-not-subscribed");
}

#[test]
fn what_is_not_kept_as_it_was_sent_is_told() {
    let mut world = world();
    world.fault = Box::new(|send| {
        let is_put = send.request.method == Method::Put;
        is_put.then(|| Fault::Instead(answer(200, r#"{"message":"saved"}"#)))
    });
    let driven = world.run(&check());
    assert_eq!(failure(&driven).code, "subscription-differs");
    assert!(failure(&driven).remedy.contains("`events.subscription_id`"));
}

#[test]
fn a_lost_answer_is_looked_up() {
    let mut world = world();
    world.subscriptions = [json!({"id": "acme.ml-connector", "companyIds": [COMPANY]})].into();
    let mut is_first = true;
    world.fault = Box::new(move |send| {
        let is_lost = send.request.method == Method::Put && core::mem::take(&mut is_first);
        is_lost.then_some(Fault::Lost)
    });
    let driven = world.run(&check());
    assert_eq!(change(&driven), Some(Change::Checked));
    assert_eq!(World::writes(&driven).len(), 1);
}

#[test]
fn an_answer_that_is_lost_for_good_ends_some_time() {
    let mut world = world();
    world.fault =
        Box::new(|send| (send.request.method == Method::Put).then(|| Fault::Instead(lost())));
    assert_eq!(failure(&world.run(&check())).code, "retries-used-up");
}

#[test]
fn a_refused_subscription_is_rejected() {
    let mut world = world();
    world.fault = Box::new(|send| {
        let body = r#"{"message":"the id is taken"}"#;
        (send.request.method == Method::Put).then(|| Fault::Instead(answer(409, body)))
    });
    let driven = world.run(&check());
    assert!(
        matches!(&driven.completion.ending, Ending::Rejected(failure)
            if failure.message.contains("the id is taken"))
    );
}

#[test]
fn a_derived_id_is_well_formed_and_tells_installations_apart() {
    let id = |connection: &str, from: &str, to: &str| {
        let json = MINIMAL.replace(from, to);
        let settings = Settings::load(connection, &json).expect("is right");
        settings.subscription_id("financialintegration")
    };
    let ids = [
        id("acme", "", ""),
        id("acme-2", "", ""),
        id("acme", "7c0b", "7c0c"),
        id("acme", "cq-app", "cq-app-2"),
    ];
    for (place, one) in ids.iter().enumerate() {
        let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || ".-".contains(c);
        assert!(one.chars().all(allowed), "{one}");
        assert!(!ids[place + 1..].contains(one), "{one}");
    }
}
