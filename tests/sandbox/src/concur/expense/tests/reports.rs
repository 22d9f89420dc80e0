//! Reports v4 and the list of v3.

use serde_json::json;

use super::*;
use crate::concur::FieldsOffForm;

#[test]
fn a_report_is_created_shown_changed_and_deleted() {
    let mut harness = ConcurHarness::new();
    let item = "2F6B1C1A6A1E4A558D3E0E6F1C2B0000";
    let answer = harness.post_report(
        json!({"businessPurpose": "Costs", "startDate": "2026-02-01",
        "customData": [{"id": "custom1", "value": item}], "comment": "made elsewhere"}),
    );
    let uri = expect(&answer, 201)["uri"]
        .as_str()
        .expect("a URI")
        .to_owned();
    let id = uri.rsplit('/').next().expect("an id").to_owned();
    assert!(
        id.len() == 20 && id.bytes().all(|b| b.is_ascii_hexdigit()),
        "{id}"
    );
    let shown = expect(&harness.of_sam("GET", &id, None), 200);
    assert_eq!(shown["name"], "FreshBooks 2026-02");
    assert_eq!(shown["currencyCode"], "CAD");
    assert_eq!(shown["approvalStatusId"], "A_NOTF");
    assert_eq!(
        (&shown["canAddExpense"], &shown["isSubmitted"]),
        (&json!(true), &json!(false))
    );
    assert_eq!(shown["customData"][0]["value"], item);
    let change = json!({"reportSource": "OTHER", "name": "Renamed", "businessPurpose": null});
    expect(&harness.of_sam("PATCH", &id, Some(change)), 204);
    let change = json!({"customData": [{"id": "custom3", "value": "FB"}]});
    expect(&harness.of_company("PATCH", &id, Some(change)), 204);
    let record = harness.machine.expense_report(&id).expect("the record");
    assert_eq!(record.name, "Renamed");
    assert_eq!(record.texts.get("businessPurpose"), None);
    assert_eq!(
        (record.customs["Custom1"].as_str(), record.comments.len()),
        ("PRJ_A", 1)
    );
    assert_eq!(record.customs["Custom3"], "FB");
    expect(&harness.of_company("DELETE", &id, None), 204);
    expect(&harness.of_sam("GET", &id, None), 404);
    assert!(harness.machine.expense_reports()[0].deleted);
}

#[test]
fn amounts_have_eight_decimals_or_by_switch_as_few_as_they_need() {
    let mut harness = ConcurHarness::new();
    let id = harness.report();
    let text = harness.of_sam("GET", &id, None).body;
    assert!(String::from_utf8_lossy(&text).contains(r#""value":0E-8"#));
    harness.entry(&id, json!({}));
    let text = harness.of_sam("GET", &id, None).body;
    assert!(String::from_utf8_lossy(&text).contains(r#""value":40.00000000"#));
    harness.switch(|switches| switches.amounts_with_eight_decimals = false);
    let text = harness.of_sam("GET", &id, None).body;
    assert!(String::from_utf8_lossy(&text).contains(r#""value":40}"#));
}

#[test]
fn an_idempotency_id_creates_one_report_for_as_long_as_it_is_known() {
    let mut harness = ConcurHarness::new();
    let path = format!("/expensereports/v4/users/{SAM}/context/TRAVELER/reports");
    harness.switch(|switches| switches.creation_takes_ms = 20_000);
    let post = |harness: &mut ConcurHarness, later: u64| {
        harness.now += later;
        let request = harness.request("POST", &path, Some(new_report(json!({}))));
        let request = request.with_header("idempotency-id", "sam-2026-02");
        harness.machine.handle(&request, harness.now, 0)
    };
    let first = expect(&post(&mut harness, 0), 201);
    let busy = expect(&post(&mut harness, 19_000), 409);
    assert!(
        busy["errorMessage"]
            .as_str()
            .is_some_and(|text| text.contains("in-progress"))
    );
    assert_eq!(expect(&post(&mut harness, 2_000), 201), first);
    assert_eq!(harness.machine.expense_reports().len(), 1);
    harness.switch(|switches| switches.idempotency_life_ms = 60_000);
    assert_ne!(expect(&post(&mut harness, 60_000), 201), first);
}

#[test]
fn what_is_wrong_with_a_report_is_said_field_by_field() {
    let mut harness = ConcurHarness::new();
    let refused = expect(
        &harness.post_report(json!({"policyId": null, "Purpose": "x"})),
        400,
    );
    assert_eq!(refused["httpStatus"], "400 - Bad Request");
    assert_eq!(refused["validationErrors"][0]["source"], "policyId");
    assert_eq!(refused["validationErrors"][1]["source"], "Purpose");
    for changes in [
        json!({"policyId": "none"}),
        json!({"customData": [{"id": "custom1", "value": "PRJ_A"}]}),
        json!({"startDate": "02/01/2026"}),
    ] {
        expect(&harness.post_report(changes), 400);
    }
    let elsewhere = "/expensereports/v4/users/nobody/context/TRAVELER/reports";
    expect(
        &harness.send("POST", elsewhere, Some(new_report(json!({})))),
        400,
    );
    let left =
        "/expensereports/v4/users/4f2c0009-7b7e-4a3e-93a1-55b1c2b7f001/context/TRAVELER/reports";
    expect(
        &harness.send("POST", left, Some(new_report(json!({})))),
        400,
    );
    for (context, status) in [("MANAGER", 403), ("DRIVER", 400), ("PROXY", 201)] {
        let path = format!("/expensereports/v4/users/{SAM}/context/{context}/reports");
        expect(
            &harness.send("POST", &path, Some(new_report(json!({})))),
            status,
        );
    }
}

#[test]
fn a_field_that_the_form_lacks_is_dropped_or_by_switch_refused() {
    let mut harness = ConcurHarness::new();
    let off_form = json!({"customData": [{"id": "custom9", "value": "x"}]});
    expect(&harness.post_report(off_form.clone()), 201);
    assert!(harness.machine.expense_reports()[0].customs.is_empty());
    harness.switch(|switches| switches.fields_off_form = FieldsOffForm::Refused);
    expect(&harness.post_report(off_form), 400);
}

#[test]
fn forms_are_listed_for_the_report_and_the_entry() {
    let mut harness = ConcurHarness::new();
    let id = harness.report();
    let form = expect(
        &harness.of_company("GET", &format!("{id}/formFields"), None),
        200,
    );
    assert_eq!(form[0]["fieldId"], "custom1");
    assert_eq!(form[0]["listId"], "2f6b1c1a-6a1e-4a55-8d3e-0e6f1c2b3a44");
    harness.entry(&id, json!({}));
    let record = harness.machine.expense_report(&id).expect("the record");
    let expense = &record.entries[0].expense_id;
    let path = format!("{id}/expenses/{expense}/formFields?expenseTypeId=TAXIX");
    expect(&harness.of_company("GET", &path, None), 200);
    let path = format!("{id}/expenses/{expense}/formFields?expenseTypeId=OFFIC");
    expect(&harness.of_company("GET", &path, None), 400);
    let path = format!("{id}/expenses/0/formFields");
    expect(&harness.of_company("GET", &path, None), 404);
}

#[test]
fn tokens_need_the_scope_and_may_act_for_their_user_alone() {
    let mut harness = ConcurHarness::new();
    let id = harness.report();
    harness.sign_in_as(LOGIN);
    expect(&harness.of_sam("GET", &id, None), 200);
    expect(
        &harness.of_company("PATCH", &id, Some(json!({"name": "x"}))),
        401,
    );
    harness.sign_in_as("zoe.mueller@example.test");
    expect(&harness.of_sam("GET", &id, None), 403);
    harness.machine.config.apps[0].scopes = vec!["expense.report.read".into()];
    harness.sign_in();
    expect(&harness.of_sam("GET", &id, None), 200);
    let refused = expect(&harness.post_report(json!({})), 403);
    assert!(refused["errorId"].is_string() && refused["path"].is_string());
    harness.now += 3_600_000;
    expect(&harness.of_sam("GET", &id, None), 403);
    harness.machine.config.gateway.unauthenticated_401 = true;
    expect(&harness.of_sam("GET", &id, None), 401);
    harness.machine.config.gateway.unauthenticated_empty = true;
    assert!(harness.of_sam("GET", &id, None).body.is_empty());
}

#[test]
fn another_traveller_does_not_see_the_report_and_a_manager_does() {
    let mut harness = ConcurHarness::new();
    let id = harness.report();
    let zoe = "4f2c1012-7b7e-4a3e-93a1-55b1c2b7f001";
    for (context, status) in [("TRAVELER", 403), ("MANAGER", 200)] {
        let path = format!("/expensereports/v4/users/{zoe}/context/{context}/reports/{id}");
        expect(&harness.send("GET", &path, None), status);
    }
}

#[test]
fn the_list_of_v3_has_filters_and_pages() {
    let mut harness = ConcurHarness::new();
    let ids: Vec<String> = (0..3).map(|_| harness.report()).collect();
    harness.entry(&ids[1], json!({}));
    expect(&harness.submit(&ids[1]), 204);
    let path = format!("/api/v3.0/expense/reports?user={LOGIN}");
    let open = format!("{path}&approvalStatusCode=A_NOTF,A_RESU");
    let rows = expect(&harness.send("GET", &open, None), 200)["Items"].clone();
    assert_eq!(rows.as_array().map(Vec::len), Some(2));
    let first = expect(&harness.send("GET", &format!("{path}&limit=2"), None), 200);
    let next = first["NextPage"].as_str().expect("a page").to_owned();
    let next = next
        .strip_prefix("https://us2.api.concursolutions.com")
        .expect("a URI");
    let second = expect(&harness.send("GET", next, None), 200);
    assert_eq!(second["Items"][0]["ID"], json!(ids[2]));
    assert_eq!(second["NextPage"], json!(null));
    let all = "/api/v3.0/expense/reports?user=ALL&paymentStatusCode=P_NOTP";
    let rows = expect(&harness.send("GET", all, None), 200)["Items"].clone();
    assert_eq!(rows.as_array().map(Vec::len), Some(3));
    let one = format!("/api/v3.0/expense/reports/{}", ids[0]);
    expect(
        &harness.send("GET", &format!("{one}?user={LOGIN}"), None),
        200,
    );
    expect(
        &harness.send("GET", &format!("{one}?user=zoe.mueller@example.test"), None),
        404,
    );
    expect(&harness.send("GET", &one, None), 400);
}
