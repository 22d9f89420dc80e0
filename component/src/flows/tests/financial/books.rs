//! Days, fiscal years, legal entities and what an entry says, as the flows have them.

use super::*;

/// A report of this ledger, policy and country.
fn of_entity(ledger: &str, policy: &str, country: &str) -> World {
    let mut world = with("READY");
    let named = format!(
        r#""ledgerCode": "{ledger}", "policyId": "{policy}", "homeCountryCode": "{country}","#
    );
    let document = &mut world.books.documents[0];
    document.text = document
        .text
        .replacen(r#""reportId""#, &format!(r#"{named}"reportId""#), 1);
    world
}

#[test]
fn what_the_settings_do_not_take_is_left_untouched_and_said() {
    for (ledgers, taken) in [
        (r#"{"codes": ["GP"]}"#, true),
        (
            r#"{"codes": ["gp"], "policies": ["P1"], "countries": ["CA"]}"#,
            true,
        ),
        (r#"{"codes": ["DEFAULT"]}"#, false),
        (r#"{"codes": ["GP"], "countries": ["DE"]}"#, false),
        (r#"{"policies": ["P2"]}"#, false),
    ] {
        let mut world = of_entity("GP", "P1", "CA");
        world.settings = settings(&format!(r#""ledgers": {ledgers},"#));
        let driven = run(&mut world);
        if taken {
            assert_eq!(change(&driven), Change::Created, "{ledgers}");
            continue;
        }
        assert_eq!(note(&driven), "other-ledger", "{ledgers}");
        let Ending::Unchanged(said) = &driven.completion.ending else {
            panic!("is unchanged");
        };
        assert!(said.message.contains("ledger \"GP\""), "{}", said.message);
        assert!(
            said.message.contains("financial.ledgers"),
            "{}",
            said.message
        );
        assert_eq!(paths(&driven), ["transactions"]);
        assert_eq!(world.books.document("d1").status, "READY");
        assert_eq!(driven.completion.version.as_deref(), Some("d1/1"));
    }
}

#[test]
fn what_another_connection_has_taken_is_no_fight() {
    let mut world = of_entity("GP", "P1", "CA");
    world.settings = settings(r#""ledgers": {"codes": ["DEFAULT"]},"#);
    for status in [
        "ACKNOWLEDGED",
        "POSTING_CONFIRMED_SUCCESS",
        "POSTING_CONFIRMED_FAILURE",
    ] {
        let document = &mut world.books.documents[0];
        document.status = status;
        document.system_id = Some("freshbooks-other".to_string());
        assert_eq!(note(&run(&mut world)), "other-ledger", "{status}");
    }
}

#[test]
fn several_documents_of_another_ledger_are_no_matter_of_ours() {
    let mut world = of_entity("GP", "P1", "CA");
    let second = Document {
        id: "d2".to_string(),
        ..world.books.documents[0].clone()
    };
    world.books.documents.push(second);
    assert_eq!(failure(&run(&mut world)).code, "several-documents");
    world.settings = settings(r#""ledgers": {"codes": ["DEFAULT"]},"#);
    assert_eq!(note(&run(&mut world)), "other-ledger");
}

#[test]
fn what_was_begun_here_is_finished_here_whatever_the_settings_take_since() {
    let mut world = of_entity("GP", "P1", "CA");
    world.settings = settings(r#""ledgers": {"codes": ["DEFAULT"]},"#);
    let document = &mut world.books.documents[0];
    (document.status, document.system_id) = ("ACKNOWLEDGED", Some(SYSTEM.to_string()));
    assert_eq!(change(&run(&mut world)), Change::Created);
    world.books.documents[0].system_id = None;
    // Without a system id in the list it is known by its link.
    world.books.documents[0].status = "POSTING_CONFIRMED_SUCCESS";
    assert_eq!(note(&run(&mut world)), "already-posted");
}

#[test]
fn a_correction_that_moves_to_another_ledger_is_taken_back_here_and_left_there() {
    let mut world = with("READY");
    world.settings = settings(r#""ledgers": {"codes": ["DEFAULT"], "unnamed": true},"#);
    assert_eq!(change(&run(&mut world)), Change::Created);
    let mut moved = of_entity("GP", "P1", "CA").books.documents.remove(0);
    moved.id = "d2".to_string();
    world.books.documents = [moved].into();
    let driven = run(&mut world);
    assert_eq!(change(&driven), Change::Withdrawn);
    assert_eq!(world.books.entries.len(), 2, "the entry and its reversal");
    assert_eq!(world.books.document("d2").status, "READY");
    assert_eq!(world.link(&source()), None);
    assert_eq!(note(&run(&mut world)), "other-ledger");
}

#[test]
fn a_document_that_names_no_ledger_is_taken_if_the_settings_say_so() {
    let mut world = with("READY");
    world.settings = settings(r#""ledgers": {"codes": ["DEFAULT"]},"#);
    assert_eq!(note(&run(&mut world)), "other-ledger");
    world.settings = settings(r#""ledgers": {"codes": ["DEFAULT"], "unnamed": true},"#);
    assert_eq!(change(&run(&mut world)), Change::Created);
}

#[test]
fn the_queue_says_what_it_leaves_and_looks_again_when_the_settings_take_it() {
    let mut world = of_entity("GP", "P1", "CA");
    world.settings = settings(r#""ledgers": {"codes": ["DEFAULT"]},"#);
    let driven = run_queue(&mut world, "expense");
    let Ending::Confirmed(confirmation) = &driven.completion.ending else {
        panic!("is confirmed");
    };
    let said = &confirmation.message;
    assert!(
        said.contains("1 left that `financial.ledgers` does not take, such as of ledger \"GP\""),
        "{said}"
    );
    let mut left = ended(&source(), EndingKind::Unchanged, "d1/1");
    if let Some(last) = &mut left.last {
        last.code = Some("other-ledger".to_string());
    }
    world.keep(left);
    world.tasks.clear();
    run_queue(&mut world, "expense");
    assert_eq!(started(&world), [""; 0]);
    world.settings = settings(r#""ledgers": {"codes": ["DEFAULT", "GP"]},"#);
    run_queue(&mut world, "expense");
    assert_eq!(started(&world), [source().id]);
}

#[test]
fn a_confirmation_names_the_fiscal_year_of_the_books() {
    // The report is of 20 February 2026.
    for (fiscal_year, expected) in [
        ("", 2026),
        (r#""fiscal_year_first_month": 1,"#, 2026),
        (r#""fiscal_year_first_month": 2,"#, 2027),
        (r#""fiscal_year_first_month": 3,"#, 2026),
        (
            r#""fiscal_year_first_month": 2, "fiscal_year_named_by": "start","#,
            2026,
        ),
        (
            r#""fiscal_year_first_month": 4, "fiscal_year_named_by": "start","#,
            2025,
        ),
    ] {
        let mut world = with("READY");
        world.settings = settings(fiscal_year);
        run(&mut world);
        let confirmed = &world.books.document("d1").confirmed[0]["postingDocs"][0];
        assert_eq!(confirmed["fiscalYear"], expected, "{fiscal_year}");
    }
}

#[test]
fn the_day_of_an_entry_is_that_of_the_books_and_so_is_what_a_person_sees() {
    let mut world = with("READY");
    let document = &mut world.books.documents[0];
    document.text = document
        .text
        .replace("2026-02-20T09:00", "2026-03-01T03:30");
    world.settings = settings(r#""zone": "America/Toronto","#);
    let driven = run(&mut world);
    assert_eq!(world.books.entries[0]["user_entered_date"], "2026-02-28");
    let confirmed = &world.books.document("d1").confirmed[0]["postingDocs"][0];
    assert_eq!(confirmed["postingDate"], "2026-02-28");
    assert_eq!(driven.completion.facts.date.as_deref(), Some("2026-02-28"));
}

#[test]
fn a_reversal_is_of_today_in_the_books_and_says_what_it_takes_back() {
    // The clock stands at midnight in UTC.
    for (zone, day) in [("UTC", "2026-03-01"), ("America/Toronto", "2026-02-28")] {
        let mut world = with("READY");
        world.settings = settings(&format!(r#""zone": "{zone}","#));
        run(&mut world);
        world.books.documents[0].status = "RECALLED";
        assert_eq!(change(&run(&mut world)), Change::Withdrawn);
        let reversal = &world.books.entries[1];
        assert_eq!(reversal["user_entered_date"], day, "{zone}");
        let expected =
            format!("Reverses journal entry 1 - Expense report {REPORT} - E1007 - February travel");
        assert_eq!(reversal["description"], expected);
    }
}

#[test]
fn an_invoice_that_came_from_freshbooks_and_is_posted_names_its_original() {
    let mut world = world();
    world.books.documents.push(invoice(""));
    world.settings = settings(r#""own_invoices": "post","#);
    let link = Link {
        source: payment_request(),
        target: ObjectRef::freshbooks("bill", "778120"),
        version: None,
        content_hash: None,
    };
    world.keep(ObjectStatus {
        link: Some(link),
        ..unknown(&payment_request())
    });
    assert_eq!(change(&run_invoice(&mut world)), Change::Created);
    let description = world.books.entries[0]["description"].as_str();
    let expected =
        format!("Invoice {REPORT} - INV-2093 - 2026-02-20 - from FreshBooks bill 778120");
    assert_eq!(description, Some(expected.as_str()));
}

#[test]
fn a_merged_entry_is_found_again_and_is_the_same_content() {
    let mut world = with("READY");
    let text = report("54.00", "108.00");
    // Two expenses on one account, of two cost codes.
    let mut document: serde_json::Value = serde_json::from_str(&text).expect("is JSON");
    let mut second = document["expenseEntry"][0].clone();
    second["allocation"][0]["allocationCustom1Code"] = json!("PRJ_A");
    let entries = document["expenseEntry"].as_array_mut().expect("is a list");
    entries.push(second);
    world.books.documents[0].text = document.to_string();
    assert_eq!(change(&run(&mut world)), Change::Created);
    let details = world.books.entries[0]["details"].clone();
    assert_eq!(
        details,
        json!([{"sub_accountid": 620, "debit": "108.00"},
            {"sub_accountid": 210, "credit": "108.00"}])
    );
    let content = world.link(&source()).and_then(|link| link.content_hash);
    // The store is lost: the entry is found by its marker, and compares as the same.
    world.statuses.clear();
    world.books.documents[0].status = "ACKNOWLEDGED";
    world.settings = settings(r#""entry_lines": "apart","#);
    assert_eq!(change(&run(&mut world)), Change::Adopted);
    assert_eq!(
        world.link(&source()).and_then(|link| link.content_hash),
        content
    );
    assert_eq!(world.books.entries.len(), 1);
}
