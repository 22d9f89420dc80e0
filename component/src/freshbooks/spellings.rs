//! Each object of FreshBooks in every form that its fields may have is read as the same.
//! docs/sources.md has the table of these forms.

mod writing;

use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use proptest::prelude::*;
use serde_json::value::RawValue;

use super::account_check::read_accounts;
use super::*;
use crate::contract::types::ObjectRef;
use crate::error_bodies::Unread;
use crate::error_bodies::tests::answer;
use crate::mapping::preview;
use crate::settings::Settings;
use crate::settings::tests::MINIMAL;
use crate::vendor;
use writing::{Dice, Field, Member, any_dice, either, member, names_in, write};

use Field::{
    Day, Flag, Id, Money, NoDay, NoId, NoMoney, NoText, Number, Object, Rows, Text, ZeroState,
};

fn invoice() -> Vec<Member> {
    let line = vec![
        member(&["name"], Text("Paper \"A4\"")),
        member(&["description"], NoText),
        member(&["qty", "quantity"], Number("2")),
        member(&["unit_cost"], Money("33.00")),
        member(&["amount"], Money("66.00")),
        member(&["compounded_tax"], Flag(false)),
        member(&["modern_project_id"], NoId),
        member(&["taxName1", "tax_name1"], Text("HST")),
        member(&["taxAmount1", "tax_percent1"], Number("13")),
        member(&["taxName2", "tax_name2"], NoText),
        member(&["taxAmount2", "tax_percent2"], Number("0")),
    ];
    vec![
        member(&["id", "invoiceid"], Id("778120")),
        member(&["invoice_number"], Text("2093")),
        member(&["updated", "updated_at"], Text("2026-02-27 09:12:44")),
        member(&["vis_state"], ZeroState),
        either(vec![
            vec![member(&["status"], Number("2"))],
            vec![member(&["v3_status"], Text("sent"))],
        ]),
        either(vec![
            vec![member(&["customerid"], Id("41"))],
            vec![
                member(&["customerid"], NoId),
                member(
                    &["client"],
                    Object(vec![member(&["userid", "id"], Id("41"))]),
                ),
            ],
        ]),
        member(&["organization"], NoText),
        member(&["fname"], Text("Ida")),
        member(&["lname"], Text("Roe")),
        member(&["country"], Text("Canada")),
        member(&["create_date"], Day("2026-02-27")),
        member(&["due_date"], NoDay),
        currency(),
        member(&["amount"], Money("74.58")),
        member(&["discount_total"], NoMoney),
        member(&["lines"], Rows(vec![line])),
    ]
}

fn bill() -> Vec<Member> {
    let vendor = |ids: &'static [&'static str]| {
        let inside = vec![
            member(ids, Id("71")),
            member(&["vendor_name"], Text("Example Rail Co")),
            member(&["country"], Text("Canada")),
        ];
        member(&["vendor"], Object(inside))
    };
    let category = |ids: &'static [&'static str]| {
        let inside = vec![
            member(ids, Id("3344")),
            member(&["category"], Text("Travel")),
        ];
        member(&["category"], Object(inside))
    };
    let line = vec![
        either(vec![
            vec![
                member(&["categoryid"], Id("3344")),
                member(&["category"], Text("Travel")),
            ],
            vec![
                member(&["categoryid"], Id("3344")),
                member(&["category"], NoText),
            ],
            vec![
                member(&["categoryid"], NoId),
                category(&["categoryid", "id"]),
            ],
            vec![category(&["categoryid", "id"])],
        ]),
        member(&["description"], Text("Train")),
        member(&["quantity", "qty"], Number("2")),
        member(&["unit_cost"], Money("33.00")),
        member(&["amount"], Money("66.00")),
        member(&["tax_name1", "taxName1"], Text("HST")),
        member(&["tax_percent1", "taxAmount1"], Number("5")),
        member(&["tax_amount1"], Money("3.30")),
        member(&["tax_name2", "taxName2"], NoText),
        member(&["tax_percent2", "taxAmount2"], NoText),
        member(&["tax_amount2"], NoMoney),
    ];
    vec![
        member(&["id", "billid"], Id("601")),
        member(&["bill_number"], Text("B-601")),
        member(&["updated_at", "updated"], Text("2026-02-27 10:00:00")),
        member(&["vis_state"], ZeroState),
        member(&["status"], Text("unpaid")),
        either(vec![
            vec![member(&["vendorid"], Id("71")), vendor(&["vendorid"])],
            vec![member(&["vendorid"], NoId), vendor(&["vendorid", "id"])],
        ]),
        member(&["issue_date"], Day("2026-02-27")),
        member(&["due_date"], Day("2026-03-29")),
        currency(),
        member(&["amount"], Money("66.00")),
        member(&["tax_amount"], Money("3.30")),
        member(&["total_amount"], Money("69.30")),
        member(&["lines"], Rows(vec![line])),
    ]
}

/// The amounts say their currency too.
fn currency() -> Member {
    either(vec![
        vec![member(&["currency_code"], Text("CAD"))],
        vec![member(&["currency_code"], Text("cad"))],
    ])
}

fn client() -> Vec<Member> {
    vec![
        member(&["id", "userid"], Id("41")),
        member(&["organization"], NoText),
        member(&["fname"], Text("Ida")),
        member(&["lname"], Text("Roe")),
        member(&["email"], Text("ida@example.test")),
        member(&["bus_phone"], NoText),
        member(&["p_street"], Text("12 Mill Lane")),
        member(&["p_street2"], NoText),
        member(&["p_city"], Text("Toronto")),
        member(&["p_province"], Text("ON")),
        member(&["p_code"], Text("M5V 2T6")),
        member(&["p_country"], Text("Canada")),
        currency(),
        member(&["vat_number"], NoText),
        member(&["updated", "updated_at"], Text("2026-02-27 10:00:00")),
    ]
}

fn bill_vendor() -> Vec<Member> {
    vec![
        member(&["vendorid", "id"], Id("71")),
        member(&["vendor_name"], Text("Example Rail Co")),
        member(&["primary_contact_first_name"], NoText),
        member(&["primary_contact_last_name"], NoText),
        member(&["primary_contact_email"], Text("ap@example.test")),
        member(&["phone"], Number("49")),
        member(&["street"], Text("1 Example Street")),
        member(&["street2"], NoText),
        member(&["city"], Text("Berlin")),
        member(&["province"], NoText),
        member(&["postal_code"], Text("10115")),
        member(&["country"], Text("Germany")),
        currency(),
        member(&["updated_at", "updated"], Text("2026-02-27 10:00:00")),
    ]
}

fn expense() -> Vec<Member> {
    vec![
        member(&["id", "expenseid"], Id("991273")),
        member(&["updated", "updated_at"], Text("2026-02-12 10:00:00")),
        member(&["vis_state"], ZeroState),
        either(vec![
            vec![member(&["staffid"], Id("2"))],
            vec![member(
                &["staffid"],
                Object(vec![member(&["id", "staffid"], Id("2"))]),
            )],
        ]),
        either(vec![
            vec![member(&["categoryid"], Id("3344"))],
            vec![member(
                &["categoryid"],
                Object(vec![member(&["categoryid", "id"], Id("3344"))]),
            )],
        ]),
        member(&["amount"], Field::NamedMoney("40.00")),
        member(&["date"], Day("2026-02-11")),
        member(&["vendor"], Text("City Cabs")),
        member(&["notes"], NoText),
        either(vec![
            vec![
                member(&["modern_projectid"], Id("5512")),
                member(&["projectid"], NoId),
            ],
            vec![
                member(&["modern_projectid"], NoId),
                member(&["projectid"], Id("5512")),
            ],
        ]),
        member(&["taxAmount1"], Money("4.60")),
        member(&["taxAmount2"], NoMoney),
        member(&["accountid"], NoId),
        member(&["account_name"], NoText),
        member(&["bank_name"], NoText),
        member(&["transactionid"], NoId),
        member(&["background_jobid"], NoId),
        member(&["from_bulk_import"], Flag(false)),
    ]
}

fn staff() -> Vec<Member> {
    vec![
        member(&["email"], Text("kim@example.test")),
        member(&["fname"], Text("Kim")),
        member(&["lname"], NoText),
    ]
}

fn callback() -> Vec<Member> {
    vec![
        member(&["callbackid", "id"], Id("2001")),
        member(&["event"], Text("invoice.create")),
        member(&["uri"], Text("https://sync.example.test/w/1")),
        member(&["verified"], Flag(true)),
    ]
}

fn journal_detail() -> Vec<Member> {
    let reference = |name: &'static [&'static str], ids: &'static [&'static str], id| {
        member(name, Object(vec![member(ids, Id(id))]))
    };
    vec![
        either(vec![
            vec![reference(&["entry"], &["entryid", "id"], "9")],
            vec![member(&["entry"], Id("9"))],
        ]),
        either(vec![
            vec![reference(&["sub_account"], &["sub_accountid", "id"], "635")],
            vec![member(&["sub_account"], Id("635"))],
        ]),
        member(&["name"], Text("mlc-1")),
        member(&["debit"], NoMoney),
        member(&["credit"], Field::NamedMoney("1.50")),
    ]
}

fn new_journal_entry() -> Vec<Member> {
    let detail = vec![
        either(vec![
            vec![member(&["accountId"], Id("641"))],
            vec![member(
                &["accountId"],
                Object(vec![member(&["uuid", "id"], Id("641"))]),
            )],
        ]),
        member(&["amount"], Field::NamedMoney("1.50")),
        member(&["type"], Text("TYPE_CREDIT")),
    ];
    vec![
        member(&["uuid", "id"], Id("9")),
        member(&["name"], Text("mlc-1")),
        member(&["details"], Rows(vec![detail])),
    ]
}

fn row() -> Vec<Member> {
    vec![
        member(&["id", "billid"], Id("601")),
        member(&["updated_at", "updated"], Text("2026-02-27 10:00:00")),
    ]
}

fn account() -> Vec<Member> {
    vec![
        member(&["account_uuid"], NoId),
        either(vec![
            vec![member(
                &["sub_accounts"],
                Rows(vec![vec![member(&["sub_accountid"], Id("635"))]]),
            )],
            vec![member(
                &["sub_accounts"],
                Rows(vec![vec![member(&["account_uuid"], Id("635"))]]),
            )],
        ]),
    ]
}

fn settings() -> Settings {
    let types = r#"{"default": "OFFSP", "by_category": {"3344": "TRVL"}}"#;
    let json = MINIMAL.replace(r#"{"default": "OFFSP"}"#, types);
    Settings::load("acme", &json).expect("is right")
}

/// The document, with no digit in its numbers that says nothing.
fn document(kind: Kind, json: &str) -> Document {
    let raw: &RawValue =
        serde_json::from_str(json).unwrap_or_else(|error| panic!("{error}: {json}"));
    let mut document = Document::read(kind, raw).expect("is an object");
    document.total = document.total.normalize();
    document.discount = document.discount.normalize();
    document.stated_net = document.stated_net.map(|net| net.normalize());
    document.stated_tax = document.stated_tax.map(|tax| tax.normalize());
    for line in &mut document.lines {
        line.quantity = line.quantity.normalize();
        line.unit_cost = line.unit_cost.normalize();
        line.amount = line.amount.map(|amount| amount.normalize());
        for tax in &mut line.taxes {
            tax.percent = tax.percent.map(|percent| percent.normalize());
            tax.amount = tax.amount.map(|amount| amount.normalize());
        }
    }
    document
}

/// The answer to a request for one object, or for a list of it.
fn shown(name: &str, content: &str) -> crate::contract::http::Response {
    answer(&format!(
        r#"{{"response": {{"result": {{"page": 1, "pages": "1", "{name}": {content}}}}}}}"#
    ))
}

/// What an object is read as.
type Reading = fn(&Settings, &str) -> String;

/// The lines of a page, with no digit in their numbers that says nothing.
fn lines(page: Result<JournalPage, Unread>) -> String {
    let mut page = page.expect("is read");
    for line in &mut page.lines {
        line.amount = line.amount.normalize();
    }
    format!("{page:?}")
}

/// An object's name, its members, and how it is read.
type Resource = (&'static str, fn() -> Vec<Member>, Reading);

const RESOURCES: [Resource; 11] = [
    ("invoice", invoice, |settings, json| {
        let document = document(Kind::Invoice, json);
        format!("{document:?} {:?}", preview(settings, "invoice", json))
    }),
    ("bill", bill, |settings, json| {
        let document = document(Kind::Bill, json);
        format!("{document:?} {:?}", preview(settings, "bill", json))
    }),
    ("client", client, |settings, json| {
        let party = read_client(&shown("client", json)).expect("is read");
        let object = ObjectRef::freshbooks("client", "41");
        format!(
            "{party:?} {:?}",
            vendor::translate(&object, &party, settings)
        )
    }),
    ("bill vendor", bill_vendor, |settings, json| {
        let party = read_bill_vendor(&shown("bill_vendor", json)).expect("is read");
        let object = ObjectRef::freshbooks("bill-vendor", "71");
        format!(
            "{party:?} {:?}",
            vendor::translate(&object, &party, settings)
        )
    }),
    ("expense", expense, |_, json| {
        let mut expense = read_expense(&shown("expense", json)).expect("is read");
        expense.amount = expense.amount.normalize();
        expense.tax = expense.tax.normalize();
        format!("{expense:?}")
    }),
    ("staff", staff, |_, json| {
        format!("{:?}", read_staff(&shown("staff", json)))
    }),
    ("callback", callback, |_, json| {
        let one = read_callback(&shown("callback", json));
        let listed = read_callbacks(&shown("callbacks", &format!("[{json}, null]")));
        format!("{one:?} {listed:?}")
    }),
    ("journal entry detail", journal_detail, |_, json| {
        let list = shown("journal_entry_details", &format!("[{json}]"));
        lines(read_journal_lines(&list))
    }),
    ("journal entry", new_journal_entry, |_, json| {
        let one = read_new_journal_entry(&answer(&format!(r#"{{"data": {json}}}"#)));
        let list = answer(&format!(r#"{{"journal_entries": [{json}, 7]}}"#));
        format!("{one:?} {}", lines(read_new_journal_lines(&list)))
    }),
    ("row of a list", row, |_, json| {
        let list = shown("bills", &format!("[{json}, null]"));
        format!("{:?}", read_bill_page(&list))
    }),
    ("journal entry account", account, |_, json| {
        let list = shown("journal_entry_accounts", &format!("[{json}]"));
        format!("{:?}", read_accounts(&list))
    }),
];

#[test]
fn the_plain_spelling_has_no_problem() {
    let settings = settings();
    for (name, members, read) in RESOURCES {
        let plain = read(&settings, &write(&members(), &mut Dice::plain()));
        for word in ["Err(", "Problem {"] {
            assert!(!plain.contains(word), "{name}: {plain}");
        }
    }
}

#[test]
fn every_field_is_in_the_table() {
    let page = include_str!("../../../docs/sources.md");
    let (_, table) = page
        .split_once("## Forms of FreshBooks' fields")
        .expect("is there");
    let table = table.split("\n## ").next().unwrap_or_default();
    for (resource, members, _) in RESOURCES {
        for name in names_in(&members()) {
            assert!(table.contains(&format!("`{name}`")), "{resource}: {name}");
        }
    }
}

proptest! {
    #[test]
    fn every_spelling_is_read_as_the_same(mut dice in any_dice()) {
        let settings = settings();
        for (name, members, read) in RESOURCES {
            let members = members();
            let plain = read(&settings, &write(&members, &mut Dice::plain()));
            let spelled = write(&members, &mut dice);
            let read_spelled = read(&settings, &spelled);
            prop_assert_eq!(read_spelled, plain, "{}: {}", name, spelled);
        }
    }
}
