use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde_json::{Value, json};

use super::world::{Fault, World};
use crate::contract::http::Method;
use crate::contract::runs::{
    Change, Ending, EndingKind, Failure, LastEnding, Link, ObjectStatus, StartReason, Task,
    WaitReason,
};
use crate::contract::types::ObjectRef;
use crate::runs::tests::{Driven, STARTED, answer, object, settings_with, task, unknown};

const HOUR: u64 = 3_600_000;
const PROJECT: &str = "5512";

fn shown(world: &mut World, id: u32, project: Option<&str>) {
    let money = |amount: &str| json!({"amount": amount, "code": "CAD"});
    let invoice = json!({"id": id, "invoice_number": format!("N{id}"), "vis_state": 0, "status": 2,
        "updated": "2026-02-27 09:12:44", "customerid": 41, "organization": "Northwind",
        "country": "Canada", "create_date": "2026-02-27", "currency_code": "CAD",
        "amount": money("100.00"),
        "lines": [{"name": "N", "qty": "1", "unit_cost": money("100.00"),
            "amount": money("100.00"), "modern_project_id": project}]});
    let path = format!("/accounting/account/zQ7pLm/invoices/invoices/{id}");
    world.freshbooks.insert(path, json!({"invoice": invoice}));
}

/// Invoices 7 and 8 of one client, whose forms nobody has used.
fn world(project: Option<&str>) -> World {
    let mut world = World::new();
    world.new_forms = true;
    shown(&mut world, 7, project);
    shown(&mut world, 8, project);
    world.linked(&object("client", "41"), "vendor", "FB-C41|MAIN", "");
    world
}

fn notice(id: &str) -> Task {
    task("invoice", id, StartReason::Notice)
}

fn run(world: &mut World, id: &str) -> Driven {
    let driven = world.run(&notice(id));
    let own = object("invoice", id);
    let last = LastEnding {
        kind: EndingKind::Parked,
        code: Some(code(&driven).to_string()),
        message: String::new(),
        version: None,
        since: None,
    };
    let status = world.status(&own);
    world.keep(ObjectStatus {
        active: false,
        last: Some(last),
        ..status
    });
    driven
}

fn failure(driven: &Driven) -> &Failure {
    match &driven.completion.ending {
        Ending::Parked(failure) => failure,
        other => panic!("is not parked: {other:?}"),
    }
}

fn code(driven: &Driven) -> &str {
    match &driven.completion.ending {
        Ending::Confirmed(confirmation) => match confirmation.change {
            Change::Created => "created",
            Change::Adopted => "adopted",
            _ => "updated",
        },
        Ending::Unchanged(note) => &note.code,
        _ => &failure(driven).code,
    }
}

fn link(world: &World, id: &str) -> Option<Link> {
    world.link(&object("invoice", id))
}

#[test]
fn the_first_of_a_form_is_read_back_and_the_next_follows() {
    let mut world = world(Some(PROJECT));
    let first = run(&mut world, "7");
    assert_eq!(code(&first), "created");
    assert_eq!(first.waits(), [(WaitReason::Dependency, HOUR)]);
    let second = run(&mut world, "8");
    assert_eq!((code(&second), second.waits().len()), ("created", 0));
    // Without a cost code it is another form.
    shown(&mut world, 9, None);
    let third = run(&mut world, "9");
    assert_eq!((code(&third), third.waits().len()), ("created", 1));
}

#[test]
fn what_does_not_come_back_is_linked_and_not_confirmed_and_stops_the_next() {
    for (dropped, said, setting) in [
        (
            "Custom24",
            "the marker in Custom24",
            "`payment_request.marker_field`",
        ),
        (
            "Custom1",
            "\"PRJ_A\" in Custom1",
            "`payment_request.cost_code_field`",
        ),
    ] {
        let mut world = world(Some(PROJECT));
        world.dropped = [dropped].into();
        let first = run(&mut world, "7");
        assert_eq!(code(&first), "not-shown");
        let stop = failure(&first);
        assert!(
            stop.message.contains("P1") && stop.message.contains(said),
            "{}",
            stop.message
        );
        assert!(stop.remedy.contains(setting), "{}", stop.remedy);
        let kept = link(&world, "7").expect("is linked");
        assert_eq!((kept.target.id.as_str(), kept.content_hash), ("P1", None));
        let second = run(&mut world, "8");
        assert_eq!(
            (code(&second), World::writes(&second).len()),
            ("form-unseen", 0)
        );
        let stop = failure(&second);
        assert!(stop.message.contains("P1 of invoice 7"));
        assert_eq!(stop.look_again, Some(stop.since + HOUR));
        // It is changed, not made again, and then the next one follows.
        world.dropped.clear();
        assert_eq!(code(&run(&mut world, "7")), "updated");
        assert!(link(&world, "7").expect("is linked").content_hash.is_some());
        assert_eq!(code(&run(&mut world, "8")), "created");
        assert_eq!(world.requests.len(), 2);
    }
}

#[test]
fn other_fields_make_another_form() {
    let mut world = world(Some(PROJECT));
    world.dropped = ["Custom1"].into();
    assert_eq!(code(&run(&mut world, "7")), "not-shown");
    world.settings = settings_with(
        r#""employee_login_id""#,
        r#""cost_code_field": "Custom01", "employee_login_id""#,
    );
    assert_eq!(code(&run(&mut world, "8")), "created");
    assert_eq!(code(&run(&mut world, "7")), "updated");
}

#[test]
fn what_is_shown_late_is_waited_for() {
    let mut world = world(None);
    let mut reads = 0;
    world.fault = Box::new(move |send| {
        let is_read = send.request.path_with_query.ends_with("/P1");
        reads += u32::from(is_read);
        let bare = answer(200, r#"{"ID": "P1"}"#);
        (is_read && reads < 3).then_some(Fault::Instead(bare))
    });
    let driven = run(&mut world, "7");
    let waits: Vec<u64> = driven.waits()[1..].iter().map(|(_, wait)| *wait).collect();
    assert_eq!((code(&driven), waits), ("created", [2_000, 15_000].into()));
}

#[test]
fn what_cannot_be_read_is_not_made_again() {
    let mut world = world(None);
    world.fault = Box::new(|send| {
        let is_read = send.request.path_with_query.ends_with("/P1");
        let is_list = send.request.path_with_query.contains("digests");
        let nothing = answer(200, r#"{"PaymentRequestDigest": []}"#);
        match (is_read, is_list) {
            (true, _) => Some(Fault::Instead(answer(404, ""))),
            (_, true) => Some(Fault::Instead(nothing)),
            _ => None,
        }
    });
    assert_eq!(code(&run(&mut world, "7")), "not-shown");
    let again = world.run(&task("invoice", "7", StartReason::Replay));
    assert_eq!(
        (code(&again), World::writes(&again).len()),
        ("not-shown", 0)
    );
    world.fault = Box::new(|_| None);
    assert_eq!(code(&run(&mut world, "7")), "updated");
    assert_eq!(world.requests.len(), 1);
}

#[test]
fn a_refused_read_back_leaves_a_link() {
    let mut world = world(None);
    world.fault = Box::new(|send| {
        let is_read = send.request.path_with_query.ends_with("/P1");
        is_read.then(|| Fault::Instead(answer(422, r#"{"Message": "no"}"#)))
    });
    let driven = world.run(&notice("7"));
    assert!(!matches!(driven.completion.ending, Ending::Confirmed(_)));
    assert_eq!(link(&world, "7").expect("is linked").content_hash, None);
}

#[test]
fn one_that_is_there_is_not_called_ambiguous() {
    let mut world = world(Some(PROJECT));
    run(&mut world, "7");
    world
        .statuses
        .retain(|status| status.object.kind != "invoice");
    world.requests[0]["LineItems"] = Value::Null;
    let started_over = Task {
        unknown_since: Some(STARTED - HOUR),
        ..notice("7")
    };
    assert_eq!(code(&world.run(&started_over)), "not-shown");
}

#[test]
fn a_marker_that_no_longer_comes_back_stops_the_next_one_too() {
    let mut world = world(None);
    run(&mut world, "7");
    world.dropped = ["Custom24"].into();
    assert_eq!(code(&run(&mut world, "8")), "not-shown");
    shown(&mut world, 9, None);
    assert_eq!(code(&run(&mut world, "9")), "form-unseen");
}

#[test]
fn one_cost_code_that_is_dropped_stops_its_own_document_only() {
    let mut world = world(Some(PROJECT));
    run(&mut world, "7");
    world.dropped = ["Custom1"].into();
    assert_eq!(code(&run(&mut world, "8")), "not-shown");
    world.dropped.clear();
    shown(&mut world, 9, Some(PROJECT));
    assert_eq!(code(&run(&mut world, "9")), "created");
}

/// A form whose first place was claimed by one invoice and is another's.
fn claimed(holder_is_active: bool) -> (World, ObjectRef) {
    let mut world = world(None);
    let form = ObjectRef::concur("payment-request-form", "f");
    let claim = ObjectRef::concur("payment-request-form", "f/claim");
    for (source, target) in [(&form, "7"), (&claim, "8")] {
        let link = Link {
            source: source.clone(),
            target: object("invoice", target),
            version: None,
            content_hash: None,
        };
        world.keep(ObjectStatus {
            link: Some(link),
            ..unknown(source)
        });
    }
    world.keep(ObjectStatus {
        active: holder_is_active,
        ..unknown(&object("invoice", "7"))
    });
    (world, form)
}

#[test]
fn a_first_place_is_taken_from_nobody_who_is_at_work() {
    for (is_active, expected) in [(true, "7"), (false, "8")] {
        let (mut world, form) = claimed(is_active);
        let task = Task {
            object: form.clone(),
            ..notice("7")
        };
        world.run(&task);
        assert_eq!(world.link(&form).expect("is linked").target.id, expected);
    }
}

#[test]
fn a_form_that_nothing_claims_is_left_alone() {
    let mut world = world(None);
    let form = ObjectRef::concur("payment-request-form", "f");
    let task = Task {
        object: form.clone(),
        ..notice("7")
    };
    assert_eq!(code(&world.run(&task)), "not-there");
    assert_eq!(world.link(&form), None);
}

#[test]
fn documents_that_are_refused_one_after_another_do_not_wait_for_ever() {
    let mut world = world(None);
    world.fault = Box::new(|send| {
        let is_create = send.request.method == Method::Post;
        is_create.then(|| Fault::Instead(answer(400, r#"{"Message": "no"}"#)))
    });
    let driven = world.run(&notice("7"));
    assert!(matches!(driven.completion.ending, Ending::Rejected(_)));
    world.keep(unknown(&object("invoice", "7")));
    world.fault = Box::new(|_| None);
    assert_eq!(code(&run(&mut world, "8")), "created");
}
