//! How far an invoice or a bill is paid, and which invoice a payment is of
//! (source: freshbooks-invoices, freshbooks-bills).

use alloc::format;
use alloc::string::{String, ToString};

use rust_decimal::Decimal;

use super::document::Kind;
use super::envelope::result_member;
use super::fields;
use super::requests::{accounting_path, get, segment};
use crate::contract::http::{Request, Response};
use crate::error_bodies::{self, Unread};
use crate::money;

/// Statuses of a document that is paid, in words and numbers.
const PAID: [&str; 5] = ["paid", "autopaid", "auto-paid", "4", "5"];

/// How far a document is paid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PaymentState {
    /// When the document was last changed, in FreshBooks' own words.
    pub version: String,
    /// `status` as it is shown; empty where it is not.
    pub status: String,
    /// Whether the document was deleted.
    pub deleted: bool,
    /// How much of it is paid.
    pub paid: Paid,
}

/// How much of a document is paid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Paid {
    /// All of it.
    InFull,
    /// A part: how much is left, and of how much, as text.
    InPart(String),
    /// Nothing, or there is nothing to pay.
    Nothing,
}

/// Reads how far an invoice is paid.
pub(crate) fn read_invoice_payment_state(response: &Response) -> Result<PaymentState, Unread> {
    read(response, Kind::Invoice, "amount")
}

/// Reads how far a bill is paid.
pub(crate) fn read_bill_payment_state(response: &Response) -> Result<PaymentState, Unread> {
    read(response, Kind::Bill, "total_amount")
}

fn read(response: &Response, kind: Kind, total: &str) -> Result<PaymentState, Unread> {
    let text = error_bodies::text(response)?;
    let raw = result_member(text, kind.name(), response)?;
    let document = fields::object(raw, kind.name())?;
    let status = document.text("status").unwrap_or_default();
    let amount = |name: &str| fields::amount(document.get(name));
    let paid = match (amount("outstanding"), amount(total)) {
        (Some((left, _)), Some((total, code))) => of_amounts(left, total, &code),
        _ if PAID.contains(&status.to_ascii_lowercase().as_str()) => Paid::InFull,
        _ => Paid::Nothing,
    };
    Ok(PaymentState {
        version: kind.version_of(&document),
        deleted: document.text("vis_state").as_deref() == Some("1"),
        status,
        paid,
    })
}

fn of_amounts(left: Decimal, total: Decimal, code: &str) -> Paid {
    if total <= Decimal::ZERO || left >= total {
        Paid::Nothing
    } else if left <= Decimal::ZERO {
        Paid::InFull
    } else {
        let (left, total) = (money::plain(left), money::plain(total));
        Paid::InPart(format!("{left} of {total} {code}"))
    }
}

/// A payment of an invoice (source: freshbooks-payments).
pub(crate) fn get_payment(account_id: &str, id: &str) -> Request {
    let path = accounting_path(account_id, "payments/payments");
    get(format!("{path}/{}", segment(id)))
}

/// Reads the id of the invoice that a payment is of.
pub(crate) fn read_payment_invoice(response: &Response) -> Result<String, Unread> {
    let raw = result_member(error_bodies::text(response)?, "payment", response)?;
    let payment = fields::object(raw, "payment")?;
    let id = fields::id(payment.get("invoiceid"), &[]);
    id.ok_or_else(|| Unread::Garbled("the payment names no invoice".to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error_bodies::tests::answer;

    fn bill(members: &str) -> PaymentState {
        let body = format!(r#"{{"response":{{"result":{{"bill":{{"id":1,{members}}}}}}}}}"#);
        read_bill_payment_state(&answer(&body)).expect("is read")
    }

    #[test]
    fn amounts_decide_before_the_status() {
        let amounts = |left: &str| {
            let members = format!(
                r#""status":"paid","outstanding":{{"amount":"{left}","code":"CAD"}},
                "total_amount":{{"amount":"113.00","code":"CAD"}}"#
            );
            bill(&members).paid
        };
        assert_eq!(amounts("0.00"), Paid::InFull);
        assert_eq!(amounts("113.00"), Paid::Nothing);
        assert_eq!(amounts("13.00"), Paid::InPart("13 of 113 CAD".to_string()));
    }

    #[test]
    fn without_amounts_the_status_decides() {
        assert_eq!(bill(r#""status":"paid""#).paid, Paid::InFull);
        assert_eq!(bill(r#""status":"unpaid""#).paid, Paid::Nothing);
        assert!(bill(r#""vis_state":1"#).deleted);
    }
}
