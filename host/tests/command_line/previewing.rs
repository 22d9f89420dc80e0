//! `preview`: a translation, or every reason why there is none.

use serde_json::Value;

use super::office::Office;

const INVOICE: &str = include_str!("invoice.json");

#[test]
fn an_invoice_shows_what_it_becomes() {
    let office = Office::new();
    office.write("invoice.json", INVOICE);
    let said = office.run(&["preview", "invoice.json", "--json"]);
    assert_eq!(said.code, 0, "{}{}", said.out, said.err);
    let answer: Value = serde_json::from_str(&said.out).expect("JSON");
    let translations = answer["translations"].as_array().expect("translations");
    let mut requests = translations
        .iter()
        .filter(|translation| translation["target_kind"] == "payment-request");
    let body = &requests.next().expect("a payment request")["body"];
    assert_eq!(body["InvoiceNumber"], "2093");
    assert_eq!(body["InvoiceAmount"], "90.00");
    let plain = office.run(&[
        "preview",
        "--connection",
        "acme",
        "--kind",
        "invoice",
        "invoice.json",
    ]);
    assert!(
        plain.out.contains("payment-request in SAP Concur:"),
        "{}",
        plain.out
    );
    assert!(plain.out.ends_with("Nothing was sent.\n"), "{}", plain.out);
}

#[test]
fn a_document_comes_from_standard_input_too() {
    let office = Office::new();
    let said = office.run_with(&["preview", "-"], &[], INVOICE);
    assert_eq!(said.code, 0, "{}{}", said.out, said.err);
}

#[test]
fn every_reason_against_a_translation_is_told() {
    let office = Office::new();
    let broken = INVOICE.replace(
        "\"create_date\": \"2026-02-27\"",
        "\"create_date\": \"lately\"",
    );
    assert_ne!(broken, INVOICE);
    let said = office.run_with(&["preview", "-"], &[], &broken);
    assert_eq!(said.code, 1, "{}{}", said.out, said.err);
    assert!(
        said.out.starts_with("It cannot be translated:\n"),
        "{}",
        said.out
    );
    let json = office.run_with(&["preview", "-", "--json"], &[], &broken);
    let answer: Value = serde_json::from_str(&json.out).expect("JSON");
    let problem = &answer["problems"][0];
    assert_eq!(problem["pointer"], "/create_date", "{}", json.out);
    assert!(
        said.out
            .contains(problem["message"].as_str().expect("message"))
    );
}

#[test]
fn a_document_without_its_name_needs_the_kind() {
    let office = Office::new();
    let said = office.run_with(&["preview", "-"], &[], "{\"id\": 1}");
    assert_eq!(said.code, 2);
    assert!(said.err.contains("--kind"), "{}", said.err);
}

#[test]
fn an_unknown_connection_is_answered_with_the_known_ones() {
    let office = Office::new();
    let said = office.run_with(&["preview", "-", "--connection", "other"], &[], INVOICE);
    assert_eq!(said.code, 2);
    assert!(said.err.contains("the settings have acme"), "{}", said.err);
}
