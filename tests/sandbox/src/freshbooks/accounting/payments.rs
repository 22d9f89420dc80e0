//! Payments of invoices: what is paid, and the status that follows
//! (source: freshbooks-payments).

use jiff::civil::Date;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::invoices::Invoice;
use crate::calendar::eastern_stamp;
use crate::freshbooks::FreshBooks;
use crate::freshbooks::api::errors::{ApiError, unquoted};
use crate::freshbooks::api::fields::{
    Fields, SparseFields, read_amount, required_day, required_id,
};
use crate::freshbooks::api::listing::SearchFilters;
use crate::freshbooks::api::resource::{Resource, RowHead, ViewContext, refuse_read_only};
use crate::http::Millis;
use crate::money::{Currency, Money, parse_decimal, rounded};

/// How something can be paid, in the exact spelling.
pub(super) const TYPES: [&str; 16] = [
    "Check",
    "Credit",
    "Cash",
    "Bank Transfer",
    "Credit Card",
    "Debit",
    "PayPal",
    "2Checkout",
    "VISA",
    "MASTERCARD",
    "DISCOVER",
    "AMEX",
    "DINERS",
    "JCB",
    "ACH",
    "Other",
];

/// Fields that only the server writes.
const READ_ONLY: &[&str] = &[
    "id",
    "logid",
    "clientid",
    "creditid",
    "from_credit",
    "gateway",
    "overpaymentid",
    "updated",
    "accounting_systemid",
];

/// A payment of an invoice, whole or in part.
#[derive(Clone, Debug)]
pub(crate) struct Payment {
    pub(crate) head: RowHead,
    texts: SparseFields,
    invoice: u64,
    currency: Currency,
    pub(crate) amount: Decimal,
    pub(crate) date: Date,
    pub(crate) kind: &'static str,
}

/// The document that is paid: what a payment may not exceed.
pub(super) struct Payable {
    pub(super) currency: Currency,
    /// What no other payment has paid.
    pub(super) open: Decimal,
    pub(super) digits: u32,
}

impl Resource for Payment {
    const ONE: &'static str = "payment";
    const MANY: &'static str = "payments";
    const ID_FIELD: &'static str = "logid";
    const SCOPE: &'static str = "payments";
    type View<'a> = Value;

    fn create(machine: &mut FreshBooks, fields: &Fields, now: Millis) -> Result<u64, ApiError> {
        let invoice = required_id(fields, Self::ONE, "invoiceid")?;
        let known = machine.invoices.rows.get(&invoice);
        let found = known
            .ok_or_else(|| ApiError::invalid(Self::ONE, "invoiceid", &Value::from(invoice)))?;
        if found.head.vis_state == 1 {
            return Err(deleted(Self::ONE, "invoiceid"));
        }
        if fields.get("amount").is_none_or(Value::is_null) {
            return Err(ApiError::required(Self::ONE, "amount"));
        }
        let mut payment = Self {
            head: RowHead::draft(now),
            texts: SparseFields::new(&["note", "orderid", "transactionid"]),
            invoice,
            currency: found.currency,
            amount: Decimal::ZERO,
            date: required_day(fields, Self::ONE, "date")?,
            kind: "Other",
        };
        let mut data = fields.clone();
        data.remove("invoiceid");
        payment.apply(machine, &data)?;
        let id = machine.payments.insert_new(payment);
        if let Some(invoice) = machine.invoices.rows.get_mut(&invoice) {
            invoice.payments.push(id);
        }
        Ok(id)
    }

    /// An update may not move a payment to another invoice.
    fn apply(&mut self, machine: &FreshBooks, fields: &Fields) -> Result<(), ApiError> {
        refuse_read_only(fields, Self::ONE, READ_ONLY)?;
        refuse_read_only(fields, Self::ONE, &["invoiceid"])?;
        self.texts.write_fields(fields, Self::ONE)?;
        if let Some(value) = fields.get("amount") {
            let payable = self.payable(machine)?;
            self.amount = read_payment(value, &payable, Self::ONE)?;
        }
        if fields.contains_key("date") {
            self.date = required_day(fields, Self::ONE, "date")?;
        }
        if let Some(value) = fields.get("type") {
            self.kind = read_type(value, Self::ONE, "type")?;
        }
        Ok(())
    }

    fn after_change(machine: &mut FreshBooks, id: u64, now: Millis) {
        let paid = machine.payments.rows.get(&id);
        if let Some(invoice) = paid.map(|payment| payment.invoice) {
            machine.settle_invoice(invoice, now);
        }
    }

    fn matches(&self, search: &SearchFilters, showing: &ViewContext) -> bool {
        let inclusive = showing.config().max_filter_inclusive;
        let client = self.client(showing.machine);
        let is = |key: &str, text: &str| search.value(key).is_none_or(|wanted| wanted == text);
        search.id_passes("invoiceid", "invoiceids", self.invoice)
            && search.id_passes("clientid", "clientids", client)
            && is("type", self.kind)
            && is("currency", self.currency.code())
            && search
                .value("amount")
                .is_none_or(|amount| parse_decimal(amount) == Some(self.amount))
            && search.days("date", inclusive).contain(self.date)
            && search
                .days("updated", inclusive)
                .contain_instant(self.head.updated)
    }

    fn view<'a>(&'a self, showing: &ViewContext<'a>) -> Value {
        let text = |name: &str| Some(self.texts.get(name)).filter(|text| !text.is_empty());
        json!({"id": self.head.id, "logid": self.head.id,
            "accounting_systemid": showing.config().account_id, "invoiceid": self.invoice,
            "clientid": self.client(showing.machine), "creditid": null, "from_credit": false,
            "amount": Money(self.amount, self.currency), "date": self.date, "type": self.kind,
            "note": self.texts.get("note"), "gateway": null, "orderid": text("orderid"),
            "transactionid": text("transactionid"), "overpaymentid": null,
            "bulk_paymentid": null, "send_client_notification": null,
            "updated": eastern_stamp(self.head.updated), "vis_state": self.head.vis_state})
    }
}

impl Payment {
    fn client(&self, machine: &FreshBooks) -> u64 {
        let invoice = machine.invoices.rows.get(&self.invoice);
        invoice.map_or(0, |invoice| invoice.customer)
    }

    fn payable(&self, machine: &FreshBooks) -> Result<Payable, ApiError> {
        let invoice = Invoice::row(machine, self.invoice)?;
        let before = machine.payments.rows.get(&self.head.id);
        let own = before.filter(|payment| payment.head.vis_state != 1);
        Ok(Payable {
            currency: self.currency,
            open: invoice.outstanding() + own.map(|own| own.amount).unwrap_or_default(),
            digits: machine.config.digits(self.currency),
        })
    }
}

impl FreshBooks {
    /// Adds up what is paid of an invoice; its status follows.
    fn settle_invoice(&mut self, id: u64, now: Millis) {
        let Some(invoice) = self.invoices.rows.get_mut(&id) else {
            return;
        };
        let payments = invoice.payments.iter();
        let payments = payments.filter_map(|payment| self.payments.rows.get(payment));
        let counted = payments.filter(|payment| payment.head.vis_state != 1);
        let (mut paid, mut last) = (Decimal::ZERO, None);
        for payment in counted {
            paid += payment.amount;
            last = last.max(Some(payment.date));
        }
        invoice.paid = paid;
        invoice.status = match invoice.status {
            _ if !paid.is_zero() && invoice.outstanding().is_zero() => 4,
            _ if !paid.is_zero() => 8,
            4 | 8 => 2,
            unpaid => unpaid,
        };
        invoice.date_paid = last.filter(|_| invoice.status == 4);
        let trace = self.config.invoice_payment_trace;
        self.leave_trace::<Invoice>(id, trace, now);
    }
}

/// The amount of a payment: of the document's currency, above zero, and no more than is open.
pub(super) fn read_payment(
    value: &Value,
    payable: &Payable,
    object: &'static str,
) -> Result<Decimal, ApiError> {
    let code = value.get("code");
    let same_code = code.is_none_or(|code| code.as_str() == Some(payable.currency.code()));
    let amount = read_amount(value)
        .filter(|_| same_code)
        .map(|amount| rounded(amount, payable.digits))
        .ok_or_else(|| ApiError::invalid(object, "amount", value))?;
    let refused = |errno, message: &str| {
        Err(ApiError::field(422, errno, object, "amount", message).quoting(amount.to_string()))
    };
    if amount <= Decimal::ZERO {
        return refused(1025, "Must be above zero.");
    }
    if amount > payable.open {
        return refused(1030, "More than is outstanding.");
    }
    Ok(amount)
}

/// How something was paid.
pub(super) fn read_type(
    value: &Value,
    object: &'static str,
    name: &str,
) -> Result<&'static str, ApiError> {
    let text = unquoted(value);
    let known = TYPES.into_iter().find(|kind| *kind == text);
    known.ok_or_else(|| ApiError::invalid(object, name, value))
}

/// A payment of a document that is deleted.
pub(super) fn deleted(object: &'static str, field: &str) -> ApiError {
    ApiError::field(422, 1011, object, field, "The object is deleted.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::freshbooks::RecordKind;
    use crate::test_support::freshbooks::{FreshBooksHarness, NOW, object};

    const PATH: &str = "payments/payments";

    fn invoice(harness: &mut FreshBooksHarness) -> u64 {
        let client = harness.client();
        let lines = json!([{"name": "Work", "unit_cost": "100"}]);
        let fields = json!({"customerid": client, "create_date": "2026-03-01", "lines": lines,
            "status": 2});
        let made = harness.machine.create_invoice(&fields, NOW);
        made.expect("an invoice")
    }

    fn fields(invoice: u64, amount: &str) -> Value {
        json!({"payment": {"invoiceid": invoice, "amount": {"amount": amount, "code": "EUR"},
            "date": "2026-03-02", "type": "Bank Transfer", "note": "n"}})
    }

    fn pay(harness: &mut FreshBooksHarness, invoice: u64, amount: &str) -> Value {
        let answer = harness.accounting("POST", PATH, Some(fields(invoice, amount)));
        object(&answer, "payment")
    }

    fn state(harness: &FreshBooksHarness, id: u64) -> Value {
        let invoice = harness.machine.invoice(id, NOW).expect("it is there");
        json!([
            invoice["v3_status"],
            invoice["paid"]["amount"],
            invoice["outstanding"]["amount"],
            invoice["date_paid"]
        ])
    }

    #[test]
    fn payments_add_up_and_a_deleted_one_is_taken_back() {
        let mut harness = FreshBooksHarness::new();
        let id = invoice(&mut harness);
        let first = pay(&mut harness, id, "40.00");
        assert_eq!(first["id"], first["logid"]);
        assert_eq!(
            state(&harness, id),
            json!(["partial", "40.00", "60.00", null])
        );
        pay(&mut harness, id, "60.00");
        let paid = json!(["paid", "100.00", "0.00", "2026-03-02"]);
        assert_eq!(state(&harness, id), paid);
        let path = format!("{PATH}/{}", first["id"]);
        let changed = json!({"payment": {"amount": {"amount": "30.00", "code": "EUR"}}});
        harness.accounting("PUT", &path, Some(changed));
        assert_eq!(state(&harness, id)[1], "90.00");
        for path in [
            path,
            format!("{PATH}/{}", first["id"].as_u64().unwrap_or(0) + 1),
        ] {
            let deleted = json!({"payment": {"vis_state": 1}});
            harness.accounting("PUT", &path, Some(deleted));
        }
        assert_eq!(state(&harness, id), json!(["sent", "0.00", "100.00", null]));
    }

    #[test]
    fn a_payment_must_fit_its_invoice() {
        let mut harness = FreshBooksHarness::new();
        let id = invoice(&mut harness);
        let mut refused = |name: &str, value: Value| {
            let mut body = fields(id, "40.00");
            body["payment"][name] = value;
            harness.refused("POST", PATH, body)
        };
        for (name, value, status, errno) in [
            ("invoiceid", json!(null), 422, 1001),
            ("invoiceid", json!(5), 422, 1004),
            ("amount", json!(null), 422, 1001),
            (
                "amount",
                json!({"amount": "100.01", "code": "EUR"}),
                422,
                1030,
            ),
            ("amount", json!({"amount": "0", "code": "EUR"}), 422, 1025),
            ("amount", json!({"amount": "1", "code": "USD"}), 422, 1004),
            ("date", json!("02.03.2026"), 422, 1033),
            ("type", json!("bank transfer"), 422, 1004),
            ("gateway", json!("x"), 403, 1038),
        ] {
            assert_eq!(
                refused(name, value.clone()),
                (status, errno),
                "{name} {value}"
            );
        }
        let payment = pay(&mut harness, id, "100.00")["id"].clone();
        let path = format!("{PATH}/{payment}");
        let moved = json!({"payment": {"invoiceid": id}});
        assert_eq!(harness.refused("PUT", &path, moved), (403, 1038));
        harness.machine.delete(RecordKind::Invoice, id, NOW);
        let late = fields(id, "1.00");
        assert_eq!(harness.refused("POST", PATH, late), (422, 1011));
    }

    #[test]
    fn filters_narrow_the_list() {
        let mut harness = FreshBooksHarness::new();
        let id = invoice(&mut harness);
        pay(&mut harness, id, "40.00");
        let own = format!("search[invoiceid]={id}");
        for (filter, count) in [
            (own.as_str(), 1),
            ("search[type]=Cash", 0),
            ("search[amount]=40", 1),
            ("search[currency]=USD", 0),
            ("search[date_min]=2026-03-03", 0),
            ("search[updated_min]=2026-03-02", 1),
            ("search[note]=x", 1),
        ] {
            let listed = harness.listed(&format!("{PATH}?{filter}"), "payments");
            assert_eq!(listed.len(), count, "{filter}");
        }
    }
}
