//! Invoice Payment Confirmation v4: what was paid elsewhere is confirmed, and what was paid in
//! Concur is fetched (source: concur-invoice-payment-confirmation).
//!
//! The POST that fetches is destructive: what it has shown once it shows no more. The GET is the
//! history and changes nothing.

mod body;
pub(crate) mod config;
mod history;
#[cfg(test)]
mod tests;

use rust_decimal::Decimal;
use serde::Serialize;
use serde_json::{Map, Value, json};

use self::body::ConfirmationBody;
use super::payment_requests::PaymentRequest;
use super::view::invoice_amount;
use crate::calendar::{utc_day, zulu_stamp};
use crate::concur::Concur;
use crate::concur::v4::{V4Call, V4Refusal};
use crate::http::{Millis, Request, Response};

/// Where the calls are.
pub(crate) const PREFIX: &str = "/invoice/payment-confirmation/v4/payments";

const READ: &str = "invoice.paymentconfirmation.read";
const WRITE: &str = "invoice.paymentconfirmation.write";

/// A payment of a payment request, made in Concur or confirmed to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct InvoicePayment {
    /// The id of the payment request.
    pub request_id: String,
    /// PAID, VOID or CANCEL.
    pub status: String,
    /// ACH, CHECK, WIRE, CARD, VCHER or CLIENT; empty if nobody said.
    pub method: String,
    /// The day of the status, `YYYY-MM-DD`.
    pub day: String,
    /// The amount, in the request's currency.
    #[serde(serialize_with = "crate::money::as_text")]
    pub amount: Decimal,
    /// Numbers of the checks it was paid with.
    pub check_numbers: Vec<String>,
    /// It was paid in Concur, not confirmed to it.
    pub made_in_concur: bool,
    /// The destructive read has shown it.
    pub fetched: bool,
    /// When Concur learnt of it.
    pub created: Millis,
}

/// Why a call is refused as a whole.
struct PaymentCallError {
    status: u16,
    message: String,
}

impl PaymentCallError {
    fn new(status: u16, message: impl Into<String>) -> Self {
        Self {
            status,
            message: message.into(),
        }
    }
}

impl Concur {
    /// Answers a request below [`PREFIX`].
    pub(crate) fn handle_payment_confirmations(
        &mut self,
        request: &Request,
        entered: Result<V4Call, V4Refusal>,
        now: Millis,
    ) -> Response {
        let answered = match entered {
            Ok(call) => self.route_payment_confirmations(&call),
            Err(V4Refusal::Answered(response)) => return response,
            Err(V4Refusal::Said(status, why)) => Err(PaymentCallError::new(status, why)),
        };
        answered.unwrap_or_else(|error| {
            let body = json!({"errorId": self.random.uuid(), "errorMessage": error.message,
                "httpStatus": error.status.to_string(), "path": request.path(),
                "timestamp": zulu_stamp(now)});
            Response::json(error.status, &body)
        })
    }

    fn route_payment_confirmations(&mut self, call: &V4Call) -> Result<Response, PaymentCallError> {
        let rest = call.path.strip_prefix(PREFIX).unwrap_or_default();
        let scope = if rest == "/bulkUpdate" { WRITE } else { READ };
        if !call.has_scope(&[scope]) {
            let why = format!("Forbidden: the token lacks the scope {scope}.");
            return Err(PaymentCallError::new(403, why));
        }
        match (call.method, rest) {
            ("GET", "") => self.list_invoice_payments(call),
            ("POST", "") => self.fetch_invoice_payments(call),
            ("POST", "/bulkUpdate") => self.confirm_invoice_payments(call),
            (method, "" | "/bulkUpdate") => {
                let why = format!("Request method '{method}' not supported");
                Err(PaymentCallError::new(405, why))
            }
            _ => Err(PaymentCallError::new(404, "Not Found")),
        }
    }

    fn confirm_invoice_payments(&mut self, call: &V4Call) -> Result<Response, PaymentCallError> {
        let items: Vec<Value> = serde_json::from_slice(&call.request.body)
            .map_err(|error| PaymentCallError::new(400, error.to_string()))?;
        let (mut good, mut failed) = (Vec::new(), Vec::new());
        for item in items {
            match self.confirm_invoice_payment(&item, call.now) {
                Ok(()) => good.push(item),
                Err(message) => failed.push(self.failure(&item, &message)),
            }
        }
        let (status, word) = match (good.is_empty(), failed.is_empty()) {
            (false, true) => (200, "OK"),
            (false, false) => (207, "MULTI_STATUS"),
            (true, _) => (400, "BAD_REQUEST"),
        };
        let body = json!({"status": word, "successCount": good.len(),
            "failureCount": failed.len(), "successfulPayments": good, "failedPayments": failed});
        Ok(Response::json(status, &body))
    }

    fn failure(&self, item: &Value, message: &str) -> Value {
        let all = item.as_object().cloned().unwrap_or_default();
        let is_short = self.config.payment_confirmations.short_failures;
        let is_key = |name: &str| matches!(name, "requestId" | "invoiceNumber");
        let kept = all
            .into_iter()
            .filter(|(name, _)| !is_short || is_key(name));
        let mut failure: Map<String, Value> = kept.collect();
        failure.insert("errorMessage".into(), message.into());
        Value::Object(failure)
    }

    fn confirm_invoice_payment(&mut self, item: &Value, now: Millis) -> Result<(), String> {
        let body = ConfirmationBody::read(item)?;
        let id = self.find_request(&body)?;
        let unknown = || "The payment request could not be found.".to_owned();
        let request = self.requests.get(&id).ok_or_else(unknown)?;
        let total = invoice_amount(request);
        if body.invoice_amount().is_some_and(|amount| amount != total) {
            return Err("invoiceAmount is not that of the payment request.".into());
        }
        if request.extracted.is_none() {
            return Err("The payment request is not in Extracted status.".into());
        }
        let (is_paid, switches) = (request.paid.is_some(), &self.config.payment_confirmations);
        let payment = InvoicePayment {
            request_id: id.clone(),
            status: body.status().to_owned(),
            method: body.method().to_owned(),
            day: match body.day() {
                "" => utc_day(now).to_string(),
                day => day.to_owned(),
            },
            amount: body.payment_amount().unwrap_or(total),
            check_numbers: body.check_numbers.clone(),
            made_in_concur: false,
            fetched: false,
            created: now,
        };
        if payment.status == "PAID" {
            if is_paid && !switches.paid_twice {
                return Err("The payment request is paid already.".into());
            }
            self.payments.push(payment);
            self.pay_payment_request(&id, now);
            return Ok(());
        }
        if !is_paid && !switches.void_of_unpaid {
            return Err("The payment request is not paid.".into());
        }
        self.take_back_payment(payment);
        Ok(())
    }

    fn take_back_payment(&mut self, taken_back: InvoicePayment) {
        let id = taken_back.request_id.clone();
        if let Some(request) = self.requests.get_mut(&id) {
            request.paid = None;
            request.modified = taken_back.created;
        }
        let of_request =
            |payment: &&mut InvoicePayment| payment.request_id == id && payment.status == "PAID";
        match self.payments.iter_mut().rev().find(of_request) {
            Some(payment) if !self.config.payment_confirmations.void_is_a_row => {
                (payment.status, payment.day) = (taken_back.status, taken_back.day);
            }
            _ => self.payments.push(taken_back),
        }
    }

    /// The id of the request that a confirmation names by id, or by number and vendor.
    fn find_request(&self, body: &ConfirmationBody) -> Result<String, String> {
        let is_there = |request: &&PaymentRequest| request.deleted.is_none();
        if let Some(id) = &body.request_id {
            let found = self.requests.get(id).filter(is_there);
            return match found {
                Some(request) => Ok(request.id.clone()),
                None => Err("The payment request could not be found.".into()),
            };
        }
        let alike = |request: &PaymentRequest, field: &str, wanted: &Option<String>| {
            let text = request.vendor.texts.get(field);
            let wanted = wanted.as_deref();
            wanted.is_none_or(|wanted| wanted.eq_ignore_ascii_case(text))
        };
        let is_wanted = |request: &&PaymentRequest| {
            alike(request, "VendorName", &body.vendor_name)
                && alike(request, "VendorCode", &body.vendor_code)
                && alike(request, "AddressCode", &body.vendor_address_code)
        };
        let number = body.invoice_number.as_deref().unwrap_or_default();
        let mut found = self.requests.with_number(number).filter(is_there);
        let mut wanted = found.by_ref().filter(is_wanted);
        match (wanted.next(), wanted.next()) {
            (Some(request), None) => Ok(request.id.clone()),
            (None, _) => Err("The payment request could not be found.".into()),
            _ => Err("More than one payment request was found.".into()),
        }
    }

    /// Somebody at the company pays a request in Concur; false if there is none or it is deleted.
    pub fn pay_in_concur(&mut self, id: &str, method: &str, now: Millis) -> bool {
        let Some(request) = self.requests.get(id) else {
            return false;
        };
        let payment = InvoicePayment {
            request_id: id.to_owned(),
            status: "PAID".into(),
            method: method.to_owned(),
            day: utc_day(now).to_string(),
            amount: invoice_amount(request),
            check_numbers: Vec::new(),
            made_in_concur: true,
            fetched: false,
            created: now,
        };
        let is_paid = self.pay_payment_request(id, now);
        if is_paid {
            self.payments.push(payment);
        }
        is_paid
    }

    /// A request is extracted for payment without Financial Integration; false if there is none
    /// or it is deleted.
    pub fn extract_payment_request(&mut self, id: &str, now: Millis) -> bool {
        let found = self.requests.get_mut(id);
        let Some(request) = found.filter(|request| request.deleted.is_none()) else {
            return false;
        };
        request.extracted.get_or_insert(now);
        true
    }

    /// Every payment of a payment request that Concur knows of, in the order it learnt of them.
    pub fn invoice_payments(&self) -> &[InvoicePayment] {
        &self.payments
    }
}
