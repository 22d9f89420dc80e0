use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;

use serde_json::json;

use super::world::{Fault, World};
use crate::contract::http::Method;
use crate::contract::runs::{Change, Demand, Ending, StartReason, Task, WaitReason};
use crate::runs::tests::{Driven, answer, object, task};

const URL: &str = "https://sync.example.test/hooks/acme";
/// As long as a host makes it.
const SECRET: &str = "0123456789abcdef0123456789abcdef";
const RESEND: &str = r#"{"callback":{"resend":true}}"#;
const REGISTER: &str =
    r#"{"callback":{"event":"invoice","uri":"https://sync.example.test/hooks/acme"}}"#;
const CONFIRM: &str = r#"{"callback":{"verifier":"<verifier:2001>"}}"#;

fn check() -> Task {
    task("callback", "invoice", StartReason::Schedule)
}

fn registered(id: u64, verified: bool) -> serde_json::Value {
    json!({"callbackid": id, "event": "invoice", "uri": URL, "verified": verified})
}

fn change(driven: &Driven) -> Option<Change> {
    match &driven.completion.ending {
        Ending::Confirmed(confirmation) => Some(confirmation.change),
        _ => None,
    }
}

fn held(world: &World) -> Option<String> {
    world
        .link(&object("callback", "invoice"))
        .map(|link| link.target.id)
}

#[test]
fn without_a_receiver_nothing_is_registered() {
    let mut task = check();
    task.receive_url = None;
    let driven = World::new().run(&task);
    assert!(
        matches!(&driven.completion.ending, Ending::Unchanged(note) if note.code == "no-receiver")
    );
    assert_eq!(driven.history.len(), 0);
}

#[test]
fn a_registration_is_made_verified_and_then_only_checked() {
    let mut world = World::new();
    let driven = world.run(&check());
    assert_eq!(
        (change(&driven), held(&world).as_deref()),
        (Some(Change::Created), Some("2001"))
    );
    assert_eq!(World::writes(&driven), [REGISTER, CONFIRM]);
    assert!(driven.waits().is_empty(), "it was there already");
    assert_eq!(world.trusted, ["2001"]);
    let again = world.run(&check());
    assert_eq!(
        (change(&again), World::writes(&again).len()),
        (Some(Change::Checked), 0)
    );
}

#[test]
fn others_registrations_are_left_alone() {
    let mut world = World::new();
    world.callbacks = vec![
        json!({"callbackid": 1, "event": "bill", "uri": URL, "verified": true}),
        json!({"callbackid": 2, "event": "invoice", "uri": "https://other.example.test",
            "verified": true}),
        json!({"callbackid": 3, "event": "invoice.create", "uri": URL, "verified": true}),
    ];
    assert_eq!(change(&world.run(&check())), Some(Change::Created));
    assert_eq!(held(&world).as_deref(), Some("2004"));
}

#[test]
fn a_handshake_that_was_missed_is_asked_for_again() {
    let mut world = World::new();
    let mut confirms = 0;
    world.fault = Box::new(move |send| {
        confirms += u32::from(send.request.method == Method::Put);
        (confirms == 1).then_some(Fault::Lost)
    });
    let driven = world.run(&check());
    assert_eq!(change(&driven), Some(Change::Created));
    assert_eq!(
        World::writes(&driven),
        [REGISTER, CONFIRM, CONFIRM, RESEND, CONFIRM],
        "the second one is withheld"
    );
    assert!(matches!(
        driven.waits()[..],
        [(WaitReason::Handshake, 1..=60_000)]
    ));
}

#[test]
fn a_disabled_registration_is_enabled_again_at_once() {
    let mut world = World::new();
    world.run(&check());
    world.callbacks[0]["verified"] = json!(false);
    world.handshake = None;
    let driven = world.run(&check());
    assert_eq!(change(&driven), Some(Change::Created));
    assert_eq!(World::writes(&driven), [RESEND, CONFIRM]);
    assert_eq!(world.trusted, ["2001", "2001"]);
}

#[test]
fn a_registration_without_a_verifier_that_we_hold_is_verified_again() {
    let mut world = World::new();
    world.callbacks = vec![registered(2_001, true)];
    let driven = world.run(&check());
    assert_eq!(World::writes(&driven), [RESEND, CONFIRM]);
    assert_eq!(held(&world).as_deref(), Some("2001"));
}

#[test]
fn of_two_registrations_the_verified_one_is_ours() {
    for callbacks in [
        vec![registered(2_001, false), registered(2_002, true)],
        vec![registered(2_002, true), registered(2_001, false)],
    ] {
        let mut world = World::new();
        world.callbacks = callbacks;
        world.linked(&object("callback", "invoice"), "callback", "2002", "");
        assert_eq!(change(&world.run(&check())), Some(Change::Checked));
    }
}

#[test]
fn a_handshake_that_never_comes_parks_and_names_the_setting() {
    let mut world = World::new();
    world.reachable = false;
    let driven = world.run(&check());
    let Ending::Parked(failure) = &driven.completion.ending else {
        panic!("is parked");
    };
    assert_eq!(failure.code, "handshake-missing");
    assert!(failure.remedy.contains("`receiver.public_url`"));
    assert!(!failure.message.contains(URL), "{}", failure.message);
    let resends = World::writes(&driven)
        .into_iter()
        .filter(|body| body == RESEND);
    assert_eq!((resends.count(), driven.waits().len()), (4, 5));
    assert_eq!((held(&world), world.trusted), (None, Vec::<String>::new()));
}

#[test]
fn verifiers_of_strangers_lead_to_the_next_until_freshbooks_confirms_one() {
    for strangers in [1, 7, 250] {
        let mut world = World::new();
        world.strangers = strangers;
        let driven = world.run(&check());
        assert_eq!(change(&driven), Some(Change::Created));
        assert_eq!(World::writes(&driven).len(), 1 + strangers + 1);
        assert_eq!(world.trusted, ["2001"]);
    }
}

#[test]
fn strangers_cannot_have_requests_sent_for_ever() {
    let mut world = World::new();
    world.strangers = usize::MAX;
    let driven = world.run(&check());
    let Ending::Parked(failure) = &driven.completion.ending else {
        panic!("is parked");
    };
    assert_eq!(failure.code, "handshake-missing");
    assert!(
        failure.message.contains("300 others") && failure.message.contains("somebody else"),
        "{}",
        failure.message
    );
    assert_eq!(World::writes(&driven).len(), 1 + 300);
    assert_eq!((held(&world), world.trusted), (None, Vec::<String>::new()));
}

#[test]
fn no_message_shows_the_address() {
    let url = format!("https://sync.example.test/hooks/freshbooks/acme/{SECRET}");
    let mut task = check();
    task.receive_url = Some(url.clone());
    let mut world = World::new();
    world.reachable = false;
    let unreachable = world.run(&task);
    let mut world = World::new();
    world.fault = Box::new(move |send| {
        let escaped = url.replace('/', r"\/");
        let body = format!(r#"{{"errno":422,"message":"{url}","details":["{escaped}"]}}"#);
        (send.request.method == Method::Post).then(|| Fault::Instead(answer(400, &body)))
    });
    let refused = world.run(&task);
    for driven in [unreachable, refused] {
        let waits = driven.history.iter().map(|entry| match &entry.demand {
            Demand::Wait(wait) => wait.message.as_str(),
            _ => "",
        });
        let (Ending::Parked(failure) | Ending::Rejected(failure)) = &driven.completion.ending
        else {
            panic!("has failed");
        };
        let mut shown = waits.chain([failure.message.as_str(), &failure.remedy]);
        assert!(
            shown.all(|message| !message.contains(SECRET)),
            "{failure:?}"
        );
    }
}

#[test]
fn a_verifier_that_the_host_lost_is_asked_for_again() {
    let mut world = World::new();
    world.verifiers_lost = 1;
    let driven = world.run(&check());
    assert_eq!(change(&driven), Some(Change::Created));
    assert!(World::writes(&driven).contains(&RESEND.to_string()));
    assert_eq!(world.trusted, ["2001"]);
    let mut world = World::new();
    world.verifiers_lost = usize::MAX;
    let driven = world.run(&check());
    assert!(matches!(&driven.completion.ending, Ending::Parked(failure)
            if failure.code == "handshake-missing"));
    assert_eq!(held(&world), None);
}

#[test]
fn a_lost_registration_is_found_and_not_made_twice() {
    let mut world = World::new();
    world.fault = Box::new(|send| (send.request.method == Method::Post).then_some(Fault::Lost));
    assert_eq!(change(&world.run(&check())), Some(Change::Created));
    assert_eq!(world.callbacks.len(), 1);
}

#[test]
fn ours_is_found_on_a_later_page() {
    let mut world = World::new();
    world.linked(&object("callback", "invoice"), "callback", "9", "");
    world.fault = Box::new(|send| {
        let is_second = send.request.path_with_query.contains("&page=2&");
        let rows = if is_second {
            vec![registered(9, true)]
        } else {
            vec![]
        };
        let body = json!({"response": {"result": {"callbacks": rows, "pages": 2}}});
        Some(Fault::Instead(answer(200, &body.to_string())))
    });
    let driven = world.run(&check());
    assert_eq!(
        (change(&driven), driven.sends().len()),
        (Some(Change::Checked), 2)
    );
}

#[test]
fn a_refused_registration_is_rejected() {
    let mut world = World::new();
    world.fault = Box::new(|send| {
        let body = r#"{"errno":422,"message":"m","details":["uri: not a valid URL"]}"#;
        (send.request.method == Method::Post).then(|| Fault::Instead(answer(400, body)))
    });
    let driven = world.run(&check());
    assert!(
        matches!(&driven.completion.ending, Ending::Rejected(failure)
            if failure.message.contains("not a valid URL"))
    );
}
