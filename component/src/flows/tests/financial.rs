use alloc::boxed::Box;
use alloc::format;
use alloc::rc::Rc;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde_json::json;

use super::world::{Document, Fault, World, ended, lost};
use crate::contract::http::Method;
use crate::contract::runs::{
    Change, Ending, EndingKind, Failure, Link, ObjectStatus, OutboundRequest, StartReason, Task,
};
use crate::contract::types::{ObjectRef, System};
use crate::runs::tests::{Driven, STARTED, answer, task, unknown};
use crate::settings::Settings;
use crate::settings::tests::MINIMAL;

mod books;

const REPORT: &str = "9E44A1C07B2F4D06A9B1";
const SYSTEM: &str = "freshbooks-zQ7pLm";

fn settings(more: &str) -> Rc<Settings> {
    let table = format!(
        r#""financial": {{"enabled": true, {more} "accounts": {{
            "by_code": {{"6200": "620"}}, "by_party": {{"EMPL": "210", "VENDOR": "200"}}}}}},
            "currencies""#
    );
    Rc::new(
        Settings::load("acme", &MINIMAL.replacen("\"currencies\"", &table, 1)).expect("is right"),
    )
}

fn world() -> World {
    let mut world = World::new();
    world.settings = settings("");
    world
}

/// An expense report over one row.
fn report(amount: &str, total: &str) -> String {
    json!({
        "employee": {"employeeId": "E1007"},
        "report": {"reportId": REPORT, "reportName": "February \
                travel", "employeeCurrencyAlphaCode": "CAD",
            "totalApprovedAmount": total, "isTest": "N", "revisionNumber": "1",
            "reportPaymentProcessingDate": "2026-02-20T09:00:00.000Z"},
        "expenseEntry": [{"entryId": "A1", "expenseTypeCode": "TAXIX", "expenseTypeName": "Taxi",
            "entryApprovedAmount": amount, "reportEntryPatKey": "CASH", "allocation": [{"journal": [
                {"journalPayer": "COMP", "journalPayee": "EMPL", "journalAccountCode": "6200",
                 "amountGross": amount, "amountNetOfTax": amount, "amountNetOfReclaim": amount}],
                     "tax": []}]}],
        "cashAdvanceApplication": []
    })
    .to_string()
}

fn document(id: &str, status: &'static str, text: String) -> Document {
    let by_us = !matches!(status, "READY" | "RECALLED");
    Document {
        id: id.to_string(),
        source_id: REPORT.to_string(),
        status,
        system_id: by_us.then(|| SYSTEM.to_string()),
        text,
        confirmed: Vec::new(),
    }
}

fn with(status: &'static str) -> World {
    let mut world = world();
    let text = report("54.00", "54.00");
    world.books.documents.push(document("d1", status, text));
    world
}

fn source() -> ObjectRef {
    ObjectRef {
        system: System::Concur,
        kind: "financial-document".to_string(),
        id: format!("expense/{REPORT}"),
    }
}

fn a_task(reason: StartReason) -> Task {
    Task {
        object: source(),
        ..task("", "", reason)
    }
}

fn run(world: &mut World) -> Driven {
    world.run(&a_task(StartReason::Notice))
}

fn failure(driven: &Driven) -> &Failure {
    match &driven.completion.ending {
        Ending::Parked(failure) | Ending::Rejected(failure) => failure,
        ending => panic!("is no stop: {ending:?}"),
    }
}

fn change(driven: &Driven) -> Change {
    match &driven.completion.ending {
        Ending::Confirmed(confirmation) => confirmation.change,
        ending => panic!("is not confirmed: {ending:?}"),
    }
}

fn note(driven: &Driven) -> &str {
    match &driven.completion.ending {
        Ending::Unchanged(note) => &note.code,
        ending => panic!("is not unchanged: {ending:?}"),
    }
}

/// The last parts of the paths that were asked for, in order.
fn paths(driven: &Driven) -> Vec<String> {
    let sends = driven.sends().into_iter();
    sends
        .map(|(send, _, _)| {
            let target = &send.request.path_with_query;
            let path = target.split('?').next().unwrap_or_default();
            path.rsplit('/').next().unwrap_or_default().to_string()
        })
        .collect()
}

fn linked(world: &mut World, entry: &str, version: &str, content_hash: &str) {
    let target = ObjectRef {
        system: System::Freshbooks,
        kind: "journal-entry".to_string(),
        id: entry.to_string(),
    };
    let link = Link {
        source: source(),
        target,
        version: Some(version.to_string()),
        content_hash: Some(content_hash.to_string()),
    };
    world.keep(ObjectStatus {
        link: Some(link),
        ..unknown(&source())
    });
}

fn instead(
    path: &'static str,
    outcome: crate::contract::http::SendOutcome,
) -> super::world::Faults {
    let mut outcome = Some(outcome);
    Box::new(move |send: &OutboundRequest| {
        let hit =
            send.request.method == Method::Post && send.request.path_with_query.contains(path);
        if hit {
            outcome.take().map(Fault::Instead)
        } else {
            None
        }
    })
}

fn answer_lost(path: &'static str) -> super::world::Faults {
    let mut open = true;
    Box::new(move |send: &OutboundRequest| {
        let hit =
            send.request.method == Method::Post && send.request.path_with_query.contains(path);
        (hit && core::mem::take(&mut open)).then_some(Fault::Lost)
    })
}

#[test]
fn documents_of_another_source_are_left_alone() {
    let mut world = with("READY");
    let listed = &mut world.books.documents[0];
    listed.text = listed.text.replace(REPORT, "0C45F960C3064ED88C39");
    assert_eq!(note(&run(&mut world)), "not-there");
    assert!(world.books.entries.is_empty() && world.books.document("d1").status == "READY");
}

#[test]
fn a_document_is_acknowledged_posted_once_and_confirmed() {
    let mut world = with("READY");
    let driven = run(&mut world);
    assert_eq!(change(&driven), Change::Created);
    assert_eq!(driven.completion.version.as_deref(), Some("d1/1"));
    // It was ready: nobody can have posted it, so that the ledger is not listed.
    assert_eq!(
        paths(&driven),
        [
            "transactions",
            "acknowledgements",
            "journal_entries",
            "postingconfirmations"
        ]
    );
    let entry = &world.books.entries[0];
    assert_eq!(
        (&entry["currency_code"], &entry["user_entered_date"]),
        (&json!("CAD"), &json!("2026-02-20"))
    );
    assert_eq!(entry["details"].as_array().map(Vec::len), Some(2));
    let confirmed = &world.books.document("d1").confirmed[0]["postingDocs"][0];
    assert_eq!(confirmed["documentNumber"], "1");
    assert_eq!(confirmed["fiscalYear"], 2026);
    assert_eq!(
        world.link(&source()).and_then(|link| link.version),
        Some("d1/1".to_string())
    );
}

#[test]
fn looking_up_may_be_asked_for_every_time() {
    let mut world = with("READY");
    world.settings = settings(r#""look_up": "always","#);
    let driven = run(&mut world);
    assert!(paths(&driven).contains(&"journal_entry_details".to_string()));
}

#[test]
fn an_acknowledged_document_is_looked_up_before_it_is_posted() {
    let mut world = with("READY");
    run(&mut world);
    // The store is lost: neither the link nor the run is known any more.
    world.statuses.clear();
    world.books.documents[0].status = "ACKNOWLEDGED";
    let driven = run(&mut world);
    assert_eq!(change(&driven), Change::Adopted);
    assert_eq!(world.books.entries.len(), 1);
}

#[test]
fn what_another_system_acknowledged_is_left_alone() {
    let mut world = with("ACKNOWLEDGED");
    world.books.documents[0].system_id = Some("SAP-ERP".to_string());
    assert_eq!(failure(&run(&mut world)).code, "acknowledged-elsewhere");
    assert!(world.books.entries.is_empty());
}

#[test]
fn a_lost_acknowledgement_is_repeated_and_looked_up() {
    let mut world = with("READY");
    world.fault = answer_lost("/acknowledgements");
    let driven = run(&mut world);
    assert_eq!(change(&driven), Change::Created);
    assert!(paths(&driven).contains(&"journal_entry_details".to_string()));
    assert_eq!(world.books.entries.len(), 1);
}

#[test]
fn an_acknowledgement_that_somebody_else_made_in_between_stops() {
    let mut world = with("READY");
    world.books.codes = [101].into();
    // The code says acknowledged; the queue shows by whom.
    world.books.documents[0].system_id = Some("SAP-ERP".to_string());
    assert_eq!(failure(&run(&mut world)).code, "acknowledged-elsewhere");
    assert!(world.books.entries.is_empty());
}

#[test]
fn a_lost_entry_is_found_after_the_settle_time() {
    let mut world = with("READY");
    world.fault = answer_lost("/journal_entries/journal_entries");
    let driven = run(&mut world);
    assert_eq!(change(&driven), Change::Adopted);
    assert_eq!(world.books.entries.len(), 1);
}

#[test]
fn an_entry_that_never_arrived_parks_and_is_not_sent_twice() {
    let mut world = with("READY");
    world.fault = instead("/journal_entries/journal_entries", lost());
    let driven = run(&mut world);
    let failure = failure(&driven);
    assert_eq!(failure.code, "ambiguous");
    assert!(
        failure.message.contains("FreshBooks"),
        "{}",
        failure.message
    );
    assert!(world.books.document("d1").confirmed.is_empty());
    world.keep(super::world::parked(&source(), "ambiguous", STARTED));
    let again = world.run(&a_task(StartReason::LookAgain));
    assert_eq!(super::financial::failure(&again).code, "ambiguous");
    assert!(world.books.entries.is_empty());
    let replayed = world.run(&a_task(StartReason::Replay));
    assert_eq!(change(&replayed), Change::Created);
}

#[test]
fn a_refused_entry_is_rejected_and_nothing_is_confirmed() {
    let mut world = with("READY");
    let refusal = r#"{"response":{"errors":[{"errno":1003,"message":"No such account."}]}}"#;
    world.fault = instead("/journal_entries/journal_entries", answer(422, refusal));
    let driven = run(&mut world);
    assert_eq!(failure(&driven).code, "refused");
    assert!(world.books.document("d1").confirmed.is_empty());
}

#[test]
fn a_lost_confirmation_is_repeated() {
    let mut world = with("READY");
    world.fault = answer_lost("/postingconfirmations");
    let driven = run(&mut world);
    assert_eq!(change(&driven), Change::Created);
    assert_eq!(world.books.document("d1").confirmed.len(), 1);
    assert_eq!(world.books.entries.len(), 1);
}

#[test]
fn an_entry_that_is_linked_is_only_confirmed() {
    let mut world = with("ACKNOWLEDGED");
    linked(&mut world, "17", "d1/1", "");
    let driven = run(&mut world);
    assert_eq!(paths(&driven), ["transactions", "postingconfirmations"]);
    let confirmed = &world.books.document("d1").confirmed[0]["postingDocs"][0];
    assert_eq!(confirmed["documentNumber"], "17");
}

#[test]
fn an_entry_whose_document_is_confirmed_as_failed_needs_a_person() {
    let mut world = with("ACKNOWLEDGED");
    linked(&mut world, "17", "d1/1", "");
    world.books.codes = [113].into();
    assert_eq!(failure(&run(&mut world)).code, "posted-but-failed");
    // The same at the next look.
    assert_eq!(failure(&run(&mut world)).code, "posted-but-failed");
}

#[test]
fn refused_confirmations_name_what_helps() {
    for (code, expected) in [(99, "other-system-id"), (198, "confirmation-refused")] {
        let mut world = with("ACKNOWLEDGED");
        linked(&mut world, "17", "d1/1", "");
        world.books.codes = [code].into();
        let driven = run(&mut world);
        assert_eq!(failure(&driven).code, expected);
        assert!(
            failure(&driven).message.contains("\"no\""),
            "{:?}",
            failure(&driven)
        );
    }
}

#[test]
fn a_document_that_is_through_needs_nothing() {
    let mut world = with("POSTING_CONFIRMED_SUCCESS");
    linked(&mut world, "17", "d1/1", "");
    assert_eq!(note(&run(&mut world)), "already-posted");
    world.statuses.clear();
    assert_eq!(failure(&run(&mut world)).code, "posted-elsewhere");
}

#[test]
fn a_new_document_of_the_same_source_replaces_the_entry() {
    let mut world = with("READY");
    run(&mut world);
    world.books.documents[0].status = "RECALLED";
    let corrected = report("60.00", "60.00");
    world
        .books
        .documents
        .push(document("d2", "READY", corrected));
    let driven = run(&mut world);
    assert_eq!(change(&driven), Change::Created);
    let [first, reversal, second] = world.books.entries.as_slice() else {
        panic!("three entries: {:?}", world.books.names());
    };
    assert_eq!(
        first["details"][0]["debit"],
        reversal["details"][1]["credit"]
    );
    assert_ne!(first["name"], second["name"]);
    let link = world.link(&source()).expect("is linked");
    assert_eq!(
        (link.target.id.as_str(), link.version.as_deref()),
        ("3", Some("d2/1"))
    );
}

#[test]
fn the_same_content_again_keeps_its_entry() {
    let mut world = with("READY");
    run(&mut world);
    world.books.documents[0].status = "RECALLED";
    let same = report("54.00", "54.00");
    world.books.documents.push(document("d2", "READY", same));
    let driven = run(&mut world);
    assert_eq!(change(&driven), Change::Adopted);
    assert_eq!(world.books.entries.len(), 1);
    let confirmed = &world.books.document("d2").confirmed[0]["postingDocs"][0];
    assert_eq!(confirmed["documentNumber"], "1");
}

#[test]
fn a_correction_to_nothing_takes_the_entry_back() {
    let mut world = with("READY");
    run(&mut world);
    world.books.documents[0].status = "RECALLED";
    let nothing = report("0.00", "0.00");
    world.books.documents.push(document("d2", "READY", nothing));
    assert_eq!(change(&run(&mut world)), Change::Withdrawn);
    assert_eq!(world.books.entries.len(), 2);
    assert_eq!(world.link(&source()), None);
}

#[test]
fn a_recall_before_the_acknowledgement_posts_nothing() {
    let mut world = with("READY");
    world.books.codes = [102].into();
    assert_eq!(note(&run(&mut world)), "recalled");
    assert!(world.books.entries.is_empty());
}

#[test]
fn a_recall_after_the_entry_reverses_it() {
    let mut world = with("READY");
    world.fault = Box::new({
        let mut posted = false;
        move |send: &OutboundRequest| {
            posted |= send
                .request
                .path_with_query
                .contains("/journal_entries/journal_entries");
            let confirms = send
                .request
                .path_with_query
                .contains("/postingconfirmations");
            (posted && confirms).then(|| {
                Fault::Instead(answer(
                    200,
                    r#"[{"code":112,"errorMessage":"was recalled"}]"#,
                ))
            })
        }
    });
    let driven = run(&mut world);
    assert_eq!(change(&driven), Change::Withdrawn);
    assert_eq!(world.books.entries.len(), 2);
    assert_eq!(world.link(&source()), None);
    // Again: there is nothing more to take back.
    world.fault = Box::new(|_| None);
    world.books.documents[0].status = "RECALLED";
    world.books.documents[0].system_id = None;
    assert_eq!(note(&run(&mut world)), "recalled");
    assert_eq!(world.books.entries.len(), 2);
}

#[test]
fn what_only_concur_can_fix_is_reported_there() {
    let mut world = with("READY");
    world.books.documents[0].text = report("54.00", "55.00");
    let driven = run(&mut world);
    assert!(world.books.entries.is_empty());
    let failure = failure(&driven);
    assert!(failure.remedy.contains("recall"), "{}", failure.remedy);
    let told = &world.books.document("d1").confirmed[0];
    assert_eq!(told["overallPostingStatusCode"], "error");
    assert_eq!(told["systemMessages"][0]["messageId"], failure.code);
    let (code, message) = (failure.code.clone(), failure.message.clone());
    let mut own = super::world::parked(&source(), &code, STARTED);
    own.last.as_mut().expect("has ended").message = message.clone();
    world.keep(own);
    let again = run(&mut world);
    assert_eq!(
        (
            &super::financial::failure(&again).code,
            &super::financial::failure(&again).message
        ),
        (&code, &message)
    );
    assert_eq!(world.books.document("d1").confirmed.len(), 1);
}

#[test]
fn what_the_settings_can_fix_is_held_until_they_are() {
    let mut world = with("READY");
    world.books.documents[0].text = report("54.00", "54.00").replace("6200", "6999");
    let driven = run(&mut world);
    assert_eq!(failure(&driven).code, "account-unmapped");
    assert!(world.books.document("d1").confirmed.is_empty());
    world.settings = settings(r#""confirm_errors": "all","#);
    run(&mut world);
    let told = &world.books.document("d1").confirmed[0];
    assert_eq!(told["systemMessages"][0]["messageId"], "account-unmapped");
}

#[test]
fn held_documents_are_finished_after_the_fix() {
    let mut world = with("READY");
    world.books.documents[0].text = report("54.00", "54.00").replace("6200", "6999");
    run(&mut world);
    world.books.documents[0].text = report("54.00", "54.00");
    let driven = world.run(&a_task(StartReason::Replay));
    assert_eq!(change(&driven), Change::Created);
    assert_eq!(world.books.document("d1").confirmed.len(), 1);
}

#[test]
fn a_closed_period_is_held_parked_or_moved() {
    for (choice, code, looks_again) in [
        ("hold", "closed-period", true),
        ("park", "closed-period", false),
    ] {
        let mut world = with("READY");
        world.settings = settings(&format!(
            r#""closed_until": "2026-02-28", "closed_period": "{choice}","#
        ));
        let driven = run(&mut world);
        let failure = failure(&driven);
        assert_eq!(
            (failure.code.as_str(), failure.look_again.is_some()),
            (code, looks_again)
        );
        assert!(world.books.entries.is_empty());
    }
    let mut world = with("READY");
    world.settings = settings(r#""closed_until": "2026-02-28", "closed_period": "next-open-day","#);
    run(&mut world);
    assert_eq!(world.books.entries[0]["user_entered_date"], "2026-03-01");
}

#[test]
fn two_open_documents_of_one_source_stop() {
    let mut world = with("READY");
    let other = report("60.00", "60.00");
    world.books.documents.push(document("d2", "READY", other));
    assert_eq!(failure(&run(&mut world)).code, "several-documents");
    assert!(world.books.entries.is_empty());
}

#[test]
fn two_entries_under_one_marker_are_a_conflict() {
    let mut world = with("READY");
    run(&mut world);
    let twin = world.books.entries[0].clone();
    world.books.entries.push(twin);
    world.statuses.clear();
    world.books.documents[0].status = "ACKNOWLEDGED";
    let driven = run(&mut world);
    let Ending::Conflict(conflict) = &driven.completion.ending else {
        panic!("is a conflict: {:?}", driven.completion.ending);
    };
    assert_eq!(conflict.targets.len(), 2);
}

#[test]
fn what_nobody_can_fix_in_concur_is_not_reported_there() {
    let mut world = with("READY");
    world.books.documents[0].text = "not JSON".to_string();
    let object = ObjectRef {
        id: "expense/document/d1".to_string(),
        ..source()
    };
    let task = Task {
        object,
        ..a_task(StartReason::Notice)
    };
    let driven = world.run(&task);
    let failure = failure(&driven);
    assert_eq!(failure.code, "not-json");
    assert!(failure.remedy.contains("recall"), "{}", failure.remedy);
    assert!(world.books.document("d1").confirmed.is_empty());
    // Only the list of what is ready shows it again.
    assert_eq!(world.books.document("d1").status, "READY");
    // A person may hand it back all the same.
    world.settings = settings(r#""confirm_errors": "all","#);
    world.run(&task);
    let told = &world.books.document("d1").confirmed[0];
    assert_eq!(told["systemMessages"][0]["messageId"], "not-json");
}

#[test]
fn a_document_that_nobody_can_correct_is_held_until_a_person_hands_it_back() {
    let mut world = with("READY");
    world.books.documents[0].text = report("54.00", "54.00").replace("COMP", "COPD");
    let driven = run(&mut world);
    let failure = failure(&driven);
    assert_eq!(failure.code, "parties-unclear");
    assert!(
        failure.remedy.contains("confirm_errors"),
        "{}",
        failure.remedy
    );
    assert!(world.books.document("d1").confirmed.is_empty());
    world.settings = settings(r#""confirm_errors": "all","#);
    world.run(&a_task(StartReason::Replay));
    let told = &world.books.document("d1").confirmed[0];
    assert_eq!(told["systemMessages"][0]["messageId"], "parties-unclear");
}

#[test]
fn concur_is_told_only_what_people_there_can_correct() {
    let mut world = with("READY");
    let text = report("54.00", "55.00").replace("6200", "6999");
    world.books.documents[0].text = text;
    let driven = run(&mut world);
    assert_eq!(failure(&driven).problems.len(), 2);
    let told = &world.books.document("d1").confirmed[0]["systemMessages"];
    let messages = told.as_array().expect("a list").iter();
    let codes: Vec<_> = messages.map(|message| &message["messageId"]).collect();
    assert_eq!(codes, ["unbalanced"]);
}

fn run_queue(world: &mut World, id: &str) -> Driven {
    let object = ObjectRef {
        kind: "financial-queue".to_string(),
        id: id.to_string(),
        ..source()
    };
    world.run(&Task {
        object,
        ..a_task(StartReason::Schedule)
    })
}

fn started(world: &World) -> Vec<&str> {
    let tasks = world.tasks.iter();
    tasks.map(|task| task.object.id.as_str()).collect()
}

#[test]
fn the_queue_starts_what_nobody_has_looked_at() {
    let mut world = with("READY");
    world.books.documents.push(Document {
        source_id: "other".to_string(),
        text: report("1.00", "1.00").replace(REPORT, "OTHER"),
        ..document("d2", "READY", String::new())
    });
    world.keep(ended(&source(), EndingKind::Parked, "d1/1"));
    let driven = run_queue(&mut world, "expense");
    assert_eq!(started(&world), ["expense/OTHER"]);
    assert_eq!(world.tasks[0].reason, StartReason::Listed);
    // The first page is read again before the queue counts as empty.
    assert_eq!(paths(&driven), ["transactions", "transactions"]);
}

#[test]
fn a_queue_that_stays_full_is_read_on_by_the_next_run() {
    let mut world = world();
    for number in 0..20 {
        let id = format!("d{number}");
        let text = report("1.00", "1.00").replace(REPORT, &format!("R{number}"));
        world.books.documents.push(document(&id, "READY", text));
    }
    world.books.page_rows = 4;
    world.books.leaves_after_listing = true;
    run_queue(&mut world, "expense");
    assert_eq!(started(&world).len(), 17, "{:?}", started(&world));
    assert_eq!(started(&world).last(), Some(&"expense"));
}

#[test]
fn pages_of_documents_that_wait_for_people_hide_nothing() {
    let mut world = world();
    for number in 0..9 {
        let id = format!("d{number}");
        let text = report("1.00", "1.00").replace(REPORT, &format!("R{number}"));
        world.books.documents.push(document(&id, "READY", text));
        if number < 8 {
            let mut source = source();
            source.id = format!("expense/R{number}");
            world.keep(ended(&source, EndingKind::Parked, &format!("{id}/1")));
        }
    }
    world.books.page_rows = 4;
    run_queue(&mut world, "expense");
    assert_eq!(started(&world), ["expense/R8"]);
}

#[test]
fn what_is_no_queue_is_said() {
    assert_eq!(
        failure(&run_queue(&mut world(), "journal")).code,
        "unknown-queue"
    );
}

/// An invoice document over one line, with this in a custom field.
fn invoice(custom: &str) -> Document {
    let text = json!({
        "requestHeader": {"requestId": REPORT, "requestTitle": "INV-2093",
            "currencyAlphaCode": "CAD",
            "requestTotal": "54.00", "isTest": "N", "revisionNumber": "1",
                "requestCustom24Code": custom,
            "invoiceDate": "2026-02-20"},
        "lineItem": [{"allocation": [{"journal": {"accountCode": "6200", "amountNet": "54.00",
            "amountShipping": 0, "amountGross": "54.00", "tax": null}}]}]
    });
    document("d1", "READY", text.to_string())
}

fn run_invoice(world: &mut World) -> Driven {
    let object = ObjectRef {
        id: format!("invoice/{REPORT}"),
        ..source()
    };
    world.run(&Task {
        object,
        ..a_task(StartReason::Notice)
    })
}

fn payment_request() -> ObjectRef {
    ObjectRef {
        system: System::Concur,
        kind: "payment-request".to_string(),
        id: REPORT.to_string(),
    }
}

#[test]
fn what_came_from_freshbooks_is_confirmed_and_not_posted_again() {
    let mut world = world();
    world.books.documents.push(invoice(""));
    let target = ObjectRef {
        system: System::Freshbooks,
        kind: "bill".to_string(),
        id: "778120".to_string(),
    };
    let link = Link {
        source: payment_request(),
        target,
        version: None,
        content_hash: None,
    };
    world.keep(ObjectStatus {
        link: Some(link),
        ..unknown(&payment_request())
    });
    assert_eq!(change(&run_invoice(&mut world)), Change::Adopted);
    assert!(world.books.entries.is_empty());
    let confirmed = &world.books.document("d1").confirmed[0]["postingDocs"][0];
    assert_eq!(confirmed["documentNumber"], "bill-778120");
    assert_eq!(note(&run_invoice(&mut world)), "already-confirmed");
}

#[test]
fn our_marker_without_a_link_stops_and_a_setting_posts() {
    let mut world = world();
    let marker = crate::marker::marker_for("acme", &payment_request(), "payment-request");
    world.books.documents.push(invoice(&marker));
    assert_eq!(
        failure(&run_invoice(&mut world)).code,
        "own-invoice-unlinked"
    );
    assert!(world.books.entries.is_empty());
    world.settings = settings(r#""own_invoices": "post","#);
    assert_eq!(change(&run_invoice(&mut world)), Change::Created);
}

#[test]
fn what_is_not_enabled_is_left_alone() {
    let mut world = with("READY");
    world.settings = settings(r#""documents": ["invoice"],"#);
    assert_eq!(note(&run(&mut world)), "not-enabled");
    assert_eq!(world.books.document("d1").status, "READY");
}

#[test]
fn a_preview_is_the_very_body_that_a_run_posts() {
    let mut world = with("READY");
    let row = json!({"id": "d1", "document": report("54.00", "54.00")});
    let previewed = crate::mapping::preview(&world.settings, "expense-document", &row.to_string());
    let previewed = previewed.expect("translates");
    let record = crate::mapping::tests::only_record(&previewed);
    let driven = run(&mut world);
    assert!(World::writes(&driven).contains(&record.json));
    let facts = &driven.completion.facts;
    assert_eq!(facts.number.as_deref(), Some("February travel"));
    assert_eq!(
        (facts.amount.as_deref(), facts.party.as_deref()),
        (Some("54.00"), Some("E1007"))
    );
}
