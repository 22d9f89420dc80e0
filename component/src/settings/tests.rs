use super::*;

/// Settings with everything that must be set.
pub(crate) const MINIMAL: &str = r#"{
    "freshbooks": {"account_id": "zQ7pLm", "business_id": 8812345, "client_id": "fb-app",
                   "redirect_uri": "https://sync.example.test/oauth/freshbooks/callback"},
    "concur": {"company_id": "7c0b6d5e-1111-4222-8333-444455556666", "client_id": "cq-app"},
    "payment_request": {"employee_login_id": "ap.clerk@example.test"},
    "currencies": ["CAD", "EUR", "JPY", "KWD", "USD"],
    "expense_types": {"default": "OFFSP"},
    "taxes": {"HST": "H13", "GST": "G5", "PST": "P7"},
    "projects": {"5512": "PRJ_A", "5513": "PRJ_B"}
}"#;

fn problems(json: &str) -> Vec<(String, String)> {
    let problems = Settings::load(json).expect_err("has problems");
    problems
        .into_iter()
        .map(|problem| (problem.pointer, problem.code))
        .collect()
}

#[test]
fn the_minimal_settings_have_the_documented_defaults() {
    let settings = Settings::load(MINIMAL).expect("is right");
    assert_eq!(settings.vendor.code_prefix, "FB-");
    assert_eq!(settings.payment_request.marker_field, "Custom24");
    assert_eq!(settings.payment_request.ambiguity, Intent::LookUpThenPark);
    assert_eq!(settings.payment_request.settle, 1_800_000);
    assert_eq!(settings.retry, retry::default_policy());
    assert!(settings.invoice.enabled && !settings.invoice.drafts && settings.bill_enabled);
    assert_eq!(settings.schedules().len(), 4);
}

#[test]
fn every_problem_is_gathered() {
    let json = r#"{"freshbooks": {"account_id": "", "business_id": "x", "client_id": 3, "clientid": "y"},
                   "payment_request": {"ambiguity": "guess", "settle_s": 0, "marker_field": "Custom025"},
                   "currencies": ["EUR", "EURO"], "projects": {"a/b": "X-1"}, "sweep": []}"#;
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
    ] {
        let expected = (expected.0.to_string(), expected.1.to_string());
        assert!(
            found.contains(&expected),
            "{expected:?} is missing in {found:?}"
        );
    }
    assert_eq!(found.len(), 14);
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
    let version = |json: &str| Settings::load(json).expect("is right").version;
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
    let settings = Settings::load(&json).expect("is right");
    assert_eq!(settings.schedules().len(), 2);
}
