use alloc::vec;

use serde_json::Value;
use serde_json::value::RawValue;

use super::*;
use crate::contract::types::System;
use crate::settings::tests::MINIMAL;

const CLIENT: &str = r#"{"id": 4401, "organization": "Northwind Paper Ltd", "fname": "Ida",
"lname": "Roe",
    "email": "ida@example.test", "bus_phone": "+1 416 555 0100 ext. 1234567890",
    "p_street": "12 Mill  Lane",
    "p_street2": null, "p_city": "Toronto", "p_province": "ontario", "p_code": "M5V 2T6",
    "p_country": "Canada",
    "currency_code": "CAD", "vat_number": "", "updated": "2026-02-27 09:12:44"}"#;

const BILL_VENDOR: &str = r#"{"vendorid": "17", "vendor_name": "Messe AG",
"primary_contact_first_name": "Jo",
    "primary_contact_last_name": "Lang", "primary_contact_email": "jo@example.test", "phone": null,
    "street": "Ring 1", "city": "Köln", "province": "NRW", "postal_code": 50667,
    "country": "Germany",
    "currency_code": "EUR", "updated_at": "2026-01-16 10:00:00"}"#;

fn settings() -> Settings {
    Settings::load("acme", MINIMAL).expect("is right")
}

fn object(kind: &str, id: &str) -> ObjectRef {
    ObjectRef {
        system: System::Freshbooks,
        kind: kind.to_string(),
        id: id.to_string(),
    }
}

fn raw(json: &str) -> &RawValue {
    serde_json::from_str(json).expect("is JSON")
}

fn client(json: &str) -> Result<Translated, Vec<Problem>> {
    let party = Party::read_client(raw(json)).expect("is an object");
    translate(&object("client", "4401"), &party, &settings())
}

fn bill_vendor(json: &str) -> Result<Translated, Vec<Problem>> {
    let party = Party::read_bill_vendor(raw(json)).expect("is an object");
    translate(&object("bill-vendor", "17"), &party, &settings())
}

fn created(translated: Result<Translated, Vec<Problem>>) -> Value {
    let body = translated.expect("translates").to_create();
    serde_json::from_str(&body).expect("is JSON")
}

#[test]
fn a_client_becomes_a_vendor() {
    assert_eq!(
        created(client(CLIENT)),
        json!({"Vendor": [{
            "VendorCode": "FB-C4401", "AddressCode": "MAIN", "VendorName": "Northwind Paper Ltd",
            "Address1": "12 Mill Lane", "City": "Toronto", "State": "ON", "PostalCode": "M5V 2T6",
            "CountryCode": "CA", "CurrencyCode": "CAD", "Approved": "Y", "ContactFirstName": "Ida",
            "ContactLastName": "Roe", "ContactEmail": "ida@example.test"}]})
    );
}

#[test]
fn a_bill_vendor_becomes_a_vendor() {
    assert_eq!(
        created(bill_vendor(BILL_VENDOR)),
        json!({"Vendor": [{
            "VendorCode": "FB-V17", "AddressCode": "MAIN", "VendorName": "Messe \
                    AG", "Address1": "Ring 1",
            "City": "Köln", "State": "NRW", "PostalCode": "50667", "CountryCode": "DE",
                "CurrencyCode": "EUR",
            "Approved": "Y", "ContactFirstName": "Jo", "ContactLastName": "Lang",
            "ContactEmail": "jo@example.test"}]})
    );
}

#[test]
fn a_client_without_an_organisation_is_a_person_or_an_address() {
    let person = CLIENT.replace("Northwind Paper Ltd", "  ");
    assert_eq!(client(&person).expect("translates").name, "Ida Roe");
    let last = person.replace("\"Ida\"", "null");
    assert_eq!(client(&last).expect("translates").name, "Roe");
    let address = last.replace("\"Roe\"", "\"\"");
    assert_eq!(
        client(&address).expect("translates").name,
        "ida@example.test"
    );
}

#[test]
fn every_problem_is_gathered_and_points_into_its_kind() {
    let codes = |translated: Result<Translated, Vec<Problem>>| -> Vec<(String, String)> {
        let problems = translated.expect_err("has problems").into_iter();
        problems
            .map(|problem| (problem.pointer, problem.code))
            .collect()
    };
    let pairs = |pairs: [(&str, &str); 3]| {
        pairs.map(|(pointer, code)| (pointer.to_string(), code.to_string()))
    };
    assert_eq!(
        codes(client("{}")),
        pairs([
            ("/organization", "name-missing"),
            ("/p_country", "country-missing"),
            ("/currency_code", "currency-unknown")
        ])
    );
    assert_eq!(
        codes(bill_vendor(
            r#"{"country": "Narnia", "currency_code": "QQQQ"}"#
        )),
        pairs([
            ("/vendor_name", "name-missing"),
            ("/country", "country-unmapped"),
            ("/currency_code", "currency-unknown")
        ])
    );
}

#[test]
fn every_message_names_what_would_fix_it() {
    let long = "9".repeat(40);
    let party = Party::read_client(raw(CLIENT)).expect("is an object");
    let long = translate(&object("client", &long), &party, &settings());
    for (translated, code, remedy) in [
        (client("{}"), "country-missing", "`vendor.default_country`"),
        (
            client(&CLIENT.replace("Canada", "Narnia")),
            "country-unmapped",
            "`countries`",
        ),
        (
            client(&CLIENT.replace("CAD", "CA$")),
            "currency-unknown",
            "FreshBooks",
        ),
        (
            client(&CLIENT.replace("ontario", "Bavaria")),
            "state-unmapped",
            "\"Bavaria\"",
        ),
        (
            client(&CLIENT.replace("ontario", "")),
            "state-unmapped",
            "FreshBooks",
        ),
        (client("{}"), "name-missing", "FreshBooks"),
        (long, "code-too-long", "`vendor.code_prefix`"),
    ] {
        let problems = translated.expect_err("has problems");
        let found = problems
            .iter()
            .find(|problem| problem.code == code)
            .expect("is there");
        assert!(found.message.contains(remedy), "{}", found.message);
    }
}

#[test]
fn texts_keep_to_concur_s_bounds() {
    let long = CLIENT
        .replace("Northwind Paper Ltd", &"Ö".repeat(400))
        .replace("M5V 2T6", &"7".repeat(60))
        .replace(
            r#""vat_number": """#,
            &format!(r#""vat_number": "{}""#, "8".repeat(90)),
        );
    let fields = client(&long).expect("translates").fields;
    assert_eq!(fields["VendorName"].chars().count(), 255);
    // A code is left out rather than cut.
    assert!(!fields.contains_key("PostalCode") && !fields.contains_key("TaxID"));
}

#[test]
fn alike_is_same_name_and_address_and_never_a_name_alone() {
    let ours = client(CLIENT).expect("translates");
    let theirs = |name: &str, address1: &str, postal_code: &str| concur::Vendor {
        key: VendorKey {
            code: "1".to_string(),
            address: "2".to_string(),
        },
        name: name.to_string(),
        address1: address1.to_string(),
        postal_code: postal_code.to_string(),
    };
    assert!(ours.is_like(&theirs("NORTHWIND  Paper Ltd", "12 mill lane", "m5v 2t6")));
    for other in [
        theirs("Northwind", "12 Mill Lane", "M5V 2T6"),
        theirs("Northwind Paper Ltd", "13 Mill Lane", "M5V 2T6"),
        theirs("Northwind Paper Ltd", "12 Mill Lane", ""),
    ] {
        assert!(!ours.is_like(&other), "{other:?}");
    }
    let nowhere = CLIENT.replace("12 Mill  Lane", "").replace("M5V 2T6", "");
    let nowhere = client(&nowhere).expect("translates");
    assert!(!nowhere.is_like(&theirs("Northwind Paper Ltd", "", "")));
}

#[test]
fn members_of_any_kind_do_no_harm() {
    for odd in ["null", "true", "[1]", "{}", "1e400", r#""\ud800""#] {
        let members: Vec<String> = [
            "id",
            "organization",
            "p_country",
            "currency_code",
            "p_province",
            "p_street",
        ]
        .iter()
        .map(|name| format!(r#""{name}": {odd}"#))
        .collect();
        let problems = client(&format!("{{{}}}", members.join(","))).expect_err("has problems");
        assert!(!problems.is_empty(), "{odd}");
    }
    assert_eq!(vec![Party::read_client(raw("3")).is_err()], [true]);
}
