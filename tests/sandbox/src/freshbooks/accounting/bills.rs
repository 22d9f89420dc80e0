//! Bills: what the account owes its vendors (source: freshbooks-bills).

use jiff::civil::Date;
use rust_decimal::Decimal;
use serde::Serialize;
use serde_json::{Value, json};

use super::bill_payments::BillPayment;
use super::bill_vendors::BillVendorView;
use super::lines::{LineFieldNames, LineTotals, PricedLine, read_lines};
use crate::calendar::{eastern_day, plus_days, utc_stamp};
use crate::freshbooks::FreshBooks;
use crate::freshbooks::api::errors::{ApiError, unquoted};
use crate::freshbooks::api::fields::{
    Fields, read_currency, read_day_count, read_id, required_day, required_id,
};
use crate::freshbooks::api::listing::SearchFilters;
use crate::freshbooks::api::resource::{Resource, RowHead, ViewContext, refuse_read_only};
use crate::freshbooks::config::{Feature, TaxRounding};
use crate::http::Millis;
use crate::money::{Currency, Money};

/// Fields that only the server writes.
const READ_ONLY: &[&str] = &[
    "due_date",
    "amount",
    "tax_amount",
    "total_amount",
    "paid",
    "outstanding",
    "overall_category",
    "overall_description",
    "status",
];

const LINE_NAMES: LineFieldNames = LineFieldNames {
    object: "bill",
    id: "id",
    quantity: "quantity",
    tax_names: ["tax_name1", "tax_name2"],
    tax_percents: ["tax_percent1", "tax_percent2"],
};

/// A bill: what a vendor wants for its lines, and until when.
#[derive(Clone, Debug)]
pub(crate) struct Bill {
    pub(crate) head: RowHead,
    pub(crate) vendor: u64,
    pub(crate) number: Box<str>,
    issue_date: Date,
    due_offset_days: u16,
    pub(crate) currency: Currency,
    language: Box<str>,
    lines: Vec<PricedLine>,
    totals: LineTotals,
    pub(crate) paid: Decimal,
    /// Ids of its payments, those taken back included.
    pub(crate) payments: Vec<u64>,
}

/// A bill as it is written.
#[derive(Serialize)]
pub(crate) struct BillView<'a> {
    id: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    vendorid: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    vendor: Option<VendorView<'a>>,
    bill_number: Option<&'a str>,
    issue_date: Date,
    due_date: Date,
    due_offset_days: u16,
    currency_code: &'a str,
    language: &'a str,
    status: &'static str,
    amount: Money,
    tax_amount: Money,
    total_amount: Money,
    paid: Money,
    outstanding: Money,
    overall_category: Option<&'a str>,
    overall_description: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lines: Option<Vec<Value>>,
    bill_payments: Vec<Value>,
    attachment: Option<u64>,
    created_at: String,
    updated_at: String,
    vis_state: u8,
}

/// The vendor inside a bill.
#[derive(Serialize)]
#[serde(untagged)]
enum VendorView<'a> {
    Whole(BillVendorView<'a>),
    Brief { vendorid: u64, vendor_name: &'a str },
}

impl Resource for Bill {
    const ONE: &'static str = "bill";
    const MANY: &'static str = "bills";
    const ID_FIELD: &'static str = "id";
    const SCOPE: &'static str = "bills";
    const FEATURE: Option<(Feature, u32)> = Some((Feature::Bills, 41001));
    type View<'a> = BillView<'a>;

    fn create(machine: &mut FreshBooks, fields: &Fields, now: Millis) -> Result<u64, ApiError> {
        // Reported before anything that is missing.
        refuse_read_only(fields, Self::ONE, READ_ONLY)?;
        for name in ["due_offset_days", "currency_code", "language", "lines"] {
            if fields.get(name).is_none_or(Value::is_null) {
                return Err(ApiError::required(Self::ONE, name));
            }
        }
        let mut bill = Self {
            head: RowHead::draft(now),
            vendor: required_id(fields, Self::ONE, "vendorid")?,
            number: "".into(),
            issue_date: required_day(fields, Self::ONE, "issue_date")?,
            due_offset_days: 0,
            currency: machine.default_currency(),
            language: "en".into(),
            lines: Vec::new(),
            totals: LineTotals::default(),
            paid: Decimal::ZERO,
            payments: Vec::new(),
        };
        bill.apply(machine, fields)?;
        Ok(machine.bills.insert_new(bill))
    }

    /// Writes the fields that a body names, then adds up anew.
    fn apply(&mut self, machine: &FreshBooks, fields: &Fields) -> Result<(), ApiError> {
        refuse_read_only(fields, Self::ONE, READ_ONLY)?;
        for (name, value) in fields {
            self.apply_field(machine, name, value)?;
        }
        if !machine.bill_vendors.rows.contains_key(&self.vendor) {
            return Err(ApiError::invalid(
                Self::ONE,
                "vendorid",
                &Value::from(self.vendor),
            ));
        }
        let digits = machine.config.digits(self.currency);
        self.totals = match machine.config.bill_tax_rounding {
            TaxRounding::Line => LineTotals::sum(&self.lines, Decimal::ZERO, digits),
            TaxRounding::Document => LineTotals::sum_rounded_once(&self.lines, digits),
        };
        Ok(())
    }

    fn matches(&self, search: &SearchFilters, showing: &ViewContext) -> bool {
        let statuses = search.values("statuses");
        let status = || self.status(eastern_day(showing.now));
        search.id_passes("vendorid", "vendorids", self.vendor)
            && search.id_passes("id", "ids", self.head.id)
            && search
                .value("currency_code")
                .is_none_or(|code| code == self.currency.code())
            && statuses.is_none_or(|statuses| statuses.contains(&status()))
    }

    fn view<'a>(&'a self, showing: &ViewContext<'a>) -> BillView<'a> {
        let money = |amount: Decimal| Money(amount, self.currency);
        let first = self.lines.first();
        let has_number = showing.single || showing.config().bill_lists_are_full;
        let category = first.and_then(|line| showing.machine.category(line.category));
        BillView {
            id: self.head.id,
            vendorid: (!showing.config().bill_without_vendorid).then_some(self.vendor),
            vendor: self.vendor_view(showing),
            bill_number: has_number.then_some(&*self.number),
            issue_date: self.issue_date,
            due_date: self.due_date(),
            due_offset_days: self.due_offset_days,
            currency_code: self.currency.code(),
            language: &self.language,
            status: self.status(eastern_day(showing.now)),
            amount: money(self.totals.subtotal),
            tax_amount: money(self.totals.tax),
            total_amount: money(self.totals.total()),
            paid: money(self.paid),
            outstanding: money(self.outstanding()),
            overall_category: category.map(|category| category.name.as_str()),
            overall_description: first.map(|line| &*line.description),
            lines: self.lines_view(showing),
            bill_payments: self.payments_view(showing),
            attachment: None,
            created_at: utc_stamp(self.head.created),
            updated_at: utc_stamp(self.head.updated),
            vis_state: self.head.vis_state,
        }
    }
}

impl Bill {
    fn due_date(&self) -> Date {
        plus_days(self.issue_date, self.due_offset_days)
    }

    /// What is still to be paid.
    pub(crate) fn outstanding(&self) -> Decimal {
        self.totals.total() - self.paid
    }

    fn status(&self, today: Date) -> &'static str {
        match self.paid.is_zero() {
            false if self.outstanding().is_zero() => "paid",
            _ if today > self.due_date() => "overdue",
            false => "partial",
            true => "unpaid",
        }
    }

    fn apply_field(
        &mut self,
        machine: &FreshBooks,
        name: &str,
        value: &Value,
    ) -> Result<(), ApiError> {
        match name {
            "vendorid" => self.vendor = read_id(value).unwrap_or_default(),
            "bill_number" => {
                self.number = if value.is_null() {
                    "".into()
                } else {
                    unquoted(value).into()
                }
            }
            "issue_date" => {
                let day = value.as_str().and_then(crate::calendar::parse_day);
                self.issue_date = day.ok_or_else(|| {
                    ApiError::field(422, 1033, Self::ONE, name, "Must be a date.")
                })?;
            }
            "due_offset_days" => self.due_offset_days = read_day_count(value, Self::ONE, name)?,
            "currency_code" => self.currency = read_currency(value, Self::ONE, name)?,
            "language" => self.language = unquoted(value).into(),
            "lines" => {
                self.lines = read_lines(value, &LINE_NAMES, &machine.known_taxes())?;
                let unknown = self
                    .lines
                    .iter()
                    .find(|line| machine.category(line.category).is_none());
                if let Some(line) = unknown {
                    return Err(missing_category(line.category));
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Whether the answer has this part, of which a list has none unasked.
    fn shows(key: &str, showing: &ViewContext) -> bool {
        let unasked = !showing.config().single_bill_needs_include;
        showing.includes(key) || showing.written || showing.single && unasked
    }

    /// The vendor, which may be there to say whose bill it is.
    fn vendor_view<'a>(&self, showing: &ViewContext<'a>) -> Option<VendorView<'a>> {
        if !Self::shows("vendor", showing) {
            return None;
        }
        let vendor = showing.machine.bill_vendors.rows.get(&self.vendor)?;
        Some(if showing.config().brief_bill_vendor {
            VendorView::Brief {
                vendorid: self.vendor,
                vendor_name: vendor.texts.get("vendor_name"),
            }
        } else {
            VendorView::Whole(vendor.view(showing))
        })
    }

    /// The lines; an empty list in a list of bills.
    fn lines_view(&self, showing: &ViewContext) -> Option<Vec<Value>> {
        let is_list = !showing.single && !showing.written;
        let is_bare = is_list && !showing.config().bill_lists_are_full;
        if is_bare || !Self::shows("lines", showing) {
            return (!showing.single).then(Vec::new);
        }
        let lines = self.lines.iter().enumerate();
        Some(
            lines
                .map(|(at, line)| self.line_view(at, line, showing))
                .collect(),
        )
    }

    /// The payments; none in a list of bills.
    fn payments_view(&self, showing: &ViewContext) -> Vec<Value> {
        if !showing.single && !showing.config().bill_lists_are_full {
            return Vec::new();
        }
        let payments = showing.machine.payments_of(self);
        payments.map(BillPayment::shown).collect()
    }

    fn line_view(&self, at: usize, line: &PricedLine, showing: &ViewContext) -> Value {
        let config = showing.config();
        let digits = config.digits(self.currency);
        let net = line.net(digits);
        let [first, second] = line.tax_amounts(net, digits);
        let money = |amount: Decimal| Money(amount, self.currency);
        let name = |at: usize| line.taxes[at].as_ref().map(|tax| &*tax.name);
        let percent = |at: usize| {
            line.taxes[at]
                .as_ref()
                .map(|tax| tax.percent.normalize().to_string())
        };
        let taxed = |at: usize, amount: Decimal| line.taxes[at].as_ref().map(|_| money(amount));
        let found = showing.machine.category(line.category);
        let category = match found {
            Some(category)
                if config.bill_category_as_object || config.bill_line_without_categoryid =>
            {
                json!({"category": category.name, "categoryid": category.head.id,
                    "parentid": category.parent})
            }
            Some(category) => json!(category.name),
            None => Value::Null,
        };
        let mut view = json!({"id": line.id, "list_index": at + 1, "category": category,
            "description": line.description, "quantity": line.quantity.normalize().to_string(),
            "unit_cost": money(line.unit_cost), "amount": money(net),
            "total_amount": money(net + first + second),
            "tax_name1": name(0), "tax_percent1": percent(0), "tax_amount1": taxed(0, first),
            "tax_authorityid1": null,
            "tax_name2": name(1), "tax_percent2": percent(1), "tax_amount2": taxed(1, second),
            "tax_authorityid2": null});
        if !config.bill_line_without_categoryid {
            view["categoryid"] = json!(line.category);
        }
        view
    }
}

fn missing_category(category: u64) -> ApiError {
    if category == 0 {
        return ApiError::required("bill", "categoryid");
    }
    ApiError::invalid("bill", "categoryid", &Value::from(category))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support::freshbooks::{FreshBooksHarness, object};

    fn body(harness: &mut FreshBooksHarness, changes: Value) -> Value {
        let vendor = harness
            .machine
            .bill_vendors
            .rows
            .keys()
            .next()
            .copied()
            .unwrap_or_else(|| harness.vendor());
        let mut bill = json!({"vendorid": vendor, "issue_date": "2026-01-15", "due_offset_days": 60,
            "currency_code": "EUR",
            "language": "en", "bill_number": "R-2211", "lines": [{"categoryid": 3344,
            "description": "Fair booth",
            "quantity": "1", "unit_cost": {"amount": "900.00", "code": "EUR"}, "tax_name1": "MwSt",
            "tax_percent1": "19"}]});
        for (name, value) in changes.as_object().expect("an object") {
            bill[name] = value.clone();
        }
        json!({"bill": bill})
    }

    fn create(harness: &mut FreshBooksHarness, changes: Value) -> Value {
        let body = body(harness, changes);
        object(
            &harness.accounting("POST", "bills/bills", Some(body)),
            "bill",
        )
    }

    #[test]
    fn amounts_are_before_tax_tax_and_both() {
        let mut harness = FreshBooksHarness::new();
        let bill = create(&mut harness, json!({}));
        let amount = |name: &str| {
            bill[name]["amount"]
                .as_str()
                .map(str::to_owned)
                .unwrap_or_default()
        };
        assert_eq!(
            (
                amount("amount"),
                amount("tax_amount"),
                amount("total_amount")
            ),
            ("900.00".into(), "171.00".into(), "1071.00".into())
        );
        assert_eq!(
            (&bill["status"], &bill["due_date"]),
            (&json!("unpaid"), &json!("2026-03-16"))
        );
        assert_eq!(bill["lines"][0]["category"], "Travel");
        assert_eq!(bill["vendor"]["vendor_name"], "Northwind Paper");
        assert_eq!(bill["created_at"], "2026-03-02 15:00:00");
    }

    #[test]
    fn every_documented_field_is_required() {
        let mut harness = FreshBooksHarness::new();
        for field in [
            "vendorid",
            "issue_date",
            "due_offset_days",
            "currency_code",
            "language",
            "lines",
        ] {
            let body = body(&mut harness, json!({field: null}));
            assert_eq!(
                harness.refused("POST", "bills/bills", body),
                (422, 1001),
                "{field}"
            );
        }
        let body = body(
            &mut harness,
            json!({"lines": [{"description": "no category"}]}),
        );
        assert_eq!(harness.refused("POST", "bills/bills", body), (422, 1001));
    }

    #[test]
    fn totals_due_date_and_status_cannot_be_written() {
        let mut harness = FreshBooksHarness::new();
        for field in READ_ONLY {
            let body = body(&mut harness, json!({*field: "x"}));
            assert_eq!(
                harness.refused("POST", "bills/bills", body),
                (403, 1038),
                "{field}"
            );
        }
    }

    #[test]
    fn there_is_no_filter_by_date() {
        let mut harness = FreshBooksHarness::new();
        let bill = create(&mut harness, json!({}));
        let count = |harness: &mut FreshBooksHarness, filter: &str| {
            harness
                .listed(&format!("bills/bills?{filter}"), "bills")
                .len()
        };
        for ignored in [
            "search[updated_min]=2030-01-01",
            "search[date_min]=2030-01-01",
            "search[status]=paid",
        ] {
            assert_eq!(count(&mut harness, ignored), 1, "{ignored}");
        }
        assert_eq!(count(&mut harness, "search[statuses][]=paid"), 0);
        assert_eq!(
            count(&mut harness, &format!("search[ids][]={}", bill["id"])),
            1
        );
        assert_eq!(count(&mut harness, "search[currency_code]=USD"), 0);
    }

    #[test]
    fn lists_show_neither_lines_nor_numbers_unless_switched() {
        let mut harness = FreshBooksHarness::new();
        create(&mut harness, json!({}));
        let row = |harness: &mut FreshBooksHarness| {
            harness.listed("bills/bills?include[]=lines", "bills")[0].clone()
        };
        let bare = row(&mut harness);
        assert_eq!(
            (&bare["lines"], &bare["bill_number"]),
            (&json!([]), &json!(null))
        );
        assert_eq!(bare["total_amount"]["amount"], "1071.00");
        harness.machine.config.bill_lists_are_full = true;
        assert_eq!(row(&mut harness)["lines"][0]["description"], "Fair booth");
    }

    #[test]
    fn taxes_may_be_rounded_once_for_all_lines() {
        let mut harness = FreshBooksHarness::new();
        let line = json!({"categoryid": 3344, "unit_cost": "0.05", "tax_name1": "T",
            "tax_percent1": "10"});
        let lines = json!({"lines": [line, line]});
        let tax = |harness: &mut FreshBooksHarness| {
            create(harness, lines.clone())["tax_amount"]["amount"].clone()
        };
        assert_eq!(tax(&mut harness), "0.02");
        harness.machine.config.bill_tax_rounding = TaxRounding::Document;
        assert_eq!(tax(&mut harness), "0.01");
    }

    #[test]
    fn updates_change_the_status() {
        let mut harness = FreshBooksHarness::new();
        let bill = create(&mut harness, json!({}));
        let id = bill["id"].as_u64().expect("an id");
        let path = format!("bills/bills/{id}");
        let changed =
            harness.accounting("PUT", &path, Some(json!({"bill": {"due_offset_days": 1}})));
        assert_eq!(object(&changed, "bill")["status"], "overdue");
    }

    #[test]
    fn a_plan_without_bills_answers_200_with_an_error() {
        let mut harness = FreshBooksHarness::new();
        harness.machine.config.missing_features = vec![Feature::Bills];
        let response = harness.accounting("GET", "bills/bills", None);
        assert_eq!(
            (
                response.status,
                &response.value()["response"]["errors"][0]["errno"]
            ),
            (200, &json!(41001))
        );
    }

    #[test]
    fn lines_and_vendor_are_shown_when_they_are_included() {
        let mut harness = FreshBooksHarness::new();
        let bill = create(&mut harness, json!({}));
        assert!(bill["lines"].is_array() && bill["vendor"].is_object());
        let path = format!("bills/bills/{}", bill["id"]);
        let bare = object(&harness.accounting("GET", &path, None), "bill");
        assert!(bare.get("lines").is_none() && bare.get("vendor").is_none());
        let path_with = format!("{path}?include[]=lines&include[]=vendor");
        let whole = object(&harness.accounting("GET", &path_with, None), "bill");
        assert_eq!(whole, bill);
        assert_eq!(
            harness.listed("bills/bills", "bills")[0]["lines"],
            json!([])
        );
        harness.machine.config.single_bill_needs_include = false;
        let unasked = object(&harness.accounting("GET", &path, None), "bill");
        assert_eq!(unasked, bill);
    }

    #[test]
    fn ids_may_be_in_objects_alone() {
        let mut harness = FreshBooksHarness::new();
        let config = &mut harness.machine.config;
        config.bill_without_vendorid = true;
        config.bill_line_without_categoryid = true;
        config.brief_bill_vendor = true;
        let bill = create(&mut harness, json!({}));
        assert!(bill.get("vendorid").is_none() && bill["vendor"]["vendorid"].is_u64());
        assert!(bill["vendor"].get("country").is_none());
        let line = &bill["lines"][0];
        assert!(line.get("categoryid").is_none());
        assert_eq!(line["category"]["categoryid"], 3344);
    }

    #[test]
    fn amounts_have_two_digits_or_those_of_the_currency() {
        let mut harness = FreshBooksHarness::new();
        let line = json!({"currency_code": "KWD", "lines": [{"categoryid": 3344, "quantity": "1",
            "unit_cost": {"amount": "12.345", "code": "KWD"}}]});
        assert_eq!(
            create(&mut harness, line.clone())["total_amount"]["amount"],
            "12.35"
        );
        harness.machine.config.amounts_by_currency = true;
        assert_eq!(
            create(&mut harness, line)["total_amount"]["amount"],
            "12.345"
        );
    }

    #[test]
    fn category_may_be_an_object() {
        let mut harness = FreshBooksHarness::new();
        harness.machine.config.bill_category_as_object = true;
        assert_eq!(
            create(&mut harness, json!({}))["lines"][0]["category"]["categoryid"],
            3344
        );
    }
}
