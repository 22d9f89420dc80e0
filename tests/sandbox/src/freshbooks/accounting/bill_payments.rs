//! Payments of bills: no event, no stamp and no filter shows them (source: freshbooks-payments).

use jiff::civil::Date;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::bills::Bill;
use super::payments::{Payable, deleted, read_payment, read_type};
use crate::freshbooks::FreshBooks;
use crate::freshbooks::api::errors::{ApiError, unquoted};
use crate::freshbooks::api::fields::{Fields, required_day, required_id};
use crate::freshbooks::api::listing::SearchFilters;
use crate::freshbooks::api::resource::{Resource, RowHead, ViewContext, refuse_read_only};
use crate::freshbooks::config::{Feature, PaymentTrace};
use crate::http::Millis;
use crate::money::{Currency, Money};

/// A payment of a bill, whole or in part.
#[derive(Clone, Debug)]
pub(crate) struct BillPayment {
    pub(crate) head: RowHead,
    bill: u64,
    currency: Currency,
    pub(crate) amount: Decimal,
    date: Date,
    kind: &'static str,
    note: Option<String>,
}

impl Resource for BillPayment {
    const ONE: &'static str = "bill_payment";
    const MANY: &'static str = "bill_payments";
    const ID_FIELD: &'static str = "id";
    const SCOPE: &'static str = "bill_payments";
    const FEATURE: Option<(Feature, u32)> = Some((Feature::BillPayments, 41101));
    type View<'a> = Value;

    fn create(machine: &mut FreshBooks, fields: &Fields, now: Millis) -> Result<u64, ApiError> {
        for name in ["amount", "payment_type"] {
            if fields.get(name).is_none_or(Value::is_null) {
                return Err(ApiError::required(Self::ONE, name));
            }
        }
        let bill = required_id(fields, Self::ONE, "billid")?;
        let known = machine.bills.rows.get(&bill);
        let found =
            known.ok_or_else(|| ApiError::invalid(Self::ONE, "billid", &Value::from(bill)))?;
        if found.head.vis_state == 1 {
            return Err(deleted(Self::ONE, "billid"));
        }
        let mut payment = Self {
            head: RowHead::draft(now),
            bill,
            currency: found.currency,
            amount: Decimal::ZERO,
            date: required_day(fields, Self::ONE, "paid_date")?,
            kind: "Other",
            note: None,
        };
        let mut data = fields.clone();
        data.remove("billid");
        payment.apply(machine, &data)?;
        let id = machine.bill_payments.insert_new(payment);
        if let Some(bill) = machine.bills.rows.get_mut(&bill) {
            bill.payments.push(id);
        }
        Ok(id)
    }

    /// An update may not move a payment to another bill.
    fn apply(&mut self, machine: &FreshBooks, fields: &Fields) -> Result<(), ApiError> {
        refuse_read_only(fields, Self::ONE, &["id", "billid", "matched_with_expense"])?;
        if let Some(value) = fields.get("amount") {
            let payable = self.payable(machine)?;
            self.amount = read_payment(value, &payable, Self::ONE)?;
        }
        if fields.contains_key("paid_date") {
            self.date = required_day(fields, Self::ONE, "paid_date")?;
        }
        if let Some(value) = fields.get("payment_type") {
            self.kind = read_type(value, Self::ONE, "payment_type")?;
        }
        if let Some(note) = fields.get("note") {
            self.note = (!note.is_null()).then(|| unquoted(note));
        }
        Ok(())
    }

    fn after_change(machine: &mut FreshBooks, id: u64, now: Millis) {
        let paid = machine.bill_payments.rows.get(&id);
        if let Some(bill) = paid.map(|payment| payment.bill) {
            machine.settle_bill(bill, now);
        }
    }

    fn matches(&self, _: &SearchFilters, _: &ViewContext) -> bool {
        true
    }

    fn view<'a>(&'a self, _: &ViewContext<'a>) -> Value {
        self.shown()
    }
}

impl BillPayment {
    /// The payment as it is written, in its bill too.
    pub(super) fn shown(&self) -> Value {
        json!({"id": self.head.id, "billid": self.bill,
            "amount": Money(self.amount, self.currency), "payment_type": self.kind,
            "paid_date": self.date, "note": self.note, "matched_with_expense": false,
            "vis_state": self.head.vis_state})
    }

    fn payable(&self, machine: &FreshBooks) -> Result<Payable, ApiError> {
        let bill = Bill::row(machine, self.bill)?;
        let before = machine.bill_payments.rows.get(&self.head.id);
        let own = before.filter(|payment| payment.head.vis_state != 1);
        Ok(Payable {
            currency: self.currency,
            open: bill.outstanding() + own.map(|own| own.amount).unwrap_or_default(),
            digits: machine.config.digits(self.currency),
        })
    }
}

impl FreshBooks {
    /// The payments of a bill that count.
    pub(super) fn payments_of(&self, bill: &Bill) -> impl Iterator<Item = &BillPayment> {
        let ids = bill.payments.iter();
        let payments = ids.filter_map(|id| self.bill_payments.rows.get(id));
        payments.filter(|payment| payment.head.vis_state != 1)
    }

    /// Adds up what is paid of a bill.
    fn settle_bill(&mut self, id: u64, now: Millis) {
        let Some(bill) = self.bills.rows.get(&id) else {
            return;
        };
        let paid = self.payments_of(bill).map(|payment| payment.amount).sum();
        if let Some(bill) = self.bills.rows.get_mut(&id) {
            bill.paid = paid;
        }
        let trace = self.config.bill_payment_trace;
        self.leave_trace::<Bill>(id, trace, now);
    }

    /// What a payment leaves on its document beside the status.
    pub(super) fn leave_trace<R: Resource>(&mut self, id: u64, trace: PaymentTrace, now: Millis) {
        if trace == PaymentTrace::None {
            return;
        }
        if let Some(row) = R::table_mut(self).rows.get_mut(&id) {
            row.head_mut().updated = now;
        }
        if trace == PaymentTrace::Event {
            self.emit(R::ONE, "update", id, now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::freshbooks::RecordKind;
    use crate::test_support::freshbooks::{FreshBooksHarness, NOW, object};

    const PATH: &str = "bill_payments/bill_payments";

    fn bill(harness: &mut FreshBooksHarness) -> u64 {
        let vendor = harness.vendor();
        let lines = json!([{"categoryid": 3344, "unit_cost": "900", "tax_name1": "MwSt",
            "tax_percent1": "19"}]);
        let fields = json!({"vendorid": vendor, "issue_date": "2026-03-01",
            "due_offset_days": 30, "currency_code": "EUR", "language": "en", "lines": lines});
        harness.machine.create_bill(&fields, NOW).expect("a bill")
    }

    fn fields(bill: u64, amount: &str) -> Value {
        json!({"bill_payment": {"billid": bill, "amount": {"amount": amount, "code": "EUR"},
            "payment_type": "Bank Transfer", "paid_date": "2026-03-02", "note": null}})
    }

    fn pay(harness: &mut FreshBooksHarness, bill: u64, amount: &str) -> Value {
        let answer = harness.accounting("POST", PATH, Some(fields(bill, amount)));
        object(&answer, "bill_payment")
    }

    fn state(harness: &FreshBooksHarness, id: u64) -> Value {
        let bill = harness.machine.bill(id, NOW).expect("it is there");
        json!([
            bill["status"],
            bill["paid"]["amount"],
            bill["outstanding"]["amount"],
            bill["bill_payments"].as_array().map(Vec::len)
        ])
    }

    #[test]
    fn a_bill_is_partial_paid_and_unpaid_again() {
        let mut harness = FreshBooksHarness::new();
        let id = bill(&mut harness);
        assert_eq!(state(&harness, id), json!(["unpaid", "0.00", "1071.00", 0]));
        let first = pay(&mut harness, id, "71.00");
        assert!(first.get("updated").is_none());
        let partial = json!(["partial", "71.00", "1000.00", 1]);
        assert_eq!(state(&harness, id), partial);
        let second = pay(&mut harness, id, "1000.00");
        assert_eq!(state(&harness, id), json!(["paid", "1071.00", "0.00", 2]));
        let paid = harness.listed("bills/bills?search[statuses][]=paid", "bills");
        assert_eq!((paid.len(), &paid[0]["bill_payments"]), (1, &json!([])));
        let machine = &mut harness.machine;
        for payment in [&first, &second] {
            let payment = payment["id"].as_u64().expect("an id");
            machine.delete(RecordKind::BillPayment, payment, NOW);
        }
        assert_eq!(state(&harness, id), json!(["unpaid", "0.00", "1071.00", 0]));
    }

    #[test]
    fn neither_filter_nor_stamp_finds_a_payment_unless_switched() {
        let mut harness = FreshBooksHarness::new();
        let id = bill(&mut harness);
        let updated = |harness: &FreshBooksHarness| {
            harness.machine.bill(id, NOW).expect("it is there")["updated_at"].clone()
        };
        let before = updated(&harness);
        harness.now += 60_000;
        pay(&mut harness, id, "1.00");
        assert_eq!(updated(&harness), before);
        for filter in ["search[billid]=1", "search[paid_date]=2030-01-01"] {
            let listed = harness.listed(&format!("{PATH}?{filter}"), "bill_payments");
            assert_eq!(listed.len(), 1, "{filter}");
        }
        harness.machine.config.bill_payment_trace = PaymentTrace::Stamp;
        pay(&mut harness, id, "1.00");
        assert_ne!(updated(&harness), before);
    }

    #[test]
    fn a_payment_must_fit_its_bill() {
        let mut harness = FreshBooksHarness::new();
        let id = bill(&mut harness);
        let mut refused = |name: &str, value: Value| {
            let mut body = fields(id, "40.00");
            body["bill_payment"][name] = value;
            harness.refused("POST", PATH, body)
        };
        for (name, value, status, errno) in [
            ("billid", json!(null), 422, 1001),
            ("billid", json!(5), 422, 1004),
            ("amount", json!(null), 422, 1001),
            (
                "amount",
                json!({"amount": "1071.01", "code": "EUR"}),
                422,
                1030,
            ),
            ("amount", json!({"amount": "-1", "code": "EUR"}), 422, 1025),
            ("amount", json!({"amount": "1", "code": "USD"}), 422, 1004),
            ("paid_date", json!("x"), 422, 1033),
            ("payment_type", json!("Wire"), 422, 1004),
            ("matched_with_expense", json!(true), 403, 1038),
        ] {
            assert_eq!(
                refused(name, value.clone()),
                (status, errno),
                "{name} {value}"
            );
        }
        harness.machine.delete(RecordKind::Bill, id, NOW);
        let late = fields(id, "1.00");
        assert_eq!(harness.refused("POST", PATH, late.clone()), (422, 1011));
        harness.machine.config.missing_features = vec![Feature::BillPayments];
        assert_eq!(harness.refused("POST", PATH, late), (200, 41101));
        harness.machine.config.missing_features = Vec::new();
        harness.hold("user:payments:write");
        assert_eq!(harness.accounting("GET", PATH, None).status, 403);
    }
}
