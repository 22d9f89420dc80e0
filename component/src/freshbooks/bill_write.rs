//! Bills that we make: their bodies, and the calls that make, show, list and delete them
//! (source: freshbooks-bills, freshbooks-active-deleted).
//!
//! A bill has no notes, so that its marker stands in the description of its first line. Lists show
//! no lines: a bill is read by its id before anyone says that it carries no marker.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;

use jiff::civil::Date;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::envelope::{page_count, result_member, result_rows};
use super::requests::{PAGE_ROWS_MAX, accounting_path, get, segment, with_body};
use crate::contract::http::{BodyPart, Method, Request, Response};
use crate::contract::types::ObjectRef;
use crate::error_bodies::{self, Unread};
use crate::financial::{Bill, BillLine};
use crate::lax_json::{Object, Raw, lax_text, parse, rows};
use crate::money;

/// The resource's path in the accounting family.
const RESOURCE: &str = "bills/bills";

/// A bill as FreshBooks shows it, as far as the one that made it needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BillRecord {
    /// FreshBooks' id of it.
    pub(crate) id: String,
    /// The date on it, `YYYY-MM-DD`.
    pub(crate) issued: Option<String>,
    /// The total with taxes.
    pub(crate) total: Option<Decimal>,
    /// Whether anything of it was paid.
    pub(crate) is_paid: bool,
    /// Whether nobody has changed it since it was made, as far as its stamps say.
    pub(crate) is_untouched: bool,
    /// Whether it was deleted (`vis_state` 1).
    pub(crate) is_deleted: bool,
    /// The descriptions of its lines; none where lines are not shown.
    pub(crate) descriptions: Vec<String>,
    /// Whether lines are shown.
    pub(crate) has_lines: bool,
}

/// A page of bills.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BillPage {
    pub(crate) bills: Vec<BillRecord>,
    pub(crate) pages: u64,
}

/// A bill as an object.
pub(crate) fn bill_object(id: &str) -> ObjectRef {
    ObjectRef::freshbooks("bill", id)
}

/// Creates a bill of this body.
pub(crate) fn create_bill(account_id: &str, json: String) -> Request {
    let path = accounting_path(account_id, RESOURCE);
    with_body(Method::Post, path, vec![BodyPart::Text(json)])
}

/// Asks for one bill, lines included.
pub(crate) fn get_bill(account_id: &str, id: &str) -> Request {
    let path = accounting_path(account_id, RESOURCE);
    get(format!("{path}/{}?include%5B%5D=lines", segment(id)))
}

/// A page of all bills that are not deleted. Page 1 is the first.
pub(crate) fn list_bills(account_id: &str, page: u32) -> Request {
    let path = accounting_path(account_id, RESOURCE);
    get(format!(
        "{path}?page={page}&per_page={PAGE_ROWS_MAX}&include%5B%5D=lines"
    ))
}

/// Deletes a bill. It stays readable by its id.
pub(crate) fn delete_bill(account_id: &str, id: &str) -> Request {
    let path = accounting_path(account_id, RESOURCE);
    let body = json!({"bill": {"vis_state": 1}}).to_string();
    let path = format!("{path}/{}", segment(id));
    with_body(Method::Put, path, vec![BodyPart::Text(body)])
}

/// Reads the bill that was created, as an object.
pub(crate) fn read_created_bill(response: &Response) -> Result<ObjectRef, Unread> {
    read_bill_record(response).map(|bill| bill_object(&bill.id))
}

/// Reads the answer that holds one bill.
pub(crate) fn read_bill_record(response: &Response) -> Result<BillRecord, Unread> {
    let text = error_bodies::text(response)?;
    record(&parse(result_member(text, "bill", response)?)?)
        .ok_or_else(|| Unread::Garbled("the answer names no bill".to_string()))
}

/// Reads the answer to a deletion: it must show the bill as deleted.
pub(crate) fn read_deleted_bill(response: &Response) -> Result<BillRecord, Unread> {
    let bill = read_bill_record(response)?;
    if bill.is_deleted {
        return Ok(bill);
    }
    let why = format!("FreshBooks still shows bill {}", bill.id);
    Err(Unread::Garbled(why))
}

/// Reads a page of bills. A row without an id is left out.
pub(crate) fn read_bill_records(response: &Response) -> Result<BillPage, Unread> {
    let (rows, members) = result_rows(response, "bills")?;
    Ok(BillPage {
        bills: rows.iter().filter_map(record).collect(),
        pages: page_count(&members),
    })
}

impl Bill {
    /// The body that creates it, as JSON. `date` is `YYYY-MM-DD`. `vendor` is FreshBooks' id of the
    /// vendor; a preview has a name there.
    #[must_use]
    pub(crate) fn body(&self, vendor: &str, language: &str, marker: &str, date: &str) -> String {
        let lines = self.lines.iter().enumerate().map(|(at, line)| {
            let marker = if at == 0 { marker } else { "" };
            self.line_body(line, marker)
        });
        let bill = json!({
            "vendorid": number_or_text(vendor),
            "issue_date": date,
            "due_offset_days": due_offset_days(date, &self.due),
            "currency_code": self.currency,
            "language": language,
            "bill_number": self.number,
            "lines": lines.collect::<Vec<_>>(),
        });
        json!({"bill": bill}).to_string()
    }

    fn line_body(&self, line: &BillLine, marker: &str) -> Value {
        let description = format!("{} {marker}", line.description);
        let mut body = json!({
            "categoryid": number_or_text(&line.category),
            "description": description.trim(),
            "quantity": "1",
            "unit_cost": {"amount": self.wire_amount(line.net), "code": self.currency},
        });
        for (at, tax) in (1..).zip(&line.taxes) {
            body[format!("tax_name{at}")] = json!(tax.tax.name);
            body[format!("tax_percent{at}")] = json!(money::plain(tax.tax.percent));
        }
        body
    }

    /// An amount of it with the currency's digits.
    pub(crate) fn wire_amount(&self, amount: Decimal) -> String {
        money::wire(amount, money::minor_units(&self.currency).unwrap_or(2))
    }
}

/// Days from the one date to the other; a bill that is due before its date is due on it.
fn due_offset_days(date: &str, due: &str) -> i32 {
    // As long as a term can be; beyond it is a mistake that must not overflow anything.
    const DAYS_MAX: i32 = 3_650;
    let days = |date: Date, due: Date| due.since(date).map(|span| span.get_days());
    let (Ok(date), Ok(due)) = (date.parse::<Date>(), due.parse::<Date>()) else {
        return 0;
    };
    days(date, due).unwrap_or(0).clamp(0, DAYS_MAX)
}

fn number_or_text(text: &str) -> Value {
    text.parse::<u64>()
        .map_or_else(|_| json!(text), Value::from)
}

fn record(bill: &Object) -> Option<BillRecord> {
    let lines = bill.get("lines").and_then(rows).unwrap_or_default();
    let lines: Vec<Object> = lines.into_iter().filter_map(Object::read).collect();
    let created_at = bill.text("created_at");
    Some(BillRecord {
        id: bill.first_text(&["id", "billid"]).1?,
        issued: bill.text("issue_date"),
        total: amount(bill.get("total_amount")),
        is_paid: amount(bill.get("paid")).is_some_and(|paid| !paid.is_zero()),
        is_untouched: created_at.is_some() && created_at == bill.text("updated_at"),
        is_deleted: bill.text("vis_state").as_deref() == Some("1"),
        has_lines: !lines.is_empty(),
        descriptions: lines
            .iter()
            .filter_map(|line| line.text("description"))
            .collect(),
    })
}

/// The amount of a money object, or a bare one.
fn amount(raw: Raw) -> Option<Decimal> {
    let bare = lax_text(raw);
    let text = bare.or_else(|| Object::read(raw?)?.text("amount"));
    text.and_then(|text| money::parse(&text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error_bodies::tests::answer;

    #[test]
    fn a_row_of_a_list_shows_no_lines() {
        let body = r#"{"response":{"result":{"bills":[{"id":"1","lines":[],"bill_number":null,
            "total_amount":{"amount":"5.00","code":"CAD"},"paid":{"amount":"0.00"},"vis_state":0},
            {"billid":2,"lines":[{"description":"x mlc-67t75pxxmcusv4w5xrnx"}],"vis_state":"1",
            "paid":{"amount":1}}, {"id":null}],"pages":3}}}"#;
        let page = read_bill_records(&answer(body)).expect("is read");
        let [first, second] = page.bills.as_slice() else {
            panic!("a row without an id is left out: {page:?}");
        };
        assert_eq!(
            (first.has_lines, first.is_paid, first.is_deleted),
            (false, false, false)
        );
        assert_eq!(first.total, Some(Decimal::from(5)));
        assert_eq!(
            (second.has_lines, second.is_paid, second.is_deleted),
            (true, true, true)
        );
        assert_eq!((second.id.as_str(), page.pages), ("2", 3));
    }

    #[test]
    fn a_deletion_that_did_not_happen_is_no_answer() {
        let answered = |state: u8| {
            let bill =
                format!(r#"{{"response":{{"result":{{"bill":{{"id":1,"vis_state":{state}}}}}}}}}"#);
            read_deleted_bill(&answer(&bill)).is_ok()
        };
        assert_eq!((answered(0), answered(1)), (false, true));
    }

    #[test]
    fn a_bill_is_due_on_its_date_at_the_earliest() {
        for (date, due, days) in [
            ("2026-01-31", "2026-03-02", 30),
            ("2026-03-02", "2026-01-31", 0),
            ("2026-01-01", "9999-12-31", 3_650),
            ("2026-01-01", "soon", 0),
        ] {
            assert_eq!(due_offset_days(date, due), days, "{date} {due}");
        }
    }
}
