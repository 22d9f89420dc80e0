//! The two lists of payments: the history, and what was paid in Concur and not fetched yet.

use jiff::civil::Date;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::{InvoicePayment, PaymentCallError};
use crate::calendar::parse_day;
use crate::concur::Concur;
use crate::concur::invoice::payment_requests::PaymentRequest;
use crate::concur::invoice::view::invoice_amount;
use crate::concur::v4::V4Call;
use crate::http::{Response, first_value};

/// The most payments of a page, and how many it has if nothing is said.
const PAGE_MAX: usize = 500;

impl Concur {
    /// Answers with the history; nothing changes.
    pub(super) fn list_invoice_payments(
        &self,
        call: &V4Call,
    ) -> Result<Response, PaymentCallError> {
        const NAMES: [&str; 10] = [
            "limit",
            "page",
            "payStatusFromDate",
            "payStatusToDate",
            "invoiceFromDate",
            "invoiceToDate",
            "vendorName",
            "vendorCode",
            "addressCode",
            "invoiceNumber",
        ];
        let page = Page::read(call, &NAMES)?;
        let shows_new = self.config.payment_confirmations.history_shows_new;
        let is_shown = |payment: &&InvoicePayment| {
            payment.created <= call.visible_until
                && (shows_new || payment.fetched || !payment.made_in_concur)
        };
        let mut rows = Vec::new();
        for payment in self.payments.iter().filter(is_shown) {
            if let Some(request) = self.requests.get(&payment.request_id)
                && is_wanted(call, payment, request)?
            {
                rows.push(payment_view(payment, request));
            }
        }
        let rows = page.of(rows.into_iter());
        Ok(self.list_reply(rows))
    }

    /// Answers with payments that no such call has shown before.
    pub(super) fn fetch_invoice_payments(
        &mut self,
        call: &V4Call,
    ) -> Result<Response, PaymentCallError> {
        let page = Page::read(call, &["limit", "page"])?;
        let is_new = |payment: &&mut InvoicePayment| payment.made_in_concur && !payment.fetched;
        let mut rows = Vec::new();
        for payment in page.of(self.payments.iter_mut().filter(is_new)) {
            payment.fetched = true;
            if let Some(request) = self.requests.get(&payment.request_id) {
                rows.push(payment_view(payment, request));
            }
        }
        Ok(self.list_reply(rows))
    }

    fn list_reply(&self, rows: Vec<Value>) -> Response {
        match self.config.payment_confirmations.bare_list {
            true => Response::json(200, &rows),
            false => Response::json(200, &json!({"payments": rows})),
        }
    }
}

/// The part of a list that a call asks for.
struct Page {
    start: usize,
    limit: usize,
}

impl Page {
    fn read(call: &V4Call, names: &[&str]) -> Result<Self, PaymentCallError> {
        let unknown = |(name, _): &&(String, String)| !names.contains(&name.as_str());
        if let Some((name, _)) = call.query.iter().find(unknown) {
            let why = format!("{name} is not a known parameter.");
            return Err(PaymentCallError::new(400, why));
        }
        let number = |name: &str, default: usize, max: usize| {
            let number = match first_value(&call.query, name).map(str::parse) {
                None => Some(default),
                Some(number) => number.ok(),
            };
            let number = number.filter(|number| (1..=max).contains(number));
            number.ok_or_else(|| PaymentCallError::new(400, format!("{name} is not valid.")))
        };
        let limit = number("limit", PAGE_MAX, PAGE_MAX)?;
        let page = number("page", 1, usize::MAX)?;
        Ok(Self {
            start: limit.saturating_mul(page - 1),
            limit,
        })
    }

    fn of<T>(&self, rows: impl Iterator<Item = T>) -> Vec<T> {
        rows.skip(self.start).take(self.limit).collect()
    }
}

/// Whether a payment passes the filters of the history.
fn is_wanted(
    call: &V4Call,
    payment: &InvoicePayment,
    request: &PaymentRequest,
) -> Result<bool, PaymentCallError> {
    let vendor = |field: &str| request.vendor.texts.get(field);
    for (name, text) in [
        ("vendorName", vendor("VendorName")),
        ("vendorCode", vendor("VendorCode")),
        ("addressCode", vendor("AddressCode")),
        ("invoiceNumber", request.header.get("InvoiceNumber")),
    ] {
        let filter = first_value(&call.query, name);
        if filter.is_some_and(|wanted| !wanted.eq_ignore_ascii_case(text)) {
            return Ok(false);
        }
    }
    for (from, to, text) in [
        ("payStatusFromDate", "payStatusToDate", payment.day.as_str()),
        (
            "invoiceFromDate",
            "invoiceToDate",
            request.header.get("InvoiceDate"),
        ),
    ] {
        let (from, to, day) = (read_day(call, from)?, read_day(call, to)?, parse_day(text));
        let is_early = from.is_some_and(|from| day.is_none_or(|day| day < from));
        if is_early || to.is_some_and(|to| day.is_none_or(|day| day > to)) {
            return Ok(false);
        }
    }
    Ok(true)
}

fn read_day(call: &V4Call, name: &str) -> Result<Option<Date>, PaymentCallError> {
    match first_value(&call.query, name) {
        None => Ok(None),
        Some(text) => match parse_day(text) {
            Some(day) => Ok(Some(day)),
            None => Err(PaymentCallError::new(400, format!("{name} is not a date."))),
        },
    }
}

fn payment_view(payment: &InvoicePayment, request: &PaymentRequest) -> Value {
    let number = |amount: Decimal| {
        let text = amount.normalize().to_string();
        serde_json::from_str::<Value>(&text).unwrap_or_default()
    };
    let vendor = |field: &str| request.vendor.texts.get(field);
    json!({"requestId": payment.request_id,
        "invoiceNumber": request.header.get("InvoiceNumber"),
        "invoiceDate": request.header.get("InvoiceDate"),
        "vendorName": vendor("VendorName"), "vendorCode": vendor("VendorCode"),
        "vendorAddressCode": vendor("AddressCode"),
        "currencyCode": request.header.get("CurrencyCode"),
        "invoiceAmount": number(invoice_amount(request)),
        "paymentStatus": payment.status, "paymentMethodType": payment.method,
        "paymentStatusDate": payment.day, "paymentAmount": number(payment.amount),
        "checkNumbers": payment.check_numbers})
}
