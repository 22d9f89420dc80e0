//! An invoice or bill as a SAP Concur payment request: a pure translation that gathers every problem.
//!
//! Every scalar on the wire is a JSON string, amounts included. (Concur docs, payment request.)

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;

use rust_decimal::Decimal;
use serde_json::{Map, Value, json};

use crate::concur::VendorKey;
use crate::contract::types::Problem;
use crate::document::{Document, Kind, Line as Source};
use crate::settings::Settings;
use crate::text::{clean, shortened};
use crate::{country, money};

const NAME_CHARS_MAX: usize = 100;
const NUMBER_CHARS_MAX: usize = 50;
const DESCRIPTION_CHARS_MAX: usize = 255;
const LINES_MAX: usize = 500;

/// A payment request, ready but for its vendor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Translated {
    /// The number by which it is looked up.
    pub invoice_number: String,
    /// Text members of the header by name.
    pub header: BTreeMap<String, String>,
    /// The lines.
    pub lines: Vec<Line>,
}

/// A line of a payment request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Text members by name.
    pub fields: BTreeMap<&'static str, String>,
    /// `TotalPrice`, which only a create takes.
    pub total: String,
    /// The field that holds the cost code, and the code.
    pub allocations: Vec<Allocation>,
}

/// A share of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allocation {
    /// Per cent of the line, at most two digits after the point.
    pub percentage: String,
    /// The allocation field and the cost code in it.
    pub cost_code: Option<(String, String)>,
}

/// Translates a document. `marker` goes into the settings' marker field.
///
/// # Errors
///
/// Every problem found, each with the pointer into the FreshBooks document and the setting that would help.
pub fn translate(
    document: &Document,
    settings: &Settings,
    marker: &str,
) -> Result<Translated, Vec<Problem>> {
    let mut work = Work {
        document,
        settings,
        minor_units: 0,
        problems: document.problems.clone(),
    };
    let translated = work.translate(marker);
    if work.problems.is_empty() {
        Ok(translated)
    } else {
        Err(work.problems)
    }
}

impl Translated {
    /// The body that creates it.
    #[must_use]
    pub fn to_create(&self, vendor: &VendorKey) -> String {
        let mut body = self.header_with(vendor);
        let lines = self.lines.iter().map(|line| {
            let mut item = line.to_json();
            item.insert("TotalPrice".to_string(), json!(line.total));
            Value::Object(item)
        });
        body.insert("LineItems".to_string(), lines.collect());
        Value::Object(body).to_string()
    }

    /// The header and vendor as JSON.
    #[must_use]
    pub fn header_with(&self, vendor: &VendorKey) -> Map<String, Value> {
        let mut body: Map<String, Value> = self
            .header
            .iter()
            .map(|(name, value)| (name.clone(), json!(value)))
            .collect();
        let identifier = json!({"VendorCode": vendor.code, "AddressCode": vendor.address});
        body.insert("VendorRemitToIdentifier".to_string(), identifier);
        body
    }
}

impl Line {
    /// The line as JSON, without its total.
    #[must_use]
    pub fn to_json(&self) -> Map<String, Value> {
        let mut item: Map<String, Value> = self
            .fields
            .iter()
            .map(|(name, value)| (name.to_string(), json!(value)))
            .collect();
        let allocations = self.allocations.iter().map(Allocation::to_json);
        item.insert("Allocations".to_string(), allocations.collect());
        item
    }
}

impl Allocation {
    fn to_json(&self) -> Value {
        let mut item = Map::new();
        item.insert("Percentage".to_string(), json!(self.percentage));
        if let Some((field, code)) = &self.cost_code {
            item.insert(field.clone(), json!(code));
        }
        Value::Object(item)
    }
}

struct Work<'a> {
    document: &'a Document,
    settings: &'a Settings,
    minor_units: u32,
    problems: Vec<Problem>,
}

/// A line with its money.
struct Priced<'a> {
    source: Option<&'a Source>,
    pointer: String,
    net: Decimal,
    tax: Decimal,
}

impl<'a> Work<'a> {
    fn translate(&mut self, marker: &str) -> Translated {
        self.currency();
        self.check_amount("/amount", self.document.total);
        let priced = self.priced();
        let tax_total: Decimal = priced.iter().map(|line| line.tax).sum();
        let invoice_number = self.invoice_number();
        let header = self.header(&invoice_number, tax_total, marker);
        let lines = priced.iter().map(|line| self.line(line)).collect();
        Translated {
            invoice_number,
            header,
            lines,
        }
    }

    fn currency(&mut self) {
        let currency = self.document.currency.as_str();
        self.minor_units = money::minor_units(currency).unwrap_or(2);
        if !self.settings.currencies.contains(currency) {
            let message =
                format!("currency \"{currency}\" is not carried over; add it to `currencies`");
            self.report("/currency_code", "currency-unmapped", message);
        }
    }

    fn header(
        &mut self,
        invoice_number: &str,
        tax_total: Decimal,
        marker: &str,
    ) -> BTreeMap<String, String> {
        let document = self.document;
        let mut header = self.settings.payment_request.owner.clone();
        let mut set = |name: &str, value: String| {
            header.insert(name.to_string(), value);
        };
        let party = document
            .party_name
            .as_deref()
            .map(clean)
            .unwrap_or_default();
        set(
            "Name",
            shortened(format!("{invoice_number} {party}").trim(), NAME_CHARS_MAX),
        );
        set("InvoiceNumber", invoice_number.to_string());
        set("CurrencyCode", document.currency.clone());
        set(
            "InvoiceAmount",
            money::wire(document.total, self.minor_units),
        );
        set("TaxAmount", money::wire(tax_total, self.minor_units));
        set(
            &self.settings.payment_request.marker_field,
            marker.to_string(),
        );
        if let Some(due) = &document.due {
            set("PaymentDueDate", due.clone());
        }
        match &document.issued {
            Some(issued) => set("InvoiceDate", issued.clone()),
            None => self.report("", "date-missing", "the document has no date".to_string()),
        }
        if let Some(country) = self.country() {
            header.insert("CountryCode".to_string(), country);
        }
        header
    }

    fn country(&mut self) -> Option<String> {
        let country = self.document.country.as_deref();
        let Some(name) = country.or(self.settings.vendor.default_country.as_deref()) else {
            let message = format!(
                "the {} has no country; fill it in FreshBooks or set `vendor.default_country`",
                self.document.kind.party()
            );
            self.report("/country", "country-missing", message);
            return None;
        };
        let code = country::code(name, &self.settings.countries);
        if code.is_none() {
            let message = format!("\"{name}\" is no country that we know; add it to `countries`");
            self.report("/country", "country-unmapped", message);
        }
        code
    }

    fn invoice_number(&mut self) -> String {
        let number = self
            .document
            .number
            .as_deref()
            .map(clean)
            .filter(|number| !number.is_empty());
        let number = number.unwrap_or_else(|| {
            format!(
                "FB-{}-{}",
                self.document.kind.name().to_ascii_uppercase(),
                self.document.id
            )
        });
        if number.chars().count() > NUMBER_CHARS_MAX {
            let message = format!(
                "the number is longer than the {NUMBER_CHARS_MAX} characters that SAP Concur keeps"
            );
            self.report("/number", "number-too-long", message);
        }
        number
    }

    /// The lines with their net amounts and taxes, which add up to the document's total.
    fn priced(&mut self) -> Vec<Priced<'a>> {
        let document = self.document;
        if document.lines.is_empty() || document.lines.len() > LINES_MAX {
            let message = format!(
                "the document has {} lines; 1 to {LINES_MAX} can be carried over",
                document.lines.len()
            );
            self.report("/lines", "line-count", message);
            return Vec::new();
        }
        let mut priced: Vec<_> = (0..)
            .zip(&document.lines)
            .map(|(index, line)| self.price(index, line))
            .collect();
        if !document.discount.is_zero() {
            priced.push(self.discount(&priced));
        }
        self.close(&mut priced);
        priced
    }

    fn price(&mut self, index: u32, line: &'a Source) -> Priced<'a> {
        let pointer = format!("/lines/{index}");
        let product = line
            .quantity
            .checked_mul(line.unit_cost)
            .unwrap_or_default();
        let net = line
            .amount
            .unwrap_or_else(|| money::round(product, self.minor_units));
        self.check_amount(&pointer, net);
        if (net - product).abs() > money::cent(self.minor_units) {
            let message = format!(
                "{} x {} is not the line's amount {net}",
                line.quantity, line.unit_cost
            );
            self.report(&pointer, "line-amount-mismatch", message);
        }
        Priced {
            source: Some(line),
            tax: money::round(tax_of(line, net), self.minor_units),
            net,
            pointer,
        }
    }

    /// FreshBooks takes the discount off before taxes, in the same share from every line.
    fn discount(&self, lines: &[Priced]) -> Priced<'a> {
        let net: Decimal = lines.iter().map(|line| line.net).sum();
        let tax: Decimal = lines.iter().map(|line| line.tax).sum();
        let share = self.document.discount.checked_div(net).unwrap_or_default();
        Priced {
            source: None,
            pointer: "/discount_total".to_string(),
            net: -self.document.discount,
            tax: -money::round(tax.checked_mul(share).unwrap_or_default(), self.minor_units),
        }
    }

    /// Puts the cents that rounding leaves over on the last taxed line, or says that the document does not add up.
    fn close(&mut self, lines: &mut [Priced]) {
        let sum: Decimal = lines.iter().map(|line| line.net + line.tax).sum();
        let gap = self.document.total - sum;
        let taxed = lines.iter().filter(|line| !line.tax.is_zero()).count();
        let tolerance = money::cent(self.minor_units) * Decimal::from(taxed.max(1));
        if gap.abs() > tolerance || (taxed == 0 && !gap.is_zero()) {
            let message = format!(
                "the lines, taxes and discount come to {sum}, the document says {}: {gap} apart",
                self.document.total
            );
            self.report("", "total-mismatch", message);
            return;
        }
        if let Some(line) = lines.iter_mut().rev().find(|line| !line.tax.is_zero()) {
            line.tax += gap;
        }
    }

    fn line(&mut self, line: &Priced) -> Line {
        let Some(source) = line.source else {
            return self.discount_line(line);
        };
        let name = source.name.as_deref().map(clean).unwrap_or_default();
        let described = source.description.as_deref().map(clean).unwrap_or_default();
        let description = match (name.is_empty(), described.is_empty()) {
            (false, false) if name != described => format!("{name}: {described}"),
            (false, _) => name,
            (true, _) => described,
        };
        let mut fields = self.money_fields(line, source.quantity, source.unit_cost, &description);
        self.tax_codes(&line.pointer, source, &mut fields);
        if let Some(code) = self.expense_type(&line.pointer, source) {
            fields.insert("ExpenseTypeCode", code);
        }
        let cost_code = self.cost_code(&line.pointer, source);
        Line {
            fields,
            total: money::wire(line.net, self.minor_units),
            allocations: vec![self.allocation("100".to_string(), cost_code)],
        }
    }

    fn discount_line(&mut self, line: &Priced) -> Line {
        let mut fields = self.money_fields(line, Decimal::ONE, line.net, "Discount");
        let first = self.document.lines.first();
        if let Some(code) = first.and_then(|first| self.expense_type(&line.pointer, first)) {
            fields.insert("ExpenseTypeCode", code);
        }
        Line {
            fields,
            total: money::wire(line.net, self.minor_units),
            allocations: self.shared_allocations(),
        }
    }

    fn money_fields(
        &self,
        line: &Priced,
        quantity: Decimal,
        unit_price: Decimal,
        description: &str,
    ) -> BTreeMap<&'static str, String> {
        let description = if description.is_empty() {
            "-"
        } else {
            description
        };
        BTreeMap::from([
            ("Description", shortened(description, DESCRIPTION_CHARS_MAX)),
            ("Quantity", money::plain(quantity)),
            ("UnitPrice", money::plain(unit_price)),
            ("Tax", money::wire(line.tax, self.minor_units)),
        ])
    }

    fn tax_codes(
        &mut self,
        pointer: &str,
        source: &Source,
        fields: &mut BTreeMap<&'static str, String>,
    ) {
        for (place, tax) in ["TaxCode", "TaxCode2"].into_iter().zip(&source.taxes) {
            match self.settings.taxes.get(&tax.name) {
                Some(code) => {
                    fields.insert(place, code.clone());
                }
                None => {
                    let message = format!(
                        "tax \"{}\" has no Concur tax code; add it to `taxes`",
                        tax.name
                    );
                    self.report(pointer, "tax-unmapped", message);
                }
            }
        }
    }

    fn expense_type(&mut self, pointer: &str, source: &Source) -> Option<String> {
        let types = &self.settings.expense_types;
        let by_category = source
            .category
            .as_ref()
            .and_then(|id| types.by_category.get(id));
        let by_item = source
            .name
            .as_ref()
            .and_then(|name| types.by_item.get(name.trim()));
        let code = by_category.or(by_item).or(types.default.as_ref());
        if code.is_none() {
            let (what, setting) = match (&source.category, &source.name) {
                (Some(id), _) if self.document.kind == Kind::Bill => (
                    format!("expense category {id}"),
                    "expense_types.by_category",
                ),
                (_, Some(name)) => (format!("item \"{name}\""), "expense_types.by_item"),
                _ => ("this line".to_string(), "expense_types.default"),
            };
            let message = format!("{what} has no Concur expense type; add it to `{setting}`");
            self.report(pointer, "expense-type-unmapped", message);
        }
        code.cloned()
    }

    fn cost_code(&mut self, pointer: &str, source: &Source) -> Option<String> {
        let project = source.project.as_ref()?;
        let code = self.settings.projects.get(project);
        if code.is_none() {
            let message =
                format!("project {project} has no Concur cost code; add it to `projects`");
            self.report(pointer, "project-unmapped", message);
        }
        code.cloned()
    }

    fn allocation(&self, percentage: String, cost_code: Option<String>) -> Allocation {
        let field = &self.settings.payment_request.cost_code_field;
        Allocation {
            percentage,
            cost_code: cost_code.map(|code| (field.clone(), code)),
        }
    }

    /// The discount on the cost codes of the lines, by their shares; the last one takes what rounding leaves.
    fn shared_allocations(&self) -> Vec<Allocation> {
        let mut shares: BTreeMap<Option<String>, Decimal> = BTreeMap::new();
        for line in &self.document.lines {
            let project = line.project.as_ref();
            let code = project
                .and_then(|id| self.settings.projects.get(id))
                .cloned();
            *shares.entry(code).or_default() += line.amount.unwrap_or_default().abs();
        }
        let whole: Decimal = shares.values().sum();
        let hundred = Decimal::ONE_HUNDRED;
        let last = shares.len().saturating_sub(1);
        let mut left = hundred;
        let mut allocations = Vec::new();
        for (index, (code, share)) in shares.into_iter().enumerate() {
            let percent = (share * hundred)
                .checked_div(whole)
                .unwrap_or(hundred)
                .round_dp(2);
            let percent = if index == last { left } else { percent };
            left -= percent;
            if !percent.is_zero() {
                allocations.push(self.allocation(money::plain(percent), code));
            }
        }
        allocations
    }

    fn check_amount(&mut self, pointer: &str, amount: Decimal) {
        if !money::fits(amount, self.minor_units) {
            let message = format!(
                "{amount} has more digits after the point than {} allows ({})",
                self.document.currency, self.minor_units
            );
            self.report(pointer, "too-precise", message);
        }
    }

    fn report(&mut self, pointer: &str, code: &str, message: String) {
        self.problems.push(Problem {
            pointer: pointer.to_string(),
            code: code.to_string(),
            message,
        });
    }
}

fn tax_of(line: &Source, net: Decimal) -> Decimal {
    let mut total = Decimal::ZERO;
    for tax in &line.taxes {
        let base = if line.compound { net + total } else { net };
        let part = base.checked_mul(tax.percent).unwrap_or_default() / Decimal::ONE_HUNDRED;
        total += part;
    }
    total
}
