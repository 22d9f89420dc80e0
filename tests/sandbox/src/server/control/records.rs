//! The control plane's share of FreshBooks' records: what people add, change, pay and delete in the
//! browser.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::Deserialize;
use serde_json::{Value, json};

use super::documents::{ControlResult, read_options, unknown_id};
use crate::freshbooks::{Declined, FreshBooks, RecordKind};
use crate::money::parse_decimal;
use crate::{Millis, Sandbox};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewRecord {
    kind: RecordKind,
    fields: Value,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ChangedRecord {
    kind: RecordKind,
    id: u64,
    fields: Value,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RecordName {
    kind: RecordKind,
    id: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ImportRequest {
    fields: Value,
    bank: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ReceiptRequest {
    expense_id: u64,
    media_type: String,
    /// The file in Base64.
    content: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PaymentRequest {
    kind: RecordKind,
    id: u64,
    /// A decimal as text; what is outstanding if left out.
    #[serde(default)]
    amount: Option<String>,
}

/// Carries out a control request; none if there is no such request here.
pub(super) fn handle_record_control(
    sandbox: &mut Sandbox,
    method: &str,
    path: &str,
    body: Value,
    now: Millis,
) -> Option<ControlResult> {
    let freshbooks = &mut sandbox.freshbooks;
    let done = match (method, path) {
        ("POST", "/freshbooks/records") => read_options(body)
            .and_then(|new: NewRecord| made(freshbooks.create(new.kind, &new.fields, now))),
        ("PUT", "/freshbooks/records") => read_options(body).and_then(|one: ChangedRecord| {
            let done = freshbooks.update(one.kind, one.id, &one.fields, now);
            done.map(|()| json!({})).map_err(reason)
        }),
        ("DELETE", "/freshbooks/records") => read_options(body)
            .and_then(|one: RecordName| delete_record(freshbooks, one.kind, one.id, now)),
        ("POST", "/freshbooks/imported-expenses") => {
            read_options(body).and_then(|one: ImportRequest| {
                made(freshbooks.import_expense(&one.fields, &one.bank, now))
            })
        }
        ("POST", "/freshbooks/receipts") => {
            read_options(body).and_then(|one| attach_receipt(freshbooks, &one, now))
        }
        ("POST", "/freshbooks/payments") => {
            read_options(body).and_then(|one| pay(freshbooks, &one, now))
        }
        ("GET", "/freshbooks/expenses") => {
            let ids = freshbooks.ids(RecordKind::Expense).into_iter();
            let shown: Vec<Value> = ids.filter_map(|id| freshbooks.expense(id, now)).collect();
            Ok(json!(shown))
        }
        ("GET", "/freshbooks/trial-balance-with-expenses") => {
            Ok(json!(freshbooks.trial_balance_with_expenses()))
        }
        _ => return None,
    };
    Some(done)
}

fn made(id: Result<u64, Declined>) -> ControlResult {
    id.map(|id| json!({"id": id})).map_err(reason)
}

fn reason(declined: Declined) -> String {
    declined.message
}

fn delete_record(
    freshbooks: &mut FreshBooks,
    kind: RecordKind,
    id: u64,
    now: Millis,
) -> ControlResult {
    if !freshbooks.ids(kind).contains(&id) {
        return Err(unknown_id());
    }
    freshbooks.delete(kind, id, now);
    Ok(json!({}))
}

fn attach_receipt(
    freshbooks: &mut FreshBooks,
    receipt: &ReceiptRequest,
    now: Millis,
) -> ControlResult {
    let bytes = BASE64.decode(&receipt.content);
    let bytes = bytes.map_err(|error| format!("content is no Base64: {error}"))?;
    let (expense, media_type) = (receipt.expense_id, &receipt.media_type);
    let found = freshbooks.attach_receipt(expense, media_type, bytes, now);
    found.then(|| json!({})).ok_or_else(unknown_id)
}

fn pay(freshbooks: &mut FreshBooks, payment: &PaymentRequest, now: Millis) -> ControlResult {
    let amount = payment.amount.as_deref();
    let read = |text: &str| {
        let amount = parse_decimal(text);
        amount.ok_or_else(|| format!("amount is no decimal: {text}"))
    };
    let amount = amount.map(read).transpose()?;
    match payment.kind {
        RecordKind::Invoice => made(freshbooks.pay_invoice(payment.id, amount, now)),
        RecordKind::Bill => made(freshbooks.pay_bill(payment.id, amount, now)),
        _ => Err("kind is neither invoice nor bill".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SandboxConfig;

    const NOW: Millis = 1_772_463_600_000;
    const RECORDS: &str = "/freshbooks/records";

    fn ask(sandbox: &mut Sandbox, method: &str, path: &str, body: Value) -> ControlResult {
        handle_record_control(sandbox, method, path, body, NOW)
            .unwrap_or_else(|| panic!("no {method} {path}"))
    }

    fn create(sandbox: &mut Sandbox, kind: &str, fields: Value) -> u64 {
        let body = json!({"kind": kind, "fields": fields});
        let made = ask(sandbox, "POST", RECORDS, body).expect("made");
        made["id"].as_u64().expect("an id")
    }

    fn expense() -> Value {
        json!({"amount": {"amount": "119.00", "code": "EUR"}, "categoryid": 3345, "staffid": 2,
            "date": "2026-02-27"})
    }

    #[test]
    fn people_add_change_and_delete_expenses() {
        let mut sandbox = Sandbox::new(SandboxConfig::default(), NOW);
        let id = create(&mut sandbox, "expense", expense());
        let change = json!({"kind": "expense", "id": id, "fields": {"notes": "n"}});
        assert_eq!(ask(&mut sandbox, "PUT", RECORDS, change), Ok(json!({})));
        let imported = json!({"fields": expense(), "bank": "First Bank"});
        let path = "/freshbooks/imported-expenses";
        assert!(ask(&mut sandbox, "POST", path, imported).is_ok());
        let receipt = json!({"expense_id": id, "media_type": "image/png", "content": "cG5n"});
        let path = "/freshbooks/receipts";
        assert_eq!(ask(&mut sandbox, "POST", path, receipt), Ok(json!({})));
        let shown = ask(&mut sandbox, "GET", "/freshbooks/expenses", json!(null));
        let shown = shown.expect("a list");
        assert_eq!(
            (
                &shown[0]["notes"],
                &shown[0]["has_receipt"],
                &shown[1]["bank_name"]
            ),
            (&json!("n"), &json!(true), &json!("First Bank"))
        );
        let path = "/freshbooks/trial-balance-with-expenses";
        let balance = ask(&mut sandbox, "GET", path, json!(null)).expect("rows");
        assert_eq!(balance.as_array().map(Vec::len), Some(3));
        let gone = json!({"kind": "expense", "id": id});
        assert_eq!(ask(&mut sandbox, "DELETE", RECORDS, gone), Ok(json!({})));
    }

    #[test]
    fn people_pay_and_take_payments_back() {
        let mut sandbox = Sandbox::new(SandboxConfig::default(), NOW);
        let vendor = json!({"vendor_name": "Paper", "language": "en"});
        let vendor = create(&mut sandbox, "bill_vendor", vendor);
        let lines = json!([{"categoryid": 3344, "unit_cost": "900"}]);
        let bill = json!({"vendorid": vendor, "issue_date": "2026-03-01",
            "due_offset_days": 30, "currency_code": "EUR", "language": "en", "lines": lines});
        let bill = create(&mut sandbox, "bill", bill);
        let path = "/freshbooks/payments";
        for amount in [json!("1.00"), json!(null)] {
            let payment = json!({"kind": "bill", "id": bill, "amount": amount});
            assert!(ask(&mut sandbox, "POST", path, payment).is_ok());
        }
        let status = |sandbox: &Sandbox| {
            sandbox.freshbooks.bill(bill, NOW).expect("the bill")["status"].clone()
        };
        assert_eq!(status(&sandbox), "paid");
        let payment = sandbox.freshbooks.ids(RecordKind::BillPayment)[0];
        let back = json!({"kind": "bill_payment", "id": payment});
        assert_eq!(ask(&mut sandbox, "DELETE", RECORDS, back), Ok(json!({})));
        assert_eq!(status(&sandbox), "partial");
    }

    #[test]
    fn what_cannot_be_is_declined_with_a_reason() {
        let mut sandbox = Sandbox::new(SandboxConfig::default(), NOW);
        for (method, path, body) in [
            ("POST", RECORDS, json!({"kind": "expense", "fields": {}})),
            ("POST", RECORDS, json!({"kind": "nothing", "fields": {}})),
            (
                "PUT",
                RECORDS,
                json!({"kind": "bill", "id": 1, "fields": {}}),
            ),
            ("DELETE", RECORDS, json!({"kind": "expense", "id": 1})),
            (
                "POST",
                "/freshbooks/payments",
                json!({"kind": "bill", "id": 1}),
            ),
            (
                "POST",
                "/freshbooks/payments",
                json!({"kind": "tax", "id": 1}),
            ),
            (
                "POST",
                "/freshbooks/payments",
                json!({"kind": "bill", "id": 1, "amount": "x"}),
            ),
            (
                "POST",
                "/freshbooks/receipts",
                json!({"expense_id": 1, "media_type": "image/png", "content": "?"}),
            ),
            (
                "POST",
                "/freshbooks/receipts",
                json!({"expense_id": 1, "media_type": "image/png", "content": "cG5n"}),
            ),
        ] {
            let declined = ask(&mut sandbox, method, path, body.clone());
            assert!(declined.is_err(), "{method} {path} {body}");
        }
    }
}
