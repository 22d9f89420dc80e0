//! Invoices: drafts until sent, totals computed, status in four forms
//! (source: freshbooks-invoices).

use jiff::civil::Date;
use rust_decimal::Decimal;
use serde_json::Value;

use super::invoice_view::InvoiceView;
use super::lines::{LineFieldNames, LineTotals, PricedLine, read_lines, read_percent};
use crate::calendar::{eastern_day, plus_days};
use crate::freshbooks::FreshBooks;
use crate::freshbooks::api::errors::{ApiError, unquoted};
use crate::freshbooks::api::fields::{
    Fields, SparseFields, read_currency, read_day_count, read_id, required_day, required_id,
};
use crate::freshbooks::api::listing::SearchFilters;
use crate::freshbooks::api::resource::{Resource, RowHead, ViewContext, refuse_read_only};
use crate::http::{Millis, Response};
use crate::money::Currency;

const TEXTS: &[&str] = &[
    "notes",
    "terms",
    "po_number",
    "language",
    "template",
    "organization",
    "fname",
    "lname",
    "street",
    "street2",
    "city",
    "province",
    "code",
    "country",
    "vat_name",
    "vat_number",
    "payment_details",
];

/// Fields that only the server writes.
const READ_ONLY: &[&str] = &[
    "due_date",
    "amount",
    "outstanding",
    "paid",
    "discount_total",
    "v3_status",
    "display_status",
    "payment_status",
    "date_paid",
    "created_at",
    "updated",
    "version",
    "accountid",
    "accounting_systemid",
    "current_organization",
];

const LINE_NAMES: LineFieldNames = LineFieldNames {
    object: "invoice",
    id: "lineid",
    quantity: "qty",
    tax_names: ["taxName1", "taxName2"],
    tax_percents: ["taxAmount1", "taxAmount2"],
};

/// An invoice: its lines, its address as copied from the client, and its status 0 to 8.
#[derive(Clone, Debug)]
pub(crate) struct Invoice {
    pub(crate) head: RowHead,
    pub(crate) texts: SparseFields,
    pub(crate) number: Box<str>,
    pub(crate) customer: u64,
    pub(crate) create_date: Date,
    pub(crate) due_offset_days: u16,
    pub(crate) currency: Currency,
    pub(crate) discount_percent: Decimal,
    pub(crate) status: u8,
    pub(crate) lines: Vec<PricedLine>,
    pub(crate) totals: LineTotals,
    pub(crate) paid: Decimal,
    /// Ids of its payments, those taken back included.
    pub(crate) payments: Vec<u64>,
    pub(crate) date_paid: Option<Date>,
}

impl Resource for Invoice {
    const ONE: &'static str = "invoice";
    const MANY: &'static str = "invoices";
    const ID_FIELD: &'static str = "invoiceid";
    const SCOPE: &'static str = "invoices";
    type View<'a> = InvoiceView<'a>;

    fn create(machine: &mut FreshBooks, fields: &Fields, now: Millis) -> Result<u64, ApiError> {
        let customer = required_id(fields, Self::ONE, "customerid")?;
        let create_date = required_day(fields, Self::ONE, "create_date")?;
        let Some(client) = machine.clients.rows.get(&customer) else {
            return Err(ApiError::invalid(
                Self::ONE,
                "customerid",
                &Value::from(customer),
            ));
        };
        let mut invoice = Self::new_draft(customer, create_date, client.currency, now);
        invoice.copy_address(&client.texts);
        invoice.apply(machine, fields)?;
        if invoice.number.is_empty() {
            invoice.number = machine.next_invoice_number().into();
        }
        machine.refuse_taken_number(&invoice.number, None)?;
        let number = invoice.number.to_string();
        let id = machine.invoices.insert_new(invoice);
        machine
            .invoice_numbers
            .entry(number)
            .or_default()
            .insert(id);
        Ok(id)
    }

    /// Writes the fields that a body names, then adds up anew.
    fn apply(&mut self, machine: &FreshBooks, fields: &Fields) -> Result<(), ApiError> {
        refuse_read_only(fields, Self::ONE, READ_ONLY)?;
        self.texts.write_fields(fields, Self::ONE)?;
        for (name, value) in fields {
            self.apply_field(machine, name, value)?;
        }
        self.totals = LineTotals::sum(
            &self.lines,
            self.discount_percent,
            machine.config.digits(self.currency),
        );
        Ok(())
    }

    fn update(machine: &mut FreshBooks, id: u64, fields: &Fields) -> Result<(), ApiError> {
        let mut invoice = Self::row(machine, id)?.clone();
        let number = invoice.number.clone();
        invoice.apply(machine, fields)?;
        if invoice.number != number {
            machine.refuse_taken_number(&invoice.number, Some(id))?;
            machine.reindex_number(&number, &invoice.number, id);
        }
        machine.invoices.rows.insert(id, invoice);
        Ok(())
    }

    fn apply_actions(
        machine: &mut FreshBooks,
        id: u64,
        fields: &Fields,
        _: Millis,
    ) -> Result<&'static str, ApiError> {
        let set = |name: &str| fields.get(name) == Some(&Value::Bool(true));
        let missing = || ApiError::not_found(Self::ONE, Self::ID_FIELD, &id.to_string());
        let invoice = machine.invoices.rows.get_mut(&id).ok_or_else(missing)?;
        if invoice.status == 1 && (set("action_mark_as_sent") || set("action_email")) {
            invoice.status = 2;
        }
        Ok(if set("action_email") {
            "sendByEmail"
        } else {
            "update"
        })
    }

    fn matches(&self, search: &SearchFilters, showing: &ViewContext) -> bool {
        let inclusive = showing.config().max_filter_inclusive;
        let today = eastern_day(showing.now);
        search.id_passes("invoiceid", "invoiceids", self.head.id)
            && search.id_passes("customerid", "customerids", self.customer)
            && search
                .value("invoice_number")
                .is_none_or(|number| number == &*self.number)
            && search
                .value("v3_status")
                .is_none_or(|status| status == self.v3_status(today))
            && search.days("date", inclusive).contain(self.create_date)
            && search
                .days("updated", inclusive)
                .contain_instant(self.head.updated)
    }

    fn sort_value(&self, key: &str) -> Option<String> {
        (key == "invoice_date").then(|| self.create_date.to_string())
    }

    fn view<'a>(&'a self, showing: &ViewContext<'a>) -> InvoiceView<'a> {
        InvoiceView::new(self, showing)
    }

    fn candidate_ids(machine: &FreshBooks, search: &SearchFilters) -> Option<Vec<u64>> {
        if let Some(number) = search.value("invoice_number") {
            let ids = machine.invoice_numbers.get(number);
            return Some(
                ids.map(|ids| ids.iter().copied().collect())
                    .unwrap_or_default(),
            );
        }
        search
            .value("invoiceid")
            .map(|id| id.parse().into_iter().collect())
    }

    fn delete(machine: &mut FreshBooks, id: u64, now: Millis) -> Result<Response, ApiError> {
        machine.set_vis_state::<Self>(id, 1, now);
        Ok(crate::freshbooks::api::resource::deleted_response())
    }
}

impl Invoice {
    /// What is still to be paid.
    pub(crate) fn outstanding(&self) -> Decimal {
        self.totals.total() - self.paid
    }

    /// The day it falls due.
    pub(crate) fn due_date(&self) -> Date {
        plus_days(self.create_date, self.due_offset_days)
    }

    /// The status in words; overdue depends on the day.
    pub(crate) fn v3_status(&self, today: Date) -> &'static str {
        match self.status {
            0 => "disputed",
            1 => "draft",
            4 => "paid",
            // Due on receipt is no date to miss.
            _ if today > self.due_date() && self.due_offset_days > 0 => "overdue",
            3 => "viewed",
            8 => "partial",
            _ => "sent",
        }
    }

    /// How far it is paid.
    pub(crate) fn payment_status(&self) -> &'static str {
        match self.status {
            4 => "paid",
            8 => "partial",
            _ => "unpaid",
        }
    }

    fn new_draft(customer: u64, create_date: Date, currency: Currency, now: Millis) -> Self {
        Self {
            head: RowHead::draft(now),
            texts: SparseFields::new(TEXTS),
            number: "".into(),
            customer,
            create_date,
            due_offset_days: 0,
            currency,
            discount_percent: Decimal::ZERO,
            status: 1,
            lines: Vec::new(),
            totals: LineTotals::default(),
            paid: Decimal::ZERO,
            payments: Vec::new(),
            date_paid: None,
        }
    }

    fn copy_address(&mut self, client: &SparseFields) {
        let copied = [
            ("organization", "organization"),
            ("fname", "fname"),
            ("lname", "lname"),
            ("street", "p_street"),
            ("street2", "p_street2"),
            ("city", "p_city"),
            ("province", "p_province"),
            ("code", "p_code"),
            ("country", "p_country"),
            ("vat_name", "vat_name"),
            ("vat_number", "vat_number"),
            ("language", "language"),
        ];
        for (to, from) in copied {
            self.texts.set(to, client.get(from));
        }
    }

    fn apply_field(
        &mut self,
        machine: &FreshBooks,
        name: &str,
        value: &Value,
    ) -> Result<(), ApiError> {
        match name {
            "invoice_number" => self.number = unquoted(value).into(),
            "create_date" => {
                self.create_date = required_day(&single_field(name, value), Self::ONE, name)?;
            }
            "due_offset_days" => self.due_offset_days = read_day_count(value, Self::ONE, name)?,
            "currency_code" => self.currency = read_currency(value, Self::ONE, name)?,
            "status" => self.status = writable_status(value)?,
            "lines" => self.lines = read_lines(value, &LINE_NAMES, &machine.known_taxes())?,
            "discount_value" => {
                let percent =
                    read_percent(value).filter(|percent| *percent <= Decimal::ONE_HUNDRED);
                self.discount_percent = percent
                    .ok_or_else(|| ApiError::field(422, 1018, Self::ONE, name, "Bad percent."))?;
            }
            "customerid" => {
                let customer = read_id(value).filter(|id| machine.clients.rows.contains_key(id));
                self.customer =
                    customer.ok_or_else(|| ApiError::invalid(Self::ONE, name, value))?;
            }
            _ => {}
        }
        Ok(())
    }
}

/// The status a client may write: 0 to 3, as a number.
fn writable_status(value: &Value) -> Result<u8, ApiError> {
    let Some(status) = value.as_u64() else {
        return Err(
            ApiError::field(422, 1015, "invoice", "status", "Must be a number.")
                .quoting(unquoted(value)),
        );
    };
    u8::try_from(status)
        .ok()
        .filter(|status| *status <= 3)
        .ok_or_else(|| ApiError::invalid("invoice", "status", value))
}

fn single_field(name: &str, value: &Value) -> Fields {
    Fields::from_iter([(name.to_owned(), value.clone())])
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::test_support::freshbooks::{FreshBooksHarness, object};

    fn create(harness: &mut FreshBooksHarness, changes: Value) -> Value {
        let body = json!({"invoice": draft(harness, changes)});
        let response = harness.accounting("POST", "invoices/invoices", Some(body));
        object(&response, "invoice")
    }

    fn draft(harness: &mut FreshBooksHarness, changes: Value) -> Value {
        let client = harness
            .machine
            .clients
            .rows
            .keys()
            .next()
            .copied()
            .unwrap_or_else(|| harness.client());
        let mut invoice = json!({"customerid": client, "create_date": "2026-01-31",
            "lines": [{"type": 0, "name": "Travel",
            "description": "Concur", "qty": "1", "unit_cost": {"amount": "120.00", "code": "EUR"},
            "taxName1": "MwSt", "taxAmount1": "19"}]});
        for (name, value) in changes.as_object().expect("an object") {
            invoice[name] = value.clone();
        }
        invoice
    }

    fn put(harness: &mut FreshBooksHarness, id: &Value, fields: Value) -> Value {
        let response = harness.accounting(
            "PUT",
            &format!("invoices/invoices/{id}"),
            Some(json!({"invoice": fields})),
        );
        object(&response, "invoice")
    }

    fn refused(harness: &mut FreshBooksHarness, changes: Value) -> (u16, u64) {
        let body = json!({"invoice": draft(harness, changes)});
        harness.refused("POST", "invoices/invoices", body)
    }

    #[test]
    fn a_new_invoice_is_a_numbered_draft_with_totals() {
        let mut harness = FreshBooksHarness::new();
        let invoice = create(&mut harness, json!({"due_offset_days": "30"}));
        assert_eq!(
            (&invoice["status"], &invoice["v3_status"]),
            (&json!(1), &json!("draft"))
        );
        assert_eq!(
            (&invoice["invoice_number"], &invoice["due_date"]),
            (&json!("0000001"), &json!("2026-03-02"))
        );
        assert_eq!(
            invoice["amount"],
            json!({"amount": "142.80", "code": "EUR"})
        );
        assert_eq!(invoice["outstanding"], invoice["amount"]);
        assert_eq!(invoice["organization"], "Roe GmbH");
        assert_eq!(invoice["created_at"], "2026-03-02 10:00:00");
    }

    #[test]
    fn customer_and_date_are_required_and_checked() {
        let mut harness = FreshBooksHarness::new();
        assert_eq!(
            refused(&mut harness, json!({"customerid": null})),
            (422, 1001)
        );
        assert_eq!(refused(&mut harness, json!({"customerid": 1})), (422, 1004));
        assert_eq!(
            refused(&mut harness, json!({"create_date": null})),
            (422, 1001)
        );
        assert_eq!(
            refused(&mut harness, json!({"create_date": "31/01/2026"})),
            (422, 1033)
        );
    }

    #[test]
    fn due_date_and_other_computed_fields_cannot_be_written() {
        let mut harness = FreshBooksHarness::new();
        for field in ["due_date", "amount", "outstanding", "v3_status"] {
            assert_eq!(
                refused(&mut harness, json!({field: "2026-02-28"})),
                (403, 1038),
                "{field}"
            );
        }
    }

    #[test]
    fn status_takes_the_numbers_0_to_3() {
        let mut harness = FreshBooksHarness::new();
        assert_eq!(refused(&mut harness, json!({"status": "2"})), (422, 1015));
        assert_eq!(refused(&mut harness, json!({"status": 4})), (422, 1004));
        assert_eq!(
            create(&mut harness, json!({"status": 2}))["v3_status"],
            "sent"
        );
        assert_eq!(
            create(&mut harness, json!({"status": 0}))["v3_status"],
            "disputed"
        );
    }

    #[test]
    fn marking_as_sent_is_a_phase_of_its_own() {
        let mut harness = FreshBooksHarness::new();
        let invoice = create(&mut harness, json!({}));
        let sent = put(
            &mut harness,
            &invoice["id"],
            json!({"action_mark_as_sent": true, "notes": "lost"}),
        );
        assert_eq!((&sent["status"], &sent["notes"]), (&json!(2), &json!("")));
    }

    #[test]
    fn sent_invoices_fall_overdue_with_time() {
        let mut harness = FreshBooksHarness::new();
        let invoice = create(&mut harness, json!({"status": 2, "due_offset_days": 30}));
        assert_eq!(invoice["v3_status"], "sent");
        harness.now += 86_400_000;
        harness.token = harness.machine.person_token(harness.now);
        let later =
            harness.accounting("GET", &format!("invoices/invoices/{}", invoice["id"]), None);
        assert_eq!(object(&later, "invoice")["v3_status"], "overdue");
        assert_eq!(
            harness
                .listed("invoices/invoices?search[v3_status]=overdue", "invoices")
                .len(),
            1
        );
    }

    #[test]
    fn numbers_in_use_are_refused_unless_switched() {
        let mut harness = FreshBooksHarness::new();
        let first = create(&mut harness, json!({"invoice_number": "C-1"}));
        assert_eq!(
            refused(&mut harness, json!({"invoice_number": "C-1"})),
            (422, 1029)
        );
        put(&mut harness, &first["id"], json!({"vis_state": 1}));
        create(&mut harness, json!({"invoice_number": "C-1"}));
        harness.machine.config.duplicate_numbers_allowed = true;
        create(&mut harness, json!({"invoice_number": "C-1"}));
        assert_eq!(
            harness
                .listed("invoices/invoices?search[invoice_number]=C-1", "invoices")
                .len(),
            2
        );
    }

    #[test]
    fn a_changed_number_is_found_under_its_new_name() {
        let mut harness = FreshBooksHarness::new();
        let invoice = create(&mut harness, json!({"invoice_number": "A/1"}));
        put(
            &mut harness,
            &invoice["id"],
            json!({"invoice_number": "B 2"}),
        );
        assert!(
            harness
                .listed("invoices/invoices?search[invoice_number]=A/1", "invoices")
                .is_empty()
        );
        assert_eq!(
            harness
                .listed("invoices/invoices?search[invoice_number]=B+2", "invoices")
                .len(),
            1
        );
    }

    #[test]
    fn lists_leave_lines_out_unless_included() {
        let mut harness = FreshBooksHarness::new();
        let invoice = create(&mut harness, json!({}));
        assert!(
            harness.listed("invoices/invoices", "invoices")[0]
                .get("lines")
                .is_none()
        );
        let with = harness.listed("invoices/invoices?include[]=lines", "invoices");
        assert_eq!(with[0]["lines"][0]["taxAmount1"], "19");
        assert_eq!(
            invoice["lines"][0]["amount"],
            json!({"amount": "120.00", "code": "EUR"})
        );
        harness.machine.config.single_invoice_needs_include = true;
        let single =
            harness.accounting("GET", &format!("invoices/invoices/{}", invoice["id"]), None);
        assert!(object(&single, "invoice").get("lines").is_none());
    }

    #[test]
    fn updates_change_only_the_keys_sent_and_lines_as_a_whole() {
        let mut harness = FreshBooksHarness::new();
        let invoice = create(&mut harness, json!({"po_number": "PO-7"}));
        let lines =
            json!([{"name": "Hotel", "qty": 2, "unit_cost": {"amount": "50", "code": "EUR"}}]);
        let changed = put(&mut harness, &invoice["id"], json!({"lines": lines}));
        assert_eq!(changed["po_number"], "PO-7");
        assert_eq!(changed["amount"]["amount"], "100.00");
        assert_eq!(changed["lines"].as_array().map(Vec::len), Some(1));
    }

    #[test]
    fn filters_by_day_are_eastern_and_the_rest_is_ignored() {
        let mut harness = FreshBooksHarness::new();
        create(&mut harness, json!({}));
        let count = |harness: &mut FreshBooksHarness, filter: &str| {
            harness
                .listed(&format!("invoices/invoices?{filter}"), "invoices")
                .len()
        };
        assert_eq!(count(&mut harness, "search[updated_min]=2026-03-02"), 1);
        assert_eq!(count(&mut harness, "search[updated_min]=2026-03-03"), 0);
        assert_eq!(count(&mut harness, "search[updated_max]=2026-03-02"), 0);
        assert_eq!(count(&mut harness, "search[date_min]=2026-02-01"), 0);
        for ignored in [
            "search[status]=4",
            "search[create_date_min]=2030-01-01",
            "status=4",
            "search[payment_status]=paid",
        ] {
            assert_eq!(count(&mut harness, ignored), 1, "{ignored}");
        }
    }

    #[test]
    fn the_delete_verb_and_vis_state_both_delete() {
        let mut harness = FreshBooksHarness::new();
        let invoice = create(&mut harness, json!({}));
        let path = format!("invoices/invoices/{}", invoice["id"]);
        assert_eq!(harness.accounting("DELETE", &path, None).status, 200);
        assert_eq!(
            object(&harness.accounting("GET", &path, None), "invoice")["vis_state"],
            1
        );
        let restored = put(&mut harness, &invoice["id"], json!({"vis_state": 0}));
        assert_eq!(restored["vis_state"], 0);
    }

    #[test]
    fn emoji_are_refused_only_if_switched() {
        let mut harness = FreshBooksHarness::new();
        assert_eq!(create(&mut harness, json!({"notes": "🎉"}))["notes"], "🎉");
        harness.machine.config.refuse_astral = true;
        assert_eq!(refused(&mut harness, json!({"notes": "🎉"})), (422, 1036));
    }

    #[test]
    fn discounts_are_percentages_and_shown_negative() {
        let mut harness = FreshBooksHarness::new();
        let invoice = create(&mut harness, json!({"discount_value": "10"}));
        assert_eq!(invoice["discount_total"]["amount"], "-12.00");
        assert_eq!(invoice["amount"]["amount"], "128.52");
    }
}
