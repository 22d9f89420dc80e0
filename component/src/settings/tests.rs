use alloc::string::ToString;

use super::reader::TEXT_BYTES_MAX;
use super::*;
use crate::contract::runs::Intent;
use crate::retry;

/// Settings with everything that must be set.
pub(crate) const MINIMAL: &str = include_str!("minimal.json");

/// Settings that carry expenses over; `more` is put into their table, and ends with a comma.
pub(crate) fn with_expenses(more: &str) -> Settings {
    let json = format!(
        r#"{{"expense": {{"payment_type": "gWqCompanyPaid", "currencies": ["CAD", "EUR"],
        "report": {{"policy_id": "0A1B"}}, "categories": {{"3344": "TAXIX"}}, {more}
        "enabled": true}}, "#
    );
    let loaded = Settings::load("acme", &MINIMAL.replacen('{', &json, 1));
    loaded.expect("is right")
}

fn problems(json: &str) -> Vec<(String, String)> {
    let problems = Settings::load("acme", json).expect_err("has problems");
    problems
        .into_iter()
        .map(|problem| (problem.pointer, problem.code))
        .collect()
}

#[test]
fn the_minimal_settings_have_the_documented_defaults() {
    let settings = Settings::load("acme", MINIMAL).expect("is right");
    assert_eq!(settings.vendor.code_prefix, "FB-");
    assert_eq!(settings.payment_request.marker_field, "Custom24");
    assert_eq!(settings.payment_request.ambiguity, Intent::LookUpThenPark);
    assert_eq!(settings.payment_request.settle, 1_800_000);
    assert_eq!(settings.retry, retry::default_policy());
    assert!(settings.invoice.enabled && !settings.invoice.drafts && settings.bill_enabled);
    assert_eq!(settings.schedules().len(), 4);
    assert_eq!(
        (settings.cut_over, settings.backfill.runs_under_way_max),
        (None, 16)
    );
}

#[test]
fn every_problem_is_gathered() {
    let json = r#"{"freshbooks": {"account_id": "", "business_id": "x", "client_id": 3,
    "clientid": "y"},
                   "payment_request": {"ambiguity": "guess", "settle_s": 0,
                   "marker_field": "Custom025"},
                   "currencies": ["EUR", "EURO"], "projects": {"a/b": "X-1"}, "sweep": [],
                   "cut_over": "2026-2-1", "backfill": {"runs_under_way_max": 101}}"#;
    let found = problems(json);
    for expected in [
        ("/freshbooks/account_id", "empty"),
        ("/freshbooks/business_id", "wrong-value"),
        ("/freshbooks/client_id", "wrong-type"),
        ("/freshbooks/redirect_uri", "missing"),
        ("/freshbooks/clientid", "unknown-key"),
        ("/concur/company_id", "missing"),
        ("/payment_request", "owner-missing"),
        ("/payment_request/ambiguity", "wrong-value"),
        ("/payment_request/settle_s", "wrong-value"),
        ("/payment_request/marker_field", "wrong-value"),
        ("/currencies/1", "wrong-value"),
        ("/projects/a~1b", "wrong-value"),
        ("/sweep", "wrong-type"),
        ("/cut_over", "wrong-value"),
        ("/backfill/runs_under_way_max", "wrong-value"),
    ] {
        let expected = (expected.0.to_string(), expected.1.to_string());
        assert!(
            found.contains(&expected),
            "{expected:?} is missing in {found:?}"
        );
    }
    assert_eq!(found.len(), 16);
}

#[test]
fn a_problem_is_said_once() {
    let found = problems(r#"{"freshbooks": {"account_id": ""}}"#);
    let account = found
        .iter()
        .filter(|(pointer, _)| pointer == "/freshbooks/account_id");
    assert_eq!(account.count(), 1);
}

#[test]
fn the_version_follows_the_values_and_not_the_layout() {
    let spaced = MINIMAL.replace(", ", " ,\n ");
    let other = MINIMAL.replace("OFFSP", "OTHER");
    let version = |json: &str| Settings::load("acme", json).expect("is right").version;
    assert_eq!(version(MINIMAL), version(&spaced));
    assert_ne!(version(MINIMAL), version(&other));
    assert_eq!(version(MINIMAL).len(), 20);
}

#[test]
fn not_json_not_a_table_and_too_long_are_said() {
    assert_eq!(problems("{")[0].1, "not-json");
    assert_eq!(problems("[]")[0].1, "not-a-table");
    assert_eq!(problems(&" ".repeat(TEXT_BYTES_MAX + 1))[0].1, "too-long");
}

#[test]
fn a_disabled_flow_has_no_schedule() {
    let json = MINIMAL.replacen('{', r#"{"bill": {"enabled": false}, "#, 1);
    let settings = Settings::load("acme", &json).expect("is right");
    assert_eq!(settings.schedules().len(), 2);
}

#[test]
fn a_quick_expense_has_no_report_no_fields_and_no_second_attempt() {
    let quick = |more: &str, head: &str| {
        let json = format!(
            r#"{{{head}"expense": {{"enabled": true, "kind": "quick-expense", "currencies": ["CAD"],
            "categories": {{"3344": "TAXIX"}}, {more} "payment_type": "CPAID"}}, "#
        );
        Settings::load("acme", &MINIMAL.replacen('{', &json, 1))
    };
    assert!(quick("", "").is_ok());
    let places = |more: &str, head: &str| -> Vec<String> {
        let problems = quick(more, head).expect_err("has problems");
        problems.into_iter().map(|one| one.pointer).collect()
    };
    for (more, place) in [
        (r#""marker_field": "Custom3","#, "marker_field"),
        (r#""project_field": "Custom3","#, "project_field"),
        (r#""tax": {"receipt_with": "T"},"#, "tax/receipt_with"),
        (r#""workflow": "submit","#, "workflow"),
        (r#""ambiguity": "resend","#, "ambiguity"),
        (
            r#""payment_types_by_staff": {"1": "CASHX"},"#,
            "payment_types_by_staff/1",
        ),
    ] {
        assert_eq!(places(more, ""), [format!("/expense/{place}")], "{more}");
    }
    let allowed = r#""payment_types_by_staff": {"1": "CASHX"}, "reimburse_staff": [1],"#;
    assert!(quick(allowed, "").is_ok());
    // What comes back could not be told from what employees have entered.
    let back = |own: &str| format!(r#""financial": {{{own} "enabled": true}}, "#);
    assert!(places("", &back("")).contains(&"/expense/kind".to_string()));
    let posted = quick("", &back(r#""own_expenses": "post","#));
    let places = posted.err().into_iter().flatten().map(|one| one.pointer);
    assert!(places.into_iter().all(|place| place != "/expense/kind"));
}

#[test]
fn reports_are_looked_for_only_where_they_are_to_be_submitted() {
    let queued = |more: &str| {
        let schedules = with_expenses(more).schedules();
        let queues = schedules
            .iter()
            .filter(|schedule| schedule.object.kind == "expense-report-queue");
        queues.count()
    };
    assert_eq!(queued(""), 0);
    assert_eq!(queued(r#""workflow": "submit","#), 1);
    assert_eq!(with_expenses("").expense.workflow_after_days, 7);
}

#[test]
fn confirmed_payments_need_a_scope_and_a_webhook() {
    let plain = Settings::load("acme", MINIMAL).expect("is right");
    assert!(!plain.confirms_payments && !plain.freshbooks.scopes.contains("payments"));
    let json = MINIMAL.replacen('{', r#"{"payments": {"confirm": true}, "#, 1);
    let settings = Settings::load("acme", &json).expect("is right");
    assert!(settings.freshbooks.scopes.ends_with(" user:payments:read"));
    let object = ObjectRef::freshbooks("callback", "payment");
    let mut schedules = settings.schedules().into_iter();
    let webhook = schedules.find(|schedule| schedule.object == object);
    let needs = webhook.and_then(|webhook| webhook.needs);
    assert_eq!(needs, Some(ReceiverNeed::Webhooks));
}

fn with_financial(financial: &str) -> String {
    MINIMAL.replacen('{', &format!(r#"{{"financial": {{{financial}}}, "#), 1)
}

fn financial(financial: &str) -> Settings {
    Settings::load("acme", &with_financial(financial))
        .unwrap_or_else(|problems| panic!("{problems:?}"))
}

#[test]
fn the_way_back_is_off_and_has_the_documented_defaults() {
    use super::financial::{
        ClosedPeriod, ConfirmErrors, CostCodeField, Endpoint, LookUp, OwnInvoices, Payroll,
    };
    let settings = Settings::load("acme", MINIMAL).expect("is right");
    let financial = &settings.financial;
    assert!(!financial.enabled && !settings.freshbooks.scopes.contains("journal"));
    assert_eq!(financial.documents.len(), 4);
    assert_eq!(
        (financial.interval_s, financial.page_size, financial.settle),
        (900, 25, 1_800_000)
    );
    assert_eq!(
        (
            financial.system_id.as_str(),
            financial.company_code.as_str()
        ),
        ("freshbooks-zQ7pLm", "zQ7pLm")
    );
    assert_eq!(
        (financial.own_invoices, financial.confirm_errors),
        (OwnInvoices::Confirm, ConfirmErrors::Document)
    );
    assert_eq!(
        (financial.closed_period, financial.payroll),
        (ClosedPeriod::Hold, Payroll::Acknowledge)
    );
    assert_eq!(
        (financial.endpoint, financial.look_up),
        (Endpoint::Legacy, LookUp::WhenInDoubt)
    );
    assert_eq!(financial.ambiguity, Intent::LookUpThenPark);
    assert_eq!(
        (financial.cost_code_field, financial.entry_cost_code_field),
        (1, CostCodeField::Custom(1))
    );
}

#[test]
fn the_way_back_has_a_schedule_for_each_type_and_its_scopes() {
    let settings =
        financial(r#""enabled": true, "documents": ["payroll", "cash-advance"], "interval_s": 60"#);
    let queues: Vec<_> = settings.schedules().into_iter().skip(4).collect();
    let ids: Vec<_> = queues
        .iter()
        .map(|queue| queue.object.id.as_str())
        .collect();
    assert_eq!(ids, ["cash-advance", "payroll"]);
    assert_eq!(
        (queues[0].object.kind.as_str(), queues[0].interval_s),
        ("financial-queue", 60)
    );
    assert_eq!(queues[0].object.system, System::Concur);
    assert!(
        settings
            .freshbooks
            .scopes
            .ends_with(" user:journal_entries:read user:journal_entries:write")
    );
    let uuid = "1b9e0f6a-1c2d-4e3f-8a9b-0c1d2e3f4a5b";
    let new = financial(&format!(
        r#""enabled": true, "endpoint": "new", "business_uuid": "{uuid}""#
    ));
    assert!(new.freshbooks.scopes.ends_with(" user:reports:read"));
    let own = with_financial(r#""enabled": true"#)
        .replace(r#""account_id""#, r#""scopes": "mine", "account_id""#);
    assert_eq!(
        Settings::load("acme", &own)
            .expect("is right")
            .freshbooks
            .scopes,
        "mine"
    );
}

#[test]
fn every_problem_of_the_way_back_is_gathered() {
    let json = with_financial(
        r#""enabled": 1, "documents": ["expense", "obligation"], "page_size": 101,
        "interval_s": 0, "endpoint": "new",
           "system_id": "123456789012345678901234567890123456789012345678901",
           "company_code": "123456789012345678901234567890123",
           "own_invoices": "x", "confirm_errors": "x", "closed_until": "2026-1-31",
           "closed_period": "x", "payroll": "x",
           "look_up": "x", "ambiguity": "x", "settle_s": 0, "cost_code_field": "Custom21",
           "entry_cost_code_field": "Custom041",
           "business_uuid": "1b9e", "accounts": {"by_code": {"6100": "635"}, "by_tax": {"A/B": 7},
           "personal_items": "635", "cash_advances": 635, "by": {}}"#,
    );
    let found = problems(&json);
    for expected in [
        "/enabled",
        "/documents/1",
        "/page_size",
        "/interval_s",
        "/system_id",
        "/company_code",
        "/own_invoices",
        "/confirm_errors",
        "/closed_until",
        "/closed_period",
        "/payroll",
        "/look_up",
        "/ambiguity",
        "/settle_s",
        "/cost_code_field",
        "/entry_cost_code_field",
        "/business_uuid",
        "/accounts/by_code/6100",
        "/accounts/by_tax/A~1B",
        "/accounts/personal_items",
        "/accounts/cash_advances",
        "/accounts/by",
    ] {
        let pointer = format!("/financial{expected}");
        assert!(
            found.iter().any(|(found, _)| *found == pointer),
            "{pointer} is missing in {found:?}"
        );
    }
    assert_eq!(found.len(), 22);
    let missing = problems(&with_financial(r#""endpoint": "new""#));
    assert_eq!(
        missing,
        [(
            "/financial".to_string(),
            "business-uuid-missing".to_string()
        )]
    );
    let text = problems(&with_financial(
        r#""accounts": {"by_code": {"6100": "cash", "6200": "0"}}"#,
    ));
    assert_eq!(text.len(), 2);
}

#[test]
fn a_cost_code_may_be_in_an_organisational_unit_of_an_entry() {
    use super::financial::CostCodeField;
    let settings = financial(r#""entry_cost_code_field": "OrgUnit4""#);
    let field = settings.financial.entry_cost_code_field;
    assert_eq!(field, CostCodeField::OrgUnit(4));
    for wrong in [
        r#""entry_cost_code_field": "OrgUnit7""#,
        r#""entry_cost_code_field": "OrgUnit004""#,
        r#""cost_code_field": "OrgUnit1""#,
    ] {
        assert_eq!(problems(&with_financial(wrong)).len(), 1, "{wrong}");
    }
}

#[test]
fn the_connection_s_name_is_checked() {
    for name in ["a", "acme-2", &"a".repeat(64)] {
        let settings = Settings::load(name, MINIMAL).expect("is right");
        assert_eq!(settings.identity().connection, name);
    }
    for name in ["", "Acme", "a_b", "a/b", &"a".repeat(65)] {
        let problems = Settings::load(name, MINIMAL).expect_err("is wrong");
        let [problem] = problems.as_slice() else {
            panic!("one problem: {problems:?}");
        };
        assert_eq!(
            (problem.pointer.as_str(), problem.code.as_str()),
            ("", "wrong-value")
        );
    }
}

#[test]
fn base_urls_have_published_defaults_and_no_slash_at_the_end() {
    let endpoints = Settings::load("acme", MINIMAL)
        .expect("is right")
        .endpoints();
    assert_eq!(endpoints.freshbooks, "https://api.freshbooks.com");
    assert_eq!(endpoints.freshbooks_consent, "https://auth.freshbooks.com");
    assert_eq!(
        endpoints.concur_token,
        "https://glz.api.concursolutions.com"
    );
    assert!(endpoints.concur_extra.is_empty());
    let with = |base: &str| {
        let own = format!(r#""base": "{base}", "consent_base": "{base}", "account_id""#);
        let own = MINIMAL.replace(r#""account_id""#, &own);
        let concur = format!(r#""token_base": "{base}", "extra_bases": ["{base}"], "company_id""#);
        own.replace(r#""company_id""#, &concur)
    };
    let own = Settings::load("acme", &with("http://127.0.0.1:8080/")).expect("is right");
    let base = "http://127.0.0.1:8080";
    let endpoints = own.endpoints();
    assert_eq!(
        [
            endpoints.freshbooks.as_str(),
            &endpoints.freshbooks_consent,
            &endpoints.concur_token,
            &endpoints.concur_extra[0]
        ],
        [base; 4]
    );
    for wrong in [
        "ftp://x",
        "https://",
        "https://a/b",
        "https://u@a",
        "a.example",
    ] {
        let found = problems(&with(wrong));
        assert_eq!(found.len(), 4, "{wrong}: {found:?}");
        assert!(found.iter().all(|(_, code)| code == "wrong-value"));
    }
}

#[test]
fn registrations_and_subscriptions_need_a_receiver() {
    use crate::contract::settings::ReceiverNeed;

    let json = MINIMAL.replacen('{', r#"{"events": {"enabled": true}, "#, 1);
    let settings = Settings::load("acme", &json).expect("is right");
    for schedule in settings.schedules() {
        let expected = match schedule.object.kind.as_str() {
            "callback" => Some(ReceiverNeed::Webhooks),
            "event-subscription" => Some(ReceiverNeed::Events),
            _ => None,
        };
        assert_eq!(schedule.needs, expected);
    }
}

#[test]
fn bills_need_their_scopes_and_say_which_is_missing() {
    let bills = MINIMAL.replacen(
        '{',
        r#"{"financial": {"enabled": true, "invoices": "bill", "bills": {
        "categories": {"6400": "3341"}, "taxes": {"H13": "13% HST"}, "vendors": {"V1": "17"}}}, "#,
        1,
    );
    let settings = Settings::load("acme", &bills).expect("is right");
    assert!(settings.financial.makes_bills());
    let scopes = &settings.freshbooks.scopes;
    assert!(
        scopes.ends_with(" user:bills:write user:bill_vendors:write"),
        "{scopes}"
    );
    let own = r#""scopes": "user:bills:read user:bill_vendors:read user:bill_vendors:write","#;
    let narrow = bills.replace(r#""account_id""#, &(own.to_string() + r#" "account_id""#));
    let expected = (
        "/freshbooks/scopes".to_string(),
        "scope-missing".to_string(),
    );
    assert_eq!(problems(&narrow), [expected]);
    // Without suppliers' invoices there are none.
    let none = narrow.replace(r#""invoices""#, r#""documents": ["expense"], "invoices""#);
    assert!(
        !Settings::load("acme", &none)
            .expect("is right")
            .financial
            .makes_bills()
    );
    let wrong = bills
        .replace("13% HST", "HST")
        .replace("3341", "Paper")
        .replace("\"17\"", "\"x\"");
    let places: Vec<String> = problems(&wrong)
        .into_iter()
        .map(|(place, _)| place)
        .collect();
    let expected = ["categories/6400", "taxes/H13", "vendors/V1"];
    for place in expected.map(|place| format!("/financial/bills/{place}")) {
        assert!(places.contains(&place), "{places:?}");
    }
}

#[test]
fn a_custom_field_may_be_spelt_in_both_ways() {
    let with = |marker: &str, cost_code: &str| {
        let fields = format!(
            r#""marker_field": "{marker}", "cost_code_field": "{cost_code}", "employee_login_id""#
        );
        Settings::load("acme", &MINIMAL.replace(r#""employee_login_id""#, &fields))
    };
    for (marker, cost_code) in [
        ("Custom1", "Custom01"),
        ("Custom09", "Custom9"),
        ("Custom10", "Custom20"),
        ("OrgUnit1", "Custom1"),
        ("OrgUnit06", "Custom1"),
    ] {
        let settings = with(marker, cost_code).expect("is right");
        let request = settings.payment_request;
        assert_eq!(
            (
                request.marker_field.as_str(),
                request.cost_code_field.as_str()
            ),
            (marker, cost_code)
        );
    }
    for (marker, cost_code) in [
        ("Custom0", "Custom1"),
        ("Custom00", "Custom1"),
        ("Custom001", "Custom1"),
        ("Custom010", "Custom1"),
        ("Custom+1", "Custom1"),
        ("Custom25", "Custom1"),
        ("OrgUnit7", "Custom1"),
        ("custom1", "Custom1"),
        ("Custom1", "Custom21"),
        ("Custom1", "OrgUnit1"),
        ("Custom1", "Custom021"),
    ] {
        assert_eq!(with(marker, cost_code).expect_err("is wrong").len(), 1);
    }
}

fn expense_problems(more: &str) -> Vec<(String, String)> {
    let json = format!(r#"{{"expense": {{"enabled": true, {more} "staff": {{}}}}, "#);
    problems(&MINIMAL.replacen('{', &json, 1))
}

#[test]
fn expenses_need_what_nobody_can_guess() {
    let found = expense_problems("");
    for pointer in [
        "/expense/payment_type",
        "/expense/currencies",
        "/expense/report/policy_id",
    ] {
        let missing = (pointer.to_string(), "missing".to_string());
        assert!(found.contains(&missing), "{pointer}: {found:?}");
    }
}

#[test]
fn a_payment_type_that_is_reimbursed_is_meant_for_each_or_refused() {
    let rest = r#""currencies": ["CAD"], "report": {"policy_id": "0A"}, "payment_type": "gWpaid",
        "reimbursed_payment_types": ["gWcash"],"#;
    let maps = r#""payment_types_by_staff": {"2": "gWcash", "3": "gWcard"},
        "payment_types_by_category": {"3344": "gWcash"},"#;
    let reimbursed = |pointer: &str| (pointer.to_string(), "reimbursed".to_string());
    assert_eq!(
        expense_problems(&format!("{rest} {maps}")),
        [
            reimbursed("/expense/payment_types_by_staff/2"),
            reimbursed("/expense/payment_types_by_category/3344"),
        ]
    );
    assert_eq!(
        expense_problems(&rest.replace("gWpaid", "gWcash")),
        [reimbursed("/expense/payment_type")]
    );
    let meant = r#""reimburse_staff": [2], "reimburse_categories": ["3344"],"#;
    let json =
        format!(r#"{{"expense": {{"enabled": true, {rest} {maps} {meant} "staff": {{}}}}, "#);
    let settings = Settings::load("acme", &MINIMAL.replacen('{', &json, 1)).expect("is right");
    let types = &settings.expense.payment_types;
    assert_eq!(types.of("2", "1"), "gWcash");
    assert_eq!(types.of("3", "3344"), "gWcard");
    assert_eq!(types.of("1", "1"), "gWpaid");
}

#[test]
fn one_field_of_an_entry_holds_one_thing() {
    let rest = r#""currencies": ["CAD"], "report": {"policy_id": "0A", "name": "Fixed"},
        "payment_type": "gW", "marker_field": "Custom3", "project_field": "Custom3",
        "cost_code_field": "Custom41", "categories": {"3344": "TOOLONG"},"#;
    let found = expense_problems(rest);
    for pointer in [
        "/expense",
        "/expense/report/name",
        "/expense/cost_code_field",
        "/expense/categories/3344",
    ] {
        let wrong = (pointer.to_string(), "wrong-value".to_string());
        assert!(found.contains(&wrong), "{pointer}: {found:?}");
    }
}
