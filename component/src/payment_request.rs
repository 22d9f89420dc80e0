//! An invoice or bill as a SAP Concur payment request: a pure translation that gathers every
//! problem.
//!
//! Every scalar on the wire is a JSON string, amounts included (source: concur-payment-request).

pub(crate) mod comparable;
pub(crate) mod diff;
mod lines;
mod precision;
mod sums;
pub(crate) mod unseen;

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use rust_decimal::Decimal;
use serde_json::{Map, Value, json};

use precision::Precision;

use crate::concur::VendorKey;
use crate::contract::types::{Note, Problem};
use crate::country;
use crate::freshbooks::{Document, Kind};
use crate::settings::Settings;
use crate::text::{clean, quoted, shortened};

/// The code of a document that comes to nothing.
pub(crate) const NOTHING_TO_PAY: &str = "nothing-to-pay";

// The longest values that Concur takes (source: concur-payment-request).
const NAME_CHARS_MAX: usize = 100;
const NUMBER_CHARS_MAX: usize = 50;
/// As much of a name is repeated in a problem's message.
const SHOWN_CHARS_MAX: usize = 60;

/// A payment request, ready but for its vendor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Translated {
    /// The number by which it is looked up.
    pub invoice_number: String,
    /// Text members of the header by name.
    pub header: BTreeMap<String, String>,
    /// The lines, in the document's order; a discount is the last one.
    pub lines: Vec<Line>,
}

/// A line of a payment request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Line {
    /// Text members by name.
    pub fields: BTreeMap<&'static str, String>,
    /// `TotalPrice`, which only a create takes.
    pub total: String,
    /// Its shares by cost code; they add up to 100 per cent.
    pub allocations: Vec<Allocation>,
}

/// A share of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Allocation {
    /// Per cent of the line, at most two digits after the point.
    pub percentage: String,
    /// The allocation field that holds cost codes.
    pub field: String,
    /// The cost code of its project; none where the line has no project.
    pub cost_code: Option<String>,
}

/// Translates a document. `projects` are the cost codes of projects that the settings do not name;
/// `marker` goes into the settings' marker field.
///
/// # Errors
///
/// Every problem found, each with the pointer into the FreshBooks document and the setting that
/// would help. To a host:
///
/// ```
/// use ml_connector_component::contract::mapping::Translation;
/// use ml_connector_component::mapping::preview;
/// use ml_connector_component::settings::Settings;
///
/// # const SETTINGS: &str =
/// #     include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/settings/minimal.json"));
/// let settings = Settings::load("acme", SETTINGS).expect("is right");
/// let invoice = r#"{"id": 7, "invoice_number": "2093", "customerid": 41, "country": "CA",
///     "create_date": "2026-02-27", "currency_code": "CAD",
///     "amount": {"amount": "5.00", "code": "CAD"},
///     "lines": [{"name": "Paper", "unit_cost": {"amount": "5.00", "code": "CAD"}}]}"#;
/// let taxed = invoice.replace(r#""name""#, r#""taxName1": "VAT", "taxAmount1": "20", "name""#);
/// let problems = preview(&settings, "invoice", &taxed).expect_err("has problems");
/// let tax = problems.iter().find(|problem| problem.code == "tax-unmapped").expect("is found");
/// assert!(tax.pointer.starts_with("/lines/0") && tax.message.contains("VAT"));
/// ```
pub(crate) fn translate(
    document: &Document,
    settings: &Settings,
    projects: &BTreeMap<String, String>,
    marker: &str,
) -> Result<Translated, Vec<Problem>> {
    let mut work = Work {
        document,
        settings,
        projects,
        precision: Precision::of(document),
        problems: document.problems.clone(),
    };
    let translated = work.translate(marker);
    if work.problems.is_empty() {
        Ok(translated)
    } else {
        Err(work.problems)
    }
}

/// Why there is nothing to pay of a document that comes to nothing. A total that is not known may
/// be something.
#[must_use]
pub(crate) fn nothing_to_pay(document: &Document) -> Option<Note> {
    let is_nothing = document.amounts_known && document.total.is_zero();
    is_nothing.then(|| nothing_to_pay_of(document.kind))
}

/// The same of a document that is known to come to nothing.
#[must_use]
pub(crate) fn nothing_to_pay_of(kind: Kind) -> Note {
    Note {
        code: NOTHING_TO_PAY.to_string(),
        message: format!(
            "the {} comes to 0.00 in FreshBooks, so there is nothing to pay",
            kind.name()
        ),
    }
}

/// The number by which the payment request of a document is known in SAP Concur.
#[must_use]
pub(crate) fn number_of(document: &Document) -> String {
    let number = document.number.as_deref().map(clean);
    let number = number.filter(|number| !number.is_empty());
    number.unwrap_or_else(|| {
        let kind = document.kind.name().to_ascii_uppercase();
        format!("FB-{kind}-{}", document.id)
    })
}

impl Translated {
    /// The body that creates it.
    #[must_use]
    pub(crate) fn to_create(&self, vendor: &VendorKey) -> String {
        let mut body = self.header_with(vendor);
        let lines = self.lines.iter().map(|line| {
            let mut item = line.to_json();
            item.insert("TotalPrice".to_string(), json!(line.total));
            Value::Object(item)
        });
        body.insert("LineItems".to_string(), lines.collect());
        Value::Object(body).to_string()
    }

    /// Whether a line has a cost code.
    #[must_use]
    pub(crate) fn has_cost_codes(&self) -> bool {
        let allocations = self.lines.iter().flat_map(|line| &line.allocations);
        allocations
            .into_iter()
            .any(|share| share.cost_code.is_some())
    }

    /// The header and vendor as JSON.
    #[must_use]
    pub(crate) fn header_with(&self, vendor: &VendorKey) -> Map<String, Value> {
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
    pub(crate) fn to_json(&self) -> Map<String, Value> {
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
        if let Some(code) = &self.cost_code {
            item.insert(self.field.clone(), json!(code));
        }
        Value::Object(item)
    }
}

struct Work<'a> {
    document: &'a Document,
    settings: &'a Settings,
    projects: &'a BTreeMap<String, String>,
    precision: Precision,
    problems: Vec<Problem>,
}

impl Work<'_> {
    fn translate(&mut self, marker: &str) -> Translated {
        self.currency();
        self.check_amount(self.document.kind.places().total, self.document.total);
        let priced = self.priced();
        self.check_owed();
        let tax_total: Decimal = priced.iter().map(|line| line.tax).sum();
        let invoice_number = self.invoice_number();
        let header = self.header(&invoice_number, tax_total, marker);
        let lines = priced.iter().map(|line| self.line(line, &priced)).collect();
        Translated {
            invoice_number,
            header,
            lines,
        }
    }

    /// A payment request asks for money to be paid; whoever owes less than nothing has a credit.
    fn check_owed(&mut self) {
        let (kind, total) = (self.document.kind, self.document.total);
        if !self.document.amounts_known || total >= Decimal::ZERO {
            return;
        }
        let message = format!(
            "the {name} comes to {total}, which is a credit, and a payment request asks for money \
             to be paid; enter the credit in SAP Concur by hand and leave this one as it is, or \
             correct the {name} in FreshBooks",
            name = kind.name()
        );
        self.report(kind.places().total, "total-below-zero", message);
    }

    fn currency(&mut self) {
        let currency = self.document.currency.as_str();
        let is_named = !currency.is_empty();
        if is_named && !self.settings.currencies.contains(currency) {
            let message = format!(
                "currency {} is not carried over; add it to `currencies`",
                quoted(currency, SHOWN_CHARS_MAX)
            );
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
        set("InvoiceAmount", self.precision.wire(document.total));
        set("TaxAmount", self.precision.wire(tax_total));
        set(
            &self.settings.payment_request.marker_field,
            marker.to_string(),
        );
        if let Some(due) = &document.due {
            set("PaymentDueDate", due.clone());
        }
        let issued_at = document.kind.places().issued;
        match &document.issued {
            Some(issued) => set("InvoiceDate", issued.clone()),
            None if self.is_reported(issued_at) => {}
            None => {
                let message = "the document has no date; enter it in FreshBooks".to_string();
                self.report(issued_at, "date-missing", message);
            }
        }
        if let Some(country) = self.country() {
            header.insert("CountryCode".to_string(), country);
        }
        header
    }

    fn country(&mut self) -> Option<String> {
        let kind = self.document.kind;
        let country = self.document.country.as_deref();
        let Some(name) = country.or(self.settings.vendor.default_country.as_deref()) else {
            // Where there is no other party, there is no record that a country could be entered in.
            if self.document.party.id.is_empty() {
                return None;
            }
            let message = format!(
                "the {} has no country of its {party} (a run looks at the {party} itself too); \
                 enter it there in FreshBooks or set `vendor.default_country`",
                kind.name(),
                party = kind.party_words()
            );
            self.report(kind.places().country, "country-missing", message);
            return None;
        };
        let code = country::code(name, &self.settings.countries);
        if code.is_none() {
            let message = country::unknown_message(name);
            self.report(kind.places().country, "country-unmapped", message);
        }
        code
    }

    fn invoice_number(&mut self) -> String {
        let number = number_of(self.document);
        if number.chars().count() > NUMBER_CHARS_MAX {
            let message = format!(
                "the number is longer than the {NUMBER_CHARS_MAX} characters that SAP Concur \
                 stores; shorten it in FreshBooks"
            );
            self.report(
                self.document.kind.places().number,
                "number-too-long",
                message,
            );
        }
        number
    }

    /// Whether reading the document has found something wrong there already.
    fn is_reported(&self, pointer: &str) -> bool {
        let mut problems = self.document.problems.iter();
        problems.any(|problem| problem.pointer == pointer)
    }

    fn report(&mut self, pointer: &str, code: &str, message: String) {
        self.problems.push(Problem {
            pointer: pointer.to_string(),
            code: code.to_string(),
            message,
        });
    }
}

#[cfg(test)]
mod tests;
