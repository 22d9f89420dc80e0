use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;

use serde_json::{Value, json};

use super::world::{Fault, Faults, World, lost, parked};
use crate::contract::http::Method;
use crate::contract::runs::{
    Change, Ending, EndingKind, Failure, Intent, ObjectStatus, StartReason, Task, WaitReason,
};
use crate::contract::types::ObjectRef;
use crate::marker;
use crate::runs::tests::{Driven, STARTED, answer, object, settings_with, task, unknown};

const HOUR: u64 = 3_600_000;
const PATH: &str = "/accounting/account/zQ7pLm/invoices/invoices/7";

fn invoice() -> Value {
    let money = |amount: &str| json!({"amount": amount, "code": "CAD"});
    json!({"id": 7, "invoice_number": "2093", "updated": "2026-02-27 09:12:44", "vis_state": 0,
           "status": 2,
           "customerid": 41, "organization": "Northwind", "country": "Canada",
               "create_date": "2026-02-27",
           "currency_code": "CAD", "amount": money("113.00"),
           "lines": [{"name": "N", "qty": "1", "unit_cost": money("100.00"),
               "amount": money("100.00"),
                      "taxName1": "HST", "taxAmount1": "13"}]})
}

pub(super) fn own() -> ObjectRef {
    object("invoice", "7")
}

pub(super) fn client() -> ObjectRef {
    object("client", "41")
}

pub(super) fn notice() -> Task {
    task("invoice", "7", StartReason::Notice)
}

pub(super) fn shown(world: &mut World, invoice: Value) {
    world
        .freshbooks
        .insert(PATH.to_string(), json!({"invoice": invoice}));
}

/// A world with the invoice, and its client already a vendor.
pub(super) fn world() -> World {
    let mut world = World::new();
    shown(&mut world, invoice());
    world.linked(&client(), "vendor", "FB-C41|MAIN", "");
    world
}

pub(super) fn with(change: impl FnOnce(&mut Value)) -> Value {
    let mut invoice = invoice();
    change(&mut invoice);
    invoice
}

pub(super) fn code(driven: &Driven) -> &str {
    match &driven.completion.ending {
        Ending::Unchanged(note) => &note.code,
        Ending::Parked(failure) | Ending::Rejected(failure) => &failure.code,
        Ending::Confirmed(confirmation) => match confirmation.change {
            Change::Created => "created",
            Change::Adopted => "adopted",
            Change::Updated => "updated",
            Change::Withdrawn => "withdrawn",
            Change::Checked => "checked",
        },
        Ending::Conflict(_) => "conflict",
    }
}

pub(super) fn failure(driven: &Driven) -> &Failure {
    match &driven.completion.ending {
        Ending::Parked(failure) | Ending::Rejected(failure) => failure,
        other => panic!("is no stop: {other:?}"),
    }
}

pub(super) fn assert_untouched(driven: &Driven) {
    assert_eq!(World::writes(driven), Vec::<String>::new());
}

pub(super) fn target(world: &World) -> Option<String> {
    world.link(&own()).map(|link| link.target.id)
}

/// A payment request with this id, marker and vendor code, under the invoice's number.
pub(super) fn request(id: &str, marker: &str, vendor: &str) -> Value {
    json!({"ID": id, "InvoiceNumber": "2093", "Custom24": marker,
        "IsPaymentRequestDeleted": "false",
           "VendorRemitAddress": {"VendorCode": vendor}})
}

pub(super) fn our_marker() -> String {
    marker::marker_for("acme", &own(), "payment-request")
}

#[test]
fn an_invoice_is_created_once_and_then_unchanged() {
    let mut world = world();
    let first = world.run(&notice());
    assert_eq!(
        (code(&first), first.completion.version.as_deref()),
        ("created", Some("2026-02-27 09:12:44"))
    );
    assert_eq!(target(&world).as_deref(), Some("P1"));
    assert_eq!(world.requests[0]["Custom24"], json!(our_marker()));
    let again = world.run(&notice());
    assert_eq!(code(&again), "same-content");
    assert_untouched(&again);
    // The link names the content, whatever the version.
    shown(
        &mut world,
        with(|invoice| invoice["updated"] = json!("2026-03-01 00:00:00")),
    );
    assert_eq!(code(&world.run(&notice())), "same-content");
}

#[test]
fn the_same_inputs_give_the_same_bytes() {
    let run = || serde_json::to_string(&world().run(&notice()).history).expect("is JSON");
    assert_eq!(run(), run());
}

#[test]
fn what_the_settings_leave_out_is_not_even_read() {
    let mut world = world();
    world.settings = settings_with(
        "{\n    \"freshbooks\"",
        "{\"invoice\": {\"enabled\": false}, \"freshbooks\"",
    );
    let driven = world.run(&notice());
    assert_eq!((code(&driven), driven.sends().len()), ("not-enabled", 0));
}

#[test]
fn a_draft_waits_until_it_is_sent_unless_the_settings_want_it() {
    let mut world = world();
    shown(&mut world, with(|invoice| invoice["status"] = json!(1)));
    let driven = world.run(&notice());
    assert_eq!(
        (code(&driven), driven.completion.version.is_none()),
        ("draft", false)
    );
    assert_untouched(&driven);
    world.settings = settings_with(
        "{\n    \"freshbooks\"",
        "{\"invoice\": {\"drafts\": true}, \"freshbooks\"",
    );
    assert_eq!(code(&world.run(&notice())), "created");
}

/// The invoice of the world, with nothing to pay.
fn comes_to_nothing(invoice: &mut Value) {
    invoice["discount_total"] = json!({"amount": "-1000.00", "code": "CAD"});
    invoice["amount"] = json!({"amount": "0.00", "code": "CAD"});
}

#[test]
fn an_invoice_with_nothing_to_pay_is_left_out() {
    let mut world = world();
    shown(&mut world, with(comes_to_nothing));
    let driven = world.run(&notice());
    assert_eq!(code(&driven), "nothing-to-pay");
    assert_untouched(&driven);
    assert_eq!((target(&world), world.requests.len()), (None, 0));
}

#[test]
fn a_payment_request_with_nothing_left_to_pay_waits_for_a_person() {
    let mut world = world();
    world.run(&notice());
    shown(&mut world, with(comes_to_nothing));
    let driven = world.run(&notice());
    let parked = failure(&driven);
    assert_eq!(parked.code, "nothing-to-pay");
    assert!(
        parked.message.contains("payment request P1"),
        "{}",
        parked.message
    );
    assert!(parked.remedy.contains("withdraw it"), "{}", parked.remedy);
    assert_untouched(&driven);
    world.requests[0]["IsPaymentRequestDeleted"] = json!("true");
    assert_eq!(code(&world.run(&notice())), "withdrawn");
    assert_eq!(target(&world), None);
}

#[test]
fn a_credit_parks_before_anything_is_written() {
    let mut world = world();
    shown(
        &mut world,
        with(|invoice| {
            for place in [
                "/amount/amount",
                "/lines/0/unit_cost/amount",
                "/lines/0/amount/amount",
            ] {
                *invoice.pointer_mut(place).expect("is there") = json!("-5.00");
            }
            invoice["lines"][0]["taxName1"] = json!("");
            invoice["lines"][0]["taxAmount1"] = json!("0");
        }),
    );
    let driven = world.run(&notice());
    assert_eq!(failure(&driven).code, "total-below-zero");
    assert_untouched(&driven);
    assert_eq!(target(&world), None);
}

#[test]
fn an_invoice_that_is_gone_and_was_never_carried_is_no_matter() {
    let mut world = world();
    shown(&mut world, with(|invoice| invoice["vis_state"] = json!(1)));
    let driven = world.run(&notice());
    assert_eq!(
        (code(&driven), driven.completion.version.is_none()),
        ("not-carried", false)
    );
    world.freshbooks.clear();
    let driven = world.run(&notice());
    assert_eq!(code(&driven), "not-carried");
    assert_untouched(&driven);
}

#[test]
fn a_carried_invoice_that_was_deleted_parks_until_it_is_deleted_there_too() {
    let mut world = world();
    world.run(&notice());
    shown(&mut world, with(|invoice| invoice["vis_state"] = json!(1)));
    let driven = world.run(&notice());
    assert_eq!(code(&driven), "deleted-in-freshbooks");
    assert!(failure(&driven).remedy.contains("SAP Concur by hand"));
    assert!(target(&world).is_some());
    world.requests[0]["IsPaymentRequestDeleted"] = json!("true");
    assert_eq!(code(&world.run(&notice())), "withdrawn");
    assert_eq!(target(&world), None);
}

#[test]
fn a_plan_without_bills_parks_and_says_so_in_freshbooks_own_words() {
    let mut world = world();
    world.fault = Box::new(|_| {
        Some(Fault::Instead(answer(
            200,
            r#"{"response":{"errors":[{"errno":41001,"message":"Not in this plan."}]}}"#,
        )))
    });
    let driven = world.run(&notice());
    assert!(matches!(driven.completion.ending, Ending::Parked(_)));
    let failure = failure(&driven);
    assert_eq!(failure.code, "access-denied");
    assert!(failure.message.contains("\"Not in this plan.\""));
    assert!(failure.message.ends_with("does not include bills"));
    assert!(failure.remedy.contains("`bill.enabled = false`"));
}

#[test]
fn another_invoice_than_asked_for_is_not_carried() {
    let mut world = world();
    shown(&mut world, with(|invoice| invoice["id"] = json!(8)));
    let driven = world.run(&notice());
    assert_eq!(code(&driven), "other-document");
    assert_untouched(&driven);
    shown(&mut world, with(|invoice| invoice["id"] = Value::Null));
    assert_eq!(code(&world.run(&notice())), "id-missing");
}

#[test]
fn what_cannot_be_translated_parks_with_every_problem_and_since_when() {
    let mut world = world();
    shown(
        &mut world,
        with(|invoice| {
            invoice["country"] = json!("Narnia");
            invoice["lines"][0]["taxName1"] = json!("VAT");
        }),
    );
    let driven = world.run(&notice());
    assert_eq!(
        (code(&driven), failure(&driven).problems.len()),
        ("country-unmapped", 2)
    );
    assert!(failure(&driven).message.contains("`taxes`"));
    let since = failure(&driven).since;
    world.keep(parked(&own(), "country-unmapped", 5));
    assert_eq!(failure(&world.run(&notice())).since, 5);
    world.keep(parked(&own(), "tax-unmapped", 5));
    assert_eq!(failure(&world.run(&notice())).since, since);
}

#[test]
fn many_problems_make_a_short_message() {
    let mut world = world();
    let line = invoice()["lines"][0].clone();
    let lines: Vec<Value> = (0..40)
        .map(|number| {
            let mut line = line.clone();
            line["taxName1"] = json!(format!("T{}", number / 2));
            line
        })
        .collect();
    shown(&mut world, with(|invoice| invoice["lines"] = json!(lines)));
    let driven = world.run(&notice());
    assert_eq!(failure(&driven).problems.len(), 41);
    assert!(
        failure(&driven).message.ends_with("; and 16 more"),
        "{}",
        failure(&driven).message
    );
}

#[test]
fn a_missing_vendor_is_carried_over_first() {
    let mut world = world();
    world.statuses.clear();
    let mut vendor = World::new();
    vendor.linked(&client(), "vendor", "FB-C41|MAIN", "");
    world.becomes = Some(vendor.status(&client()));
    let driven = world.run(&notice());
    assert_eq!(code(&driven), "created");
    assert_eq!(
        (world.tasks.len(), world.tasks[0].reason),
        (1, StartReason::Dependency)
    );
    assert_eq!(world.tasks[0].object, client());
    assert_eq!(driven.waits(), [(WaitReason::Dependency, HOUR)]);
}

#[test]
fn a_vendor_under_way_is_waited_for_and_not_started_again() {
    let mut world = world();
    world.keep(ObjectStatus {
        link: None,
        active: true,
        ..world.status(&client())
    });
    world.becomes = Some(parked(&client(), "state-unmapped", 9));
    let driven = world.run(&notice());
    assert_eq!(
        (code(&driven), world.tasks.len()),
        ("vendor-state-unmapped", 0)
    );
    assert!(failure(&driven).message.contains("it was state-unmapped"));
    assert_untouched(&driven);
}

#[test]
fn a_vendor_that_was_parked_gets_another_try() {
    let mut world = world();
    world.keep(parked(&client(), "state-unmapped", 9));
    world.becomes = Some(parked(&client(), "state-unmapped", 9));
    let driven = world.run(&notice());
    assert_eq!(
        (code(&driven), world.tasks.len()),
        ("vendor-state-unmapped", 1)
    );
}

#[test]
fn a_request_with_our_marker_is_adopted() {
    let mut world = world();
    let mut deleted = request("P0", &our_marker(), "FB-C41");
    deleted["IsPaymentRequestDeleted"] = json!("true");
    world.requests = vec![
        deleted,
        request("P8", "", "OTHER"),
        request("P9", &our_marker(), "FB-C41"),
    ];
    let driven = world.run(&notice());
    assert_eq!(
        (code(&driven), target(&world).as_deref()),
        ("adopted", Some("P9"))
    );
    assert_untouched(&driven);
}

#[test]
fn two_with_our_marker_are_a_conflict_with_all_ids() {
    let mut world = world();
    world.requests = vec![
        request("P8", &our_marker(), "FB-C41"),
        request("P9", &our_marker(), "FB-C41"),
    ];
    let driven = world.run(&notice());
    let Ending::Conflict(conflict) = &driven.completion.ending else {
        panic!("is a conflict");
    };
    let ids: Vec<&str> = conflict
        .targets
        .iter()
        .map(|target| target.id.as_str())
        .collect();
    assert_eq!(ids, ["P8", "P9"]);
    assert_untouched(&driven);
    assert_eq!(target(&world), None);
}

#[test]
fn the_same_vendor_and_number_without_our_marker_parks() {
    let by_name =
        json!({"ID": "P9", "InvoiceNumber": "2093", "VendorRemitAddress": {"Name": "NORTHWIND "}});
    for foreign in [
        request("P9", "", "fb-c41"),
        request("P9", "mlc-other", "FB-C41"),
        by_name,
    ] {
        let mut world = world();
        world.requests = vec![foreign];
        let driven = world.run(&notice());
        assert_eq!(code(&driven), "already-there");
        assert!(failure(&driven).message.contains("P9"));
        assert_untouched(&driven);
    }
    let mut world = world();
    world.requests = vec![request("P9", "", "OTHER")];
    assert_eq!(code(&world.run(&notice())), "created");
}

#[test]
fn a_look_up_without_an_end_creates_nothing() {
    let mut world = world();
    let mut page = 0;
    world.fault = Box::new(move |send| {
        let is_digests = send.request.path_with_query.contains("digests");
        page += u32::from(is_digests);
        let body = format!(r#"{{"PaymentRequestDigest": [], "NextPage": "page-{page}"}}"#);
        is_digests.then(|| Fault::Instead(answer(200, &body)))
    });
    let driven = world.run(&notice());
    assert_eq!(code(&driven), "too-many-candidates");
    assert_untouched(&driven);
}

fn loses_creates(executed: bool) -> Faults {
    Box::new(move |send| {
        let is_create = send.request.method == Method::Post;
        is_create.then(|| {
            if executed {
                Fault::Lost
            } else {
                Fault::Instead(lost())
            }
        })
    })
}

#[test]
fn a_lost_answer_is_found_after_the_settle_time() {
    let mut world = world();
    world.fault = loses_creates(true);
    let driven = world.run(&notice());
    assert_eq!((code(&driven), world.requests.len()), ("adopted", 1));
    assert_eq!(driven.waits(), [(WaitReason::Settle, HOUR / 2)]);
}

/// The standing after a create that was lost.
fn ambiguous() -> ObjectStatus {
    parked(&own(), "ambiguous", STARTED - HOUR)
}

#[test]
fn a_lost_create_parks_and_only_a_replay_sends_it_again() {
    let mut world = world();
    world.fault = loses_creates(false);
    let driven = world.run(&notice());
    assert_eq!(
        (code(&driven), World::writes(&driven).len()),
        ("ambiguous", 1)
    );
    world.fault = Box::new(|_| None);
    world.keep(ambiguous());
    for reason in [
        StartReason::Notice,
        StartReason::Sweep,
        StartReason::LookAgain,
        StartReason::Schedule,
        StartReason::Dependency,
    ] {
        let driven = world.run(&task("invoice", "7", reason));
        assert_eq!(code(&driven), "ambiguous", "{reason:?}");
        assert_untouched(&driven);
        assert_eq!(failure(&driven).since, STARTED - HOUR);
        assert_eq!(failure(&driven).look_again, Some(STARTED + 5 * HOUR));
    }
    let driven = world.run(&task("invoice", "7", StartReason::Replay));
    assert_eq!((code(&driven), world.requests.len()), ("created", 1));
}

#[test]
fn a_replay_waits_for_what_is_left_of_the_settle_time() {
    let mut world = world();
    world.keep(parked(&own(), "ambiguous", STARTED - HOUR / 6));
    let driven = world.run(&task("invoice", "7", StartReason::Replay));
    assert_eq!(code(&driven), "created");
    let [(WaitReason::Settle, left)] = driven.waits()[..] else {
        panic!("one wait: {:?}", driven.waits());
    };
    // Less what the reads before it took.
    assert!((HOUR / 3 - 1_000..=HOUR / 3).contains(&left), "{left} ms");
}

#[test]
fn looking_again_ends_after_a_week() {
    let mut world = world();
    for (hours, next) in [(0, 1), (1, 6), (7, 24), (30, 72), (100, 168)] {
        world.keep(parked(&own(), "ambiguous", STARTED - hours * HOUR));
        let driven = world.run(&task("invoice", "7", StartReason::LookAgain));
        let look_again = failure(&driven)
            .look_again
            .map(|look| (look + hours * HOUR - STARTED) / HOUR);
        assert_eq!(look_again, Some(next));
    }
    world.keep(parked(&own(), "ambiguous", STARTED - 169 * HOUR));
    let driven = world.run(&task("invoice", "7", StartReason::LookAgain));
    assert_eq!(failure(&driven).look_again, None);
}

#[test]
fn a_create_that_turns_up_late_is_adopted() {
    let mut world = world();
    world.keep(ObjectStatus {
        link: None,
        ..ambiguous()
    });
    world.requests = vec![request("P9", &our_marker(), "FB-C41")];
    let driven = world.run(&task("invoice", "7", StartReason::LookAgain));
    assert_eq!(
        (code(&driven), target(&world).as_deref()),
        ("adopted", Some("P9"))
    );
}

#[test]
fn an_ambiguous_create_is_not_forgotten_over_anything_else() {
    type Change = Box<dyn Fn(&mut World)>;
    let changes: Vec<(&str, Change)> = vec![
        (
            "Narnia",
            Box::new(|world| shown(world, with(|invoice| invoice["country"] = json!("Narnia")))),
        ),
        (
            "a draft",
            Box::new(|world| shown(world, with(|invoice| invoice["status"] = json!(1)))),
        ),
        (
            "was deleted",
            Box::new(|world| shown(world, with(|invoice| invoice["vis_state"] = json!(1)))),
        ),
        ("is not there", Box::new(|world| world.freshbooks.clear())),
        (
            "not ours",
            Box::new(|world| world.requests = vec![request("P9", "", "FB-C41")]),
        ),
        (
            "refused to show it",
            Box::new(|world| world.fault = Box::new(|_| Some(Fault::Instead(answer(400, "no"))))),
        ),
        (
            "do not carry over",
            Box::new(|world| {
                world.settings = settings_with(
                    "{\n    \"freshbooks\"",
                    "{\"invoice\": {\"enabled\": false}, \"freshbooks\"",
                );
            }),
        ),
    ];
    for (said, change) in changes {
        // What was sent before a run was started over was sent before that, and perhaps only just.
        for (status, task, since) in [
            (ambiguous(), notice(), STARTED - HOUR),
            (unknown(&own()), started_over(StartReason::Replay), STARTED),
        ] {
            let mut world = world();
            world.keep(status);
            change(&mut world);
            let driven = world.run(&task);
            assert_eq!(
                (code(&driven), failure(&driven).since),
                ("ambiguous", since),
                "{said}"
            );
            assert!(
                failure(&driven).message.contains(said),
                "{}",
                failure(&driven).message
            );
            assert_untouched(&driven);
        }
    }
}

/// A run that may have created the payment request before it was started over.
fn started_over(reason: StartReason) -> Task {
    Task {
        unknown_since: Some(STARTED - HOUR),
        ..task("invoice", "7", reason)
    }
}

#[test]
fn a_run_that_is_started_over_does_not_create_again_what_may_be_there() {
    for reason in [StartReason::Notice, StartReason::Replay] {
        let mut world = world();
        let driven = world.run(&started_over(reason));
        assert_eq!(code(&driven), "ambiguous");
        assert_untouched(&driven);
        assert_eq!(driven.waits(), [(WaitReason::Settle, HOUR / 2)]);
        assert_eq!(failure(&driven).look_again, Some(STARTED + HOUR));
        world.requests = vec![request("P1", &our_marker(), "FB-C41")];
        assert_eq!(code(&world.run(&started_over(reason))), "adopted");
    }
}

#[test]
fn a_run_that_is_started_over_creates_again_after_the_settle_time_where_the_settings_say_so() {
    let mut world = world();
    world.settings = settings_with(
        r#""employee_login_id""#,
        r#""ambiguity": "resend", "employee_login_id""#,
    );
    let driven = world.run(&started_over(StartReason::Notice));
    assert_eq!((code(&driven), world.requests.len()), ("created", 1));
    assert_eq!(driven.waits(), [(WaitReason::Settle, HOUR / 2)]);
}

#[test]
fn two_that_turn_up_late_are_a_conflict() {
    let mut world = world();
    world.keep(ambiguous());
    world.requests = vec![
        request("P8", &our_marker(), "FB-C41"),
        request("P9", &our_marker(), "FB-C41"),
    ];
    assert_eq!(
        code(&world.run(&task("invoice", "7", StartReason::LookAgain))),
        "conflict"
    );
}

#[test]
fn the_settings_may_have_a_lost_create_sent_again() {
    let mut world = world();
    world.settings = settings_with(
        r#""employee_login_id""#,
        r#""ambiguity": "resend", "employee_login_id""#,
    );
    let mut creates = 0;
    world.fault = Box::new(move |send| {
        let is_create = send.request.method == Method::Post;
        creates += u32::from(is_create);
        (is_create && creates < 3).then(|| Fault::Instead(lost()))
    });
    let driven = world.run(&notice());
    assert_eq!(
        (
            code(&driven),
            World::writes(&driven).len(),
            world.requests.len()
        ),
        ("created", 3, 1)
    );
}

#[test]
fn a_refused_create_is_rejected_in_its_own_words() {
    let mut world = world();
    world.fault = Box::new(|send| {
        let refused = answer(
            400,
            r#"{"Error": {"Message": "Vendor could not be matched."}}"#,
        );
        (send.request.method == Method::Post).then_some(Fault::Instead(refused))
    });
    let driven = world.run(&notice());
    assert!(matches!(driven.completion.ending, Ending::Rejected(_)));
    assert!(
        failure(&driven)
            .message
            .contains("\"Vendor could not be matched.\"")
    );
    // Without a field or a validation error it may also be a limit or a deadlock.
    assert_eq!(World::writes(&driven).len(), 4);
    world.fault = Box::new(|send| {
        let refused = answer(
            400,
            r#"{"errorMessage": "m", "validationErrors": [{"source": "a", "message": "b"}]}"#,
        );
        (send.request.method == Method::Post).then_some(Fault::Instead(refused))
    });
    let driven = world.run(&notice());
    assert!(matches!(driven.completion.ending, Ending::Rejected(_)));
    assert_eq!(World::writes(&driven).len(), 1);
}

#[test]
fn a_refused_look_up_is_hardly_the_record_s_fault_and_is_looked_at_again() {
    for (status, body, sends) in [
        (400, r#"{"Error": {"Message": "Something went wrong."}}"#, 4),
        (400, "", 4),
        (
            400,
            r#"{"Message": "The limit of requests is exceeded"}"#,
            8,
        ),
        (400, r#"{"validationErrors": [{"source": "limit"}]}"#, 1),
        (422, r#"{"Message": "no"}"#, 1),
        (405, "", 1),
    ] {
        let mut world = world();
        let refused = answer(status, body);
        world.fault = Box::new(move |send| {
            let is_digest = send.request.path_with_query.contains("digests");
            is_digest.then(|| Fault::Instead(refused.clone()))
        });
        let driven = world.run(&notice());
        let Ending::Parked(failure) = &driven.completion.ending else {
            panic!("{status} {body}: {:?}", driven.completion.ending);
        };
        assert_eq!(failure.code, "refused");
        assert_eq!(failure.look_again, Some(failure.since + HOUR));
        assert!(failure.remedy.contains("by itself"), "{failure:?}");
        let sent = driven.sends();
        let digests = sent
            .iter()
            .filter(|(send, _, _)| send.request.path_with_query.contains("digests"));
        assert_eq!(digests.count(), sends, "{status} {body}");
        world.fault = Box::new(|_| None);
        assert_eq!(code(&world.run(&notice())), "created");
    }
}

#[test]
fn a_changed_invoice_is_updated() {
    let mut world = world();
    world.run(&notice());
    shown(
        &mut world,
        with(|invoice| invoice["due_date"] = json!("2026-04-01")),
    );
    let driven = world.run(&notice());
    assert_eq!((code(&driven), world.requests.len()), ("updated", 1));
    assert_eq!(world.requests[0]["PaymentDueDate"], "2026-04-01");
    assert_eq!(code(&world.run(&notice())), "same-content");
    let intents: Vec<Intent> = driven
        .sends()
        .iter()
        .map(|(send, _, _)| send.intent)
        .collect();
    assert_eq!(
        intents,
        [
            Intent::Read,
            Intent::Read,
            Intent::LookUpThenResend,
            Intent::Read
        ]
    );
}

#[test]
fn a_lost_update_that_was_carried_out_is_seen_and_not_repeated() {
    let mut world = world();
    world.run(&notice());
    shown(
        &mut world,
        with(|invoice| invoice["due_date"] = json!("2026-04-01")),
    );
    world.fault = Box::new(|send| (send.request.method == Method::Put).then_some(Fault::Lost));
    let driven = world.run(&notice());
    assert_eq!(
        (code(&driven), World::writes(&driven).len()),
        ("updated", 1)
    );
}

#[test]
fn a_refused_update_parks_and_names_the_request() {
    let mut world = world();
    world.run(&notice());
    shown(
        &mut world,
        with(|invoice| invoice["due_date"] = json!("2026-04-01")),
    );
    world.fault = Box::new(|send| {
        (send.request.method == Method::Put)
            .then(|| Fault::Instead(answer(400, r#"{"Message": "submitted"}"#)))
    });
    let driven = world.run(&notice());
    assert_eq!(code(&driven), "update-refused");
    assert!(
        failure(&driven).message.contains("P1")
            && failure(&driven).message.contains("\"submitted\"")
    );
    assert_eq!(target(&world).as_deref(), Some("P1"));
}

#[test]
fn a_changed_invoice_whose_request_was_deleted_parks() {
    for gone in [true, false] {
        let mut world = world();
        world.run(&notice());
        shown(
            &mut world,
            with(|invoice| invoice["due_date"] = json!("2026-04-01")),
        );
        world.requests[0]["IsPaymentRequestDeleted"] = json!("true");
        if gone {
            world.requests.clear();
        }
        let driven = world.run(&notice());
        assert_eq!(code(&driven), "deleted-in-concur");
        assert_untouched(&driven);
    }
}

#[test]
fn a_link_that_cannot_be_read_is_said() {
    let mut world = world();
    world.linked(&client(), "vendor", "no bar", "");
    assert_eq!(code(&world.run(&notice())), "link-unreadable");
}

#[test]
fn an_ending_of_another_kind_is_no_guard() {
    let mut world = world();
    let mut own = ambiguous();
    own.last.as_mut().expect("has ended").kind = EndingKind::Unchanged;
    world.keep(own);
    assert_eq!(code(&world.run(&notice())), "created");
}

#[test]
fn every_ending_says_what_the_document_is_as_soon_as_it_was_read() {
    let mut world = world();
    let created = world.run(&notice()).completion.facts;
    assert!(created.number.is_some() && created.party.is_some() && created.date.is_some());
    assert_eq!(created.currency.as_deref(), Some("CAD"));
    assert!(
        created
            .amount
            .as_deref()
            .is_some_and(|amount| amount.contains('.'))
    );
    assert_eq!(world.run(&notice()).completion.facts, created);
    shown(
        &mut world,
        with(|invoice| invoice["currency_code"] = json!("XXX")),
    );
    let parked = world.run(&notice()).completion;
    assert!(matches!(parked.ending, Ending::Parked(_)));
    assert_eq!(parked.facts.number, created.number);
    world.freshbooks.clear();
    let gone = world.run(&notice()).completion.facts;
    assert_eq!(gone, crate::contract::runs::Facts::default());
}

#[test]
fn a_preview_is_the_very_body_that_a_run_sends() {
    let mut world = world();
    let document = world
        .freshbooks
        .values()
        .find(|shown| shown.get("invoice").is_some());
    let document = document.expect("an invoice is shown").to_string();
    let previewed = crate::mapping::preview(&world.settings, "invoice", &document);
    let previewed = previewed.expect("translates");
    let record = crate::mapping::tests::payment_request_in(&previewed);
    let driven = world.run(&notice());
    assert_eq!(World::writes(&driven), [record.json.as_str()]);
}
